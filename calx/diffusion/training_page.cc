#include "calx/diffusion/training_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calx/base/assert.h"
#include "calx/format/page.h"

namespace calx::diffusion {
namespace {

constexpr std::size_t kSheetsMax = 40;  // on the page; the folder keeps all

format::Chart loss_by_epoch(const TrainingPage& page) {
  format::ChartSeries series{.name = "mean loss", .x = {}, .y = {}, .dots = true};
  for (std::size_t i = 0; i < page.epoch_losses.size(); ++i) {
    series.x.push_back(static_cast<double>(i + 1));
    series.y.push_back(page.epoch_losses[i]);
  }
  return {"Loss by epoch", "epoch", "squared error of v, per pixel", {std::move(series)}, true};
}

format::Chart loss_by_step(const TrainingPage& page) {
  format::ChartSeries series{.name = "loss of a step", .x = {}, .y = {}};
  for (std::size_t i = 0; i < page.step_losses.size(); ++i) {
    series.x.push_back(static_cast<double>(i));
    series.y.push_back(static_cast<double>(page.step_losses[i]));
  }
  return {"Loss by step", "step", "squared error of v, per pixel", {std::move(series)}, true};
}

}  // namespace

std::string render(const TrainingPage& page) {
  format::Page out("calx train digits",
                   "A class-conditional diffusion model learns to draw digits.");
  if (!page.command.empty()) out.code(page.command);
  out.key_values(page.facts);
  if (!page.epoch_losses.empty()) out.chart(loss_by_epoch(page));
  if (!page.step_losses.empty()) out.chart(loss_by_step(page));
  if (!page.samples.empty()) {
    out.heading("One digit of each class after each epoch");
    out.paragraph("The same seed throughout, so that changes are the network's.");
    std::vector<format::PageFigure> figures;
    const std::size_t count = page.samples.size();
    const std::size_t stride = (count + kSheetsMax - 1) / kSheetsMax;
    for (std::size_t i = 0; i < count; ++i) {
      if (i % stride != (count - 1) % stride) continue;  // the last one is always shown
      figures.push_back({.caption = fmt::format("epoch {}", page.samples[i].epoch),
                         .png = page.samples[i].png,
                         .link = {},
                         .href = {}});
    }
    out.gallery(figures, 340);
  }
  return out.html();
}

format::Image to_image(std::span<const float> picture, int side) {
  const auto extent = static_cast<std::uint32_t>(side);
  CALX_ASSERT(picture.size() == std::size_t{extent} * extent);
  format::Image image{extent, extent, 1, {}};
  for (const float value : picture) {
    const float grey = std::floor((value + 1.0F) * 127.5F + 0.5F);
    image.pixels.push_back(static_cast<std::uint8_t>(std::clamp(grey, 0.0F, 255.0F)));
  }
  return image;
}

}  // namespace calx::diffusion
