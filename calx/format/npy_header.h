// The dictionary at the head of an .npy file, read as data and never as Python.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/array.h"

namespace calx::format {

struct NpyHeader {
  Dtype dtype = Dtype::kU8;
  std::endian order = std::endian::little;
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
};

/// "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }" without padding.
/// Errors: kInvalidArgument for a dtype that .npy lacks.
Result<std::string> encode_npy_header(const NpyHeader& header);

/// Exactly the three keys, in any order. Errors: kInvalidArgument, kUnimplemented.
Result<NpyHeader> parse_npy_header(std::string_view text);

}  // namespace calx::format
