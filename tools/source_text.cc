#include "tools/source_text.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace calx::tidy {
namespace {

bool is_word(char c) noexcept { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

/// End (one past) of the comment or literal that starts at `i`, or `i` when none does.
std::size_t literal_end(std::string_view text, std::size_t i) noexcept {
  const auto past = [&](std::size_t found, std::size_t length) {
    return found == std::string_view::npos ? text.size() : found + length;
  };
  if (text.substr(i, 2) == "//") return past(text.find('\n', i), 0);
  if (text.substr(i, 2) == "/*") return past(text.find("*/", i + 2), 2);
  const bool starts_word = i == 0 || !is_word(text[i - 1]);
  if (starts_word && text.substr(i, 2) == "R\"") {
    const auto open = text.find('(', i);
    if (open == std::string_view::npos) return text.size();
    const std::string close = ")" + std::string(text.substr(i + 2, open - i - 2)) + "\"";
    return past(text.find(close, open), close.size());
  }
  const char quote = text[i];
  if (quote != '"' && (quote != '\'' || !starts_word)) return i;  // 1'000 is no literal
  std::size_t k = i + 1;
  while (k < text.size() && text[k] != quote && text[k] != '\n') k += text[k] == '\\' ? 2 : 1;
  return std::min(k + 1, text.size());
}

void blank(std::string& text, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

void blank_preprocessor_lines(std::string& text) {
  std::size_t start = 0;
  bool continued = false;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const auto line = std::string_view(text).substr(start, end - start);
    const bool directive = continued || trim(line).starts_with('#');
    continued = directive && line.ends_with('\\');
    if (directive) blank(text, start, end);
    start = end + 1;
  }
}

/// The declaration in front of a brace, without its template parameters and attributes.
std::string_view declaration(std::string_view head) noexcept {
  head = trim(head);
  while (head.starts_with("template") || head.starts_with("[[")) {
    const bool attribute = head.starts_with("[[");
    int depth = 0;
    std::size_t i = attribute ? 0 : head.find('<');
    for (; i < head.size(); ++i) {
      if (head[i] == '<' || head[i] == '[') ++depth;
      if (head[i] == '>' || head[i] == ']') --depth;
      if (depth == 0) break;
    }
    if (i >= head.size()) return head;
    head = trim(head.substr(i + 1));
  }
  return head;
}

enum class Brace { kScope, kFunction, kOther };

Brace classify(std::string_view head) {
  const auto words = declaration(head);
  for (const std::string_view type : {"class", "struct", "union", "enum"}) {
    if (words.starts_with(type) && words.size() > type.size() && !is_word(words[type.size()])) {
      return type == "enum" ? Brace::kOther : Brace::kScope;
    }
  }
  if (words.find(')') != std::string_view::npos) return Brace::kFunction;
  if (words.find("namespace") != std::string_view::npos) return Brace::kScope;
  if (words.starts_with("extern")) return Brace::kScope;
  return Brace::kOther;
}

int line_of(std::string_view text, std::size_t position) {
  return 1 + static_cast<int>(
                 std::count(text.begin(), text.begin() + static_cast<long>(position), '\n'));
}

/// Walks the braces of code_only text.
class BraceWalk {
 public:
  explicit BraceWalk(std::string_view code) : code_(code) {}

  std::vector<Function> run() {
    for (std::size_t i = 0; i < code_.size(); ++i) {
      const char c = code_[i];
      if (c == '(') ++parens_;
      if (c == ')') --parens_;
      if (c == '{') open(i);
      if (c == '}') close(i);
      if (c == ';' && parens_ == 0 && inside_ == 0) {
        after_function_ = false;
        begin_head(i + 1);
      }
    }
    return std::move(found_);
  }

 private:
  void begin_head(std::size_t position) {
    if (inside_ == 0) head_ = position;
  }

  void open(std::size_t i) {
    if (inside_ > 0 || parens_ > 0) {
      ++inside_;
      return;
    }
    const auto head = code_.substr(head_, i - head_);
    const auto words = trim(head);
    Brace kind = classify(head);
    // Braces of a constructor's initialisers stand between its declaration and its body.
    const bool continues = words.empty() || words.starts_with(',');
    if (continues && after_function_) {
      kind = Brace::kFunction;
      start_ = found_.back().first_line;
      found_.pop_back();
    } else if (kind == Brace::kFunction) {
      start_ = line_of(code_, head_ + head.find_first_not_of(" \t\n"));
    }
    if (kind != Brace::kScope) {
      inside_ = 1;
      in_function_ = kind == Brace::kFunction;
    }
    head_ = i + 1;
  }

  void close(std::size_t i) {
    const bool ends_block = inside_ == 1;
    if (inside_ > 0) --inside_;
    if (ends_block) {
      if (in_function_) found_.push_back({start_, line_of(code_, i)});
      after_function_ = std::exchange(in_function_, false);
    }
    begin_head(i + 1);
  }

  std::string_view code_;
  std::vector<Function> found_;
  std::size_t head_ = 0;  // where the declaration in front of the next brace starts
  int parens_ = 0;
  int inside_ = 0;  // depth inside a function or initialiser, 0 at scope level
  int start_ = 0;   // first line of the function that is open
  bool in_function_ = false;
  bool after_function_ = false;  // the block closed last was one, and nothing stood between
};

}  // namespace

std::string code_only(std::string_view text) {
  std::string code(text);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = literal_end(text, i);
    blank(code, i, end);
    i = std::max(end, i + 1);
  }
  blank_preprocessor_lines(code);
  return code;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<Include> includes(std::string_view text) {
  std::vector<Include> found;
  int number = 0;
  for (std::string_view line : split_lines(text)) {
    ++number;
    line = trim(line);
    if (!line.starts_with('#')) continue;
    line = trim(line.substr(1));
    if (!line.starts_with("include")) continue;
    line = trim(line.substr(7));
    if (line.empty() || (line[0] != '"' && line[0] != '<')) continue;
    const auto end = line.find(line[0] == '"' ? '"' : '>', 1);
    if (end == std::string_view::npos) continue;
    found.push_back({number, std::string(line.substr(1, end - 1)), line[0] == '"'});
  }
  return found;
}

std::vector<Function> functions(std::string_view text) {
  const std::string code = code_only(text);
  return BraceWalk(code).run();
}

}  // namespace calx::tidy
