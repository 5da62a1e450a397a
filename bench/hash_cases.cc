// SHA-256 against OpenSSL and against mining programs. The bars hold on CPUs with SHA-NI.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "bench/cases.h"
#include "bench/counter_panel.h"
#include "bench/miner.h"
#include "bench/openssl_rival.h"
#include "calx/base/hex.h"
#include "calx/hash/big_endian.h"
#include "calx/hash/bulk.h"
#include "calx/hash/counter.h"
#include "calx/hash/kernel.h"
#include "calx/hash/scan.h"
#include "calx/hash/sha256.h"

namespace calx::bench {
namespace {

constexpr int kMinerSeconds = 10;

std::string kernel_name(hash::Operation operation) {
  return std::string(hash::active_kernel(operation).name);
}

Result<void> same(bool equal, std::string_view what) {
  if (!equal) return fail(ErrorCode::kDataLoss, fmt::format("{}: our digests differ", what));
  return {};
}

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
                 return Result<Spent>(panel->expand(rounds, salt));
               }};
  work.rival = {fmt::format("OpenSSL {}, 52 bytes", calls),
                [panel, style](std::uint64_t rounds, std::uint64_t salt) {
                  return Result<Spent>(timed([&] {
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
  work.ours = {fmt::format("sha256_equal, {}", kernel_name(hash::Operation::kBulk)),
               [=](std::uint64_t rounds, std::uint64_t salt) {
                 return Result<Spent>(timed([&] {
                   for (std::uint64_t i = 0; i < rounds; ++i) {
                     batch->messages[0] = static_cast<std::uint8_t>(salt + i);
                     hash::sha256_equal(batch->messages, length, batch->ours);
                   }
                 }));
               }};
  work.rival = {"OpenSSL Init/Update/Final", [=](std::uint64_t rounds, std::uint64_t salt) {
                  return Result<Spent>(timed([&] {
                    for (std::uint64_t i = 0; i < rounds; ++i) {
                      batch->messages[0] = static_cast<std::uint8_t>(salt + i);
                      openssl_digest(OpensslStyle::kInitUpdateFinal, batch->messages, length,
                                     batch->rival);
                    }
                  }));
                }};
  work.check = [=, name = work.name]() -> Result<void> {
    hash::sha256_equal(batch->messages, length, batch->ours);
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
                 return Result<Spent>(timed([&] {
                   for (std::uint64_t i = 0; i < rounds; ++i) {
                     (*message)[0] = static_cast<std::uint8_t>(i);
                     (*digest)[0] = hash::sha256(*message);
                   }
                 }));
               }};
  work.rival = {"OpenSSL Init/Update/Final", [=](std::uint64_t rounds, std::uint64_t) {
                  return Result<Spent>(timed([&] {
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

// 32 zero bits, as openssl_scan wants them.
constexpr hash::TargetBytes kTarget = [] {
  hash::TargetBytes target{};
  std::fill(target.begin() + 4, target.end(), std::uint8_t{0xff});
  return target;
}();

std::optional<std::uint32_t> our_scan(const hash::Header& bytes, std::uint32_t first,
                                      std::uint64_t count) {
  return hash::find_nonce(bytes, kTarget, first, static_cast<std::uint32_t>(first + count - 1));
}

// A scan ends at a hit; here it goes on behind it, so that `rounds` nonces are tried.
template <class Scan>
Result<Spent> scan_time(const Scan& scan, std::uint64_t rounds, std::uint64_t salt) {
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
      "find_nonce, " + kernel_name(hash::Operation::kScan),
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
