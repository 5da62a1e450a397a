// Goal: no bytes that a client can send make a handler crash, answer without bound, or end with a
// status that means a fault of ours. Method: fault. 20,000 payloads with a fixed seed, mutated from
// well-formed requests, given to the handlers of both services as gRPC gives them (what protobuf
// does not parse, gRPC itself refuses). In the test program and not as a libFuzzer target: the fuzz
// preset builds without gRPC, and under the sanitizers that it uses, clang's protobuf is not at
// hand.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <random>

#include <proto/calx/v1/calx.grpc.pb.h>
#include <proto/hasher/v1/hasher.grpc.pb.h>
#include "calx/hash/software_engine.h"
#include "calx/remote/calx_service.h"
#include "calx/remote/hasher_service.h"
#include "calx/signal/batcher.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::remote {
namespace {

namespace peer = ::hasher::v1;
using grpc::StatusCode;

constexpr int kPayloads = 20'000;
constexpr std::size_t kReplyBeside = 512;  // bytes of a reply beside its digests or nonces

// Looks at what reaches it, and answers at once.
class CheckingRunner final : public work::JobRunner {
 public:
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kSoftware; }
  Result<work::FoundShare> run(const work::Job& job, std::stop_token) override {
    EXPECT_TRUE(work::check(job)) << "a job that does not hold came through";
    ++jobs;
    return fail(ErrorCode::kDeadlineExceeded, "nothing is searched here");
  }
  int jobs = 0;
};

class CheckingScanner final : public hash::HeaderScanner {
 public:
  CheckingScanner() { info_.name = "checking", info_.origin = Origin::kSoftware; }
  [[nodiscard]] const hash::EngineInfo& info() const noexcept override { return info_; }
  Result<hash::ScanReport> scan(const hash::ScanRequest& request, std::stop_token stop) override {
    ++scans;
    hash::ScanRequest bounded = request;  // the same checks, a bounded search
    if (bounded.nonce_last >= bounded.nonce_first) {
      bounded.nonce_last = std::min(bounded.nonce_last, bounded.nonce_first | 0xffU);
    }
    return scanner_.scan(bounded, stop);
  }
  int scans = 0;

 private:
  hash::SoftwareScanner scanner_;
  hash::EngineInfo info_;
};

class Mutator {
 public:
  explicit Mutator(std::uint32_t seed) : random_(seed) {}

  std::string operator()(std::string payload) {
    for (std::uint32_t n = 1 + below(4); n > 0; --n) {
      const std::size_t at =
          payload.empty() ? 0 : below(static_cast<std::uint32_t>(payload.size()));
      switch (below(6)) {
        case 0:
          if (!payload.empty()) payload[at] = static_cast<char>(random_());
          break;
        case 1:
          if (!payload.empty()) payload[at] ^= static_cast<char>(1U << below(8));
          break;
        case 2:
          payload.resize(at);
          break;
        case 3:
          payload.insert(at, below(64), static_cast<char>(random_()));
          break;
        case 4:
          payload += payload.substr(at);  // fields again: the last one counts, or the list grows
          break;
        default:
          if (!payload.empty()) payload.erase(at, below(16));
          break;
      }
    }
    return payload;
  }
  std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(random_() % end); }

 private:
  std::mt19937 random_;
};

bool of_the_request(StatusCode code) {
  switch (code) {
    case StatusCode::OK:
    case StatusCode::INVALID_ARGUMENT:
    case StatusCode::NOT_FOUND:
    case StatusCode::RESOURCE_EXHAUSTED:
    case StatusCode::DEADLINE_EXCEEDED:
      return true;
    default:
      return false;
  }
}

class PayloadTest : public testing::Test {
 protected:
  PayloadTest() {
    batcher_ = std::make_unique<signal::Batcher>(
        work::software_runner(), signal::BatcherOptions{.target = *work::Target::from_work_bits(1),
                                                        .window = std::chrono::microseconds(1)});
    state_ = std::make_unique<ServerState>(ServerOptions{}, ServerParts{.digests = &digests_,
                                                                        .scanner = &scanner_,
                                                                        .runner = &runner_,
                                                                        .batcher = batcher_.get()});
    calx_service_ = make_calx_service(*state_);
    hasher_service_ = make_hasher_service(*state_);
    calx_ = dynamic_cast<v1::Calx::Service*>(calx_service_.get());
    hasher_ = dynamic_cast<peer::hasherService::Service*>(hasher_service_.get());
  }

  // Mutants of `seed`, `count` of them; `bytes_max` bounds the reply to a request.
  template <class Request, class Reply, class Method, class Bound>
  void feed(const Request& seed, int count, Method&& method, Bound&& bytes_max) {
    const std::string payload = seed.SerializeAsString();
    const StatusCode first = call<Request, Reply>(payload, method, bytes_max);
    ASSERT_EQ(first, StatusCode::OK) << "the seed itself";
    for (int i = 0; i < count; ++i) {
      const std::string mutant = mutate_(payload);
      const StatusCode code = call<Request, Reply>(mutant, method, bytes_max);
      ASSERT_TRUE(of_the_request(code)) << code << " for " << mutant.size() << " bytes";
    }
  }

  template <class Request, class Reply, class Method, class Bound>
  StatusCode call(const std::string& payload, Method& method, Bound& bytes_max) {
    Request request;
    ++fed_;
    if (!request.ParseFromString(payload)) return StatusCode::INVALID_ARGUMENT;
    ++parsed_;
    grpc::ServerContext context;
    Reply reply;
    const grpc::Status status = method(&context, &request, &reply);
    EXPECT_LE(reply.ByteSizeLong(), bytes_max(request) + kReplyBeside);
    EXPECT_LE(status.error_message().size(), kReplyBeside);
    return status.error_code();
  }

