// tidy: the rules of the house that a compiler does not check. Prints one line a finding and ends
// with status 1 if there is any.
//
// usage: tidy SOURCE_DIR LAYERS_FILE     (LAYERS_FILE is written by cmake/layer.cmake)
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "tools/source_text.h"

namespace calx::tidy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kColumnsMax = 100;
constexpr std::size_t kFileLinesMax = 500;
constexpr int kFunctionLinesMax = 70;

// Split, so that tidy does not find itself.
constexpr std::array<std::string_view, 6> kMarkers = {
    "TO"
    "DO",
    "FIX"
    "ME",
    "XX"
    "X",
    "HA"
    "CK",
    "for "
    "now",
    "place"
    "holder"};
constexpr std::array<std::string_view, 7> kBannedNames = {"util",    "utils",   "common", "helper",
                                                          "helpers", "manager", "types"};
// Headers that a user of calx need not have.
constexpr std::array<std::string_view, 13> kOutside = {
    "torch/", "ATen/",  "c10/",     "grpc",  "google/", "nlohmann/", "fmt/",
    "CLI/",   "sodium", "openssl/", "png.h", "zlib.h",  "benchmark/"};
constexpr std::array<std::string_view, 3> kTorch = {"torch/", "ATen/", "c10/"};
// An app joins layers; a number is computed in a layer, where a test can reach it.
constexpr std::array<std::string_view, 6> kArithmetic = {"cmath",   "complex",  "numeric",
                                                         "numbers", "valarray", "immintrin.h"};

struct Layer {
  std::set<std::string> uses;
  std::set<std::string> files;
  std::set<std::string> public_headers;
};
using Layers = std::map<std::string, Layer>;

Layers read_layers(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  Layers layers;
  Layer* layer = nullptr;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind, word;
    words >> kind;
    if (kind == "layer") {
      words >> word;
      layer = &layers[word];
    }
    if (!layer) throw std::runtime_error(path + ": the first line must name a layer");
    auto& list = kind == "layer"    ? layer->uses
                 : kind == "public" ? layer->public_headers
                                    : layer->files;
    while (words >> word) list.insert(word);
  }
  return layers;
}

template <std::size_t n>
bool starts_with_any(std::string_view text, const std::array<std::string_view, n>& starts) {
  return std::ranges::any_of(starts, [&](std::string_view s) { return text.starts_with(s); });
}

