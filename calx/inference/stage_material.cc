#include "calx/inference/stage_material.h"

#include <fmt/format.h>

#include <cstdlib>
#include <ctime>
#include <utility>

#include "calx/base/atomic_file.h"
#include "calx/inference/published_training.h"
#include "calx/inference/reference_digits.h"
#include "calx/nn/threads.h"

namespace calx::inference {
namespace {

constexpr std::size_t kPixels = 1024;
constexpr int kBatch = 32;
constexpr std::uint64_t kSpentBytesMax = 64;

noise::Seed text_seed(const std::string& text) { return noise::Seed::from_text(text).value(); }
noise::Seed digits_seed() { return text_seed("calx stage c digits"); }
noise::Seed corrupt_seed() { return text_seed("calx stage c corruption"); }

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Of sessions that were stopped before.
double spent_before(const std::filesystem::path& file) {
  const auto bytes = read_file(file, kSpentBytesMax);
  if (!bytes) return 0;
  return std::strtod(std::string(bytes->begin(), bytes->end()).c_str(), nullptr);
}

}  // namespace

Result<StageSplit> Material::split(std::uint32_t data_seed, const SplitSizes& sizes) const {
  if (!handwriting) return drawn_split(digits_seed(), data_seed, sizes);
  return handwritten_split(handwriting->train, handwriting->held_out, data_seed, sizes);
}

Result<Material> drawn_material(const SplitSizes& sizes) {
  CALX_ASSIGN(set, draw_reference_digits(digits_seed(), 0, sizes.train));
  return Material{"digits", std::move(set.pictures), nullptr};
}

Material handwritten_material(const Handwriting& handwriting) {
  const auto& pictures = handwriting.train.pictures;
  const std::size_t count = handwritten_training_count(handwriting.train);
  return {"mnist",
          {pictures.begin(), pictures.begin() + static_cast<std::ptrdiff_t>(count * kPixels)},
          &handwriting};
}

Result<PreparedTask> prepare_task(const Material& material, const StageNetwork& network,
                                  const StageCRun& run, std::uint32_t unet_seed,
                                  std::uint32_t data_seed, const Observer& observer,
                                  const std::stop_token& stop) {
  PublishedTraining training;
  training.network.width = network.width;
  training.seed = noise::Seed::from_integer(std::int64_t{unet_seed});
  training.sigma = network.sigma;
  training.batch = kBatch;
  training.images = network.train_images;
  const auto renamed = [&](const Progress& now) {
    if (!observer) return;
    observer({fmt::format("{}: network {}, {}", material.data, unet_seed, now.stage), now.done,
              now.count});
  };
  std::error_code error;
  std::filesystem::create_directories(run.work, error);
  const auto spent =
      run.work / fmt::format("cpu-{}-w{}-u{}.txt", material.data, network.width, unet_seed);
  const double before = spent_before(spent), start = cpu_seconds();
  auto trained = train_published(
      material.train, training,
      {.folder = run.work / material.data, .threads = static_cast<int>(run.threads)}, renamed,
      stop);
  const double cpu_s = before + cpu_seconds() - start;
  CALX_TRY(write_file(spent, fmt::format("{:.1f}\n", cpu_s)));
  if (!trained) return std::unexpected(trained.error());
  CALX_ASSIGN(split, material.split(data_seed, network.sizes));
  nn::set_threads(static_cast<int>(run.threads));
  CALX_ASSIGN(task,
              decoder_task(trained->network, split.fit, split.test, network.sigma, corrupt_seed()));
  return PreparedTask{std::move(task), std::move(split), trained->run, cpu_s};
}

}  // namespace calx::inference
