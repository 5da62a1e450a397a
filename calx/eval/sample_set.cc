#include "calx/eval/sample_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/diffusion/guidance.h"
#include "calx/diffusion/model_file.h"
#include "calx/diffusion/sampler.h"
#include "calx/diffusion/training_page.h"
#include "calx/format/safetensors.h"
#include "calx/hash/sha256.h"
#include "calx/nn/threads.h"
#include "calx/nn/torch_noise.h"
#include "calx/receipt/identity.h"

namespace calx::eval {
namespace {

constexpr std::size_t kSaveEvery = 500;  // pictures
constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 31;
constexpr const char* kPlanKey = "calx.samples";

// One image to make: what `calx imagine` calls its class and its index.
struct Wanted {
  std::int32_t class_index;
  std::uint64_t index;
};

std::vector<Wanted> wanted_images(const SamplePlan& plan) {
  std::map<std::int32_t, std::uint64_t> seen;
  std::vector<Wanted> wanted;
  for (const auto label : plan.classes) wanted.push_back({label, seen[label]++});
  return wanted;
}

Result<hash::Digest> seed_of(const SamplePlan& plan, const Wanted& wanted, int side) {
  receipt::Request request;
  auto& identity = request.identity;
  identity.model = plan.model;
  identity.class_index = static_cast<std::uint32_t>(wanted.class_index);
  identity.guidance_thousandths = static_cast<std::uint32_t>(std::lround(1000 * plan.guidance));
  identity.steps = static_cast<std::uint32_t>(plan.steps);
  identity.sampler = plan.sampler;
  identity.width = identity.height = static_cast<std::uint32_t>(side);
  identity.seed = plan.seed;
  return receipt::image_seed(request, wanted.index, {});
}

// The work of one call: what is done, and the file that holds it.
class Workshop {
 public:
  Workshop(const nn::UNet& network, const SamplePlan& plan, const SampleRun& run)
      : network_(network),
        plan_(plan),
        text_(describe(plan)),
        file_(run.folder / fmt::format("samples-{:.16}.safetensors", to_hex(hash::sha256(text_)))),
        wanted_(wanted_images(plan)),
        side_(network.config().side),
        pixels_(static_cast<std::size_t>(side_) * static_cast<std::size_t>(side_)) {
    out_.pixels.resize(wanted_.size() * pixels_);
    done_.resize(wanted_.size());
  }

  Result<void> open();
  Result<void> make(int threads, const SampleObserver& observer, const std::stop_token& stop);
  Result<void> save() const;
  SampleSet finish() {
    out_.digest = to_hex(hash::sha256(std::span<const std::uint8_t>(out_.pixels)));
    return std::move(out_);
  }

 private:
  Result<void> make_one(std::size_t k, const std::stop_token& stop);
  Result<void> note_done(std::size_t k, const SampleObserver& observer);

  const nn::UNet& network_;
  const SamplePlan& plan_;
  std::string text_;
  std::filesystem::path file_;
  std::vector<Wanted> wanted_;
  int side_;
  std::size_t pixels_;
  const diffusion::Sampler* sampler_ = nullptr;
  SampleSet out_;
  std::vector<std::uint8_t> done_;  // 1 where the picture is made
  std::size_t count_done_ = 0, made_now_ = 0;
  std::mutex mutex_;  // guards done_, the counts and the saving
};

Result<void> Workshop::open() {
  CALX_ASSIGN(sampler, diffusion::find_sampler(plan_.sampler));
  sampler_ = sampler;
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
      text->second != text_ || pixels->bytes.size() != out_.pixels.size() ||
      done->bytes.size() != done_.size()) {
    return fail(
        ErrorCode::kDataLoss,
        fmt::format("{} holds other samples than its name says; remove it", file_.string()));
  }
  out_.pixels = pixels->bytes;
  done_ = done->bytes;
  count_done_ = static_cast<std::size_t>(std::ranges::count(done_, 1));
  return {};
}

Result<void> Workshop::save() const {
  format::Safetensors file;
  const std::uint64_t count = wanted_.size(), side = static_cast<std::uint64_t>(side_);
  file.metadata[kPlanKey] = text_;
  file.tensors.push_back({"pixels", format::make_array({count, side, side}, out_.pixels)});
  file.tensors.push_back({"done", format::make_array({count}, done_)});
  CALX_TRY(diffusion::seal(file));
  CALX_ASSIGN(bytes, format::encode_safetensors(file));
  return write_file(file_, bytes);
}

Result<void> Workshop::make_one(std::size_t k, const std::stop_token& stop) {
  CALX_ASSIGN(digest, seed_of(plan_, wanted_[k], side_));
  const auto seed = noise::Seed::from_bytes(digest);
  std::vector<float> picture(pixels_);
  if (plan_.noise == InitialNoise::kHash) {
    CALX_TRY(diffusion::draw_noise(seed, "init", side_, picture));
  } else {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) number = number << 8 | digest[i];
    CALX_TRY(nn::torch_normal(number, picture));
  }
  const diffusion::GuidedDenoiser denoiser(
      network_, wanted_[k].class_index,
      static_cast<float>(std::lround(1000 * plan_.guidance)) / 1000.0F);
  CALX_TRY(diffusion::sample_from(*sampler_, denoiser, plan_.steps, seed, side_, picture, stop));
  const auto image = diffusion::to_image(picture, side_);
  std::ranges::copy(image.pixels, out_.pixels.begin() + static_cast<std::ptrdiff_t>(k * pixels_));
  return {};
}

