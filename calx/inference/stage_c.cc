#include "calx/inference/stage_c.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <limits>
#include <utility>

#include "calx/base/atomic_file.h"
#include "calx/format/png.h"
#include "calx/inference/agreement.h"
#include "calx/inference/stage_record.h"

namespace calx::inference {
namespace {

constexpr std::uint64_t kRecordBytesMax = std::uint64_t{1} << 24;
constexpr std::size_t kPixels = 1024, kShown = 12;

// Of the whole process.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Result<void> stopped(const std::stop_token& stop) {
  if (!stop.stop_requested()) return {};
  return fail(ErrorCode::kCancelled, "stage c was stopped; finished parts are kept");
}

std::filesystem::path part_file(const StageCRun& run, std::string_view what,
                                const StageOutcome& part, std::string_view ending) {
  return run.work /
         fmt::format("{}-{}-u{}-s{}.{}", what, part.data, part.unet_seed, part.data_seed, ending);
}

// Rows of tiles: digital, mean, snapshot, noisy, clean.
class PictureSheet {
 public:
  explicit PictureSheet(std::size_t rank)
      : mean_(fmt::format("rrr-{}", rank)), snapshot_(fmt::format("rrr-{}-draws-1", rank)) {}

  void keep(const DecoderTask& task, const std::string& key, std::span<const float> answers) {
    const std::size_t values = std::min(answers.size(), kShown * kPixels * task.units);
    if (key == "digital") images_[0] = task.decode(answers.first(values));
    if (key == mean_) images_[1] = task.decode(answers.first(values));
    if (key == snapshot_) images_[2] = task.decode(answers.first(values));
    const std::size_t pixels = values / task.units;
    images_[3].assign(task.noisy.begin(), task.noisy.begin() + static_cast<std::ptrdiff_t>(pixels));
    images_[4].assign(task.clean.begin(), task.clean.begin() + static_cast<std::ptrdiff_t>(pixels));
  }

  [[nodiscard]] Result<format::Image> sheet() const {
    std::vector<format::Image> tiles;
    for (const auto& row : images_) {
      for (std::size_t at = 0; at + kPixels <= row.size(); at += kPixels) {
        format::Image tile{.width = 32, .height = 32, .channels = 1, .pixels = {}};
        for (std::size_t p = 0; p < kPixels; ++p) {
          const float grey = std::clamp((row[at + p] + 1) * 127.5f, 0.0f, 255.0f);
          tile.pixels.push_back(static_cast<std::uint8_t>(std::lround(grey)));
        }
        tiles.push_back(std::move(tile));
      }
    }
    return format::grid(tiles, static_cast<std::uint32_t>(images_[4].size() / kPixels));
  }

 private:
  std::string mean_, snapshot_;
  std::array<std::vector<float>, 5> images_;
};

Result<StageOutcome> run_part(const Material& material, const StageCSettings& settings,
                              const StageCRun& run, StageOutcome part, const Observer& observer,
                              const std::stop_token& stop) {
  const auto record = part_file(run, "part", part, "json");
  if (const auto bytes = read_file(record, kRecordBytesMax)) {
    auto known = read_record(
        std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()), settings);
    if (known || known.error().code != ErrorCode::kNotFound) return known;
  }
  CALX_ASSIGN(ready, prepare_task(material, settings.network, run, part.unet_seed, part.data_seed,
                                  observer, stop));
  PictureSheet pictures(settings.arms.rank);
  const auto keep = [&](const std::string& key, std::span<const float> answers) {
    pictures.keep(ready.task, key, answers);
  };
  StageCSettings threaded = settings;
  threaded.arms.threads = run.threads;
  CALX_ASSIGN(outcome, judge_network(ready.task, threaded, part.unet_seed, part.data_seed, keep,
                                     observer, stop));
  outcome.data = part.data;
  outcome.source = ready.split.source;
  outcome.split_digest = ready.split.digest;
  outcome.network = ready.network;
  outcome.training_cpu_s = ready.training_cpu_s;
  CALX_ASSIGN(sheet, pictures.sheet());
  CALX_ASSIGN(png, format::encode_png(sheet));
  CALX_TRY(write_file(part_file(run, "pictures", part, "png"), png));
  CALX_ASSIGN(text, write_record(outcome, settings));
  CALX_TRY(write_file(record, text));
  return outcome;
}

Result<std::vector<Material>> materials_of(const StageCSettings& settings,
                                           const std::optional<Handwriting>& handwriting) {
  std::vector<Material> materials;
  if (settings.digits) {
    CALX_ASSIGN(drawn, drawn_material(settings.network.sizes));
    materials.push_back(std::move(drawn));
  }
  if (settings.handwriting && handwriting) materials.push_back(handwritten_material(*handwriting));
  if (!materials.empty()) return materials;
  return fail(ErrorCode::kNotFound,
              "stage c: no MNIST in the data folders, and nothing else was asked for");
}

}  // namespace

