// One row of stage C: a configuration, how well it answers, how the answer was come by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/json.h"
#include "calx/inference/decoder_task.h"
#include "calx/inference/snapshot.h"

namespace calx::inference {

struct StageRow {
  std::string key;  // "rrr-16": what row it is in every run
  DecoderFigures figures = {};
  std::uint64_t parameters = 0;               // digital ones
  std::uint64_t wires = 0;                    // of couplings
  std::optional<SnapshotManner> manner = {};  // of rows with thermal noise
};

/// raw, centred, r2, clean_db, digital_db.
inline constexpr std::size_t kMetrics = 5;
double metric(const DecoderFigures& figures, std::size_t which) noexcept;

/// What a key stands for, and what the reference measured there (reference of issue 4, 7.3; one
/// U-Net seed). A figure that it does not give is empty.
struct RowText {
  std::string_view key, title;
  std::array<std::optional<double>, kMetrics> reference;
};
/// In the order in which tables show them.
std::span<const RowText> row_texts() noexcept;
/// The title of a key; the key itself for ranks and counts that the reference has no row for.
std::string title_of(std::string_view key);

/// Figures as texts of all their digits, so that a record read back is the same.
format::Json to_json(const StageRow& row);
/// Errors: kDataLoss names what is missing or is no number.
Result<StageRow> parse_row(const format::Json& json);

format::Json to_json(const SnapshotManner& manner);
Result<SnapshotManner> parse_manner(const format::Json& json);

/// A number as a text of all its digits, and back. Errors: kDataLoss.
std::string exact_text(double value);
Result<double> exact_number(const format::Json& object, std::string_view key);

}  // namespace calx::inference
