// Many pictures of a diffusion model for a study, made exactly as `calx imagine` makes them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/digest.h"
#include "calx/nn/unet.h"
#include "calx/noise/seed.h"

namespace calx::eval {

inline constexpr std::size_t kSamplesMax = 1'000'000;
inline constexpr double kGuidanceMax = 1000.0;

/// Where the initial latent comes from.
enum class InitialNoise : std::uint8_t {
  kHash,   // calx-noise-1, stream "init" of the image's seed: the shipped way
  kTorch,  // LibTorch's normal generator, seeded with the first eight bytes of the image's seed
};
std::string_view to_string(InitialNoise noise) noexcept;  // "hash", "torch"

/// Everything that fixes the pictures. Picture k shows classes[k]; with n earlier pictures of that
/// class it is, for kHash, the very image of
/// `calx imagine --class C --first-index n --count 1 --guidance .. --steps .. --sampler .. --seed
/// ..`
struct SamplePlan {
  hash::Digest model{};  // SHA-256 of the weight file: part of each image's identity
  noise::Seed seed;
  InitialNoise noise = InitialNoise::kHash;
  std::string sampler = "dpmpp-2m";
  double guidance = 1.5;  // three decimals count
  int steps = 20;
  std::vector<std::int32_t> classes;
};

/// The seed of each picture. Errors: kInvalidArgument (what an identity cannot hold).
Result<std::vector<hash::Digest>> picture_seeds(const SamplePlan& plan, int side);

/// In one line, the classes as a digest.
std::string describe(const SamplePlan& plan);

struct SampleRun {
  std::filesystem::path folder;  // made if absent; finished pictures wait here if stopped
  int threads = 1;
};

struct SampleSet {
  std::vector<std::uint8_t> pixels;  // [n, side, side], grey
  std::string digest;                // SHA-256 of `pixels`; hex
};

/// Called now and then, from any thread, one call at a time.
using SampleObserver =
    std::function<void(std::size_t made_now, std::size_t done, std::size_t count)>;

/// Makes the pictures, one image a forward pass, `threads` images at a time, and keeps them in
/// FOLDER/samples-DIGEST.safetensors, where DIGEST is that of the plan: a stopped call goes on
/// there and a finished one is read back. The bits are the same at every thread count. Errors:
/// kInvalidArgument (no or too many pictures, and what the sampler refuses); kCancelled on a stop,
/// with finished pictures saved; kDataLoss when the kept file is damaged; those of writing.
Result<SampleSet> make_samples(const nn::UNet& network, const SamplePlan& plan,
                               const SampleRun& run, const SampleObserver& observer,
                               const std::stop_token& stop);

}  // namespace calx::eval
