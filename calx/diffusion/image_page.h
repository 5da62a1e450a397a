// What a reader sees of a finished request: the text inside a PNG, the sheet, the page.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/image.h"
#include "calx/receipt/receipt.h"
#include "calx/receipt/verify.h"

namespace calx::diffusion {

/// The line that AUTOMATIC1111 and its readers show: class, steps, sampler, guidance, seed, model.
/// The seed is the image's own (0x...) and left out when it is private.
std::string parameters_text(const receipt::Identity& identity, const std::string& model_name,
                            const receipt::ReceiptImage& image, const std::string& software);

/// All pictures on one sheet, about square; enlarged four times while that stays a small file.
/// Errors: those of format::grid().
Result<format::Image> contact_sheet(std::span<const format::Image> pictures);

struct ImagePage {
  std::string command;
  std::string model_name;
  const receipt::Receipt* receipt = nullptr;
  const receipt::Report* checks = nullptr;
  std::span<const format::Image> pictures;  // as receipt->images
};

/// One HTML file with the pictures (the first kPagePicturesMax), their seeds, the stamp and the
/// checks. Errors: those of encoding PNG.
Result<std::string> render(const ImagePage& page);

inline constexpr std::size_t kPagePicturesMax = 1000;

}  // namespace calx::diffusion