  hash::SoftwareDigestEngine digests_;
  CheckingScanner scanner_;
  CheckingRunner runner_;
  std::unique_ptr<signal::Batcher> batcher_;
  std::unique_ptr<ServerState> state_;
  std::unique_ptr<grpc::Service> calx_service_, hasher_service_;
  v1::Calx::Service* calx_ = nullptr;
  peer::hasherService::Service* hasher_ = nullptr;
  Mutator mutate_{20'000};
  int fed_ = 0, parsed_ = 0;
};

constexpr auto kNothing = [](const auto&) { return std::size_t{0}; };

TEST_F(PayloadTest, NoPayloadBringsDownAHandlerOrGrowsItsReply) {
  ASSERT_NE(calx_, nullptr);
  ASSERT_NE(hasher_, nullptr);
  constexpr int kEach = kPayloads / 8;
  v1::DigestRequest listed, packed;
  for (int i = 0; i < 5; ++i) listed.add_messages("message " + std::to_string(i));
  packed.set_packed(std::string(96, 'p')), packed.set_packed_bytes(8), packed.set_request_id(1);
  const auto digest = [&](auto... a) { return calx_->Digest(a...); };
  const auto digest_bytes = [](const v1::DigestRequest& request) {
    return 32 * std::max<std::size_t>(static_cast<std::size_t>(request.messages_size()),
                                      request.packed().size());
  };
  feed<v1::DigestRequest, v1::DigestReply>(listed, kEach, digest, digest_bytes);
  feed<v1::DigestRequest, v1::DigestReply>(packed, kEach, digest, digest_bytes);

  v1::ScanRequest scan;
  scan.set_header(std::string(80, 'h')), scan.set_target(std::string(32, '\xff'));
  scan.set_nonce_last(200), scan.set_nonces_max(50), scan.set_timeout_ms(50);
  feed<v1::ScanRequest, v1::ScanReply>(
      scan, kEach, [&](auto... a) { return calx_->Scan(a...); },
      [](const auto&) { return std::size_t{256 * 5}; });
  EXPECT_GT(scanner_.scans, 0);

  v1::StampRequest stamp;
  stamp.set_id(std::string(32, 'i')), stamp.set_commitment(std::string(32, 'c'));
  feed<v1::StampRequest, v1::StampReply>(
      stamp, kEach, [&](auto... a) { return calx_->Stamp(a...); },
      [](const auto&) { return std::size_t{4096}; });

  peer::ComputeBatchRequest batch;
  for (int i = 0; i < 5; ++i) batch.add_data("item " + std::to_string(i));
  feed<peer::ComputeBatchRequest, peer::ComputeBatchResponse>(
      batch, kEach, [&](auto... a) { return hasher_->ComputeBatch(a...); },
      [](const auto& request) { return static_cast<std::size_t>(request.data_size()) * 34; });
  peer::ComputeHashRequest one;
  one.set_data("data");
  feed<peer::ComputeHashRequest, peer::ComputeHashResponse>(
      one, kEach, [&](auto... a) { return hasher_->ComputeHash(a...); }, kNothing);
  peer::MineWorkRequest mine;
  std::string header(80, 'h');
  header.replace(72, 4, "\xff\xff\x7f\x20");  // bits that every second hash meets
  mine.set_header(header), mine.set_nonce_end(100);
  feed<peer::MineWorkRequest, peer::MineWorkResponse>(
      mine, kEach, [&](auto... a) { return hasher_->MineWork(a...); }, kNothing);
}

TEST_F(PayloadTest, NoPayloadOfRunReachesAnEngineUnlessItIsAJob) {
  const work::Job job = work::template_job({}, *work::Target::from_work_bits(8));
  const std::string payload = to_wire(job).SerializeAsString();
  const auto run = [&](auto... a) { return calx_->Run(a...); };
  EXPECT_EQ((call<v1::RunRequest, v1::RunReply>(payload, run, kNothing)),
            StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(runner_.jobs, 1);
  for (int i = 0; i < kPayloads / 8; ++i) {
    const StatusCode code = call<v1::RunRequest, v1::RunReply>(mutate_(payload), run, kNothing);
    ASSERT_TRUE(of_the_request(code)) << code;
  }
  EXPECT_GT(parsed_, fed_ / 20) << "too few mutants got past the parser to mean anything";
}

// Replies, too, come from the network: what a hostile server sends is an error, never a crash.
TEST_F(PayloadTest, NoReplyOfAServerBringsDownAClient) {
  signal::AcceptedRequest request;
  v1::StampRequest wanted;
  wanted.set_id(std::string(32, 'i')), wanted.set_commitment(std::string(32, 'c'));
  grpc::ServerContext context;
  v1::StampReply reply;
  ASSERT_TRUE(calx_->Stamp(&context, &wanted, &reply).ok());
  const std::string payload = reply.SerializeAsString();
  int held = 0;
  for (int i = 0; i < kPayloads / 8; ++i) {
    v1::StampReply mutant;
    if (!mutant.ParseFromString(mutate_(payload))) continue;
    const auto stamped = from_wire(mutant);
    if (!stamped) {
      EXPECT_EQ(stamped.error().code, ErrorCode::kDataLoss);
      continue;
    }
    if (work::check(*stamped->stamp)) ++held;
    (void)work::root_of(request.commitment, stamped->path, stamped->stamp->leaves);
  }
  EXPECT_GT(held, 0) << "some mutants change nothing that is checked";
}

}  // namespace
}  // namespace calx::remote
