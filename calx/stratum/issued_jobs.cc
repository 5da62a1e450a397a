#include "calx/stratum/issued_jobs.h"

#include <algorithm>
#include <charconv>

#include "calx/stratum/difficulty.h"

namespace calx::stratum {
namespace {

// The number of an id, or 0 for a text that is no id of this server.
std::uint64_t number_of(std::string_view text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && job_id_text(id) == text ? id : 0;
}

}  // namespace

PublishedJob::PublishedJob(work::Job asked)
    : job(std::move(asked)), notify(job), log2_difficulty_max(log2_difficulty_for(job.target)) {}

void IssuedJobs::add(IssuedJob job) {
  if (live_.size() == kLiveMax) {
    retire(live_.front().id);
    live_.pop_front();
  }
  live_.push_back(std::move(job));
}

void IssuedJobs::retire_all() {
  for (const IssuedJob& job : live_) retire(job.id);
  live_.clear();
}

void IssuedJobs::retire(std::uint64_t id) {
  retired_[next_retired_] = id;
  next_retired_ = (next_retired_ + 1) % kRetiredMax;
}

const IssuedJob* IssuedJobs::find(std::string_view id) const {
  const std::uint64_t number = number_of(id);
  const auto job = std::ranges::find(live_, number, &IssuedJob::id);
  return job == live_.end() ? nullptr : &*job;
}

bool IssuedJobs::is_retired(std::string_view id) const {
  const std::uint64_t number = number_of(id);
  return number != 0 && std::ranges::find(retired_, number) != retired_.end();
}

}  // namespace calx::stratum
