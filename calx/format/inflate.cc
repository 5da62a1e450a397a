#include "calx/format/inflate.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace calx::format {
namespace {

class Stream {
 public:
  explicit Stream(Deflated kind) noexcept {
    constexpr int kWindowBits = 15;
    constexpr int kGzipFlag = 16;
    ready_ = ::inflateInit2(&z_, kind == Deflated::kRaw ? -kWindowBits : kWindowBits + kGzipFlag) ==
             Z_OK;
  }
  ~Stream() {
    if (ready_) ::inflateEnd(&z_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  [[nodiscard]] bool ready() const noexcept { return ready_; }
  z_stream& z() noexcept { return z_; }

 private:
  z_stream z_{};
  bool ready_ = false;
};

constexpr std::size_t kChunkBytes = 1 << 18;

}  // namespace

Result<std::vector<std::uint8_t>> inflate(std::span<const std::uint8_t> packed, Deflated kind,
                                          std::uint64_t bytes_max, std::string_view what) {
  const auto lost = [&](std::string_view why) {
    return fail(ErrorCode::kDataLoss, fmt::format("{}: {}", what, why));
  };
  Stream stream(kind);
  if (!stream.ready()) {
    return fail(ErrorCode::kResourceExhausted, fmt::format("{}: no memory for zlib", what));
  }
  z_stream& z = stream.z();
  std::vector<std::uint8_t> out;
  try {
    for (;;) {
      const auto feed = std::min<std::size_t>(packed.size(), std::numeric_limits<uInt>::max());
      const std::size_t old = out.size();
      // One byte over the limit is asked for, to see whether there is one.
      const std::uint64_t left = bytes_max - old;
      const std::uint64_t room = left < kChunkBytes ? left + 1 : kChunkBytes;
      out.resize(old + static_cast<std::size_t>(room));
      z.next_in = const_cast<Bytef*>(packed.data());
      z.avail_in = static_cast<uInt>(feed);
      z.next_out = out.data() + old;
      z.avail_out = static_cast<uInt>(room);
      const int code = ::inflate(&z, Z_NO_FLUSH);
      packed = packed.subspan(feed - z.avail_in);
      out.resize(out.size() - z.avail_out);
      if (out.size() > bytes_max) {
        return fail(
            ErrorCode::kResourceExhausted,
            fmt::format("{}: over {} inflated bytes, wanted at most that", what, bytes_max));
      }
      if (code == Z_STREAM_END) {
        if (packed.empty()) return out;
        if (kind == Deflated::kRaw) return lost("bytes after the end of the deflate stream");
        if (::inflateReset(&z) != Z_OK) return lost("bytes after the end of the gzip stream");
        continue;
      }
      if (code == Z_MEM_ERROR) throw std::bad_alloc();
      if (code != Z_OK && code != Z_BUF_ERROR) return lost(z.msg ? z.msg : "no deflate stream");
      if (packed.empty() && z.avail_out > 0) return lost("the deflate stream is cut short");
    }
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{}: {} bytes and more do not fit in memory", what, out.size()));
  }
}

}  // namespace calx::format
