// SHA-256 against OpenSSL and against mining programs. The bars hold on CPUs with SHA-NI.
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <memory>
#include <thread>

#include "bench/cases.h"
#include "bench/miner.h"
#include "bench/openssl_rival.h"
#include "calx/base/hex.h"
#include "calx/hash/big_endian.h"
#include "calx/hash/counter.h"
#include "calx/hash/kernel.h"
#include "calx/hash/sha256.h"

namespace calx::bench {
namespace {

constexpr std::uint32_t kRows = 64, kGroups = 128;  // 8,192 blocks: 256 KiB of output stay in L2
constexpr std::size_t kBlocks = std::size_t{kRows} * kGroups;
constexpr int kMinerSeconds = 10;

std::string kernel_name(hash::Operation operation) {
  return std::string(hash::active_kernel(operation).name);
}

Result<void> same(bool equal, std::string_view what) {
  if (!equal) return fail(ErrorCode::kDataLoss, fmt::format("{}: our digests differ", what));
  return {};
}

hash::CounterRows counter_rows(std::uint64_t salt) {
  hash::CounterRows rows{
      .word10 = 3, .row_first = 5, .row_count = kRows, .group_first = 7, .group_count = kGroups};
  for (std::uint32_t i = 0; i < 8; ++i)
    rows.key[i] = static_cast<std::uint32_t>(salt * 0x9e3779b97f4a7c15u >> 32) + i;
  return rows;
}

struct CounterPanel {
  std::vector<std::uint32_t> words = std::vector<std::uint32_t>(kBlocks * 8);
  std::vector<hash::Digest> digests = std::vector<hash::Digest>(kBlocks);

