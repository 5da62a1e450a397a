#include "calx/receipt/image_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "calx/noise/stream.h"

namespace calx::receipt {
namespace {

constexpr std::size_t kRegeneratedAtOnceMax = 64;  // bounds the memory that pictures take

Check made(std::string_view name, Verdict verdict, std::string sentence) {
  return {std::string(name), verdict, std::move(sentence)};
}

std::unexpected<Error> stopped() { return fail(ErrorCode::kCancelled, "verification was stopped"); }

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return count == 1 ? fmt::format("1 {}", one) : fmt::format("{} {}", count, many);
}

// The seeds as they follow from the request; empty when they cannot be known here.
struct Seeds {
  Check check;
  std::vector<hash::Digest> values;
};

Result<SeedBasis> seed_basis(const Receipt& receipt, const VerifyOptions& options) {
  SeedBasis basis;
  if (receipt.request.mode == SeedMode::kStamped) {
    const auto hash = work::check(receipt.stamp);
    if (!hash) {
      return fail(ErrorCode::kUnavailable,
                  "stamped seeds follow from a stamp, and it does not hold");
    }
    basis.stamp_hash = *hash;
  }
  if (const auto* hidden = std::get_if<PrivateSeed>(&receipt.request.identity.seed)) {
    if (!options.opening) {
      return fail(ErrorCode::kUnavailable, "the seed is private: show it with --seed and --salt");
    }
    if (commit(*options.opening) != *hidden) {
      return fail(ErrorCode::kInvalidArgument, "this seed and salt do not open the commitment");
    }
    basis.private_salt = options.opening->salt;
  }
  return basis;
}

Seeds check_seeds(const Receipt& receipt, const VerifyOptions& options) {
  constexpr std::string_view kName = "seeds";
  const auto basis = seed_basis(receipt, options);
  if (!basis) {
    const bool wrong = basis.error().code == ErrorCode::kInvalidArgument;
    return {made(kName, wrong ? Verdict::kFail : Verdict::kNotChecked, basis.error().message), {}};
  }
  Seeds seeds;
  const ReceiptImage* different = nullptr;
  for (const ReceiptImage& image : receipt.images) {
    const auto seed = image_seed(receipt.request, image.index, *basis);
    if (!seed) return {made(kName, Verdict::kFail, seed.error().message), {}};
    seeds.values.push_back(*seed);
    if (image.seed && *image.seed != *seed && different == nullptr) different = &image;
  }
  if (different != nullptr) {
    seeds.check = made(
        kName, Verdict::kFail,
        fmt::format("the seed of image {} does not follow from the request", different->index));
  } else {
    seeds.check = made(kName, Verdict::kPass,
                       fmt::format("{} of {} requested, mode {}",
                                   counted(seeds.values.size(), "image seed", "image seeds"),
                                   receipt.request.count, to_string(receipt.request.mode)));
  }
  return seeds;
}

Result<hash::Digest> computed_latent(const LatentClaim& claim, const hash::Digest& seed) {
  CALX_ASSIGN(stream, noise::Stream::open(noise::Seed::from_bytes(seed), "init", 0));
  const noise::Region region{
      .channels = claim.channels, .rows = claim.rows, .columns = claim.columns};
  std::vector<float> values;
  try {
    values.resize(region.elements());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("no memory for a latent of {} elements", region.elements()));
  }
  CALX_TRY(stream.normal(region, values));
  return latent_digest(claim.channels, claim.rows, claim.columns, values);
}

Result<Check> check_latents(const Receipt& receipt, const Seeds& seeds, std::stop_token stop) {
  constexpr std::string_view kName = "latents";
  if (seeds.values.empty())
    return made(kName, Verdict::kNotChecked, "the image seeds are not known");
  for (std::size_t i = 0; i < receipt.images.size(); ++i) {
    if (stop.stop_requested()) return stopped();
    const ReceiptImage& image = receipt.images[i];
    CALX_ASSIGN(digest, computed_latent(image.latent, seeds.values[i]));
    if (digest != image.latent.digest) {
      return made(kName, Verdict::kFail,
                  fmt::format("the noise of image {} is not that of its seed", image.index));
    }
  }
  const LatentClaim& first = receipt.images.front().latent;
  return made(kName, Verdict::kPass,
              fmt::format("{} of {}x{}x{} computed again, exact",
                          counted(receipt.images.size(), "latent", "latents"), first.channels,
                          first.rows, first.columns));
}

std::string missing_pictures(const std::vector<std::string>& missing, std::size_t all) {
  return fmt::format("{} of {} here: {}", all - missing.size(), counted(all, "picture", "pictures"),
                     missing.front());
}

// Pictures whose pixels are those of the receipt; nullopt where they are missing or other ones.
struct Pictures {
  Check check;
  std::vector<std::optional<format::Image>> images;
};

Result<Pictures> check_pictures(const Receipt& receipt, const VerifyOptions& options,
                                std::stop_token stop) {
  constexpr std::string_view kName = "pictures";
  Pictures pictures;
  pictures.images.resize(receipt.images.size());
  if (!options.pictures) {
    pictures.check = made(kName, Verdict::kNotChecked, "no picture was given");
    return pictures;
  }
  std::vector<std::string> missing, wrong;
  for (std::size_t i = 0; i < receipt.images.size(); ++i) {
    if (stop.stop_requested()) return stopped();
    const ReceiptImage& image = receipt.images[i];
    auto picture = options.pictures(image);
    if (!picture) {
      const bool absent = picture.error().code == ErrorCode::kNotFound;
      (absent ? missing : wrong).push_back(picture.error().message);
    } else if (pixel_digest(*picture) != image.pixels.digest ||
               picture->width != image.pixels.width || picture->height != image.pixels.height ||
               picture->channels != image.pixels.channels) {
      wrong.push_back(
          fmt::format("the pixels of image {} are not those of the receipt", image.index));
    } else {
      pictures.images[i] = std::move(*picture);
    }
  }
  if (!wrong.empty()) {
    pictures.check = made(kName, Verdict::kFail, wrong.front());
  } else if (!missing.empty()) {
    pictures.check =
        made(kName, Verdict::kNotChecked, missing_pictures(missing, receipt.images.size()));
  } else {
    pictures.check = made(
        kName, Verdict::kPass,
        counted(receipt.images.size(), "PNG holds", "PNGs hold") + " the pixels of the receipt");
  }
  return pictures;
}

