#include "calx/device/direct_hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "calx/hash/big_endian.h"
#include "calx/hash/sha256.h"

namespace calx::device {
namespace {

constexpr std::uint8_t kMagic[4] = {'C', 'X', 'H', '1'};

class Writer {
 public:
  explicit Writer(std::vector<std::uint8_t>& bytes) : bytes_(bytes) {}
  void u8(unsigned value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(unsigned value) { u8(value >> 8), u8(value); }
  void u32(std::uint32_t value) { u16(value >> 16), u16(value & 0xffffu); }
  void all(std::span<const std::uint8_t> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void text(std::string_view text) {
    for (const char c : text) u8(static_cast<unsigned char>(c));
  }

 private:
  std::vector<std::uint8_t>& bytes_;
};

// Reads past the end give zero and leave the reader broken.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::uint32_t number(std::size_t size) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : take(size)) value = value << 8 | byte;
    return value;
  }
  std::span<const std::uint8_t> take(std::size_t size) {
    if (size > bytes_.size()) {
      broken_ = true;
      bytes_ = {};
      return {};
    }
    const auto part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }
  std::string text(std::size_t size) {
    const auto part = take(size);
    return {part.begin(), part.end()};
  }
  [[nodiscard]] bool broken() const noexcept { return broken_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size(); }

 private:
  std::span<const std::uint8_t> bytes_;
  bool broken_ = false;
};

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

void write(Writer& out, const HashHello& hello) {
  out.u16(hello.version_min), out.u16(hello.version_max);
}

void write(Writer& out, const HashWelcome& welcome) {
  const std::string_view name = std::string_view(welcome.name).substr(0, kDirectHashNameMax);
  out.u16(welcome.version), out.u8(static_cast<unsigned>(welcome.origin));
  out.u8(static_cast<unsigned>(name.size()));
  out.u32(welcome.batch_max), out.u32(welcome.message_bytes_max);
  out.text(name);
}

void write(Writer& out, const HashBatch& batch) {
  out.u32(static_cast<std::uint32_t>(batch.messages.size()));
  for (const auto& message : batch.messages) {
    out.u32(static_cast<std::uint32_t>(message.size()));
    out.all(message);
  }
}

void write(Writer& out, const HashDigests& digests) {
  out.u32(static_cast<std::uint32_t>(digests.digests.size()));
  for (const hash::Digest& digest : digests.digests) out.all(digest);
}

void write(Writer& out, const HashRefusal& refusal) {
  constexpr std::size_t kReasonMax = 1000;
  out.u16(static_cast<unsigned>(refusal.code));
  out.text(std::string_view(refusal.reason).substr(0, kReasonMax));
}

Result<HashFrame> broken(std::string_view why) {
  return fail(ErrorCode::kDataLoss, fmt::format("calx-hash-1 frame: {}", why));
}

Result<HashWelcome> read_welcome(Reader& in) {
  HashWelcome welcome{.version = static_cast<std::uint16_t>(in.number(2))};
  const std::uint32_t origin = in.number(1);
  const std::uint32_t name_bytes = in.number(1);
  welcome.batch_max = in.number(4), welcome.message_bytes_max = in.number(4);
  welcome.name = in.text(name_bytes);
  if (origin > static_cast<std::uint32_t>(Origin::kDevice) || name_bytes > kDirectHashNameMax ||
      !printable(welcome.name)) {
    return fail(ErrorCode::kDataLoss, "calx-hash-1 frame: a welcome of unknown origin or name");
  }
  welcome.origin = static_cast<Origin>(origin);
  return welcome;
}

Result<HashBatch> read_batch(Reader& in) {
  HashBatch batch;
  const std::uint32_t count = in.number(4);
  if (count > kDirectHashMessagesMax) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("calx-hash-1 frame: {} messages, at most {} are taken", count,
                            kDirectHashMessagesMax));
  }
  for (std::uint32_t i = 0; i < count && !in.broken(); ++i) {
    const auto message = in.take(in.number(4));
    batch.messages.emplace_back(message.begin(), message.end());
  }
  return batch;
}

Result<HashDigests> read_digests(Reader& in) {
  HashDigests digests;
  const std::uint32_t count = in.number(4);
  if (count > kDirectHashMessagesMax || in.left() != count * sizeof(hash::Digest)) {
    return fail(ErrorCode::kDataLoss, "calx-hash-1 frame: digests miscounted");
  }
  digests.digests.resize(count);
  for (hash::Digest& digest : digests.digests) {
    std::ranges::copy(in.take(digest.size()), digest.begin());
  }
  return digests;
}

