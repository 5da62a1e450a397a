// usage: node foreign_client.js FOLDER PORT WORKER TOKEN
// Drives npm's stratum-client from FOLDER; searches every job with node's SHA-256.
const [folder, port, worker, password] = process.argv.slice(2);
const { createHash } = require("crypto");
const client = require(folder + "/node_modules/stratum-client");

const sha256d = (bytes) => {
  const once = createHash("sha256").update(bytes).digest();
  return createHash("sha256").update(once).digest();
};
const little = (word) => Buffer.from(word, "hex").reverse();
const kOne = 0xffffn << 208n;

let job = null;
let nonce = 0;
let target = 0n;
let asked = false;

function take(work) {
  const extranonce2 = "00".repeat(work.extraNonce2Size);
  const coinbase = work.coinb1 + work.extraNonce1 + extranonce2 + work.coinb2;
  let root = sha256d(Buffer.from(coinbase, "hex"));
  for (const branch of work.merkle_branch) {
    root = sha256d(Buffer.concat([root, Buffer.from(branch, "hex")]));
  }
  const previous = Buffer.from(work.prevhash, "hex").swap32();
  const header = Buffer.concat([little(work.version), previous, root, little(work.ntime),
                                little(work.nbits), Buffer.alloc(4)]);
  // 2^-k as a fraction of integers, so that the target is exact.
  target = work.miningDiff >= 1 ? kOne / BigInt(work.miningDiff)
                                : kOne * BigInt(Math.round(1 / work.miningDiff));
  job = { id: work.jobId, ntime: work.ntime, extranonce2, header };
  nonce = 0;
}

function search() {
  for (let tries = 0; job !== null && tries < 2000; ++tries, ++nonce) {
    job.header.writeUInt32LE(nonce, 76);
    const hash = BigInt("0x" + Buffer.from(sha256d(job.header)).reverse().toString("hex"));
    if (hash > target) continue;
    miner.submit({ worker_name: worker, job_id: job.id, extranonce2: job.extranonce2,
                   ntime: job.ntime, nonce: nonce.toString(16).padStart(8, "0") });
    ++nonce;
    break;
  }
  setTimeout(search, 0);
}

const miner = client({
  server: "127.0.0.1",
  port: Number(port),
  worker,
  password,
  autoReconnectOnError: false,
  onAuthorizeSuccess: () => console.log("authorized"),
  onAuthorizeFail: () => process.exit(1),
  onNewMiningWork: (work) => {
    take(work);
    if (asked) return;
    asked = true;
    miner.submit([worker, work.jobId, "0000000000000000", work.ntime, "00000000"]);
    search();
  },
  onSubmitWorkSuccess: () => console.log("accepted"),
  onSubmitWorkFail: (error) => console.log("refused as it should be:", error[0], error[1]),
  onClose: () => process.exit(0),
});
