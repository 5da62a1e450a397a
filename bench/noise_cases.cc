// Gaussian noise against torch and NumPy, which run in one Python process behind a pipe.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <sstream>

#include "bench/cases.h"
#include "bench/child.h"
#include "bench/openssl_rival.h"
#include "calx/hash/big_endian.h"
#include "calx/noise/stream.h"

namespace calx::bench {
namespace {

using namespace std::chrono_literals;
constexpr auto kAnswerTime = 120s;
constexpr noise::Region kLatent{.channels = 4, .rows = 64, .columns = 64};
constexpr noise::Region kFill{.channels = 4, .rows = 2048, .columns = 2048};  // 2^24 values

struct Moments {
  double count = 0, mean = 0, variance = 0;
};

// N(0, 1) within six standard errors of the mean and of the variance.
Result<void> check_moments(std::string_view name, const Moments& moments) {
  const double error = 1 / std::sqrt(moments.count);
  if (!(std::abs(moments.mean) <= 6 * error) ||
      !(std::abs(moments.variance - 1) <= 6 * std::sqrt(2.0) * error))
    return fail(ErrorCode::kDataLoss,
                fmt::format("{}: mean {} and variance {} of {} values are not those of N(0, 1)",
                            name, moments.mean, moments.variance, moments.count));
  return {};
}

Moments moments_of(std::span<const float> values) {
  double sum = 0, squares = 0;
  for (const double value : values) sum += value, squares += value * value;
  const auto count = static_cast<double>(values.size());
  return {count, sum / count, squares / count - sum / count * (sum / count)};
}

struct Answer {
  Spent spent;
  Moments moments;
};

Result<Answer> ask(LineChild& python, std::string_view command, std::uint64_t rounds,
                   std::uint64_t salt) {
  CALX_ASSIGN(line, python.ask(fmt::format("{} {} {}", command, rounds, salt), kAnswerTime));
  std::istringstream words(line);
  std::string state;
  Answer answer;
  if (!(words >> state >> answer.spent.wall_seconds >> answer.spent.cpu_seconds >>
        answer.moments.count >> answer.moments.mean >> answer.moments.variance) ||
      state != "ok")
    return fail(ErrorCode::kUnavailable, fmt::format("rivals.py: answered \"{}\"", line));
  return answer;
}

// The seed's bytes are the salt's text, so that no two measurements share a stream.
Result<noise::Stream> stream(std::uint64_t salt, std::uint64_t index) {
  return noise::Stream::open(noise::Seed::from_integer(salt), "init", index);
}

// One block of our words as OpenSSL's SHA-256 of the 52 bytes that the protocol names.
Result<void> check_words() {
  CALX_ASSIGN(ours, stream(1, 2));
  std::array<std::uint32_t, 8> words{};
  CALX_TRY(
      ours.bits({.channel_first = 3, .row_first = 60, .column_first = 56, .columns = 8}, words));
  std::array<hash::Digest, 1> digest{};
  openssl_expand(OpensslStyle::kOneShot,
                 {.key = ours.key(),
                  .word10 = 3,
                  .row_first = 60,
                  .row_count = 1,
                  .group_first = 7,
                  .group_count = 1},
                 digest);
  for (std::size_t i = 0; i < words.size(); ++i)
    if (words[i] != hash::load_be32(&digest[0][4 * i]))
      return fail(ErrorCode::kDataLoss, "noise: a word differs from OpenSSL's SHA-256");
  return {};
}

Result<Spent> our_time(const noise::Region& region, bool fresh, std::vector<float>& out,
                       std::uint64_t rounds, std::uint64_t salt) {
  Result<void> status;
  const Spent spent = timed([&] {
    for (std::uint64_t i = 0; i < rounds && status; ++i) {
      if (fresh) out = std::vector<float>(region.elements());  // torch.randn allocates too
      const auto opened = stream(salt, i);
      status = opened ? opened->normal(region, out) : Result<void>(fail(opened.error().code, ""));
    }
  });
  if (!status) return std::unexpected(status.error());
  return spent;
}

Case noise_case(const std::shared_ptr<LineChild>& python, const std::string& command,
                const noise::Region& region, bool fresh) {
  const auto out = std::make_shared<std::vector<float>>(region.elements());
  Case work;
  work.ours = {"noise::Stream::normal", [=](std::uint64_t rounds, std::uint64_t salt) {
                 return our_time(region, fresh, *out, rounds, salt);
               }};
  work.rival.run = [=](std::uint64_t rounds, std::uint64_t salt) -> Result<Spent> {
    CALX_ASSIGN(answer, ask(*python, command, rounds, salt));
    return answer.spent;
  };
  work.check = [=]() -> Result<void> {
    CALX_TRY(check_words());
    CALX_TRY(our_time(region, fresh, *out, 1, 3));
    CALX_TRY(check_moments("calx", moments_of(*out)));
    CALX_ASSIGN(answer, ask(*python, command, 1, 3));
    return check_moments(command, answer.moments);
  };
  return work;
}

}  // namespace

std::vector<Case> noise_cases(const Rivals& rivals, Facts& facts) {
  std::shared_ptr<LineChild> python;
  std::string versions;
  if (auto started = LineChild::start({rivals.python.string(), rivals.script.string(), "serve"})) {
    python = std::move(*started);
    versions = python->ask("versions 0 0", kAnswerTime).value_or("");
  }
  facts.emplace_back(rivals.python.string(),
                     versions.starts_with("ok ") ? versions.substr(3) : "-");
  const auto missing = [&](std::string_view library) {
    return versions.find(library) != std::string::npos
               ? ""
               : fmt::format("{} has no {}", rivals.python.string(), library);
  };

  Case latent = noise_case(python, "torch-latent", kLatent, true);
  latent.name = "noise/latent-sd15/torch";
  latent.item = "latent";
  latent.as_time = true;
  latent.rival.name = "torch.randn((1, 4, 64, 64), generator), 1 thread";
  latent.bar = 1 / 0.75;
  latent.missing = missing("torch");

  Case torch = noise_case(python, "torch-fill", kFill, false);
  torch.name = "noise/normal-16.7M/torch";
  torch.rival.name = "torch normal_(generator) in place, 1 thread";
  torch.bar = 1.4;
  torch.missing = missing("torch");

  Case numpy = noise_case(python, "numpy-fill", kFill, false);
  numpy.name = "noise/normal-16.7M/numpy";
  numpy.rival.name = "NumPy PCG64 standard_normal(out, float32)";
  numpy.bar = 4;
  numpy.missing = missing("numpy");
  for (Case* fill : {&torch, &numpy}) {
    fill->item = "value";
    fill->items_per_round = static_cast<double>(kFill.elements());
  }
  return {std::move(latent), std::move(torch), std::move(numpy)};
}

}  // namespace calx::bench
