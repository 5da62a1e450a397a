#include "calx/format/page.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/format/page_style.h"
#include "calx/format/utf8.h"

namespace calx::format {
namespace {

constexpr char32_t kReplacement = 0xfffd;

/// A relative address: everything but letters, digits and a few signs is percent-encoded, so it
/// cannot name a scheme, and "./" in front keeps it from naming a host.
std::string escape_path(std::string_view path) {
  std::string url = "./";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-._~").find(c) != std::string_view::npos;
    if (plain) {
      url += c;
    } else {
      fmt::format_to(std::back_inserter(url), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return url;
}

bool looks_like_number(std::string_view cell) noexcept {
  const bool digits = std::ranges::any_of(cell, [](char c) { return c >= '0' && c <= '9'; });
  return digits && cell.find_first_not_of("0123456789.,+-eE% ") == std::string_view::npos;
}

std::string cell(std::string_view tag, std::string_view text, bool number) {
  return fmt::format("<{}{}>{}</{}>", tag, number ? " class=\"n\"" : "", escape_html(text), tag);
}

std::string caption_html(std::string_view caption) {
  const std::size_t line = caption.find('\n');
  std::string html = fmt::format("<b>{}</b>", escape_html(caption.substr(0, line)));
  if (line == std::string_view::npos) return html;
  std::string rest = escape_html(caption.substr(line + 1));
  for (std::size_t at = 0; (at = rest.find('\n', at)) != std::string::npos; at += 4) {
    rest.replace(at, 1, "<br>");
  }
  return html + rest;
}

std::string figure_html(const PageFigure& figure) {
  const std::string source = figure.png.empty() ? escape_path(figure.link)
                                                : "data:image/png;base64," + to_base64(figure.png);
  const std::string_view first_line =
      std::string_view(figure.caption).substr(0, figure.caption.find('\n'));
  std::string image =
      fmt::format("<img{} src=\"{}\" alt=\"{}\" loading=\"lazy\">",
                  figure.pixelated ? " class=\"hard\"" : "", source, escape_html(first_line));
  if (!figure.href.empty()) {
    image = fmt::format("<a href=\"{}\">{}</a>", escape_path(figure.href), image);
  }
  return fmt::format("<figure>{}{}</figure>\n", image,
                     figure.caption.empty() ? ""
                                            : fmt::format("<figcaption>{}</figcaption>",
                                                          caption_html(figure.caption)));
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  while (!text.empty()) {
    const auto code_point = take_code_point(text);
    if (!code_point) text.remove_prefix(1);
    const char32_t c = code_point.value_or(kReplacement);
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default: {
        const bool control = (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0);
        append_utf8(html, control ? kReplacement : c);
      }
    }
  }
  return html;
}

std::string to_base64(std::span<const std::uint8_t> bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? bytes[at + i] : 0u);
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

Page::Page(std::string_view title, std::string_view subtitle)
    : title_(title), subtitle_(subtitle) {}

void Page::heading(std::string_view text) {
  body_ += fmt::format("<h2>{}</h2>\n", escape_html(text));
}

void Page::paragraph(std::string_view text) {
  body_ += fmt::format("<p>{}</p>\n", escape_html(text));
}

void Page::code(std::string_view text) {
  body_ += fmt::format("<pre>{}</pre>\n", escape_html(text));
}

void Page::key_values(std::span<const std::pair<std::string, std::string>> rows) {
  body_ += "<dl>";
  for (const auto& [key, value] : rows) {
    body_ += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escape_html(key), escape_html(value));
  }
  body_ += "</dl>\n";
}

void Page::table(std::span<const std::string> header,
                 std::span<const std::vector<std::string>> rows) {
  std::size_t columns = header.size();
  for (const auto& row : rows) columns = std::max(columns, row.size());
  const auto at = [](std::span<const std::string> row, std::size_t i) {
    return i < row.size() ? std::string_view(row[i]) : std::string_view();
  };
  // A heading stands over its numbers.
  std::vector<bool> numbers(columns, !rows.empty());
  for (std::size_t i = 0; i < columns; ++i) {
    for (const auto& row : rows) {
      if (!at(row, i).empty() && !looks_like_number(at(row, i))) numbers[i] = false;
    }
  }
  body_ += "<div class=\"wide\"><table><thead><tr>";
  for (std::size_t i = 0; i < columns; ++i) body_ += cell("th", at(header, i), numbers[i]);
  body_ += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    body_ += "<tr>";
    for (std::size_t i = 0; i < columns; ++i) body_ += cell("td", at(row, i), numbers[i]);
    body_ += "</tr>\n";
  }
  body_ += "</tbody></table></div>\n";
}

void Page::checks(std::span<const PageCheck> checks) {
  body_ += "<div class=\"wide checks\"><table><tbody>\n";
  for (const PageCheck& check : checks) {
    const bool pass = check.mark == PageMark::kPass, failed = check.mark == PageMark::kFail;
    body_ += fmt::format(
        "<tr><td><span class=\"mark {}\">{}</span></td><td>{}</td><td class=\"detail\">{}</td>"
        "</tr>\n",
        pass     ? "pass"
        : failed ? "fail"
                 : "open",
        pass     ? "pass"
        : failed ? "FAIL"
                 : "NOT CHECKED",
        escape_html(check.name), escape_html(check.detail));
  }
  body_ += "</tbody></table></div>\n";
}

void Page::gallery(std::span<const PageFigure> figures, std::uint32_t width_min) {
  body_ += fmt::format(
      "<div class=\"gallery\" "
      "style=\"grid-template-columns:repeat(auto-fill,minmax({}px,1fr))\">\n",
      width_min);
  for (const PageFigure& figure : figures) body_ += figure_html(figure);
  body_ += "</div>\n";
}

void Page::chart(const Chart& chart) {
  body_ += "<figure class=\"chart\">";
  if (!chart.title.empty()) body_ += fmt::format("<h3>{}</h3>", escape_html(chart.title));
  body_ += encode_svg(chart);
  if (chart.series.size() > 1) {
    body_ += "<ul class=\"legend\">";
    for (std::size_t i = 0; i < chart.series.size(); ++i) {
      body_ += fmt::format("<li{} style=\"--c:var(--series-{})\"><i></i>{}</li>",
                           i >= kChartColours ? " class=\"dash\"" : "", i % kChartColours,
                           escape_html(chart.series[i].name));
    }
    body_ += "</ul>";
  }
  body_ += "</figure>\n";
}

std::string Page::html() const {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      // Nothing but pictures beside the page may be loaded, whatever stands in it.
      "<meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; img-src 'self' data: file:; style-src 'unsafe-inline'\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n<header><h1>{}</h1>",
      escape_html(title_), kPageStyle, escape_html(title_));
  if (!subtitle_.empty()) html += fmt::format("<p>{}</p>", escape_html(subtitle_));
  return html + "</header>\n" + body_ + "</main>\n</body>\n</html>\n";
}

}  // namespace calx::format
