#include "calx/inference/picture_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/diffusion/model_file.h"
#include "calx/format/safetensors.h"
#include "calx/hash/sha256.h"
#include "calx/nn/threads.h"

namespace calx::inference {
namespace {

constexpr std::size_t kSaveEvery = 8;  // batches
constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 32;
constexpr const char* kPlanKey = "calx.pictures";

class Store {
 public:
  Store(const PicturePlan& plan, const std::filesystem::path& folder)
      : plan_(plan),
        file_(folder / fmt::format("pictures-{:.16}.safetensors", to_hex(hash::sha256(plan.text)))),
        done_((plan.count + plan.batch - 1) / plan.batch) {
    pixels_.resize(plan.count * plan.bytes);
  }

  Result<void> open() {
    std::error_code error;
    std::filesystem::create_directories(file_.parent_path(), error);
    if (error) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("cannot make the folder {}: {}", file_.parent_path().string(),
                              error.message()));
    }
    if (!std::filesystem::exists(file_, error)) return {};
    CALX_ASSIGN(bytes, read_file(file_, kFileBytesMax));
    CALX_ASSIGN(file, format::parse_safetensors(bytes));
    CALX_TRY(diffusion::unseal(file, file_.string()));
    const auto* pixels = format::find(file.tensors, "pixels");
    const auto* done = format::find(file.tensors, "done");
    const auto text = file.metadata.find(kPlanKey);
    if (pixels == nullptr || done == nullptr || text == file.metadata.end() ||
        text->second != plan_.text || pixels->bytes.size() != pixels_.size() ||
        done->bytes.size() != done_.size()) {
      return fail(
          ErrorCode::kDataLoss,
          fmt::format("{} holds other pictures than its name says; remove it", file_.string()));
    }
    pixels_ = pixels->bytes;
    done_ = done->bytes;
    return {};
  }

  Result<void> save() const {
    format::Safetensors file;
    file.metadata[kPlanKey] = plan_.text;
    file.tensors.push_back({"pixels", format::make_array({plan_.count, plan_.bytes}, pixels_)});
    file.tensors.push_back({"done", format::make_array({done_.size()}, done_)});
    CALX_TRY(diffusion::seal(file));
    CALX_ASSIGN(bytes, format::encode_safetensors(file));
    return write_file(file_, bytes);
  }

  Result<void> make(int threads, const BatchMaker& make, const StoreObserver& observer,
                    const std::stop_token& stop) {
    std::vector<std::size_t> missing;
    for (std::size_t b = 0; b < done_.size(); ++b) {
      if (done_[b] == 0) missing.push_back(b);
    }
    report(observer);
    // Saved between rounds, when no worker writes.
    for (std::size_t first = 0; first < missing.size() && !error_; first += kSaveEvery) {
      round(std::span(missing).subspan(first, std::min(kSaveEvery, missing.size() - first)),
            threads, make, observer, stop);
      CALX_TRY(save());
    }
    if (error_) return std::unexpected(std::move(*error_));
    return {};
  }

  std::vector<std::uint8_t> take() { return std::move(pixels_); }

 private:
  void round(std::span<const std::size_t> batches, int threads, const BatchMaker& make,
             const StoreObserver& observer, const std::stop_token& stop) {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;  // guards error_, done_ and the observer
    const auto work = [&] {
      nn::set_threads(1);
      for (std::size_t i = next++; i < batches.size(); i = next++) {
        auto made = one(batches[i], make, stop);
        const std::lock_guard lock(mutex);
        if (!made) {
          if (!error_) error_ = std::move(made).error();
          next = batches.size();
          return;
        }
        done_[batches[i]] = 1;
        report(observer);
      }
    };
    std::vector<std::jthread> pool;
    for (int i = 0; i < std::max(threads, 1); ++i) pool.emplace_back(work);
  }

  Result<void> one(std::size_t batch, const BatchMaker& make, const std::stop_token& stop) {
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "making pictures was stopped");
    const std::size_t first = batch * plan_.batch;
    const std::size_t count = std::min(plan_.batch, plan_.count - first);
    CALX_ASSIGN(pixels, make(first, count));
    if (pixels.size() != count * plan_.bytes) {
      return fail(ErrorCode::kInternal, fmt::format("batch {}: {} bytes, wanted {}", batch,
                                                    pixels.size(), count * plan_.bytes));
    }
    std::ranges::copy(pixels, pixels_.begin() + static_cast<std::ptrdiff_t>(first * plan_.bytes));
    return {};
  }

  void report(const StoreObserver& observer) const {
    const auto whole = static_cast<std::size_t>(std::ranges::count(done_, 1));
    if (observer) observer(std::min(whole * plan_.batch, plan_.count), plan_.count);
  }

  const PicturePlan& plan_;
  std::filesystem::path file_;
  std::vector<std::uint8_t> pixels_, done_;  // done: 1 for each finished batch
  std::optional<Error> error_;
};

}  // namespace

Result<std::vector<std::uint8_t>> make_pictures(const PicturePlan& plan,
                                                const std::filesystem::path& folder, int threads,
                                                const BatchMaker& make,
                                                const StoreObserver& observer,
                                                const std::stop_token& stop) {
  if (plan.count == 0 || plan.batch == 0 || plan.bytes == 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} pictures of {} bytes in batches of {}: wanted at least 1 of each",
                            plan.count, plan.bytes, plan.batch));
  }
  try {
    Store store(plan, folder);
    CALX_TRY(store.open());
    CALX_TRY(store.make(threads, make, observer, stop));
    return store.take();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{} pictures do not fit in memory", plan.count));
  }
}

}  // namespace calx::inference
