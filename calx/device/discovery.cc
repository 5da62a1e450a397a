#include "calx/device/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "calx/device/pace.h"

namespace calx::device {
namespace {

struct Answer {
  std::optional<FoundMiner> miner = {};
  std::string reason = {};
  bool asked = false;
};

class Search {
 public:
  Search(std::span<const SearchTarget> targets, const SearchLimits& limits, std::stop_token stop)
      : targets_(targets),
        limits_(limits),
        stop_(std::move(stop)),
        deadline_(std::chrono::steady_clock::now() + limits.whole),
        pace_(limits.connects_per_second),
        answers_(targets.size()) {}

  void run() {
    std::vector<std::jthread> threads;
    const std::size_t count = std::min<std::size_t>(limits_.at_once, targets_.size());
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
  }

  SearchReport report() {
    SearchReport report;
    for (Answer& answer : answers_) {
      if (answer.miner) {
        report.miners.push_back(std::move(*answer.miner));
      } else if (answer.asked) {
        report.silent.push_back(std::move(answer.reason));
      } else {
        ++report.unasked;
      }
    }
    return report;
  }

 private:
  void work() {
    for (std::size_t i; (i = next_.fetch_add(1)) < targets_.size();) {
      if (stop_.stop_requested() || std::chrono::steady_clock::now() >= deadline_) return;
      ask(targets_[i], answers_[i]);
    }
  }

  void ask(const SearchTarget& target, Answer& answer) {
    const auto turn = [this] { return pace_.wait(stop_, deadline_); };
    for (const MinerApi api : {MinerApi::kAxeos, MinerApi::kCgminer}) {
      const LanAddress address{target.ip, target.port.value_or(default_port(api))};
      auto telemetry = read_telemetry(api, address, limits_.patience, turn);
      if (telemetry) {
        answer = {.miner = FoundMiner{address, std::move(*telemetry)}, .asked = true};
        return;
      }
      const Error& error = telemetry.error();
      if (error.code == ErrorCode::kCancelled) {
        answer.asked = false;
        return;
      }
      answer.asked = true;
      if (!answer.reason.empty()) answer.reason += "; ";
      answer.reason += error.message;
    }
  }

  std::span<const SearchTarget> targets_;
  SearchLimits limits_;
  std::stop_token stop_;
  std::chrono::steady_clock::time_point deadline_;
  Pace pace_;
  std::vector<Answer> answers_;
  std::atomic<std::size_t> next_ = 0;
};

}  // namespace

Result<SearchReport> search_miners(std::span<const SearchTarget> targets,
                                   const SearchLimits& limits, std::stop_token stop) {
  const bool rate =
      limits.connects_per_second >= 1 && limits.connects_per_second <= kConnectsPerSecondMax;
  const bool width = limits.at_once >= 1 && limits.at_once <= kConnectsAtOnceMax;
  if (!rate || !width || targets.size() > kSearchAddressesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("search of {} addresses, {} connections a second, {} at once: at most "
                            "{}, 1 to {}, 1 to {}",
                            targets.size(), limits.connects_per_second, limits.at_once,
                            kSearchAddressesMax, kConnectsPerSecondMax, kConnectsAtOnceMax));
  }
  Search search(targets, limits, std::move(stop));
  search.run();
  return search.report();
}

}  // namespace calx::device
