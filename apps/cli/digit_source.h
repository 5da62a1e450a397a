// Where labelled digits come from: MNIST where it is found, else digits drawn by the program.
#pragma once

#include <string>

#include "apps/neural/module.h"

namespace calx::cli {

/// The training digits: `given` names an .npz or is "procedural"; empty looks for MNIST in the data
/// folders. Without any, a note goes to stderr and the program draws them.
neural::DigitSource training_digits(const std::string& given);

/// The digits that no training sees: MNIST's t10k if the data folders hold it and `given` is empty,
/// else digits drawn from a seed of their own.
neural::DigitSource held_out_digits(const std::string& given);

}  // namespace calx::cli
