// The frames of the journal's file: u32 magic, u32 length, the records, u32 CRC-32 of all before.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace calx::signal {

inline constexpr std::string_view kJournalMagic = "calx-journal-1\n";
inline constexpr std::uint32_t kFrameMagic = 0x63786a66;  // "cxjf"
inline constexpr std::size_t kFrameHeadBytes = 8;
inline constexpr std::size_t kFrameTailBytes = 4;

/// Record kinds, the first byte of each record; a u32 count follows.
inline constexpr std::uint8_t kAcceptedRecord = 1;  // count times id, commitment
inline constexpr std::uint8_t kStampedRecord = 2;   // count times id, commitment, salt; the stamp
inline constexpr std::uint8_t kDroppedRecord = 3;   // count times id
inline constexpr std::uint8_t kAnsweredRecord =
    4;  // one id, commitment, place in a tree; the stamp

std::vector<std::uint8_t> make_frame(std::span<const std::uint8_t> records);

/// The records of the frame that `bytes` begins with, if it is whole.
std::optional<std::span<const std::uint8_t>> whole_frame(std::span<const std::uint8_t> bytes);

/// Whether a whole frame begins anywhere in `bytes`.
bool holds_frame(std::span<const std::uint8_t> bytes);

}  // namespace calx::signal
