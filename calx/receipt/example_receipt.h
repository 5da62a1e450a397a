// Test material: honest receipts of small images that a toy network makes from noise alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calx/hash/sha256.h"
#include "calx/noise/stream.h"
#include "calx/receipt/receipt.h"
#include "calx/receipt/verify.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::receipt::example {

inline constexpr std::uint32_t kSide = 8;
inline constexpr std::uint32_t kWorkBits = 8;

inline SigningKey key(std::uint8_t number = 1) {
  std::array<std::uint8_t, 32> secret{};
  secret.fill(number);
  return *SigningKey::from_secret(secret);
}

/// Grey pixels 128 + 32 n, n the initial latent: exact on every machine.
inline RegeneratedImage toy_image(const hash::Digest& seed) {
  std::vector<float> latent(kSide * kSide);
  const auto stream = *noise::Stream::open(noise::Seed::from_bytes(seed), "init", 0);
  (void)stream.normal({.rows = kSide, .columns = kSide}, latent);
  RegeneratedImage made;
  made.latent = latent_digest(1, kSide, kSide, latent);
  made.image = {.width = kSide, .height = kSide, .channels = 1, .pixels = {}};
  for (const float n : latent) {
    made.image.pixels.push_back(
        static_cast<std::uint8_t>(std::clamp(128.0F + 32.0F * n, 0.0F, 255.0F)));
  }
  return made;
}

class ToyRegenerator final : public PixelRegenerator {
 public:
  Result<std::vector<RegeneratedImage>> regenerate(const Identity&,
                                                   std::span<const WantedImage> wanted,
                                                   std::stop_token) override {
    std::vector<RegeneratedImage> made;
    for (const WantedImage& image : wanted) {
      made.push_back(toy_image(image.seed));
      auto& pixels = made.back().image.pixels;
      for (std::size_t i = 0; i < pixels.size(); i += 4) {
        pixels[i] = static_cast<std::uint8_t>(pixels[i] + drift);
      }
    }
    return made;
  }
  std::uint8_t drift = 0;  // levels added to every fourth pixel, as another machine might
};

struct Order {
  noise::Seed seed = *noise::Seed::from_text("hello");
  SeedMode mode = SeedMode::kSeeded;
  std::uint64_t first_index = 0;
  std::uint32_t count = 2;
  std::uint32_t class_index = 7;
  std::uint32_t neighbours = 2;                   // other requests under the same stamp
  std::optional<hash::Digest> private_salt = {};  // makes the seed private
};

struct Made {
  Receipt receipt;
  std::vector<format::Image> images;

  /// Everything at hand: the pictures and the toy network.
  [[nodiscard]] VerifyOptions options(PixelRegenerator& regenerator) const {
    VerifyOptions options;
    options.regenerator = &regenerator;
    options.pictures = [this](const ReceiptImage& wanted) -> Result<format::Image> {
      for (std::size_t i = 0; i < receipt.images.size(); ++i) {
        if (receipt.images[i].index == wanted.index) return images[i];
      }
      return fail(ErrorCode::kNotFound, "no such picture");
    };
    return options;
  }
};

inline Request request_of(const Order& order) {
  Request request{.identity = {.model = hash::sha256("toy network"),
                               .class_index = order.class_index,
                               .guidance_thousandths = 2500,
                               .steps = 25,
                               .sampler = "ddim",
                               .width = kSide,
                               .height = kSide,
                               .seed = order.seed},
                  .mode = order.mode,
                  .first_index = order.first_index,
                  .count = order.count};
  if (order.private_salt) {
    request.identity.seed = commit({.seed = order.seed, .salt = *order.private_salt});
  }
  return request;
}

inline Made make(const Order& order = {}, const SigningKey& signer = key()) {
  Made made;
  Receipt& receipt = made.receipt;
  receipt.request = request_of(order);
  receipt.commitment = *commitment(receipt.request);
  std::vector<work::TreeLeaf> leaves;
  for (std::uint32_t i = 0; i < order.neighbours; ++i) {
    leaves.push_back({.commitment = hash::Sha256().update("neighbour").update_u32(i).finish()});
  }
  leaves.push_back({.commitment = receipt.commitment, .salt = {1, 2, 3}});
  const auto tree = *work::RequestTree::build(leaves);
  receipt.path = tree.path(order.neighbours);
  receipt.stamp =
      *work::make_stamp(tree, *work::Target::from_work_bits(kWorkBits), work::software_runner());

  SeedBasis basis{.private_salt = order.private_salt};
  if (order.mode == SeedMode::kStamped) basis.stamp_hash = receipt.stamp.hash;
  for (std::uint32_t i = 0; i < order.count; ++i) {
    const std::uint64_t index = order.first_index + i;
    const auto seed = *image_seed(receipt.request, index, basis);
    RegeneratedImage image = toy_image(seed);
    receipt.images.push_back(
        {.index = index,
         .seed = order.private_salt ? std::nullopt : std::optional(seed),
         .latent = {.channels = 1, .rows = kSide, .columns = kSide, .digest = image.latent},
         .pixels =
             {.width = kSide, .height = kSide, .channels = 1, .digest = pixel_digest(image.image)},
         .file = "toy-" + std::to_string(index) + ".png"});
    made.images.push_back(std::move(image.image));
  }
  receipt.signer = "example";
  receipt.made = {{"program", "a test"}, {"machine", "any"}};
  (void)sign(receipt, signer);
  return made;
}

/// The verdict of one check, or nothing when it was not made.
inline std::optional<Verdict> verdict_of(const Report& report, std::string_view name) {
  for (const Check& check : report.checks) {
    if (check.name == name) return check.verdict;
  }
  return std::nullopt;
}

/// All lines, for the message of a failed test.
inline std::string lines(const Report& report) {
  std::string out;
  for (const Check& check : report.checks) {
    out += check.name + " " + std::string(to_string(check.verdict)) + ": " + check.sentence + "\n";
  }
  return out;
}

}  // namespace calx::receipt::example
