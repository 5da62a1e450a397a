// Weights as plain named arrays: what crosses the border between LibTorch and everything else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace calx::nn {

/// One tensor, row-major; values.size() is the product of `shape`.
struct Parameter {
  std::string name;  // dotted path of the module, such as "encoder.0.conv1.weight"
  std::vector<std::int64_t> shape;
  std::vector<float> values;

  friend bool operator==(const Parameter&, const Parameter&) = default;
};

/// In the order in which the network registers them.
using Parameters = std::vector<Parameter>;

}  // namespace calx::nn
