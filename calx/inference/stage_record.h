// A finished part of stage C as a file, so that a stopped run goes on where it was.
#pragma once

#include <string>
#include <string_view>

#include "calx/base/result.h"
#include "calx/inference/stage_c.h"

namespace calx::inference {

/// All that fixes an outcome but the pictures: an outcome of other settings is not taken up.
std::string describe_settings(const StageCSettings& settings);

/// The outcome with the settings it was made under. Errors: those of encode_pretty_json.
Result<std::string> write_record(const StageOutcome& outcome, const StageCSettings& settings);

/// Errors: kDataLoss (damaged, or no record); kNotFound when it is of other settings.
Result<StageOutcome> read_record(std::string_view text, const StageCSettings& settings);

}  // namespace calx::inference
