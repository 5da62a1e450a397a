#include "calx/eval/judge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <optional>
#include <thread>

#include "calx/base/assert.h"
#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/diffusion/model_file.h"
#include "calx/hash/sha256.h"
#include "calx/nn/threads.h"

namespace calx::eval {
namespace {

constexpr const char* kConfigKey = "calx.classifier";

std::string to_text(const nn::ClassifierConfig& config) {
  return fmt::format("{} {} {} {:.3f} {}", config.side, config.features, config.classes,
                     static_cast<double>(config.dropout), fmt::join(config.widths, " "));
}

// Five or more numbers: side, features, classes, dropout, widths.
Result<nn::ClassifierConfig> parse_config(std::string_view text) {
  std::vector<double> numbers;
  const char* place = text.data();
  const char* const end = text.data() + text.size();
  while (place < end) {
    double value = 0;
    const auto [after, error] = std::from_chars(place, end, value);
    if (error != std::errc() || value < 0 || value > 1e6) {
      return fail(ErrorCode::kDataLoss, fmt::format("judge config \"{}\" is not numbers", text));
    }
    numbers.push_back(value);
    place = after < end && *after == ' ' ? after + 1 : after;
  }
  if (numbers.size() < 5) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("judge config holds {} numbers, wanted 5 or more", numbers.size()));
  }
  nn::ClassifierConfig config;
  config.side = static_cast<int>(numbers[0]);
  config.features = static_cast<int>(numbers[1]);
  config.classes = static_cast<int>(numbers[2]);
  config.dropout = static_cast<float>(numbers[3]);
  config.widths.assign(numbers.begin() + 4, numbers.end());
  CALX_TRY(nn::check(config));
  return config;
}

// One piece of pictures, from grey bytes to its rows of `out`.
Result<void> judge_piece(const nn::Classifier& network, std::span<const std::uint8_t> grey,
                         std::size_t first, Judgement& out) {
  const auto& config = network.config();
  const auto width = static_cast<std::size_t>(config.features);
  const auto classes = static_cast<std::size_t>(config.classes);
  const auto pixels = static_cast<std::size_t>(config.side) * static_cast<std::size_t>(config.side);
  const std::size_t count = grey.size() / pixels;
  std::vector<float> pictures(grey.size()), logits(count * classes);
  std::ranges::transform(grey, pictures.begin(), [](std::uint8_t value) {
    return static_cast<float>(value) / 127.5F - 1.0F;
  });
  CALX_TRY(network.forward(pictures, std::span(out.features).subspan(first * width, count * width),
                           logits));
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = std::span(logits).subspan(i * classes, classes);
    out.classes[first + i] = static_cast<std::int32_t>(std::ranges::max_element(row) - row.begin());
  }
  return {};
}

}  // namespace

Result<void> save_judge(const std::filesystem::path& path, const nn::Classifier& network,
                        std::map<std::string, std::string> notes) {
  format::Safetensors file;
  file.metadata = std::move(notes);
  file.metadata[kConfigKey] = to_text(network.config());
  diffusion::add_parameters(file, "", network.parameters());
  CALX_TRY(diffusion::seal(file));
  CALX_ASSIGN(bytes, format::encode_safetensors(file));
  return write_file(path, bytes);
}

Result<Judge> load_judge(const std::filesystem::path& path) {
  CALX_ASSIGN(bytes, read_file(path, kJudgeBytesMax));
  CALX_ASSIGN(file, format::parse_safetensors(bytes));
  CALX_TRY(diffusion::unseal(file, path.string()));
  const auto text = file.metadata.find(kConfigKey);
  if (text == file.metadata.end()) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: no {} in its metadata, so it is no judge", path.string(), kConfigKey));
  }
  CALX_ASSIGN(config, parse_config(text->second));
  CALX_ASSIGN(parameters, diffusion::take_parameters(file, ""));
  CALX_ASSIGN(network, nn::Classifier::load(config, parameters));
  return Judge{to_hex(hash::sha256(std::span<const std::uint8_t>(bytes))), std::move(network),
               std::move(file.metadata)};
}

Result<Judgement> judge_pictures(const nn::Classifier& network,
                                 std::span<const std::uint8_t> pictures, int threads) {
  const auto& config = network.config();
  const auto pixels = static_cast<std::size_t>(config.side) * static_cast<std::size_t>(config.side);
  const std::size_t count = pictures.size() / pixels;
  if (count == 0 || pictures.size() % pixels != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} bytes to judge: wanted whole pictures of {} pixels",
                            pictures.size(), pixels));
  }
  Judgement out;
  out.features.resize(count * static_cast<std::size_t>(config.features));
  out.classes.resize(count);
  std::atomic<std::size_t> next{0};
  std::mutex mutex;  // guards error
  std::optional<Error> error;
  const auto work = [&] {
    nn::set_threads(1);
    for (std::size_t first = next.fetch_add(kJudgePiece); first < count;
         first = next.fetch_add(kJudgePiece)) {
      const std::size_t piece = std::min(kJudgePiece, count - first);
      auto done =
          judge_piece(network, pictures.subspan(first * pixels, piece * pixels), first, out);
      if (done) continue;
      const std::lock_guard lock(mutex);
      error = std::move(done).error();
      return;
    }
  };
  {
    std::vector<std::jthread> pool;
    for (int i = 0; i < std::max(threads, 1); ++i) pool.emplace_back(work);
  }
  if (error) return std::unexpected(std::move(*error));
  return out;
}

std::int64_t count_equal(std::span<const std::int32_t> found,
                         std::span<const std::int32_t> wanted) {
  CALX_ASSERT(found.size() == wanted.size());
  std::int64_t equal = 0;
  for (std::size_t i = 0; i < found.size(); ++i) equal += found[i] == wanted[i] ? 1 : 0;
  return equal;
}

std::vector<std::uint8_t> grey_pictures(const diffusion::DigitSet& digits) {
  std::vector<std::uint8_t> grey(digits.pictures.size());
  std::ranges::transform(digits.pictures, grey.begin(), [](float value) {
    return static_cast<std::uint8_t>(std::clamp(127.5F * (value + 1.0F) + 0.5F, 0.0F, 255.0F));
  });
  return grey;
}

}  // namespace calx::eval
