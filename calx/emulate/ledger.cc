#include "calx/emulate/ledger.h"

#include <algorithm>
#include <cmath>

namespace calx::emulate {
namespace {

bool is_sent(Fault fault) { return fault != Fault::kLoss && fault != Fault::kHalfOpen; }

}  // namespace

bool is_right(const SubmitRecord& record) noexcept {
  return record.verdict == record.expected || (record.overtaken && record.verdict == kStaleJob);
}

void Ledger::enter(SubmitRecord record) {
  if (!is_sent(record.fault)) {
    finish(std::move(record));
    return;
  }
  if (waiting_.size() <= record.miner) waiting_.resize(record.miner + 1);
  waiting_[record.miner].push_back(std::move(record));
}

std::optional<SubmitRecord> Ledger::answer(std::uint32_t miner, std::uint64_t number, int verdict,
                                           Time now) {
  if (miner >= waiting_.size()) return std::nullopt;
  auto& waiting = waiting_[miner];
  const auto found = std::find_if(waiting.begin(), waiting.end(),
                                  [&](const auto& record) { return record.number == number; });
  if (found == waiting.end()) return std::nullopt;
  SubmitRecord record = std::move(*found);
  waiting.erase(found);
  record.verdict = verdict;
  record.waited = now - record.sent;
  finish(record);
  return record;
}

void Ledger::overtake(std::uint32_t miner) {
  if (miner >= waiting_.size()) return;
  for (auto& record : waiting_[miner]) record.overtaken = true;
}

void Ledger::give_up(std::uint32_t miner) {
  if (miner >= waiting_.size()) return;
  for (auto& record : waiting_[miner]) finish(std::move(record));
  waiting_[miner].clear();
}

void Ledger::finish(SubmitRecord record) {
  FaultTally& tally = tallies_[static_cast<std::size_t>(record.fault)];
  ++tally.shares;
  if (!record.verdict) {
    ++tally.unanswered;
  } else {
    ++(is_right(record) ? tally.right : tally.wrong);
    if (record.verdict == kAccepted) ++accepted_;
  }
  if (finished_.size() < kRecordsMax) finished_.push_back(std::move(record));
}

std::uint64_t Ledger::wrong() const noexcept {
  std::uint64_t sum = 0;
  for (const FaultTally& tally : tallies_) sum += tally.wrong;
  return sum;
}

std::size_t Ledger::waiting() const noexcept {
  std::size_t sum = 0;
  for (const auto& records : waiting_) sum += records.size();
  return sum;
}

Seconds Ledger::answer_quantile(double p) const {
  std::vector<Seconds> waits;
  for (const SubmitRecord& record : finished_) {
    if (record.verdict) waits.push_back(record.waited);
  }
  if (waits.empty()) return Seconds(0);
  const auto rank = static_cast<std::size_t>(p * static_cast<double>(waits.size() - 1));
  std::nth_element(waits.begin(), waits.begin() + static_cast<std::ptrdiff_t>(rank), waits.end());
  return waits[rank];
}

}  // namespace calx::emulate
