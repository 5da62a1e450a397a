// The bars of stage C, and the figures of many networks and splits as one.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "calx/inference/report.h"
#include "calx/inference/seed_spread.h"
#include "calx/inference/stage_c.h"

namespace calx::inference {

using Outcomes = std::vector<const StageOutcome*>;
Outcomes outcomes_of(const std::vector<StageOutcome>& outcomes, std::string_view data);

/// Places in DecoderFigures, as metric() counts them.
enum Metric : std::size_t { kRaw, kCentred, kR2, kCleanDb, kDigitalDb };

/// Over U-Net seeds, of the mean of a row's figure over the splits that have the row; no number
/// when none has it.
SeedSpread spread_of_row(const Outcomes& outcomes, std::string_view key, std::size_t which);

/// Of one U-Net seed: training and every row of its splits.
inline constexpr double kSeedCpuSecondsMax = 600;
/// Standard errors that the pooled time average may be off.
inline constexpr double kAverageSigmasMax = 3;

/// The bars of issue 4, section "Bars", and what a reader has to be told beside them. A quick run
/// is not judged.
std::vector<Answer> stage_c_answers(const StageCSettings& settings,
                                    const std::vector<StageOutcome>& outcomes);

}  // namespace calx::inference
