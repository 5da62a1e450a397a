#include "calx/format/npy_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace calx::format {
namespace {

struct KindRow {
  Dtype dtype;
  std::string_view kind;  // numpy's kind letter and element bytes
};

constexpr std::array<KindRow, 13> kKinds = {{{Dtype::kBool, "b1"},
                                             {Dtype::kU8, "u1"},
                                             {Dtype::kI8, "i1"},
                                             {Dtype::kU16, "u2"},
                                             {Dtype::kI16, "i2"},
                                             {Dtype::kU32, "u4"},
                                             {Dtype::kI32, "i4"},
                                             {Dtype::kU64, "u8"},
                                             {Dtype::kI64, "i8"},
                                             {Dtype::kF16, "f2"},
                                             {Dtype::kF32, "f4"},
                                             {Dtype::kF64, "f8"},
                                             {Dtype::kC64, "c8"}}};

// A reader of Python literals: strings, True and False, tuples of whole numbers.
class Literals {
 public:
  explicit Literals(std::string_view text) noexcept : text_(text) {}

  bool take(char wanted) noexcept {
    skip_space();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  bool at_end() noexcept {
    skip_space();
    return at_ == text_.size();
  }

  std::optional<std::string_view> string() noexcept {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') return std::nullopt;
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return std::nullopt;
    const auto content = text_.substr(at_ + 1, end - at_ - 1);
    if (content.find('\\') != std::string_view::npos) return std::nullopt;
    at_ = end + 1;
    return content;
  }

  std::optional<bool> boolean() noexcept {
    skip_space();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    return std::nullopt;
  }

  std::optional<std::vector<std::uint64_t>> tuple() {
    if (!take('(')) return std::nullopt;
    std::vector<std::uint64_t> numbers;
    while (!take(')')) {
      skip_space();
      std::uint64_t number = 0;
      const char* const end = text_.data() + text_.size();
      const auto [stop, error] = std::from_chars(text_.data() + at_, end, number);
      if (error != std::errc{} || numbers.size() == kDimensionsMax) return std::nullopt;
      at_ = static_cast<std::size_t>(stop - text_.data());
      numbers.push_back(number);
      if (take(',')) continue;
      // "(3)" is a number in Python, not a tuple.
      if (numbers.size() < 2 || !take(')')) return std::nullopt;
      break;
    }
    return numbers;
  }

  [[nodiscard]] std::size_t at() const noexcept { return at_; }

 private:
  void skip_space() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::unexpected<Error> bad_header(std::size_t at, std::string_view wanted) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format(".npy header: byte {} is not as wanted, which is {}", at, wanted));
}

Result<void> set_descr(std::string_view descr, NpyHeader& header) {
  const char order = descr.empty() ? '\0' : descr[0];
  const auto row = std::ranges::find(kKinds, descr.substr(descr.empty() ? 0 : 1), &KindRow::kind);
  if (row == kKinds.end() || (order != '<' && order != '>' && order != '|')) {
    return fail(ErrorCode::kUnimplemented,
                fmt::format(".npy header: descr {:?}, wanted one of b1, u1 to u8, i1 to i8, f2, "
                            "f4, f8, c8 after '<', '>' or '|'",
                            descr));
  }
  if (order == '|' && element_bytes(row->dtype) != 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format(".npy header: descr {:?} names no byte order", descr));
  }
  header.dtype = row->dtype;
  header.order = order == '>' ? std::endian::big : std::endian::little;
  return {};
}

Result<void> read_value(Literals& literals, std::string_view key, NpyHeader& header) {
  if (key == "descr") {
    const auto descr = literals.string();
    if (!descr) {
      return fail(ErrorCode::kUnimplemented,
                  ".npy header: descr is no plain string; records are not supported");
    }
    return set_descr(*descr, header);
  }
  if (key == "fortran_order") {
    const auto value = literals.boolean();
    if (!value) return bad_header(literals.at(), "True or False");
    header.fortran_order = *value;
    return {};
  }
  auto shape = literals.tuple();
  if (!shape) return bad_header(literals.at(), "a tuple of at most 32 whole numbers");
  header.shape = std::move(*shape);
  return {};
}

}  // namespace

Result<std::string> encode_npy_header(const NpyHeader& header) {
  const auto row = std::ranges::find(kKinds, header.dtype, &KindRow::dtype);
  if (row == kKinds.end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format(".npy cannot hold {}; use .safetensors", to_string(header.dtype)));
  }
  const char order = element_bytes(header.dtype) == 1      ? '|'
                     : header.order == std::endian::little ? '<'
                                                           : '>';
  return fmt::format("{{'descr': '{}{}', 'fortran_order': {}, 'shape': ({}{}), }}", order,
                     row->kind, header.fortran_order ? "True" : "False",
                     fmt::join(header.shape, ", "), header.shape.size() == 1 ? "," : "");
}

Result<NpyHeader> parse_npy_header(std::string_view text) {
  static constexpr std::array<std::string_view, 3> kKeys = {"descr", "fortran_order", "shape"};
  Literals literals(text);
  NpyHeader header;
  std::array<bool, kKeys.size()> seen{};
  if (!literals.take('{')) return bad_header(literals.at(), "a dictionary");
  while (!literals.take('}')) {
    const auto key = literals.string();
    const auto known = std::ranges::find(kKeys, key.value_or(""));
    if (known == kKeys.end()) {
      return bad_header(literals.at(), "'descr', 'fortran_order' or 'shape'");
    }
    bool& seen_already = seen[static_cast<std::size_t>(known - kKeys.begin())];
    if (seen_already) return bad_header(literals.at(), "each key once");
    seen_already = true;
    if (!literals.take(':')) return bad_header(literals.at(), "':' after a key");
    CALX_TRY(read_value(literals, *known, header));
    if (literals.take(',')) continue;
    if (!literals.take('}')) return bad_header(literals.at(), "',' or '}' after a value");
    break;
  }
  if (!literals.at_end()) return bad_header(literals.at(), "nothing after the dictionary");
  if (!std::ranges::all_of(seen, std::identity{})) {
    return fail(ErrorCode::kInvalidArgument,
                ".npy header: a key is missing, wanted descr, fortran_order and shape");
  }
  return header;
}

}  // namespace calx::format
