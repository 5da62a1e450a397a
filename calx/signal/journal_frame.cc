#include "calx/signal/journal_frame.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "calx/hash/big_endian.h"
#include "calx/signal/journal.h"

namespace calx::signal {
namespace {

std::uint32_t crc_of(std::span<const std::uint8_t> bytes) {
  return static_cast<std::uint32_t>(::crc32_z(0, bytes.data(), bytes.size()));
}

}  // namespace

std::vector<std::uint8_t> make_frame(std::span<const std::uint8_t> records) {
  std::vector<std::uint8_t> frame(kFrameHeadBytes + records.size() + kFrameTailBytes);
  hash::store_be32(frame.data(), kFrameMagic);
  hash::store_be32(frame.data() + 4, static_cast<std::uint32_t>(records.size()));
  std::ranges::copy(records, frame.begin() + kFrameHeadBytes);
  const auto covered = std::span(frame).first(frame.size() - kFrameTailBytes);
  hash::store_be32(frame.data() + covered.size(), crc_of(covered));
  return frame;
}

std::optional<std::span<const std::uint8_t>> whole_frame(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kFrameHeadBytes + kFrameTailBytes) return std::nullopt;
  if (hash::load_be32(bytes.data()) != kFrameMagic) return std::nullopt;
  const std::size_t length = hash::load_be32(bytes.data() + 4);
  if (length > kJournalFrameBytesMax) return std::nullopt;
  if (length > bytes.size() - kFrameHeadBytes - kFrameTailBytes) return std::nullopt;
  const auto covered = bytes.first(kFrameHeadBytes + length);
  if (crc_of(covered) != hash::load_be32(bytes.data() + covered.size())) return std::nullopt;
  return covered.subspan(kFrameHeadBytes);
}

bool holds_frame(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, 4> magic{};
  hash::store_be32(magic.data(), kFrameMagic);
  for (auto at = bytes.begin();; ++at) {
    at = std::search(at, bytes.end(), magic.begin(), magic.end());
    if (at == bytes.end()) return false;
    if (whole_frame({at, bytes.end()})) return true;
  }
}

}  // namespace calx::signal
