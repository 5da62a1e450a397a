// Finished batches of pictures on disk, so that a stopped run goes on where it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"

namespace calx::inference {

/// What fixes the pictures, in one line, and how they are cut into batches.
struct PicturePlan {
  std::string text;
  std::size_t count = 0, batch = 0, bytes = 0;  // of pictures; of one picture
};

/// Makes batch b: pictures b * batch and following, as grey bytes.
using BatchMaker =
    std::function<Result<std::vector<std::uint8_t>>(std::size_t first, std::size_t count)>;
using StoreObserver = std::function<void(std::size_t done, std::size_t count)>;

/// All pictures of the plan, [count, bytes], in FOLDER/pictures-DIGEST.safetensors where DIGEST is
/// that of the text. Batches that are there are not made again; the others are, `threads` at a time
/// with one thread of LibTorch each, and kept every few batches. The bytes do not depend on the
/// threads nor on stops.
/// Errors: kCancelled on a stop, with finished batches kept; kDataLoss (a damaged file, or one of
/// another plan); those of `make` and of writing.
Result<std::vector<std::uint8_t>> make_pictures(const PicturePlan& plan,
                                                const std::filesystem::path& folder, int threads,
                                                const BatchMaker& make,
                                                const StoreObserver& observer,
                                                const std::stop_token& stop);

}  // namespace calx::inference