const StageRow* StageOutcome::find(std::string_view key) const noexcept {
  const auto found = std::ranges::find(rows, key, &StageRow::key);
  return found == rows.end() ? nullptr : &*found;
}

Result<StageOutcome> judge_network(const DecoderTask& task, const StageCSettings& settings,
                                   std::uint32_t unet_seed, std::uint32_t data_seed,
                                   const ArmBook::Keeper& keep, const Observer& observer,
                                   const std::stop_token& stop) {
  constexpr std::size_t kParts = 6;
  const double start = cpu_seconds();
  std::size_t done = 0;
  const auto next = [&](std::string_view what) -> Result<void> {
    if (observer) {
      observer({fmt::format("network {}, split {}: {}", unet_seed, data_seed, what), done, kParts});
    }
    ++done;
    return stopped(stop);
  };
  const ArmSettings& arms = settings.arms;
  CALX_ASSIGN(seed,
              noise::Seed::from_text(fmt::format("calx stage c {} {}", unet_seed, data_seed)));
  const auto source = thermo::philox_noise(seed);
  StageOutcome outcome;
  outcome.unet_seed = unet_seed;
  outcome.data_seed = data_seed;
  ArmBook book(task, keep);
  CALX_TRY(next("published couplings"));
  CALX_TRY(book_controls(book));
  CALX_TRY(book_published(book, arms));
  CALX_TRY(next("rank-k couplings"));
  CALX_ASSIGN(difference, book_couplings(book, arms, seed));
  outcome.folded_difference = difference;
  CALX_TRY(next("thermal snapshots"));
  CALX_ASSIGN(certificates, book_snapshots(book, arms, source));
  outcome.certificates = std::move(certificates);
  CALX_ASSIGN(carried, carry_rrr(task, Port::kSkip, arms.rank, arms.temperature_kt));
  CALX_ASSIGN(effort, image_effort(carried, task.test_rows(), arms));
  outcome.effort = effort;
  if (data_seed == settings.data_seeds.front()) {
    CALX_TRY(next("interface networks"));
    CALX_TRY(book_interfaces(book, arms, seed));
    CALX_TRY(next("twins and averages"));
    CALX_ASSIGN(twins, find_twins(carried, arms, source));
    outcome.twins = std::move(twins);
    CALX_ASSIGN(average, uniform_averages(carried, arms, settings.average_pixels,
                                          settings.average_tau, source));
    outcome.average = std::move(average);
  }
  outcome.judging_cpu_s = cpu_seconds() - start;
  if (data_seed == settings.data_seeds.front() && unet_seed == settings.unet_seeds.front()) {
    CALX_TRY(next("calibrated trajectory"));
    CALX_ASSIGN(trajectory,
                calibrated_trajectory(carried, arms, settings.trajectory_pixels, source));
    outcome.certificates.push_back(std::move(trajectory));
    outcome.proof_cpu_s = cpu_seconds() - start - outcome.judging_cpu_s;
  }
  outcome.rows = book.rows();
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  outcome.rows.push_back({.key = "noisy",
                          .figures = {.raw = kNone,
                                      .centred = kNone,
                                      .r2 = kNone,
                                      .clean_db = psnr_db(task.noisy, task.clean),
                                      .digital_db = psnr_db(task.noisy, task.test.image)}});
  return outcome;
}

Result<StageCResult> run_stage_c(const StageCSettings& settings,
                                 const std::optional<Handwriting>& handwriting,
                                 const StageCRun& run, const Observer& observer,
                                 const std::stop_token& stop) {
  CALX_TRY(check(settings));
  CALX_ASSIGN(materials, materials_of(settings, handwriting));
  StageCResult result;
  for (const Material& material : materials) {
    for (const std::uint32_t unet_seed : settings.unet_seeds) {
      for (const std::uint32_t data_seed : settings.data_seeds) {
        StageOutcome part;
        part.data = material.data;
        part.unet_seed = unet_seed;
        part.data_seed = data_seed;
        CALX_TRY(stopped(stop));
        CALX_ASSIGN(outcome, run_part(material, settings, run, part, observer, stop));
        result.outcomes.push_back(std::move(outcome));
      }
    }
  }
  result.report = stage_c_report(settings, result.outcomes);
  result.report.facts.insert(result.report.facts.begin(), {"command", run.command});
  for (const Material& material : materials) {
    StageOutcome first;
    first.data = material.data;
    first.unet_seed = settings.unet_seeds.front();
    first.data_seed = settings.data_seeds.front();
    CALX_ASSIGN(bytes, read_file(part_file(run, "pictures", first, "png"), kRecordBytesMax));
    CALX_ASSIGN(png, format::parse_png(bytes));
    result.report.pictures.push_back(
        {fmt::format("{}: digital U-Net, substrate mean, one thermal snapshot, noisy, clean",
                     material.data),
         std::move(png.image)});
  }
  return result;
}

}  // namespace calx::inference
