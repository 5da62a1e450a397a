#include "calx/inference/published_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/diffusion/model_file.h"
#include "calx/format/safetensors.h"
#include "calx/hash/sha256.h"
#include "calx/nn/published_unet_trainer.h"
#include "calx/nn/threads.h"
#include "calx/noise/latent.h"
#include "calx/noise/stream.h"

namespace calx::inference {
namespace {

constexpr const char* kLosses = "losses";
constexpr std::uint64_t kCheckpointBytesMax = std::uint64_t{1} << 31;
constexpr std::size_t kNameDigits = 16;  // of the digest in a file's name

struct Saved {
  nn::PublishedTrainerState state;
  std::vector<float> losses;
  double seconds = 0;
};

std::string describe(const PublishedTraining& t, std::span<const float> pictures) {
  const auto side = static_cast<std::uint64_t>(t.network.side), pixels = side * side;
  const auto array = format::make_array({pictures.size() / pixels, pixels},
                                        std::vector<float>(pictures.begin(), pictures.end()));
  return fmt::format(
      "published-unet channels={} width={} side={} seed={} sigma={} batch={} images={} rate={} {} "
      "pictures={} sha256={}",
      t.network.channels, t.network.width, t.network.side, t.seed.to_string(), t.sigma, t.batch,
      t.images, t.learning_rate, t.falling ? "falling" : "constant", pictures.size() / pixels,
      to_hex(noise::latent_digest(array)));
}

Result<void> save(const std::filesystem::path& path, const std::string& run, const Saved& saved) {
  format::Safetensors file;
  file.metadata = {{"calx.run", run},
                   {"calx.steps", fmt::format("{}", saved.state.steps)},
                   {"calx.seconds", fmt::format("{:.3f}", saved.seconds)}};
  diffusion::add_parameters(file, "weights/", saved.state.weights);
  diffusion::add_parameters(file, "moment1/", saved.state.moment1);
  diffusion::add_parameters(file, "moment2/", saved.state.moment2);
  diffusion::add_parameters(
      file, "", {{kLosses, {static_cast<std::int64_t>(saved.losses.size())}, saved.losses}});
  CALX_TRY(diffusion::seal(file));
  CALX_ASSIGN(bytes, format::encode_safetensors(file));
  return write_file(path, bytes);
}

template <class Number>
Result<Number> number_of(const format::Safetensors& file, const std::string& key) {
  Number value{};
  const auto found = file.metadata.find(key);
  if (found != file.metadata.end()) {
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) return value;
  }
  return fail(ErrorCode::kDataLoss, fmt::format("checkpoint: no number {} in its metadata", key));
}

Result<Saved> restore(const std::filesystem::path& path, const std::string& run) {
  CALX_ASSIGN(bytes, read_file(path, kCheckpointBytesMax));
  CALX_ASSIGN(file, format::parse_safetensors(bytes));
  CALX_TRY(diffusion::unseal(file, path.string()));
  if (const auto found = file.metadata.find("calx.run");
      found == file.metadata.end() || found->second != run) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{} holds another run, wanted \"{}\"", path.string(), run));
  }
  CALX_ASSIGN(steps, number_of<std::int64_t>(file, "calx.steps"));
  CALX_ASSIGN(seconds, number_of<double>(file, "calx.seconds"));
  CALX_ASSIGN(weights, diffusion::take_parameters(file, "weights/"));
  CALX_ASSIGN(moment1, diffusion::take_parameters(file, "moment1/"));
  CALX_ASSIGN(moment2, diffusion::take_parameters(file, "moment2/"));
  CALX_ASSIGN(losses, diffusion::take_parameters(file, kLosses));
  if (losses.size() != 1 || std::ssize(losses[0].values) != steps) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{}: wanted one loss for each of {} steps", path.string(), steps));
  }
  return Saved{{steps, std::move(weights), std::move(moment1), std::move(moment2)},
               std::move(losses[0].values),
               seconds};
}

// Clean and noisy pictures of a step, [batch, channels, side, side].
class Batches {
 public:
  Batches(std::span<const float> pictures, const PublishedTraining& training)
      : pictures_(pictures),
        training_(training),
        pixels_(static_cast<std::size_t>(training.network.side) *
                static_cast<std::size_t>(training.network.side)),
        clean_(static_cast<std::size_t>(training.batch) * channels() * pixels_),
        noisy_(clean_.size()) {}

  Result<void> draw(std::int64_t step) {
    const auto index = static_cast<std::uint64_t>(step);
    const auto batch = static_cast<std::size_t>(training_.batch);
    std::vector<std::uint32_t> words(batch);
    CALX_ASSIGN(pick, noise::Stream::open(training_.seed, "train/pick", index));
    CALX_TRY(pick.bits({.columns = static_cast<std::uint32_t>(batch)}, words));
    CALX_ASSIGN(noise, noise::Stream::open(training_.seed, "train/noise", index));
    const auto side = static_cast<std::uint32_t>(training_.network.side);
    CALX_TRY(noise.normal(
        {.channels = static_cast<std::uint32_t>(batch * channels()), .rows = side, .columns = side},
        noisy_));
    const std::size_t count = pictures_.size() / pixels_;
    for (std::size_t plane = 0; plane < batch * channels(); ++plane) {
      const std::size_t picture = std::uint64_t{words[plane / channels()]} * count >> 32;
      std::ranges::copy(pictures_.subspan(picture * pixels_, pixels_),
                        clean_.begin() + static_cast<std::ptrdiff_t>(plane * pixels_));
    }
    const auto sigma = static_cast<float>(training_.sigma);
    for (std::size_t i = 0; i < noisy_.size(); ++i) noisy_[i] = clean_[i] + sigma * noisy_[i];
    return {};
  }

