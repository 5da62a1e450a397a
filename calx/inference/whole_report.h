// How the study of whole images reads.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "calx/inference/analog_path.h"
#include "calx/inference/whole_images.h"

namespace calx::inference {

/// R2 of a fit's mean over the sampler's times, on pictures that it did not see.
struct Curve {
  std::string name;
  std::vector<double> times, r2;
};

/// What the report is made of, beside the result.
struct WholeEvidence {
  const WholeSettings& settings;
  const WholeResult& result;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<PictureEffort> efforts;
  std::vector<std::size_t> curve;     // numbers of pictures of Score::curve
  std::span<const PictureSet> sets;   // as result.scores
  std::string held_out;               // what the reference is
  std::size_t units = 0, pixels = 0;  // of the block
  std::vector<Curve> fits;
};

/// Errors: those of format::grid().
Result<Report> whole_report(const WholeEvidence& evidence);

}  // namespace calx::inference