// What making all images again has shown so far.
struct PixelTally {
  std::size_t exact = 0, near = 0;
  PixelDifference worst;
  std::string wrong, unknown;  // the first sentence of each kind

  void judge(const ReceiptImage& claim, const std::optional<format::Image>& picture,
             const RegeneratedImage& again) {
    if (again.latent != claim.latent.digest) {
      if (wrong.empty()) {
        wrong = fmt::format("image {} was made again from other noise", claim.index);
      }
      return;
    }
    if (pixel_digest(again.image) == claim.pixels.digest) {
      ++exact;
      return;
    }
    if (!picture) {
      if (unknown.empty()) {
        unknown = fmt::format("image {} differs here and its picture is missing", claim.index);
      }
      return;
    }
    const auto difference = pixel_difference(*picture, again.image);
    if (!difference || !difference->within_bound()) {
      if (wrong.empty()) {
        wrong = difference ? fmt::format(
                                 "image {} made again differs by {:.3f} levels on average, "
                                 "{} at most (allowed {:.2f}, {})",
                                 claim.index, difference->mean, difference->greatest,
                                 kPixelMeanDifferenceMax, kPixelDifferenceMax)
                           : difference.error().message;
      }
      return;
    }
    ++near;
    worst.mean = std::max(worst.mean, difference->mean);
    worst.greatest = std::max(worst.greatest, difference->greatest);
  }

  [[nodiscard]] Check check() const {
    constexpr std::string_view kName = "pixels";
    if (!wrong.empty()) return made(kName, Verdict::kFail, wrong);
    if (!unknown.empty()) return made(kName, Verdict::kNotChecked, unknown);
    if (near == 0) {
      return made(kName, Verdict::kPass, counted(exact, "image", "images") + " made again, exact");
    }
    return made(kName, Verdict::kPass,
                fmt::format("{} made again: {} exact, {} within {:.3f} levels on average, {} at "
                            "most (allowed {:.2f}, {})",
                            counted(exact + near, "image", "images"), exact, near, worst.mean,
                            worst.greatest, kPixelMeanDifferenceMax, kPixelDifferenceMax));
  }
};

Result<Check> check_pixels(const Receipt& receipt, const VerifyOptions& options, const Seeds& seeds,
                           const Pictures& pictures, std::stop_token stop) {
  constexpr std::string_view kName = "pixels";
  if (options.regenerator == nullptr) {
    return made(kName, Verdict::kNotChecked,
                "pixels were not regenerated here: " + options.no_pixels_reason);
  }
  if (seeds.values.empty())
    return made(kName, Verdict::kNotChecked, "the image seeds are not known");
  PixelTally tally;
  for (std::size_t first = 0; first < receipt.images.size(); first += kRegeneratedAtOnceMax) {
    if (stop.stop_requested()) return stopped();
    const std::size_t count = std::min(kRegeneratedAtOnceMax, receipt.images.size() - first);
    std::vector<WantedImage> wanted;
    for (std::size_t i = first; i < first + count; ++i) {
      wanted.push_back({.index = receipt.images[i].index, .seed = seeds.values[i]});
    }
    auto again = options.regenerator->regenerate(receipt.request.identity, wanted, stop);
    if (!again && again.error().code == ErrorCode::kCancelled) return fail(std::move(again));
    if (!again) {
      return made(kName, Verdict::kNotChecked,
                  "pixels were not regenerated here: " + again.error().message);
    }
    if (again->size() != count) {
      return fail(ErrorCode::kInternal,
                  fmt::format("the regenerator made {} images of {}", again->size(), count));
    }
    for (std::size_t i = 0; i < count; ++i) {
      tally.judge(receipt.images[first + i], pictures.images[first + i], (*again)[i]);
    }
  }
  return tally.check();
}

}  // namespace

Result<PixelDifference> pixel_difference(const format::Image& a, const format::Image& b) {
  if (a.width != b.width || a.height != b.height || a.channels != b.channels ||
      a.pixels.size() != b.pixels.size() || a.pixels.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("images of {}x{}x{} and {}x{}x{} cannot be compared", a.width, a.height,
                            a.channels, b.width, b.height, b.channels));
  }
  std::uint64_t sum = 0;
  PixelDifference difference;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const auto levels = static_cast<std::uint32_t>(std::abs(int{a.pixels[i]} - int{b.pixels[i]}));
    sum += levels;
    difference.greatest = std::max(difference.greatest, levels);
  }
  difference.mean = static_cast<double>(sum) / static_cast<double>(a.pixels.size());
  return difference;
}

Result<std::vector<Check>> check_images(const Receipt& receipt, const VerifyOptions& options,
                                        std::stop_token stop) {
  Seeds seeds = check_seeds(receipt, options);
  CALX_ASSIGN(latents, check_latents(receipt, seeds, stop));
  CALX_ASSIGN(pictures, check_pictures(receipt, options, stop));
  CALX_ASSIGN(pixels, check_pixels(receipt, options, seeds, pictures, stop));
  return std::vector<Check>{seeds.check, latents, pictures.check, pixels};
}

}  // namespace calx::receipt
