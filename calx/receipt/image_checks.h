// The checks of a receipt that look at its images: seeds, latents, pictures, pixels.
#pragma once

#include <stop_token>
#include <vector>

#include "calx/base/result.h"
#include "calx/receipt/verify.h"

namespace calx::receipt {

/// The four checks, in this order. Errors: as verify().
Result<std::vector<Check>> check_images(const Receipt& receipt, const VerifyOptions& options,
                                        std::stop_token stop);

}  // namespace calx::receipt
