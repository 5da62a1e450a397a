// What the server says: each function returns one whole line of JSON, newline included.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "calx/stratum/reject.h"
#include "calx/work/job.h"

namespace calx::stratum {

/// Replies. `id` is the JSON text of the request's id, echoed verbatim.
std::string true_reply(std::string_view id);
std::string error_reply(std::string_view id, Reject code, std::string_view text);
/// [[["mining.set_difficulty", s], ["mining.notify", s]], extranonce 1, bytes of extranonce 2]
std::string subscribe_reply(std::string_view id, std::span<const std::uint8_t> extranonce_1,
                            std::size_t extranonce_2_bytes);
/// BIP 310. `others` are refused: false each.
std::string configure_reply(std::string_view id, bool version_rolling, std::uint32_t version_mask,
                            std::span<const std::string> others);
std::string version_reply(std::string_view id);
std::string pong_reply(std::string_view id);

/// Notifications, with id null.
std::string set_difficulty_line(int log2_difficulty);
std::string set_version_mask_line(std::uint32_t version_mask);
std::string show_message_line(std::string_view text);

/// mining.notify without what differs between miners: built once a job, sent a thousand times.
class NotifyTemplate {
 public:
  explicit NotifyTemplate(const work::Job& job);
  /// `seconds_later` moves the time, and with it every header that can be made of the job.
  [[nodiscard]] std::string line(std::uint64_t job_id, bool clean,
                                 std::uint32_t seconds_later = 0) const;

 private:
  std::string middle_;  // from the previous hash to the bits
  std::uint32_t ntime_;
};

/// Job ids on the wire: lower-case hex without leading zeros.
std::string job_id_text(std::uint64_t job_id);

}  // namespace calx::stratum