Result<void> Workshop::note_done(std::size_t k, const SampleObserver& observer) {
  const std::lock_guard lock(mutex_);
  done_[k] = 1;
  ++count_done_;
  ++made_now_;
  if (observer) observer(made_now_, count_done_, done_.size());
  return {};
}

Result<void> Workshop::make(int threads, const SampleObserver& observer,
                            const std::stop_token& stop) {
  std::vector<std::size_t> missing;
  for (std::size_t k = 0; k < done_.size(); ++k) {
    if (done_[k] == 0) missing.push_back(k);
  }
  std::optional<Error> error;
  // Saved between rounds, when no worker writes.
  for (std::size_t first = 0; first < missing.size() && !error; first += kSaveEvery) {
    const std::size_t end = std::min(first + kSaveEvery, missing.size());
    std::atomic<std::size_t> next{first};
    std::mutex error_mutex;
    const auto work = [&] {
      nn::set_threads(1);
      for (std::size_t i = next++; i < end; i = next++) {
        auto made = make_one(missing[i], stop);
        if (made) made = note_done(missing[i], observer);
        if (made) continue;
        const std::lock_guard lock(error_mutex);
        if (!error) error = std::move(made).error();
        next = end;
        return;
      }
    };
    {
      std::vector<std::jthread> pool;
      for (int i = 0; i < std::max(threads, 1); ++i) pool.emplace_back(work);
    }
    CALX_TRY(save());
  }
  if (error) return std::unexpected(std::move(*error));
  return {};
}

}  // namespace

std::string_view to_string(InitialNoise noise) noexcept {
  return noise == InitialNoise::kHash ? "hash" : "torch";
}

std::string describe(const SamplePlan& plan) {
  hash::Sha256 classes;
  for (const auto label : plan.classes) classes.update_u32(static_cast<std::uint32_t>(label));
  return fmt::format(
      "model={} seed={} noise={} sampler={} guidance={:.3f} steps={} count={} classes={}",
      to_hex(plan.model), plan.seed.to_string(), to_string(plan.noise), plan.sampler, plan.guidance,
      plan.steps, plan.classes.size(), to_hex(classes.finish()));
}

Result<std::vector<hash::Digest>> picture_seeds(const SamplePlan& plan, int side) {
  std::vector<hash::Digest> seeds;
  for (const Wanted& wanted : wanted_images(plan)) {
    CALX_ASSIGN(seed, seed_of(plan, wanted, side));
    seeds.push_back(seed);
  }
  return seeds;
}

Result<SampleSet> make_samples(const nn::UNet& network, const SamplePlan& plan,
                               const SampleRun& run, const SampleObserver& observer,
                               const std::stop_token& stop) {
  if (plan.classes.empty() || plan.classes.size() > kSamplesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} samples: wanted 1 to {}", plan.classes.size(), kSamplesMax));
  }
  if (!(plan.guidance >= 0 && plan.guidance <= kGuidanceMax)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("guidance {}: wanted 0 to {}", plan.guidance, kGuidanceMax));
  }
  const auto bad = std::ranges::find_if(plan.classes, [&](std::int32_t label) {
    return label < 0 || label >= network.config().classes;
  });
  if (bad != plan.classes.end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("class {}: wanted 0 to {}", *bad, network.config().classes - 1));
  }
  Workshop workshop(network, plan, run);
  CALX_TRY(workshop.open());
  CALX_TRY(workshop.make(run.threads, observer, stop));
  return workshop.finish();
}

}  // namespace calx::eval
