// The miner's side of Stratum V1, without sockets: lines in, lines out.
//
// Written from the protocol and from how real firmware behaves, not from the bridge: the two share
// no code, so that an error in one shows against the other. It believes what a firmware believes.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "calx/base/result.h"
#include "calx/emulate/firmware.h"
#include "calx/emulate/mining_job.h"

namespace calx::emulate {

inline constexpr std::size_t kJobIdBytesMax = 64;
inline constexpr std::size_t kBranchesMax = 32;
inline constexpr std::size_t kSubmitsWaitingMax = 1024;

/// The server's answer to one submit.
struct ShareAnswer {
  std::uint64_t number = 0;  // as given to submit()
  int verdict = 0;           // 0 accepted, else the error code
  std::string reason = {};
};

/// What one line made the client do.
struct Reaction {
  std::string output = {};  // lines to send
  std::optional<ShareAnswer> answer = std::nullopt;
  bool new_job = false;  // job() is another one
  bool clean = false;    // and all earlier ones are withdrawn
  bool hang_up = false;  // the firmware would close the connection; `why` says the reason
  std::string why = {};
};

/// The fields of one submit, as text: a fault plan may spoil any of them.
struct SubmitFields {
  std::string job = {}, extranonce_2 = {}, ntime = {}, nonce = {};
  std::optional<std::string> version_bits = std::nullopt;
};

class StratumClient {
 public:
  StratumClient(const Firmware& firmware, std::string user_agent, std::string worker,
                std::string token);

  /// Forgets the last connection. Returns the lines that open the next one.
  std::string open();

  /// One line of the server, without its newline. A line that is no JSON object, or a call that
  /// lacks what it needs, changes nothing, as in the firmwares. Cost: one parse.
  Reaction on_line(std::string_view line);

  /// The fields as this firmware writes them.
  [[nodiscard]] SubmitFields fields(const MiningJob& job, const Roll& roll,
                                    std::uint32_t nonce) const;
  /// The line of a submit; its answer will carry `number`.
  std::string submit(const SubmitFields& fields, std::uint64_t number);
  /// mining.suggest_difficulty, or nothing if this firmware sends none.
  std::string suggest_difficulty();

  [[nodiscard]] bool authorized() const noexcept { return authorized_; }
  [[nodiscard]] const std::optional<MiningJob>& job() const noexcept { return job_; }
  /// The id of a job that the server withdrew, if any.
  [[nodiscard]] const std::string& withdrawn_job() const noexcept { return withdrawn_; }
  /// On the wire, as last set; firmware takes it up with the next job.
  [[nodiscard]] double difficulty() const noexcept { return difficulty_; }
  [[nodiscard]] std::uint64_t ignored_lines() const noexcept { return ignored_lines_; }

 private:
  enum class Asked : std::uint8_t { kConfigure, kSubscribe, kAuthorize, kOther };
  struct Parsed;  // holds the JSON, which no header shows

  std::string call(std::string_view method, const std::string& parameters, Asked asked);
  void on_reply(const Parsed& line, Reaction& reaction);
  void on_call(const Parsed& line, Reaction& reaction);
  void on_notify(const Parsed& line, Reaction& reaction);
  void on_subscribed(const Parsed& line, Reaction& reaction);
  void on_authorized(const Parsed& line, Reaction& reaction);
  [[nodiscard]] bool on_submit_reply(const Parsed& line, Reaction& reaction);

  Firmware firmware_;
  std::string user_agent_, worker_, token_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Asked> asked_;            // by id
  std::map<std::uint64_t, std::uint64_t> submits_;  // id -> number
  std::deque<std::uint64_t> submits_in_order_;      // numbers, where every id is 4
  std::vector<std::uint8_t> extranonce_1_;
  std::size_t extranonce2_bytes_ = 0;
  std::uint32_t version_mask_ = 0;
  double difficulty_ = 1;
  bool first_line_ = true, subscribed_ = false, authorized_ = false;
  std::deque<std::string> recent_jobs_;
  std::optional<MiningJob> job_;
  std::string withdrawn_;
  std::uint64_t ignored_lines_ = 0;
};

}  // namespace calx::emulate
