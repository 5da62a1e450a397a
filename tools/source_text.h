// C++ source as tidy sees it: lines without comments and strings, includes, and long functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace calx::tidy {

/// The text with comments, string and character literals and preprocessor lines blanked out;
/// every line end stays where it was, so line numbers hold.
std::string code_only(std::string_view text);

std::vector<std::string_view> split_lines(std::string_view text);

struct Include {
  int line;          // from 1
  std::string path;  // as written between the quotes or angle brackets
  bool quoted;
};
std::vector<Include> includes(std::string_view text);

struct Function {
  int first_line;  // where its declaration starts, from 1
  int last_line;   // of the closing brace
};

/// Every function body whose enclosing braces are all namespaces or types. A heuristic over braces:
/// it does not see through macros that hide a brace.
std::vector<Function> functions(std::string_view text);

}  // namespace calx::tidy
