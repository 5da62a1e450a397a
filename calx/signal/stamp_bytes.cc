#include "calx/signal/stamp_bytes.h"

namespace calx::signal {
namespace {

void append(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_integer(std::vector<std::uint8_t>& out, std::uint32_t value, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

void append_sized(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> bytes,
                  std::size_t size_bytes) {
  append_integer(out, static_cast<std::uint32_t>(bytes.size()), size_bytes);
  append(out, bytes);
}

std::vector<std::uint8_t> take_sized(ByteReader& reader, std::size_t size_bytes) {
  const auto bytes = reader.take(reader.take_integer(size_bytes));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

void append_stamp(std::vector<std::uint8_t>& out, const work::Stamp& stamp) {
  append(out, stamp.target.bytes());
  append_integer(out, stamp.leaves, 4);
  append(out, stamp.root);
  append_integer(out, stamp.version, 4);
  append(out, stamp.previous_hash);
  append_sized(out, stamp.coinbase_part_1, 2);
  append_sized(out, stamp.extranonce_1, 1);
  append_sized(out, stamp.extranonce_2, 1);
  append_integer(out, static_cast<std::uint32_t>(stamp.branches.size()), 1);
  for (const auto& branch : stamp.branches) append(out, branch);
  append_integer(out, stamp.ntime, 4);
  append_integer(out, stamp.nbits, 4);
  append_integer(out, stamp.nonce, 4);
  append(out, stamp.hash);
  append_integer(out, static_cast<std::uint32_t>(stamp.origin), 1);
}

std::span<const std::uint8_t> ByteReader::take(std::size_t count) noexcept {
  if (count > left_.size()) {
    ok_ = false;
    left_ = {};
    return {};
  }
  const auto taken = left_.first(count);
  left_ = left_.subspan(count);
  return taken;
}

std::uint32_t ByteReader::take_integer(std::size_t bytes) noexcept {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
  return value;
}

Result<work::Stamp> take_stamp(ByteReader& reader) {
  work::Stamp stamp;
  stamp.target = work::Target(reader.take_array<32>());
  stamp.leaves = reader.take_integer(4);
  stamp.root = reader.take_array<32>();
  stamp.version = reader.take_integer(4);
  stamp.previous_hash = reader.take_array<32>();
  stamp.coinbase_part_1 = take_sized(reader, 2);
  stamp.extranonce_1 = take_sized(reader, 1);
  stamp.extranonce_2 = take_sized(reader, 1);
  stamp.branches.resize(reader.take_integer(1));
  for (auto& branch : stamp.branches) branch = reader.take_array<32>();
  stamp.ntime = reader.take_integer(4);
  stamp.nbits = reader.take_integer(4);
  stamp.nonce = reader.take_integer(4);
  stamp.hash = reader.take_array<32>();
  const std::uint32_t origin = reader.take_integer(1);
  if (!reader.ok() || origin > static_cast<std::uint32_t>(Origin::kDevice)) {
    return fail(ErrorCode::kDataLoss, "the bytes of a stamp end early or name no origin");
  }
  stamp.origin = static_cast<Origin>(origin);
  return stamp;
}

void append_stamped(std::vector<std::uint8_t>& out, const work::StampedRequest& stamped) {
  append(out, stamped.path.salt);
  append_integer(out, stamped.path.index, 4);
  append_integer(out, static_cast<std::uint32_t>(stamped.path.siblings.size()), 1);
  for (const auto& sibling : stamped.path.siblings) append(out, sibling);
  append_stamp(out, *stamped.stamp);
}

Result<work::StampedRequest> take_stamped(ByteReader& reader) {
  work::StampedRequest stamped;
  stamped.path.salt = reader.take_array<16>();
  stamped.path.index = reader.take_integer(4);
  stamped.path.siblings.resize(reader.take_integer(1));
  for (auto& sibling : stamped.path.siblings) sibling = reader.take_array<32>();
  CALX_ASSIGN(stamp, take_stamp(reader));
  stamped.stamp = std::make_shared<const work::Stamp>(std::move(stamp));
  return stamped;
}

}  // namespace calx::signal