HashRefusal read_refusal(Reader& in) {
  constexpr ErrorCode kCodes[] = {ErrorCode::kCancelled,        ErrorCode::kInvalidArgument,
                                  ErrorCode::kDeadlineExceeded, ErrorCode::kResourceExhausted,
                                  ErrorCode::kUnimplemented,    ErrorCode::kUnavailable,
                                  ErrorCode::kDataLoss};
  const std::uint32_t code = in.number(2);
  HashRefusal refusal{.reason = in.text(in.left())};
  std::ranges::replace_if(refusal.reason, [](char c) { return c < ' ' || c > '~'; }, '?');
  for (const ErrorCode known : kCodes) {
    if (static_cast<std::uint32_t>(known) == code) refusal.code = known;
  }
  return refusal;
}

std::uint32_t check_of(std::span<const std::uint8_t> bytes) noexcept {
  return hash::load_be32(hash::sha256(bytes).data());
}

}  // namespace

Result<std::vector<std::uint8_t>> encode(const HashFrame& frame) {
  std::vector<std::uint8_t> bytes(kMagic, kMagic + sizeof kMagic);
  Writer out(bytes);
  out.u8(static_cast<unsigned>(frame.body.index() + 1));
  out.u8(0), out.u16(0);
  out.u32(frame.id);
  out.u32(0);
  std::visit([&out](const auto& body) { write(out, body); }, frame.body);
  const std::size_t body_bytes = bytes.size() - kDirectHashHeadBytes;
  if (body_bytes > kDirectHashBodyMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("calx-hash-1 body of {} bytes, at most {} are sent", body_bytes,
                            kDirectHashBodyMax));
  }
  hash::store_be32(bytes.data() + 12, static_cast<std::uint32_t>(body_bytes));
  out.u32(check_of(bytes));
  return bytes;
}

Result<HashFrame> parse_hash_frame(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kLeast = kDirectHashHeadBytes + kDirectHashCheckBytes;
  if (bytes.size() < kLeast || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) {
    return broken("it does not begin with CXH1");
  }
  const std::uint32_t body_bytes = hash::load_be32(bytes.data() + 12);
  if (body_bytes > kDirectHashBodyMax || bytes.size() != kLeast + body_bytes) {
    return broken("its length is another");
  }
  const auto checked = bytes.first(bytes.size() - kDirectHashCheckBytes);
  if (hash::load_be32(bytes.data() + checked.size()) != check_of(checked)) {
    return broken("its check is wrong");
  }
  if (bytes[5] != 0 || bytes[6] != 0 || bytes[7] != 0) return broken("reserved bytes are set");
  HashFrame frame{.id = hash::load_be32(bytes.data() + 8), .body = HashHello{}};
  Reader in(bytes.subspan(kDirectHashHeadBytes, body_bytes));
  switch (bytes[4]) {
    case 1:
      frame.body = HashHello{static_cast<std::uint16_t>(in.number(2)),
                             static_cast<std::uint16_t>(in.number(2))};
      break;
    case 2: {
      CALX_ASSIGN(welcome, read_welcome(in));
      frame.body = std::move(welcome);
      break;
    }
    case 3: {
      CALX_ASSIGN(batch, read_batch(in));
      frame.body = std::move(batch);
      break;
    }
    case 4: {
      CALX_ASSIGN(digests, read_digests(in));
      frame.body = std::move(digests);
      break;
    }
    case 5:
      frame.body = read_refusal(in);
      break;
    default:
      return broken("its type is unknown");
  }
  if (in.broken() || in.left() != 0) return broken("its body has another length than its parts");
  return frame;
}

void HashFrameStream::push(std::span<const std::uint8_t> bytes) {
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

std::optional<HashFrame> HashFrameStream::next() {
  std::size_t at = 0;
  std::optional<HashFrame> found;
  while (!found && pending_.size() - at >= kDirectHashHeadBytes) {
    const auto rest = std::span<const std::uint8_t>(pending_).subspan(at);
    const std::uint32_t body_bytes = hash::load_be32(rest.data() + 12);
    const bool begins = std::memcmp(rest.data(), kMagic, sizeof kMagic) == 0;
    if (begins && body_bytes <= kDirectHashBodyMax) {
      const std::size_t total = kDirectHashHeadBytes + body_bytes + kDirectHashCheckBytes;
      if (rest.size() < total) break;
      if (auto frame = parse_hash_frame(rest.first(total))) {
        found = *std::move(frame);
        at += total;
        continue;
      }
    }
    ++at, ++skipped_;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(at));
  return found;
}

}  // namespace calx::device