  [[nodiscard]] std::span<const float> clean() const noexcept { return clean_; }
  [[nodiscard]] std::span<const float> noisy() const noexcept { return noisy_; }

 private:
  [[nodiscard]] std::size_t channels() const noexcept {
    return static_cast<std::size_t>(training_.network.channels);
  }

  std::span<const float> pictures_;
  const PublishedTraining& training_;
  std::size_t pixels_;
  std::vector<float> clean_, noisy_;
};

Result<void> check_pictures(std::span<const float> pictures, int side) {
  const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  if (pictures.empty() || pictures.size() % pixels != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("training pictures: {} numbers, wanted whole pictures of {}",
                            pictures.size(), pixels));
  }
  const auto bad = std::ranges::find_if(pictures, [](float v) { return !(std::abs(v) <= 1); });
  if (bad == pictures.end()) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("training pictures: a pixel is {}, wanted -1 to 1", *bad));
}

Result<nn::PublishedUNetTrainer> open_trainer(const PublishedTraining& training,
                                              const Saved& saved) {
  if (saved.state.steps > 0) {
    return nn::PublishedUNetTrainer::resume(training.network, saved.state);
  }
  return nn::PublishedUNetTrainer::create(training.network, training.seed);
}

}  // namespace

PublishedTraining stage_b_training() {
  PublishedTraining training;
  training.network = {.channels = 4, .width = 128, .side = 32};
  training.sigma = 0.1;
  training.batch = 64;
  training.images = 2560;
  training.learning_rate = 3e-4;
  training.falling = false;
  return training;
}

Result<void> check(const PublishedTraining& t) {
  CALX_TRY(nn::check(t.network));
  const bool whole = t.batch > 0 && t.images > 0 && t.images % t.batch == 0;
  if (!whole || t.batch > nn::kPublishedBatchMax || t.images > kPublishedImagesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("training on {} images in batches of {}: wanted whole batches of up "
                            "to {}, up to {} images",
                            t.images, t.batch, nn::kPublishedBatchMax, kPublishedImagesMax));
  }
  if (!(t.sigma >= 0 && t.sigma <= 100) || !(t.learning_rate > 0 && t.learning_rate <= 1)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("training at sigma {} and rate {}: wanted a sigma of 0 to 100 and a "
                            "rate above 0, at most 1",
                            t.sigma, t.learning_rate));
  }
  return {};
}

double learning_rate(const PublishedTraining& training, std::int64_t step) noexcept {
  if (!training.falling || step == 0) return training.learning_rate;
  const double seen = static_cast<double>(step) * training.batch;
  return training.learning_rate * (1 - seen / static_cast<double>(training.images) + 0.01);
}

Result<TrainedPublishedUNet> train_published(std::span<const float> pictures,
                                             const PublishedTraining& training,
                                             const PublishedTrainingRun& run,
                                             const Observer& observer,
                                             const std::stop_token& stop) {
  CALX_TRY(check(training));
  CALX_TRY(check_pictures(pictures, training.network.side));
  nn::set_threads(run.threads);
  const std::string line = describe(training, pictures);
  const auto digest = to_hex(hash::sha256(line));
  std::error_code error;
  std::filesystem::create_directories(run.folder, error);
  const auto path = run.folder / fmt::format("unet-{}-{}.safetensors", training.network.width,
                                             digest.substr(0, kNameDigits));
  Saved saved;
  if (std::filesystem::exists(path, error)) {
    CALX_ASSIGN(found, restore(path, line));
    saved = std::move(found);
  }
  CALX_ASSIGN(trainer, open_trainer(training, saved));
  Batches batches(pictures, training);
  const std::int64_t steps = training.images / training.batch;
  auto clock = std::chrono::steady_clock::now();
  const auto keep = [&]() -> Result<void> {
    const auto now = std::chrono::steady_clock::now();
    saved.seconds += std::chrono::duration<double>(now - std::exchange(clock, now)).count();
    saved.state = trainer.state();
    return save(path, line, saved);
  };
  for (std::int64_t step = saved.state.steps; step < steps; ++step) {
    if (stop.stop_requested()) {
      CALX_TRY(keep());
      return fail(ErrorCode::kCancelled,
                  fmt::format("training stopped after {} of {} steps; {} goes on from there", step,
                              steps, path.string()));
    }
    CALX_TRY(batches.draw(step));
    CALX_ASSIGN(loss,
                trainer.step(batches.noisy(), batches.clean(), learning_rate(training, step)));
    saved.losses.push_back(loss);
    if (observer) {
      observer({fmt::format("training the U-Net (loss {:.4f})", loss),
                static_cast<std::size_t>(step + 1), static_cast<std::size_t>(steps)});
    }
    if (step + 1 == steps || (step + 1) % std::max<std::int64_t>(run.checkpoint_steps, 1) == 0) {
      CALX_TRY(keep());
    }
  }
  CALX_ASSIGN(network, trainer.network());
  return TrainedPublishedUNet{std::move(network), std::move(saved.losses), saved.seconds, path,
                              line};
}

}  // namespace calx::inference
