// The files under fuzz/corpus/, which other programs wrote: vectors as well as seeds.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/atomic_file.h"

namespace calx::format {

/// \param name  such as "npy/f4_1x2.npy"
inline std::vector<std::uint8_t> corpus_file(std::string_view name) {
  const auto path = std::string(CALX_SOURCE_DIR) + "/fuzz/corpus/" + std::string(name);
  auto bytes = read_file(path, 1 << 20);
  if (!bytes) ADD_FAILURE() << bytes.error().message;
  return bytes.value_or(std::vector<std::uint8_t>{});
}

inline std::vector<std::uint8_t> to_bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

template <class T>
void append(std::vector<std::uint8_t>& bytes, const T& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

}  // namespace calx::format