/// Position of `word` in `line` as a whole word, in either case if it is written in lower case.
bool holds_word(std::string_view line, std::string_view word) {
  const auto lower = [](char c) { return static_cast<char>(std::tolower(c)); };
  const bool fold = std::ranges::all_of(word, [&](char c) { return lower(c) == c; });
  std::string folded(line);
  if (fold) std::ranges::transform(folded, folded.begin(), lower);
  const auto is_letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (auto at = folded.find(word); at != std::string::npos; at = folded.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || !is_letter(folded[at - 1])) &&
        (end == folded.size() || !is_letter(folded[end])))
      return true;
  }
  return false;
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Tree {
 public:
  Tree(fs::path root, Layers layers) : root_(std::move(root)), layers_(std::move(layers)) {}

  /// Prints the findings; returns how many.
  std::size_t check() {
    std::vector<std::string> files;
    for (auto it = fs::recursive_directory_iterator(root_); it != fs::end(it); ++it) {
      const auto path = it->path().lexically_relative(root_).generic_string();
      static const std::set<std::string> kNotSource = {"build",  "out",          ".git",
                                                       "models", "docs/results", "fuzz/corpus"};
      if (kNotSource.contains(path) || it->path().filename() == "__pycache__") {
        it.disable_recursion_pending();
      } else if (it->is_regular_file() && is_text(it->path())) {
        files.push_back(path);
      }
    }
    std::ranges::sort(files);
    for (const auto& path : files) check_file(path);
    check_lists();
    std::ranges::sort(findings_);
    for (const auto& finding : findings_) std::cout << finding << '\n';
    std::cout << files.size() << " files, " << findings_.size() << " findings\n";
    return findings_.size();
  }

 private:
  static bool is_text(const fs::path& path) {
    static const std::set<std::string> kText = {".h",  ".cc",  ".inc",   ".py", ".sh", ".cmake",
                                                ".md", ".txt", ".proto", ".js", ""};
    return kText.contains(path.extension().string());
  }

  void find(const std::string& path, std::size_t line, const std::string& sentence) {
    findings_.push_back(path + ":" + std::to_string(line) + ": " + sentence);
  }

  void check_file(const std::string& path) {
    const std::string text = read_text(root_ / path);
    check_name(path);
    check_lines(path, text);
    if (!text.empty() && text.back() != '\n') {
      find(path, split_lines(text).size(), "the last line has no line end");
    }
    const auto extension = fs::path(path).extension();
    if (extension == ".h" || extension == ".cc") {
      check_length(path, text);
      for (const auto& include : includes(text)) check_include(path, include);
      check_listed(path);
    }
  }

  void check_name(const std::string& path) {
    for (const auto& part : fs::path(path)) {
      std::istringstream words(part.stem().string());
      for (std::string word; std::getline(words, word, '_');) {
        if (std::ranges::find(kBannedNames, word) != kBannedNames.end()) {
          find(path, 1, "the name \"" + word + "\" says nothing about what lives here");
        }
      }
    }
  }

  void check_lines(const std::string& path, std::string_view text) {
    const auto extension = fs::path(path).extension();
    const bool prose = extension == ".md" || path == "LICENSE";  // tables and links do not wrap
    std::size_t number = 0;
    for (const auto line : split_lines(text)) {
      ++number;
      // Columns are code points: a continuation byte of UTF-8 takes none.
      const auto columns = static_cast<std::size_t>(std::ranges::count_if(
          line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
      if (!prose && !is_table(path) && columns > kColumnsMax) {
        find(path, number, std::to_string(columns) + " columns, wanted at most 100");
      }
      if (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) {
        find(path, number, "white space at the end of the line");
      }
      for (const auto marker : kMarkers) {
        if (holds_word(line, marker)) {
          find(path, number, "leftover marker \"" + std::string(marker) + "\"");
        }
      }
    }
  }

  /// Tables of data have no length limit: X.inc and X_table.cc hold nothing else.
  static bool is_table(const std::string& path) {
    return path.ends_with(".inc") || path.ends_with("_table.cc");
  }

  void check_length(const std::string& path, std::string_view text) {
    if (is_table(path)) return;
    const auto lines = split_lines(text).size();
    if (lines > kFileLinesMax) {
      find(path, lines, std::to_string(lines) + " lines in this file, wanted at most 500");
    }
    for (const auto& function : functions(text)) {
      const int length = function.last_line - function.first_line + 1;
      if (length > kFunctionLinesMax) {
        find(path, static_cast<std::size_t>(function.first_line),
             std::to_string(length) + " lines in this function, wanted at most 70");
      }
    }
  }

  void check_include(const std::string& path, const Include& include) {
    const auto line = static_cast<std::size_t>(include.line);
    const bool torch = starts_with_any(include.path, kTorch);
    if (torch && !path.starts_with("calx/nn/")) {
      find(path, line, "only calx/nn includes LibTorch, not this file: " + include.path);
    }
    if (torch && path.ends_with(".h")) torch_headers_.insert(path);
    if (path.starts_with("apps/") &&
        std::ranges::find(kArithmetic, include.path) != kArithmetic.end()) {
      find(path, line, "apps do no arithmetic, so they do not include " + include.path);
    }
    if (!path.starts_with("calx/")) return;
    const auto layer = layers_.find(layer_of(path));
    if (layer == layers_.end()) return;
    const auto file = path.substr(("calx/" + layer->first + "/").size());
    if (layer->second.public_headers.contains(file) && starts_with_any(include.path, kOutside)) {
      find(path, line, "a public header must not include " + include.path);
    }
    if (!include.quoted) return;
    const auto wanted = layer_of(include.path);
    if (!include.path.starts_with("calx/")) {
      find(path, line, "a layer includes only calx/..., not " + include.path);
    } else if (wanted != layer->first && !layer->second.uses.contains(wanted)) {
      find(path, line, "USES of layer " + layer->first + " does not name " + wanted);
    }
  }

  /// "hash" of "calx/hash/sha256.h".
  static std::string layer_of(const std::string& path) {
    const auto rest = path.starts_with("calx/") ? path.substr(5) : path;
    return rest.substr(0, rest.find('/'));
  }

  void check_listed(const std::string& path) {
    if (path.starts_with("calx/")) {
      const auto layer = layers_.find(layer_of(path));
      if (layer == layers_.end()) {
        const auto folder = root_ / "calx" / layer_of(path);
        if (!fs::exists(folder / "CMakeLists.txt")) find(path, 1, "no layer lists this file");
      } else if (!layer->second.files.contains(path.substr(6 + layer->first.size()))) {
        find(path, 1, "no layer lists this file");
      }
    } else if (path.ends_with(".cc") && !named_by_cmake(path)) {
      find(path, 1, "no CMakeLists.txt lists this file");
    }
  }

  [[nodiscard]] bool named_by_cmake(const std::string& path) const {
    for (auto folder = fs::path(path).parent_path();; folder = folder.parent_path()) {
      const auto list = read_text(root_ / folder / "CMakeLists.txt");
      auto name = fs::path(path).lexically_relative(folder).generic_string();
      if (folder == "fuzz" &&
          name.ends_with("_fuzz.cc")) {  // calx_fuzz(png ...) builds png_fuzz.cc
        name = "calx_fuzz(" + name.substr(0, name.size() - 8);
      }
      for (auto at = list.find(name); at != std::string::npos; at = list.find(name, at + 1)) {
        const auto before = at == 0 ? '\n' : list[at - 1];
        if (!std::isalnum(static_cast<unsigned char>(before)) && before != '_') return true;
      }
      if (folder.empty()) return false;
    }
  }

  /// What only shows when the whole tree was read.
  void check_lists() {
    for (const auto& [name, layer] : layers_) {
      for (const auto& file : layer.files) {
        std::string path = "calx/";
        path.append(name).append("/").append(file);
        if (!fs::exists(root_ / path))
          find(path, 1, "a layer lists this file, but it is not there");
      }
    }
    if (torch_headers_.size() > 1) {
      for (const auto& path : torch_headers_) {
        find(path, 1,
             "LibTorch may stand in one private header, and there are " +
                 std::to_string(torch_headers_.size()));
      }
    }
  }

  fs::path root_;
  Layers layers_;
  std::set<std::string> torch_headers_;
  std::vector<std::string> findings_;
};

}  // namespace
}  // namespace calx::tidy

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: tidy SOURCE_DIR LAYERS_FILE\n";
    return 2;
  }
  try {
    calx::tidy::Tree tree(argv[1], calx::tidy::read_layers(argv[2]));
    return tree.check() == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "tidy: " << error.what() << '\n';
    return 2;
  }
}
