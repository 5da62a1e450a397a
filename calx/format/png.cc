#include "calx/format/png.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <new>
#include <optional>

#include "calx/format/png_chunk.h"
#include "calx/format/utf8.h"

namespace calx::format {
namespace {

constexpr std::size_t kKeywordBytesMax = 79;
constexpr int kCompressionLevel = 6;

// libpng leaves by longjmp, so its calls stand in lambdas that own nothing, and what they fill is
// owned by the caller of guarded().
struct Session {
  std::array<char, 160> message{};
  bool out_of_memory = false;
  std::span<const std::uint8_t> input;
  std::vector<std::uint8_t>* output = nullptr;
};

void on_error(png_structp png, png_const_charp message) {
  auto& session = *static_cast<Session*>(png_get_error_ptr(png));
  std::strncpy(session.message.data(), message, session.message.size() - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep out, std::size_t bytes) {
  auto& session = *static_cast<Session*>(png_get_io_ptr(png));
  if (session.input.size() < bytes) png_error(png, "the file is cut short");
  std::memcpy(out, session.input.data(), bytes);
  session.input = session.input.subspan(bytes);
}

void on_write(png_structp png, png_bytep data, std::size_t bytes) {
  auto& session = *static_cast<Session*>(png_get_io_ptr(png));
  try {
    session.output->insert(session.output->end(), data, data + bytes);
  } catch (const std::bad_alloc&) {
    session.out_of_memory = true;
  }
  if (session.out_of_memory) png_error(png, "no memory");
}

void on_flush(png_structp) {}

/// False if libpng reported an error while `body` ran. \pre body owns nothing
template <class Body>
bool guarded(png_structp png, const Body& body) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  body();
  return true;
}

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) {
    session_.input = bytes;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &session_, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<void> read_header() {
    if (info_ == nullptr) return fail(ErrorCode::kResourceExhausted, "PNG: no memory for libpng");
    const bool done = guarded(png_, [this] {
      png_set_read_fn(png_, &session_, on_read);
      png_set_user_limits(png_, kImageSideMax, kImageSideMax);
      png_set_chunk_malloc_max(png_, kPngTextBytesMax);
      png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
      ignore_what_is_not_used();
      png_read_info(png_, info_);
      png_set_expand(png_);
      const bool clear = png_get_valid(png_, info_, PNG_INFO_tRNS) != 0;
      const png_byte type = png_get_color_type(png_, info_);
      if (type == PNG_COLOR_TYPE_GRAY_ALPHA || (type == PNG_COLOR_TYPE_GRAY && clear)) {
        png_set_gray_to_rgb(png_);
      }
      png_set_interlace_handling(png_);
      png_read_update_info(png_, info_);
    });
    return done ? Result<void>{} : lost();
  }

  Result<Image> read_pixels() {
    Image image{png_get_image_width(png_, info_),
                png_get_image_height(png_, info_),
                png_get_channels(png_, info_),
                {}};
    const std::size_t row_bytes = png_get_rowbytes(png_, info_);
    image.pixels.resize(row_bytes * image.height);
    std::vector<png_bytep> rows(image.height);
    for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = image.pixels.data() + y * row_bytes;
    const bool done = guarded(png_, [&] {
      png_read_image(png_, rows.data());
      png_read_end(png_, info_);
    });
    if (!done) return lost();
    CALX_TRY(check(image));
    return image;
  }

  [[nodiscard]] std::span<const png_text> texts() {
    png_textp first = nullptr;
    int count = 0;
    png_get_text(png_, info_, &first, &count);
    return {first, static_cast<std::size_t>(count)};
  }

 private:
  void ignore_what_is_not_used() {
    // A broken colour profile must not make a picture unreadable, nor a large one cost memory.
    static constexpr char kChunks[] =
        "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tIME";
    constexpr int kCount = sizeof(kChunks) / 5;
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER,
                                reinterpret_cast<png_const_bytep>(kChunks), kCount);
  }

  [[nodiscard]] std::unexpected<Error> lost() const {
    return fail(ErrorCode::kDataLoss, fmt::format("PNG: {}", session_.message.data()));
  }

