// One miner's conversation as a state machine: bytes in, lines out; no socket and no clock of its
// own, so a test can play any of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/origin.h"
#include "calx/stratum/issued_jobs.h"
#include "calx/stratum/limits.h"
#include "calx/stratum/reject.h"
#include "calx/stratum/request.h"
#include "calx/stratum/vardiff.h"
#include "calx/stratum/worker.h"
#include "calx/work/share.h"

namespace calx::stratum {

class Session;

/// The server's verdict on one submit.
struct Judgement {
  std::optional<Reject> reject = {};  // nothing: accepted
  std::string_view reason = {};       // constant text
  bool blames_worker = false;         // an honest, working miner would not have sent it
  work::Share share = {};
  std::shared_ptr<const PublishedJob> published = {};  // null when the job was not found
  double difficulty = 0;                               // that it had to reach
  double share_difficulty = 0;                         // that it reached; 0 when not hashed
  bool meets_job = false;                              // also the target of the job itself
};

/// What a session needs of the server it belongs to.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  virtual std::uint64_t new_job_id() = 0;
  /// False when this hash was accepted before.
  virtual bool first_time(const hash::Digest& block_hash) = 0;
  /// Subscribed and authorized: wants a job.
  virtual void on_joined(Session& session) = 0;
  virtual void on_refused(Session& session, std::string_view reason) = 0;
  virtual void on_judged(Session& session, const Judgement& judgement) = 0;
  /// Too many false shares: a liar, or a broken machine.
  virtual void on_named(Session& session) = 0;
};

/// The same for every session; outlives them.
struct SessionRules {
  std::vector<Worker> workers = {};  // empty: anybody, as `emulated` at most
  Limits limits = {};
  VardiffOptions vardiff = {};
};

/// Not thread-safe. Cost: about 4 KiB, and what waits in output().
class Session {
 public:
  Session(const SessionRules& rules, SessionHost& host, std::uint32_t extranonce_1, Time now);

  /// Takes bytes as they come, cut anywhere. Answers are in output() afterwards.
  void receive(std::string_view bytes, Time now);
  /// A new job, clean: everything before it is stale.
  void publish(std::shared_ptr<const PublishedJob> job, Time now);
  /// Timeouts, keepalive, difficulty. Call it several times a second.
  void tick(Time now);

  /// Lines to be sent; the caller takes what it sends.
  [[nodiscard]] std::string& output() noexcept { return output_; }
  /// Why the connection must be closed, once output() is sent if that goes at once; empty: it
  /// lives.
  [[nodiscard]] std::string_view closing() const noexcept { return closing_; }
  void close(std::string_view constant_reason) noexcept;
  /// Whether the output limit was the reason.
  [[nodiscard]] bool slow_reader() const noexcept { return slow_reader_; }

  [[nodiscard]] bool joined() const noexcept { return joined_; }
  [[nodiscard]] bool named() const noexcept { return named_; }
  [[nodiscard]] const std::string& worker() const noexcept { return worker_; }
  [[nodiscard]] Origin origin() const noexcept { return combine(declared_, highest_); }
  [[nodiscard]] int log2_difficulty() const noexcept { return log2_difficulty_; }
  [[nodiscard]] double hash_rate_hps() const noexcept { return vardiff_.hash_rate_hps(); }

 private:
  bool spend_request(Time now) noexcept;
  void handle(std::string_view line, Time now);
  void answer(const std::string& id, const Subscribe& call, Time now);
  void answer(const std::string& id, const Configure& call, Time now);
  void answer(const std::string& id, const Authorize& call, Time now);
  void answer(const std::string& id, const SuggestDifficulty& call, Time now);
  void answer(const std::string& id, const SubscribeExtranonce& call, Time now);
  void answer(const std::string& id, const Submit& call, Time now);
  void answer(const std::string& id, const GetVersion& call, Time now);
  void answer(const std::string& id, const Ping& call, Time now);
  void answer(const std::string& id, const Answer& call, Time now);
  void answer(const std::string& id, const Unknown& call, Time now);
  void answer(const std::string& id, const Malformed& call, Time now);

  void join_if_ready();
  Judgement judge(const Submit& submit);
  void conclude(const std::string& id, const Judgement& judgement);
  void blame();
  void count_bad_request();
  [[nodiscard]] int suitable_difficulty() const noexcept;
  void adjust_difficulty(Time now);
  void issue(bool clean, Time now);
  void say(std::string_view line);

  const SessionRules& rules_;
  SessionHost& host_;
  std::vector<std::uint8_t> extranonce_1_;
  std::string line_ = {};  // the beginning of a line whose end has not come
  std::string output_ = {};
  std::string_view closing_ = {};
  std::string user_agent_ = {}, worker_ = {};
  Origin declared_ = Origin::kModelled;
  Origin highest_ = Origin::kDevice;  // that any user agent of this connection allows
  bool subscribed_ = false, joined_ = false, named_ = false, rolls_version_ = false,
       slow_reader_ = false;
  std::uint32_t granted_mask_ = 0, told_mask_ = 0;
  std::shared_ptr<const PublishedJob> current_ = {};
  IssuedJobs issued_ = {};
  Vardiff vardiff_;
  int log2_wanted_, log2_difficulty_;
  bool told_difficulty_ = false;
  std::uint32_t reissued_ = 0;  // of the current job: each time a second later
  double suggested_ = 0;
  Time began_, heard_, notified_, counted_;
  double requests_left_;
  std::uint32_t bad_requests_ = 0, bad_tokens_ = 0, false_shares_in_a_row_ = 0;
  std::uint64_t false_shares_ = 0, good_shares_ = 0;
};

}  // namespace calx::stratum
