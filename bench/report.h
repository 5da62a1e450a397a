// The table of `calx bench`, for a terminal, for docs/results and for programs.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/figure.h"
#include "bench/machine.h"
#include "bench/pair.h"

namespace calx::bench {

/// What the figures depend on besides the machine, in the order printed: kernels in force,
/// versions of the rivals as their libraries give them.
using Facts = std::vector<std::pair<std::string, std::string>>;

struct Report {
  Machine machine{};
  Facts facts{};
  std::string command{};  // as typed
  Effort effort{};
  std::span<const Outcome> outcomes{};
  std::span<const Figure> figures{};
};

/// One line for one outcome.
std::string to_line(const Outcome& outcome);
std::string to_line(const Figure& figure);
/// Machine, facts and a Markdown table.
std::string to_markdown(const Report& report);
/// The same with every single measurement. \return one JSON document
std::string to_json(const Report& report);

/// 0 when all bars are met, 1 when an answer was wrong or a bar was missed, else 3 when a rival
/// was not available.
int exit_status(std::span<const Outcome> outcomes, std::span<const Figure> figures = {});

}  // namespace calx::bench