  Session session_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

std::string from_latin1(std::string_view text) {
  std::string utf8;
  for (const char c : text) append_utf8(utf8, static_cast<unsigned char>(c));
  return utf8;
}

/// Nothing when a character lies above U+00FF. \pre text is UTF-8
std::optional<std::string> to_latin1(std::string_view text) {
  std::string latin1;
  while (!text.empty()) {
    const char32_t code_point = take_code_point(text).value_or(0);
    if (code_point > 0xff) return std::nullopt;
    latin1 += static_cast<char>(code_point);
  }
  return latin1;
}

Result<PngText> to_text(const png_text& chunk) {
  const bool international = chunk.compression >= PNG_ITXT_COMPRESSION_NONE;
  const std::size_t bytes = international ? chunk.itxt_length : chunk.text_length;
  const std::string_view raw(bytes > 0 ? chunk.text : "", bytes);
  PngText text{from_latin1(chunk.key), {}, PngChunk::kText};
  if (!international) {
    text.text = from_latin1(raw);
    return text;
  }
  if (!is_utf8(raw)) {
    return fail(ErrorCode::kDataLoss, fmt::format("PNG: iTXt {:?} holds no UTF-8", text.keyword));
  }
  text.text = raw;
  text.chunk = PngChunk::kInternational;
  return text;
}

// A text as libpng takes it, and the bytes its pointers lead to.
struct PackedText {
  std::string keyword;
  std::string text;
  bool international;
};

Result<PackedText> pack_text(const PngText& text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("PNG text {:?} {}", text.keyword, why));
  };
  const auto keyword = is_utf8(text.keyword) ? to_latin1(text.keyword) : std::nullopt;
  const auto printable = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte <= 0x7e) || byte >= 0xa1;
  };
  if (!keyword || keyword->empty() || keyword->size() > kKeywordBytesMax ||
      !std::ranges::all_of(*keyword, printable) || keyword->front() == ' ' ||
      keyword->back() == ' ' || keyword->find("  ") != std::string::npos) {
    return refuse(
        "has a keyword that is not 1 to 79 printable Latin-1 characters without spaces "
        "at the ends or doubled");
  }
  if (!is_utf8(text.text) || text.text.find('\0') != std::string::npos) {
    return refuse("is no UTF-8 or holds a NUL");
  }
  if (text.text.size() > kPngTextBytesMax - kKeywordBytesMax - 5) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("PNG text {:?} of {} bytes, wanted at most {}", text.keyword,
                            text.text.size(), kPngTextBytesMax - kKeywordBytesMax - 5));
  }
  if (text.chunk == PngChunk::kText) {
    if (auto latin1 = to_latin1(text.text)) return PackedText{*keyword, std::move(*latin1), false};
  }
  return PackedText{*keyword, text.text, true};
}

class Writer {
 public:
  explicit Writer(std::vector<std::uint8_t>& output) {
    session_.output = &output;
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &session_, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~Writer() { png_destroy_write_struct(&png_, &info_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Result<void> write(const Image& image, std::span<const png_text> texts) {
    if (info_ == nullptr) return fail(ErrorCode::kResourceExhausted, "PNG: no memory for libpng");
    static constexpr std::array<int, 5> kTypes = {-1, PNG_COLOR_TYPE_GRAY, -1, PNG_COLOR_TYPE_RGB,
                                                  PNG_COLOR_TYPE_RGBA};
    const bool done = guarded(png_, [&] {
      png_set_write_fn(png_, &session_, on_write, on_flush);
      png_set_compression_level(png_, kCompressionLevel);
      png_set_filter(png_, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
      png_set_IHDR(png_, info_, image.width, image.height, 8, kTypes[image.channels],
                   PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
      png_set_text(png_, info_, texts.data(), static_cast<int>(texts.size()));
      png_write_info(png_, info_);
      const std::size_t row_bytes = std::size_t{image.width} * image.channels;
      for (std::size_t y = 0; y < image.height; ++y) {
        png_write_row(png_, image.pixels.data() + y * row_bytes);
      }
      png_write_end(png_, nullptr);
    });
    if (done) return {};
    return fail(session_.out_of_memory ? ErrorCode::kResourceExhausted : ErrorCode::kInternal,
                fmt::format("PNG: {}", session_.message.data()));
  }

 private:
  Session session_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Result<std::vector<std::uint8_t>> encode_png(const Image& image, std::span<const PngText> texts) {
  CALX_TRY(check(image));
  if (texts.size() > kPngTextsMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("PNG: {} texts, wanted at most {}", texts.size(), kPngTextsMax));
  }
  try {
    std::vector<PackedText> packed;
    for (const PngText& text : texts) {
      CALX_ASSIGN(one, pack_text(text));
      packed.push_back(std::move(one));
    }
    std::string no_language;
    std::vector<png_text> chunks;
    for (PackedText& text : packed) {
      png_text chunk{};
      chunk.compression =
          text.international ? PNG_ITXT_COMPRESSION_NONE : PNG_TEXT_COMPRESSION_NONE;
      chunk.key = text.keyword.data();
      chunk.text = text.text.data();
      (text.international ? chunk.itxt_length : chunk.text_length) = text.text.size();
      chunk.lang = no_language.data();
      chunk.lang_key = no_language.data();
      chunks.push_back(chunk);
    }
    std::vector<std::uint8_t> bytes;
    Writer writer(bytes);
    CALX_TRY(writer.write(image, chunks));
    return bytes;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "PNG: the file does not fit in memory");
  }
}

Result<Png> parse_png(std::span<const std::uint8_t> bytes) {
  CALX_ASSIGN(outline, outline_png(bytes));
  try {
    Reader reader(bytes);
    CALX_TRY(reader.read_header());
    CALX_ASSIGN(image, reader.read_pixels());
    Png png{std::move(image), {}};
    const auto chunks = reader.texts();
    if (chunks.size() != outline.texts) {
      return fail(ErrorCode::kDataLoss,
                  fmt::format("PNG: {} of {} texts could be read; the others are broken or over {} "
                              "bytes",
                              chunks.size(), outline.texts, kPngTextBytesMax));
    }
    for (const png_text& chunk : chunks) {
      CALX_ASSIGN(text, to_text(chunk));
      png.texts.push_back(std::move(text));
    }
    return png;
  } catch (const std::bad_alloc&) {
    return fail(
        ErrorCode::kResourceExhausted,
        fmt::format("PNG of {} x {} pixels does not fit in memory", outline.width, outline.height));
  }
}

const std::string* find_text(const Png& png, std::string_view keyword) noexcept {
  const auto found = std::ranges::find(png.texts, keyword, &PngText::keyword);
  return found == png.texts.end() ? nullptr : &found->text;
}

}  // namespace calx::format
