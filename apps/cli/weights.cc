// calx weights: tensors as paths through a trellis whose values a hash defines.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "apps/cli/interrupt.h"
#include "apps/cli/verb.h"
#include "calx/base/atomic_file.h"
#include "calx/base/origin.h"
#include "calx/format/canonical_json.h"
#include "calx/format/npy.h"
#include "calx/format/safetensors.h"
#include "calx/noise/half.h"
#include "calx/weights/gaussian.h"
#include "calx/weights/weights_file.h"

namespace calx::cli {
namespace {

constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 36;

struct CodingOptions {
  std::string rate = "2", codebook = "c1";
  unsigned state_bits = 16, threads = 1;
  std::size_t group = 128;
};

struct FileOptions {
  CodingOptions coding;
  std::string in, out;
  std::uint64_t weights_min = 4096;
};

struct GaussianOptions {
  CodingOptions coding;
  std::uint64_t samples = 1u << 20;
  bool quick = false;
};

Result<weights::Coding> coding_of(const CodingOptions& options) {
  CALX_ASSIGN(trellis, weights::parse_trellis(options.rate, options.state_bits));
  CALX_ASSIGN(codebook, weights::parse_codebook(options.codebook));
  weights::Coding coding{trellis, codebook, options.group};
  CALX_TRY(weights::check(coding));
  return coding;
}

// One line on stderr that is written over, at whole percents.
class ProgressLine {
 public:
  explicit ProgressLine(std::string name) : name_(std::move(name)) {}

  void operator()(std::uint64_t done, std::uint64_t count) {
    const std::uint64_t percent = done * 100 / count;
    if (percent == shown_) return;
    shown_ = percent;
    fmt::print(stderr, "\r{}: {} of {} weights, {} %{}", name_, done, count, percent,
               done == count ? "\n" : "");
  }

