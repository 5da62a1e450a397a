// The life of one request: identity, stamp, seeds, pictures, receipt.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/model_store.h"
#include "calx/noise/seed.h"
#include "calx/receipt/identity.h"
#include "calx/receipt/receipt.h"
#include "calx/receipt/signature.h"
#include "calx/receipt/verify.h"
#include "calx/work/stamper.h"
#include "calx/work/target.h"

namespace calx::diffusion {

struct ImagineRequest {
  std::filesystem::path folder;  // made if absent
  std::int64_t class_index = 0;
  double guidance = 1.5;  // three decimals count
  int steps = 20;
  std::string sampler = "dpmpp-2m";
  noise::Seed seed;
  bool private_seed = false;
  receipt::SeedMode mode = receipt::SeedMode::kSeeded;
  std::uint64_t first_index = 0;
  std::uint32_t count = 1;  // 1..receipt::kCountMax
  work::Target target;      // of the stamp
  std::string signer;       // what the signer calls itself; may be empty
  std::string software;     // "calx 0.1.0"
  std::string command;      // as given, for the page
  int threads = 1;
};

/// Pixels that wait for a stamp; further images wait to be made.
inline constexpr std::uint64_t kWaitingPixelBytesMax = std::uint64_t{256} << 20;

/// Who works and who signs; both outlive the call.
struct ImagineServices {
  work::Stamper* stamper = nullptr;
  const receipt::SigningKey* key = nullptr;
};

struct ImagineProgress {
  bool stamping = false;      // nothing else goes on; else: making images
  std::uint32_t done = 0;     // images finished, those of an earlier run included
  std::uint32_t waiting = 0;  // made, and written once the stamp is there
  std::uint32_t count = 0;
  double seconds = 0.0;  // since the first image began
};
using ImagineObserver = std::function<void(const ImagineProgress&)>;

struct ImagineReport {
  bool complete = false;   // false: stopped; the same request goes on where it stopped
  std::uint32_t made = 0;  // by this call
  std::uint32_t kept = 0;  // found finished in the folder, checked and left alone
  std::vector<std::filesystem::path> images;
  std::filesystem::path receipt, grid, page;
  std::optional<std::filesystem::path> opening;  // of a private seed; for the owner alone
  std::string expected_hashes;                   // of the stamp: "1,048,576"
  std::string work_origin;
  double stamp_seconds = 0.0, image_seconds = 0.0;
  receipt::Report checks;  // of the written receipt; pixels are not made a second time
};

/// Makes `count` images of one class into request.folder: digit-C-NNNNN.png (each with its own
/// receipt and A1111's `parameters` inside), receipt.json (all of them), grid.png, index.html.
///
/// The stamper is asked once, from another thread. Image i is the same whatever first_index,
/// count, threads. In mode kSeeded the stamp only attests: images are made while it is searched,
/// and written, with it, once it is there. In mode kStamped they depend on it and wait. A folder
/// that holds finished images of the very same request is completed, with the stamp it has.
///
/// Every file is written whole or not at all. On a stop the report says complete = false and
/// receipt.json covers the finished images; a stop before the stamp is kCancelled and leaves no
/// image, for nothing attests it.
/// Errors: kInvalidArgument (class, steps, sampler, guidance, count; a folder that holds another
/// request), those of the stamper and of writing files.
Result<ImagineReport> imagine(const Model& model, const ImagineRequest& request,
                              const ImagineServices& services, const ImagineObserver& observer,
                              const std::stop_token& stop);

struct Remade {
  std::filesystem::path image;
  bool listed = false;  // the receipt lists this image, so there is something to compare with
  bool same = false;    // pixel digests agree
};

/// Makes image `index` of a receipt again, into folder/digit-C-NNNNN.png. The copy carries
/// `parameters` but no receipt: nobody signs for it anew.
/// Errors: kInvalidArgument (index outside the request); kUnavailable (private seed, no salt).
Result<Remade> remake(const Model& model, const receipt::Receipt& receipt, std::uint64_t index,
                      const std::optional<hash::Digest>& salt, const std::filesystem::path& folder,
                      int threads, const std::stop_token& stop);

/// "digit-7-00012.png".
std::string image_file_name(std::uint32_t class_index, std::uint64_t index);

}  // namespace calx::diffusion
