// No bytes of a miner crash a session, however they are cut; the cuts change no answer; every
// answer is a line of JSON; and no share is accepted that does not hold when hashed again.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "calx/base/assert.h"
#include "calx/stratum/difficulty.h"
#include "calx/stratum/seen_shares.h"
#include "calx/stratum/session.h"

namespace {

using namespace calx::stratum;  // a fuzz target is one small program
using calx::work::check_share;
using calx::work::ShareVerdict;

struct Host final : SessionHost {
  std::uint64_t new_job_id() override { return next_id++; }
  bool first_time(const calx::hash::Digest& hash) override { return seen.insert(hash); }
  void on_joined(Session& session) override { session.publish(job, Time()); }
  void on_refused(Session&, std::string_view) override {}
  void on_judged(Session&, const Judgement& judged) override {
    if (judged.reject) return;
    CALX_ASSERT(judged.published == job);
    const auto checked = check_share(job->job, judged.share);
    CALX_ASSERT(checked.verdict != ShareVerdict::kMalformed);
    CALX_ASSERT(judged.meets_job == (checked.verdict == ShareVerdict::kAccepted));
  }
  void on_named(Session&) override {}

  std::uint64_t next_id = 1;
  SeenShares seen{64};
  // Every second hash meets the target, so the fuzzer meets acceptance too.
  std::shared_ptr<const PublishedJob> job = std::make_shared<PublishedJob>(
      calx::work::template_job({}, *calx::work::Target::from_work_bits(1)));
};

std::string answers(std::string_view bytes, std::size_t step) {
  SessionRules rules;
  rules.vardiff.log2_start = kLog2DifficultyMax;  // the job lowers it to its own
  rules.vardiff.shares_per_second = 0;
  Host host;
  Session session(rules, host, 7, Time());
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    session.receive(bytes.substr(at, step), Time());
  }
  CALX_ASSERT(session.output().size() <= rules.limits.output_bytes_max + 2 * kLineBytesMax);
  return session.output();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = answers(bytes, size);
  CALX_ASSERT(whole == answers(bytes, 1 + data[0]));
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = whole.find('\n', at);
    CALX_ASSERT(end != std::string::npos);
    CALX_ASSERT(nlohmann::json::accept(whole.substr(at, end - at)));
    at = end + 1;
  }
  return 0;
}
