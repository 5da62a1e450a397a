// One HTML file that shows a result: pictures, tables, checks, curves. Everything is inside the
// file (no script, no network), it prints, and it follows the reader's light or dark setting.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calx/format/chart.h"

namespace calx::format {

/// One picture with a caption. Either `png` holds the bytes of a PNG, which go into the page, or
/// `link` is a relative path beside it.
struct PageFigure {
  std::string caption;            // one or more lines, separated by '\n'; the first one is strong
  std::vector<std::uint8_t> png;  // bytes of a PNG file, or empty
  std::string link;               // relative path with '/' between folders; used if png is empty
  std::string href;               // where a click leads, relative; empty: nowhere
  bool pixelated = true;          // enlarge with hard edges, right for small pictures
};

enum class PageMark : std::uint8_t { kPass, kFail, kNotChecked };

struct PageCheck {
  PageMark mark = PageMark::kNotChecked;
  std::string name;    // "signature"
  std::string detail;  // what was seen, or why it was not checked
};

/// Blocks appear in the order they are added. Every text is escaped: no text becomes markup.
class Page {
 public:
  explicit Page(std::string_view title, std::string_view subtitle = "");

  void heading(std::string_view text);
  void paragraph(std::string_view text);
  /// Fixed-width text with its line breaks: a command, a receipt.
  void code(std::string_view text);
  void key_values(std::span<const std::pair<std::string, std::string>> rows);
  /// Cells that look like numbers are set flush right. Short rows are filled with empty cells.
  void table(std::span<const std::string> header, std::span<const std::vector<std::string>> rows);
  void checks(std::span<const PageCheck> checks);
  /// Pictures side by side, each at least `width_min` CSS pixels wide.
  void gallery(std::span<const PageFigure> figures, std::uint32_t width_min = 120);
  /// encode_svg(chart) with its title above and its legend below.
  void chart(const Chart& chart);

  /// The whole file.
  [[nodiscard]] std::string html() const;

 private:
  std::string title_;
  std::string subtitle_;
  std::string body_;
};

/// & < > " ' written as entities; control characters other than tab and newline become U+FFFD, and
/// so do bytes that are no UTF-8.
std::string escape_html(std::string_view text);

/// RFC 4648 section 4, with padding.
std::string to_base64(std::span<const std::uint8_t> bytes);

}  // namespace calx::format
