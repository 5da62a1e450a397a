#include "calx/diffusion/image_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calx/base/hex.h"
#include "calx/diffusion/sampler.h"
#include "calx/format/page.h"
#include "calx/format/png.h"

namespace calx::diffusion {
namespace {

constexpr std::size_t kEnlargedMax = 256;  // pictures; a larger sheet is shown as it is
constexpr std::uint32_t kEnlargement = 4;

std::string guidance_text(const receipt::Identity& identity) {
  return fmt::format("{:g}", identity.guidance_thousandths / 1000.0);
}

std::string seed_text(const receipt::Identity& identity) {
  if (const auto* seed = std::get_if<noise::Seed>(&identity.seed)) return seed->to_string();
  return "private (a salted commitment stands in the receipt)";
}

format::PageMark mark_of(receipt::Verdict verdict) {
  switch (verdict) {
    case receipt::Verdict::kPass:
      return format::PageMark::kPass;
    case receipt::Verdict::kFail:
      return format::PageMark::kFail;
    case receipt::Verdict::kNotChecked:
      break;
  }
  return format::PageMark::kNotChecked;
}

std::vector<std::pair<std::string, std::string>> facts(const ImagePage& page) {
  const auto& receipt = *page.receipt;
  const auto& identity = receipt.request.identity;
  return {{"class", fmt::format("{}", identity.class_index)},
          {"seed", seed_text(identity)},
          {"seed mode", std::string(receipt::to_string(receipt.request.mode))},
          {"model", fmt::format("{} ({:.16}...)", page.model_name, to_hex(identity.model))},
          {"sampler", fmt::format("{}, {} steps, guidance {}", identity.sampler, identity.steps,
                                  guidance_text(identity))},
          {"work", fmt::format("{} expected hashes, signer says {}",
                               receipt.stamp.target.expected_hashes_text(),
                               to_string(receipt.stamp.origin))},
          {"stamp", to_hex(receipt.stamp.hash)},
          {"signed by", to_hex(receipt.public_key)}};
}

}  // namespace

std::string parameters_text(const receipt::Identity& identity, const std::string& model_name,
                            const receipt::ReceiptImage& image, const std::string& software) {
  std::string label = identity.sampler;
  for (const auto& row : samplers()) {
    if (row.name == identity.sampler) label = row.label;
  }
  std::string text =
      fmt::format("digit {}\nNegative prompt: \nSteps: {}, Sampler: {}, CFG scale: {}",
                  identity.class_index, identity.steps, label, guidance_text(identity));
  if (image.seed) text += fmt::format(", Seed: 0x{}", to_hex(*image.seed));
  text +=
      fmt::format(", Size: {}x{}, Model hash: {:.10}, Model: {}, RNG: calx-noise-1, Version: {}",
                  identity.width, identity.height, to_hex(identity.model), model_name, software);
  return text;
}

Result<format::Image> contact_sheet(std::span<const format::Image> pictures) {
  const auto columns =
      static_cast<std::uint32_t>(std::ceil(std::sqrt(static_cast<double>(pictures.size()))));
  CALX_ASSIGN(sheet, format::grid(pictures, columns, 1));
  if (pictures.size() > kEnlargedMax) return std::move(sheet);
  return format::enlarge(sheet, kEnlargement);
}

Result<std::string> render(const ImagePage& page) {
  const auto& receipt = *page.receipt;
  format::Page out(fmt::format("Digit {}", receipt.request.identity.class_index),
                   "Made by calx: the noise, the seeds and the pixels can be checked by anyone.");
  if (!page.command.empty()) out.code(page.command);
  out.key_values(facts(page));
  out.heading("Pictures");
  std::vector<format::PageFigure> figures;
  std::vector<std::vector<std::string>> rows;
  const std::size_t shown = std::min(page.pictures.size(), kPagePicturesMax);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& image = receipt.images[i];
    CALX_ASSIGN(png, format::encode_png(page.pictures[i]));
    figures.push_back({.caption = fmt::format("{}", image.index),
                       .png = std::move(png),
                       .link = {},
                       .href = image.file});
    rows.push_back({fmt::format("{}", image.index),
                    image.seed ? "0x" + to_hex(*image.seed) : "private",
                    fmt::format("{:.16}...", to_hex(image.pixels.digest)), image.file});
  }
  if (shown < page.pictures.size()) {
    out.paragraph(fmt::format("The first {} of {}.", shown, page.pictures.size()));
  }
  out.gallery(figures, 96);
  out.heading("Receipt");
  std::vector<format::PageCheck> checks;
  for (const auto& check : page.checks->checks) {
    checks.push_back({mark_of(check.verdict), check.name, check.sentence});
  }
  out.checks(checks);
  out.paragraph("Checked when this page was made. To check it yourself, pixels included:");
  out.code("calx verify receipt.json");
  out.heading("Seeds");
  const std::vector<std::string> header{"image", "seed", "pixels (SHA-256)", "file"};
  out.table(header, rows);
  return out.html();
}

}  // namespace calx::diffusion
