// The JSON of calx-receipt-1: one function writes it, one reads it.
#pragma once

#include "calx/base/result.h"
#include "calx/format/canonical_json.h"
#include "calx/receipt/receipt.h"

namespace calx::receipt {

/// Everything but `signature`. Errors: kInvalidArgument (a field out of its limits).
Result<format::Json> unsigned_json(const Receipt& receipt);

/// The whole receipt. Errors: as above.
Result<format::Json> to_json(const Receipt& receipt);

/// Errors: as parse_receipt().
Result<Receipt> receipt_from_json(const format::Json& json);

}  // namespace calx::receipt
