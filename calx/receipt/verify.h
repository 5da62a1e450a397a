// Starts from a receipt alone and checks every claim in it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/image.h"
#include "calx/receipt/receipt.h"

namespace calx::receipt {

/// How far pixels made on another machine may lie from those of the receipt, in levels of 0..255.
/// Where it comes from: docs/protocol/receipt.md.
inline constexpr double kPixelMeanDifferenceMax = 0.25;   // mean over all samples of an image
inline constexpr std::uint32_t kPixelDifferenceMax = 16;  // of any one sample

/// One image to make again.
struct WantedImage {
  std::uint64_t index = 0;
  hash::Digest seed{};  // its noise is that of noise::Seed::from_bytes(seed), stream index 0
};

struct RegeneratedImage {
  format::Image image = {};
  hash::Digest latent{};  // latent_digest() of the noise it started from
};

/// Makes images again from their identity and seeds; implemented where the network lives.
class PixelRegenerator {
 public:
  virtual ~PixelRegenerator() = default;
  /// One result for each wanted image, in order.
  /// Errors: kNotFound (no model of this digest here), kUnavailable, kUnimplemented, kCancelled.
  virtual Result<std::vector<RegeneratedImage>> regenerate(const Identity& identity,
                                                           std::span<const WantedImage> wanted,
                                                           std::stop_token stop) = 0;
};

enum class Verdict : std::uint8_t { kPass, kFail, kNotChecked };

/// "ok", "FAIL" or "NOT CHECKED".
std::string_view to_string(Verdict verdict) noexcept;

struct Check {
  std::string name = {};  // one of kCheckNames
  Verdict verdict = Verdict::kNotChecked;
  std::string sentence = {};  // what was found, without a full stop
};

inline constexpr std::string_view kCheckNames[] = {"format",    "signature", "key",    "commitment",
                                                   "tree path", "stamp",     "lowest", "seeds",
                                                   "latents",   "pictures",  "pixels"};

struct Report {
  std::vector<Check> checks = {};  // in the order of kCheckNames; "key" and "lowest" only where
                                   // asked for or claimed
  std::optional<Receipt> receipt = {};         // unless "format" failed
  std::optional<ErrorCode> format_error = {};  // why it failed: kUnimplemented for a newer version

  [[nodiscard]] bool failed() const noexcept;     // any kFail
  [[nodiscard]] bool unchecked() const noexcept;  // any kNotChecked
  [[nodiscard]] std::string verdict() const;      // one sentence
};

/// The picture of one image of the receipt. kNotFound means that it is not here.
using PictureSource = std::function<Result<format::Image>(const ReceiptImage&)>;

struct VerifyOptions {
  std::optional<PublicKey> key = {};        // pins the signer
  std::optional<SeedOpening> opening = {};  // opens a private seed
  PictureSource pictures = {};              // empty: no pictures at hand
  PixelRegenerator* regenerator = nullptr;
  /// Why regenerator is null: "--without-pixels", "this build has no neural module".
  std::string no_pixels_reason = "nothing here can regenerate them";
};

/// All checks of docs/protocol/receipt.md on one receipt. A claim that does not hold is a failed
/// check, not an Error. Errors: kInvalidArgument (an opening for a seed that is not private),
/// kCancelled, kResourceExhausted (memory).
/// Cost: the latents, up to 2^22 expected hashes for "lowest", and the regenerator.
Result<Report> verify(std::string_view receipt_text, const VerifyOptions& options,
                      std::stop_token stop = {});

/// Mean and greatest absolute difference of two images of one shape, in levels.
struct PixelDifference {
  double mean = 0.0;
  std::uint32_t greatest = 0;
  [[nodiscard]] bool within_bound() const noexcept {
    return mean <= kPixelMeanDifferenceMax && greatest <= kPixelDifferenceMax;
  }
};
/// Errors: kInvalidArgument when the shapes differ.
Result<PixelDifference> pixel_difference(const format::Image& a, const format::Image& b);

}  // namespace calx::receipt