  double expand(std::uint64_t rounds, std::uint64_t salt) {
    return timed([&] {
      for (std::uint64_t i = 0; i < rounds; ++i) hash::expand(counter_rows(salt + i), words);
    });
  }
};

Case counter_case(OpensslStyle style, std::string_view variant, std::string_view calls,
                  double bar) {
  const auto panel = std::make_shared<CounterPanel>();
  Case work;
  work.name = fmt::format("hash/counter/openssl-{}", variant);
  work.item = "block";
  work.items_per_round = kBlocks;
  work.bar = bar;
  work.ours = {"expand, " + kernel_name(hash::Operation::kExpand),
               [panel](std::uint64_t rounds, std::uint64_t salt) {
                 return Result<double>(panel->expand(rounds, salt));
               }};
  work.rival = {fmt::format("OpenSSL {}, 52 bytes", calls),
                [panel, style](std::uint64_t rounds, std::uint64_t salt) {
                  return Result<double>(timed([&] {
                    for (std::uint64_t i = 0; i < rounds; ++i)
                      openssl_expand(style, counter_rows(salt + i), panel->digests);
                  }));
                }};
  work.check = [panel, style, name = work.name]() -> Result<void> {
    hash::expand(counter_rows(11), panel->words);
    openssl_expand(style, counter_rows(11), panel->digests);
    for (std::size_t i = 0; i < panel->words.size(); ++i)
      CALX_TRY(same(panel->words[i] == hash::load_be32(&panel->digests[i / 8][i % 8 * 4]), name));
    return {};
  };
  return work;
}

// While it lives, the calling thread stays on one of the cores that the process may use.
class Pinned {
 public:
  Pinned(const cpu_set_t& allowed, int nth) : before_(allowed) {
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &allowed) && nth-- == 0) CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
  }
  ~Pinned() { sched_setaffinity(0, sizeof before_, &before_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_;
};

// A thread for each of the first `threads` cores; left to itself, the scheduler of a busy machine
// keeps two short threads on one core.
double expand_on_cores(std::array<CounterPanel, 2>& panels, std::size_t threads,
                       std::uint64_t rounds, std::uint64_t salt) {
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  const auto count = static_cast<std::ptrdiff_t>(threads);
  using Clock = std::chrono::steady_clock;
  std::barrier together(count);
  std::array<Clock::time_point, 2> begins, ends;
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < threads; ++i)
    workers.emplace_back([&, i] {
      const Pinned pinned(allowed, static_cast<int>(i));
      together.arrive_and_wait();
      begins[i] = Clock::now();
      panels[i].expand(rounds / threads, salt + i);
      ends[i] = Clock::now();
    });
  workers.clear();
  const auto begin = *std::min_element(begins.begin(), begins.begin() + count);
  const auto end = *std::max_element(ends.begin(), ends.begin() + count);
  return std::chrono::duration<double>(end - begin).count();
}

Case two_cores_case(unsigned cores) {
  const auto panels = std::make_shared<std::array<CounterPanel, 2>>();
  Case work;
  work.name = "hash/counter/two-cores";
  work.item = "block";
  work.items_per_round = 2 * kBlocks;
  work.bar = 1.9;
  if (cores < 2) work.missing = "this process may use one core only";
  const auto on = [panels](std::size_t threads) {
    return [panels, threads](std::uint64_t rounds, std::uint64_t salt) {
      return Result<double>(expand_on_cores(*panels, threads, 2 * rounds, salt));
    };
  };
  work.ours = {"expand, 2 threads on 2 cores", on(2)};
  work.rival = {"expand, 1 thread on 1 core", on(1)};
  work.check = [] { return Result<void>(); };  // counter_case has checked the digests
  return work;
}

// Digests of messages of one length, a multiple of 64, that lie one after another.
void digest_many(std::span<const std::uint8_t> messages, std::size_t length,
                 std::span<hash::Digest> digests) {
  const hash::Kernel& kernel = hash::active_kernel(hash::Operation::kBulk);
  if (length == 64) {
    kernel.digest_64(messages.data(), digests.size(), digests.data());
    return;
  }
  std::array<std::uint8_t, 64> padding{0x80};
  hash::store_be64(&padding[56], length * 8);
  std::vector<const std::uint8_t*> bodies(digests.size());
  const std::vector<const std::uint8_t*> tails(digests.size(), padding.data());
  for (std::size_t i = 0; i < bodies.size(); ++i) bodies[i] = messages.data() + i * length;
  kernel.digest_many({.bodies = bodies.data(),
                      .body_blocks = length / 64,
                      .tails = tails.data(),
                      .tail_blocks = 1,
                      .count = digests.size()},
                     digests.data());
}

// `count` messages of `length` bytes each.
Case batch_case(std::size_t length, std::size_t count, std::string_view name, double bar) {
  struct Batch {
    std::vector<std::uint8_t> messages;
    std::vector<hash::Digest> ours, rival;
  };
  const auto batch = std::make_shared<Batch>();
  batch->messages.resize(length * count);
  for (std::size_t i = 0; i < batch->messages.size(); ++i)
    batch->messages[i] = static_cast<std::uint8_t>(i * 2654435761u >> 13);
  batch->ours.resize(count);
  batch->rival.resize(count);

  Case work;
  work.name = fmt::format("hash/bulk/{}", name);
  work.item = "message";
  work.items_per_round = static_cast<double>(count);
  work.bar = bar;
  work.ours = {fmt::format("digest_many, {}", kernel_name(hash::Operation::kBulk)),
               [=](std::uint64_t rounds, std::uint64_t salt) {
                 return Result<double>(timed([&] {
                   for (std::uint64_t i = 0; i < rounds; ++i) {
                     batch->messages[0] = static_cast<std::uint8_t>(salt + i);
                     digest_many(batch->messages, length, batch->ours);
                   }
                 }));
               }};
  work.rival = {"OpenSSL Init/Update/Final", [=](std::uint64_t rounds, std::uint64_t salt) {
                  return Result<double>(timed([&] {
                    for (std::uint64_t i = 0; i < rounds; ++i) {
                      batch->messages[0] = static_cast<std::uint8_t>(salt + i);
                      openssl_digest(OpensslStyle::kInitUpdateFinal, batch->messages, length,
                                     batch->rival);
                    }
                  }));
                }};
  work.check = [=, name = work.name]() -> Result<void> {
    digest_many(batch->messages, length, batch->ours);
    openssl_digest(OpensslStyle::kInitUpdateFinal, batch->messages, length, batch->rival);
    return same(batch->ours == batch->rival, name);
  };
  return work;
}

Case stream_case() {
  constexpr std::size_t kBytes = 1 << 16;
  const auto message = std::make_shared<std::vector<std::uint8_t>>(kBytes, std::uint8_t{0x5a});
  const auto digest = std::make_shared<std::array<hash::Digest, 2>>();
  Case work;
  work.name = "hash/stream/65536";
  work.item = "B";
  work.items_per_round = kBytes;
  work.ours = {"sha256, " + kernel_name(hash::Operation::kCompress),
               [=](std::uint64_t rounds, std::uint64_t) {
                 return Result<double>(timed([&] {
                   for (std::uint64_t i = 0; i < rounds; ++i) {
                     (*message)[0] = static_cast<std::uint8_t>(i);
                     (*digest)[0] = hash::sha256(*message);
                   }
                 }));
               }};
  work.rival = {"OpenSSL Init/Update/Final", [=](std::uint64_t rounds, std::uint64_t) {
                  return Result<double>(timed([&] {
                    for (std::uint64_t i = 0; i < rounds; ++i) {
                      (*message)[0] = static_cast<std::uint8_t>(i);
                      openssl_digest(OpensslStyle::kInitUpdateFinal, *message, kBytes,
                                     std::span(*digest).last(1));
                    }
                  }));
                }};
  work.check = [=, name = work.name]() -> Result<void> {
    openssl_digest(OpensslStyle::kInitUpdateFinal, *message, kBytes, std::span(*digest).last(1));
    return same(hash::sha256(*message) == (*digest)[1], name);
  };
  return work;
}

// Bitcoin's first block; its nonce is known.
constexpr std::string_view kGenesisHeader =
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac7"
    "2c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";
constexpr std::uint32_t kGenesisNonce = 2083236893;

hash::Header header(std::uint64_t salt) {
  hash::Header bytes{};
  if (!from_hex(kGenesisHeader, bytes)) std::abort();
  bytes[40] = static_cast<std::uint8_t>(bytes[40] ^ salt);
  bytes[41] = static_cast<std::uint8_t>(bytes[41] ^ salt >> 8);
  return bytes;
}

std::optional<std::uint32_t> our_scan(const hash::Header& bytes, std::uint32_t first,
                                      std::uint64_t count) {
  hash::OpenHeader open{.midstate = hash::kInitialState};
  hash::active_kernel(hash::Operation::kCompress).compress(open.midstate, bytes.data(), 1);
  for (std::size_t i = 0; i < 3; ++i) open.tail[i] = hash::load_be32(&bytes[64 + 4 * i]);
  return hash::active_kernel(hash::Operation::kScan).scan(open, first, count);
}

// A scan ends at a hit; here it goes on behind it, so that `rounds` nonces are tried.
template <class Scan>
Result<double> scan_time(const Scan& scan, std::uint64_t rounds, std::uint64_t salt) {
  return timed([&] {
    std::uint64_t first = 0;
    while (first < rounds) {
      const auto hit = scan(header(salt), static_cast<std::uint32_t>(first), rounds - first);
      first = hit ? *hit + std::uint64_t{1} : rounds;
    }
  });
}

}  // namespace

