#include "apps/cli/reopening_runner.h"

#include <fmt/format.h>

#include <utility>

namespace calx::cli {

ReopeningRunner::ReopeningRunner(Machine first, Open open)
    : origin_(first->origin()),
      version_mask_(first->version_mask()),
      open_(std::move(open)),
      machine_(std::move(first)) {}

Result<work::FoundShare> ReopeningRunner::run(const work::Job& job, std::stop_token stop) {
  const std::scoped_lock lock(mutex_);
  if (machine_ == nullptr) CALX_TRY(reopen());
  auto found = machine_->run(job, std::move(stop));
  if (!found && found.error().code == ErrorCode::kUnavailable) machine_.reset();
  return found;
}

Result<void> ReopeningRunner::reopen() {
  CALX_ASSIGN(machine, open_());
  if (machine->origin() < origin_ || machine->version_mask() != version_mask_) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("another machine answers: origin {} with version bits {:08x}, "
                            "wanted {} with {:08x}",
                            to_string(machine->origin()), machine->version_mask(),
                            to_string(origin_), version_mask_));
  }
  machine_ = std::move(machine);
  return {};
}

}  // namespace calx::cli
