// What stands behind `--engine KIND=`: an address and KEY=VALUE words, separated by commas.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"

namespace calx::cli {

class EngineText {
 public:
  /// "ADDRESS[,KEY=VALUE]...". `known`: the keys there are, each at most once.
  /// Errors: kInvalidArgument names the word and lists the keys.
  static Result<EngineText> parse(std::string_view text, std::vector<std::string_view> known);

  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] std::optional<std::string> find(std::string_view key) const;
  /// A whole number inside min .. max, or `otherwise` where the key is not given.
  /// Errors: kInvalidArgument.
  [[nodiscard]] Result<std::uint32_t> number(std::string_view key, std::uint32_t otherwise,
                                             std::uint32_t min, std::uint32_t max) const;

 private:
  struct Word {
    std::string key, value;
  };
  std::string address_;
  std::vector<Word> words_;
};

}  // namespace calx::cli