Case header_scan_case() {
  Case work;
  work.name = "hash/scan/openssl-transform";
  work.item = "hash";
  work.bar = 2.4;
  work.ours = {
      "header scan, " + kernel_name(hash::Operation::kScan),
      [](std::uint64_t rounds, std::uint64_t salt) { return scan_time(our_scan, rounds, salt); }};
  work.rival = {"OpenSSL SHA256_Transform from a midstate",
                [](std::uint64_t rounds, std::uint64_t salt) {
                  return scan_time(openssl_scan, rounds, salt);
                }};
  work.check = []() -> Result<void> {
    const auto ours = our_scan(header(0), kGenesisNonce - 1000, 2048);
    const auto rival = openssl_scan(header(0), kGenesisNonce - 1000, 2048);
    if (ours != kGenesisNonce || rival != kGenesisNonce)
      return fail(ErrorCode::kDataLoss,
                  fmt::format("header scan: found nonces {} and {}, wanted {}", ours.value_or(0),
                              rival.value_or(0), kGenesisNonce));
    return {};
  };
  return work;
}

std::vector<Case> hash_cases(const Rivals& rivals, const Machine& machine, Facts& facts) {
  facts.emplace_back("OpenSSL", openssl_version());
  facts.emplace_back(
      "kernels",
      fmt::format("compress {}, bulk {}, expand {}, scan {}",
                  kernel_name(hash::Operation::kCompress), kernel_name(hash::Operation::kBulk),
                  kernel_name(hash::Operation::kExpand), kernel_name(hash::Operation::kScan)));
  std::vector<Case> cases;
  cases.push_back(
      counter_case(OpensslStyle::kInitUpdateFinal, "low-level", "Init/Update/Final", 3.5));
  cases.push_back(counter_case(OpensslStyle::kEvpFetched, "evp", "EVP, fetched once", 0));
  cases.push_back(counter_case(OpensslStyle::kOneShot, "one-shot", "SHA256()", 0));
  cases.push_back(two_cores_case(machine.cores));
  cases.push_back(batch_case(64, 2048, "64-byte", 2.2));
  cases.push_back(batch_case(4096, 64, "4096-byte", 0));
  cases.push_back(header_scan_case());
  cases.push_back(stream_case());
  for (const auto& [name, path] : rivals.miners)
    cases.push_back(miner_case(name, path, rivals.quick ? 3 : kMinerSeconds));
  for (auto& work : cases) work.judged_here = machine.sha_ni;
  return cases;
}

}  // namespace calx::bench