 private:
  std::string name_;
  std::uint64_t shown_ = 101;
};

bool is_npy(const std::string& path) { return std::filesystem::path(path).extension() == ".npy"; }

Result<format::Safetensors> read_tensors(const std::string& path) {
  CALX_ASSIGN(bytes, read_file(path, kFileBytesMax));
  if (!is_npy(path)) return format::parse_safetensors(bytes);
  CALX_ASSIGN(array, format::parse_npy(bytes));
  return format::Safetensors{{{"weights", std::move(array)}}, {}};
}

// float32, float16 and bfloat16; nothing for what is no tensor of weights.
std::vector<float> floats_of(const format::Array& array) {
  if (const auto values = format::view<float>(array)) return {values->begin(), values->end()};
  std::vector<float> result;
  const bool half = array.dtype == format::Dtype::kF16;
  if (!half && array.dtype != format::Dtype::kBf16) return result;
  const auto bits = format::view<std::uint16_t>(array);
  if (!bits) return result;
  for (const std::uint16_t b : *bits) {
    result.push_back(half ? noise::from_float16(b) : noise::from_bfloat16(b));
  }
  return result;
}

Result<int> report_file(const weights::WeightsFile& file, std::size_t bytes, bool json) {
  auto list = format::Json::array();
  for (const auto& [name, tensor] : file.coded) {
    if (json) {
      list.push({{"name", name},
                 {"weights", static_cast<std::int64_t>(tensor.weights())},
                 {"bits_per_weight", fmt::format("{:.4f}", tensor.bits_per_weight())}});
    } else {
      fmt::print("{:<40} {:>12} weights  {:.4f} bits each\n", name, tensor.weights(),
                 tensor.bits_per_weight());
    }
  }
  if (!json) {
    fmt::print("{} tensors coded, {} kept as they are, {} bytes\n", file.coded.size(),
               file.plain.size(), bytes);
    return kDone;
  }
  const format::Json report = {{"coded", list},
                               {"plain", static_cast<std::int64_t>(file.plain.size())},
                               {"bytes", static_cast<std::int64_t>(bytes)}};
  CALX_ASSIGN(text, format::encode_pretty_json(report));
  fmt::print("{}", text);
  return kDone;
}

Result<int> run_encode(const FileOptions& options, bool json) {
  CALX_ASSIGN(coding, coding_of(options.coding));
  const Interrupt interrupt;
  CALX_ASSIGN(source, read_tensors(options.in));
  weights::WeightsFile file;
  file.metadata = std::move(source.metadata);
  for (format::NamedArray& tensor : source.tensors) {
    const std::vector<float> values = floats_of(tensor.array);
    if (tensor.array.shape.size() < 2 || values.size() < options.weights_min) {
      file.plain.push_back(std::move(tensor));
      continue;
    }
    weights::EncodeOptions how{.threads = options.coding.threads, .stop = interrupt.token()};
    how.progress = ProgressLine(tensor.name);
    auto coded = weights::encode_tensor(values, tensor.array.shape, coding, how);
    if (!coded) {
      return fail(coded.error().code, fmt::format("{}: {}", tensor.name, coded.error().message));
    }
    file.coded.push_back({std::move(tensor.name), std::move(*coded)});
  }
  CALX_ASSIGN(bytes, weights::encode_weights(file));
  CALX_TRY(write_file(options.out, bytes));
  return report_file(file, bytes.size(), json);
}

Result<int> run_decode(const FileOptions& options, bool json) {
  CALX_ASSIGN(bytes, read_file(options.in, kFileBytesMax));
  CALX_ASSIGN(file, weights::parse_weights(bytes));
  if (!options.out.empty()) {
    CALX_ASSIGN(tensors, weights::decode_weights(file));
    CALX_ASSIGN(decoded, format::encode_safetensors({std::move(tensors), file.metadata}));
    CALX_TRY(write_file(options.out, decoded));
  }
  return report_file(file, bytes.size(), json);
}

Result<int> run_gaussian(GaussianOptions options, bool json) {
  if (options.quick) options.samples = std::min<std::uint64_t>(options.samples, 1u << 15);
  CALX_ASSIGN(coding, coding_of(options.coding));
  const Interrupt interrupt;
  weights::EncodeOptions how{.threads = options.coding.threads, .stop = interrupt.token()};
  how.progress = ProgressLine(fmt::format("{} {} bits L={}", options.coding.codebook,
                                          options.coding.rate, options.coding.state_bits));
  CALX_ASSIGN(figures, weights::measure_gaussian(coding, options.samples, how));
  const double rate = static_cast<double>(figures.samples) / figures.seconds;
  if (!json) {
    fmt::print(
        "{} L={}: {:.4f} bits a weight, relative MSE {:.5f} +- {:.5f}, {:.3f} dB above the bound "
        "({:.5f}); {} samples, {:.0f} weights/s by {} with {} threads\n",
        options.coding.codebook, options.coding.state_bits, figures.bits_per_weight,
        figures.relative_mse, figures.standard_error, figures.gap_db(),
        weights::gaussian_bound(figures.bits_per_weight), figures.samples, rate,
        weights::viterbi_kernel().name, options.coding.threads);
    return kDone;
  }
  const format::Json report = {{"codebook", options.coding.codebook},
                               {"rate", coding.trellis.rate_name()},
                               {"state_bits", static_cast<std::int64_t>(options.coding.state_bits)},
                               {"group", static_cast<std::int64_t>(options.coding.group)},
                               {"samples", static_cast<std::int64_t>(figures.samples)},
                               {"bits_per_weight", fmt::format("{:.6f}", figures.bits_per_weight)},
                               {"relative_mse", fmt::format("{:.6f}", figures.relative_mse)},
                               {"standard_error", fmt::format("{:.6f}", figures.standard_error)},
                               {"gap_db", fmt::format("{:.4f}", figures.gap_db())},
                               {"weights_per_second", fmt::format("{:.0f}", rate)},
                               {"kernel", std::string(weights::viterbi_kernel().name)},
                               {"threads", static_cast<std::int64_t>(options.coding.threads)},
                               {"origin", std::string(to_string(Origin::kSoftware))}};
  CALX_ASSIGN(text, format::encode_pretty_json(report));
  fmt::print("{}", text);
  return kDone;
}

void add_coding(CLI::App& verb, CodingOptions& options) {
  options.threads = std::max(1u, std::thread::hardware_concurrency());
  verb.add_option("--rate", options.rate, "bits a weight: 1, 1.5, 1.6, 2, 3 or 4")
      ->capture_default_str();
  verb.add_option("--state-bits", options.state_bits,
                  "L, up to 20: more is better, and twice the time for each")
      ->capture_default_str();
  verb.add_option("--codebook", options.codebook,
                  "c1 (computed), g1 (Gaussian table), or their twins pc1 and pg1, which no hash "
                  "defines")
      ->capture_default_str();
  verb.add_option("--group", options.group, "weights under one 8-bit scale, a power of two")
      ->capture_default_str();
  verb.add_option("--threads", options.threads, "the bits do not depend on it")
      ->check(CLI::Range(1, 1024));
}

}  // namespace

void add_weights(CLI::App& app, Session& session) {
  auto* verb = app.add_subcommand("weights", "networks as paths through hash-defined values");
  verb->require_subcommand(1);
  auto encoding = std::make_shared<FileOptions>();
  auto* encode = verb->add_subcommand("encode", "code the matrices of a file (calx-weights-1)");
  encode->add_option("IN", encoding->in, ".safetensors or .npy with float32, float16 or bfloat16")
      ->required();
  encode->add_option("--out", encoding->out, "the .safetensors to write")->required();
  encode
      ->add_option("--min-weights", encoding->weights_min,
                   "smaller tensors, and those of one dimension, are kept as they are")
      ->capture_default_str();
  add_coding(*encode, encoding->coding);
  encode->callback([&session, encoding] {
    session.action = [&session, encoding] { return run_encode(*encoding, session.json); };
  });
  auto decoding = std::make_shared<FileOptions>();
  auto* decode = verb->add_subcommand(
      "decode",
      "check a file of coded tensors and write them as float32, the same bits everywhere");
  decode->add_option("IN", decoding->in, "a file that `calx weights encode` wrote")->required();
  decode->add_option("--out", decoding->out, "the .safetensors to write; without it, only check");
  decode->callback([&session, decoding] {
    session.action = [&session, decoding] { return run_decode(*decoding, session.json); };
  });
  auto gaussian = std::make_shared<GaussianOptions>();
  gaussian->coding.group = 1024;
  auto* study = verb->add_subcommand(
      "gaussian", "rate, error and speed on independent normal weights, beside Shannon's bound");
  add_coding(*study, gaussian->coding);
  study->add_option("--samples", gaussian->samples, "normal values of calx-noise-1")
      ->capture_default_str();
  study->add_flag("--quick", gaussian->quick, "at most 32,768 samples");
  study->callback([&session, gaussian] {
    session.action = [&session, gaussian] { return run_gaussian(*gaussian, session.json); };
  });
}

}  // namespace calx::cli
