// The judge: a classifier trained by this project, which says what digit a picture shows and gives
// the features in which FD-clf is measured.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/nn/classifier.h"

namespace calx::eval {

inline constexpr std::uint64_t kJudgeBytesMax = std::uint64_t{1} << 26;

struct Judge {
  std::string digest;  // SHA-256 of the weight file; hex
  nn::Classifier network;
  std::map<std::string, std::string> notes;  // how it was trained, as the file says
};

/// Writes a sealed safetensors file, f32, metadata `calx.classifier` and the notes.
Result<void> save_judge(const std::filesystem::path& path, const nn::Classifier& network,
                        std::map<std::string, std::string> notes);

/// Errors: kNotFound; kDataLoss when a byte was changed; kInvalidArgument when it is no judge.
Result<Judge> load_judge(const std::filesystem::path& path);

struct Judgement {
  std::vector<float> features;        // [n, features]
  std::vector<std::int32_t> classes;  // [n], the most likely one; the lowest of equals
};

/// `pictures` are grey bytes [n, side, side]. Runs in pieces of kJudgePiece pictures, each on one
/// thread, so the result is the same at every thread count.
/// Errors: kInvalidArgument (no whole pictures).
Result<Judgement> judge_pictures(const nn::Classifier& network,
                                 std::span<const std::uint8_t> pictures, int threads);
inline constexpr std::size_t kJudgePiece = 100;

/// How many of `found` equal `wanted`. \pre equal sizes
std::int64_t count_equal(std::span<const std::int32_t> found, std::span<const std::int32_t> wanted);

/// The pictures of a set as grey bytes, [n, 32, 32]: round(127.5 (x + 1)).
std::vector<std::uint8_t> grey_pictures(const diffusion::DigitSet& digits);

}  // namespace calx::eval
