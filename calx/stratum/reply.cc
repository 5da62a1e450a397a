#include "calx/stratum/reply.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "calx/base/hex.h"
#include "calx/stratum/difficulty.h"
#include "calx/work/block_header.h"

namespace calx::stratum {
namespace {

constexpr std::string_view kServerVersion = "calx-bridge/1";

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string true_reply(std::string_view id) {
  return fmt::format("{{\"id\":{},\"result\":true,\"error\":null}}\n", id);
}

std::string error_reply(std::string_view id, Reject code, std::string_view text) {
  return fmt::format("{{\"id\":{},\"result\":null,\"error\":[{},{},null]}}\n", id,
                     static_cast<int>(code), json_text(text));
}

std::string subscribe_reply(std::string_view id, std::span<const std::uint8_t> extranonce_1,
                            std::size_t extranonce_2_bytes) {
  const std::string session = to_hex(extranonce_1);
  return fmt::format(
      "{{\"id\":{0},\"result\":[[[\"mining.set_difficulty\",\"{1}\"],[\"mining.notify\",\"{1}\"]],"
      "\"{1}\",{2}],\"error\":null}}\n",
      id, session, extranonce_2_bytes);
}

std::string configure_reply(std::string_view id, bool version_rolling, std::uint32_t version_mask,
                            std::span<const std::string> others) {
  std::string result;
  if (version_rolling) {
    result =
        fmt::format("\"version-rolling\":true,\"version-rolling.mask\":\"{:08x}\"", version_mask);
  }
  for (const std::string& other : others) {
    result += fmt::format("{}{}:false", result.empty() ? "" : ",", json_text(other));
  }
  return fmt::format("{{\"id\":{},\"result\":{{{}}},\"error\":null}}\n", id, result);
}

std::string version_reply(std::string_view id) {
  return fmt::format("{{\"id\":{},\"result\":\"{}\",\"error\":null}}\n", id, kServerVersion);
}

std::string pong_reply(std::string_view id) {
  return fmt::format("{{\"id\":{},\"result\":\"pong\",\"error\":null}}\n", id);
}

std::string set_difficulty_line(int log2_difficulty) {
  return fmt::format("{{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[{}]}}\n",
                     difficulty_text(log2_difficulty));
}

std::string set_version_mask_line(std::uint32_t version_mask) {
  return fmt::format(
      "{{\"id\":null,\"method\":\"mining.set_version_mask\",\"params\":[\"{:08x}\"]}}\n",
      version_mask);
}

std::string show_message_line(std::string_view text) {
  return fmt::format("{{\"id\":null,\"method\":\"client.show_message\",\"params\":[{}]}}\n",
                     json_text(text));
}

NotifyTemplate::NotifyTemplate(const work::Job& job) : ntime_(job.ntime) {
  std::string branches;
  for (const hash::Digest& branch : job.branches) {
    branches += fmt::format("{}\"{}\"", branches.empty() ? "" : ",", to_hex(branch));
  }
  middle_ = fmt::format("\"{}\",\"{}\",\"{}\",[{}],\"{:08x}\",\"{:08x}\"",
                        work::stratum_previous_hash(job.previous_hash), to_hex(job.coinbase_part_1),
                        to_hex(job.coinbase_part_2), branches, job.version, job.nbits);
}

std::string NotifyTemplate::line(std::uint64_t job_id, bool clean,
                                 std::uint32_t seconds_later) const {
  return fmt::format(
      "{{\"id\":null,\"method\":\"mining.notify\",\"params\":[\"{:x}\",{},\"{:08x}\",{}]}}\n",
      job_id, middle_, ntime_ + seconds_later, clean);
}

std::string job_id_text(std::uint64_t job_id) { return fmt::format("{:x}", job_id); }

}  // namespace calx::stratum
