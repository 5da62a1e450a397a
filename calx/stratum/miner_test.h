// Miners for tests: one that says what the test says, and one that really searches.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "calx/base/hex.h"
#include "calx/hash/scan.h"
#include "calx/work/block_header.h"
#include "calx/work/share.h"
#include "calx/work/target.h"

namespace calx::stratum {

/// A blocking client on loopback.
class ScriptedMiner {
 public:
  explicit ScriptedMiner(std::uint16_t port, int receive_buffer_bytes = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer_bytes > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~ScriptedMiner() { ::close(socket_); }
  ScriptedMiner(const ScriptedMiner&) = delete;
  ScriptedMiner& operator=(const ScriptedMiner&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }

  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// The next line; nothing when none came in time or the server hung up.
  std::optional<std::string> line(
      std::chrono::milliseconds wait = std::chrono::milliseconds(20'000)) {
    const auto until = std::chrono::steady_clock::now() + wait;
    for (;;) {
      const std::size_t end = text_.find('\n');
      if (end != std::string::npos) {
        std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          until - std::chrono::steady_clock::now());
      pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(0, left.count()))) <= 0) {
        return {};
      }
      char bytes[4096];
      const auto got = ::recv(socket_, bytes, sizeof bytes, 0);
      if (got <= 0) {
        hung_up_ = true;
        reset_ = got < 0;
        return {};
      }
      text_.append(bytes, static_cast<std::size_t>(got));
    }
  }

  /// The first line with this text in it, or "".
  std::string line_with(std::string_view text) {
    while (auto next = line()) {
      if (next->find(text) != std::string::npos) return *next;
    }
    return {};
  }

  /// True when the server closed the connection in time.
  bool hung_up() {
    while (line()) {
    }
    return hung_up_;
  }
  /// Whether the connection ended by an error, not by its end.
  [[nodiscard]] bool was_reset() const { return reset_; }

  bool join(std::string_view name, std::string_view token, std::string_view agent = "test/1") {
    send(nlohmann::json{{"id", 1}, {"method", "mining.subscribe"}, {"params", {agent}}}.dump() +
         "\n");
    const auto reply = nlohmann::json::parse(line_with("\"id\":1,"), nullptr, false);
    if (!reply.is_object()) return false;
    extranonce_1_ = from_hex(reply["result"][1].get<std::string>()).value();
    send(nlohmann::json{{"id", 2}, {"method", "mining.authorize"}, {"params", {name, token}}}
             .dump() +
         "\n");
    return line_with("\"id\":2,").find("true") != std::string::npos;
  }

  [[nodiscard]] const std::vector<std::uint8_t>& extranonce_1() const { return extranonce_1_; }

 private:
  int socket_;
  bool connected_ = false, hung_up_ = false, reset_ = false;
  std::string text_;
  std::vector<std::uint8_t> extranonce_1_;
};

/// The job that a mining.notify describes, as far as a miner sees it.
inline work::Job job_of(const nlohmann::json& notify) {
  const auto& p = notify["params"];
  const auto word = [&](std::size_t i) {
    return work::parse_nonce(p[i].get<std::string>()).value();
  };
  work::Job job;
  job.previous_hash = work::parse_stratum_previous_hash(p[1].get<std::string>()).value();
  job.coinbase_part_1 = from_hex(p[2].get<std::string>()).value();
  job.coinbase_part_2 = from_hex(p[3].get<std::string>()).value();
  for (const auto& branch : p[4]) {
    from_hex(branch.get<std::string>(), job.branches.emplace_back()).value();
  }
  job.version = word(5);
  job.nbits = word(6);
  job.ntime = word(7);
  return job;
}

inline std::string submit_line(std::string_view name, std::string_view job_id,
                               const work::Share& share) {
  char words[2][9];
  std::snprintf(words[0], sizeof words[0], "%08x", share.ntime);
  std::snprintf(words[1], sizeof words[1], "%08x", share.nonce);
  return nlohmann::json{{"id", 4},
                        {"method", "mining.submit"},
                        {"params", {name, job_id, to_hex(share.extranonce_2), words[0], words[1]}}}
             .dump() +
         "\n";
}

/// Joins and searches every job until it is told to stop or is hung up on. Counts nothing itself.
inline void mine(std::uint16_t port, std::string name, std::string token, std::stop_token stop) {
  ScriptedMiner miner(port);
  if (!miner.join(name, token)) return;
  work::Job job;
  std::string job_id;
  work::Target target;
  work::Share share;
  hash::Header header{};
  while (!stop.stop_requested()) {
    // Without a job there is nothing to do but to listen.
    const auto wait = std::chrono::milliseconds(job_id.empty() ? 50 : 0);
    for (auto line = miner.line(wait); line; line = miner.line(std::chrono::milliseconds(0))) {
      const auto message = nlohmann::json::parse(*line);
      const std::string method = message.value("method", "");
      if (method == "mining.set_difficulty") {
        target = work::Target::from_difficulty(message["params"][0].get<double>()).value();
      } else if (method == "mining.notify") {
        job = job_of(message);
        job_id = message["params"][0].get<std::string>();
        share = {.extranonce_1 = miner.extranonce_1(),
                 .extranonce_2 = std::vector<std::uint8_t>(8),
                 .ntime = job.ntime};
        header = work::encode(work::check_share(job, share).header);
      }
    }
    if (job_id.empty()) continue;
    const std::uint32_t last = share.nonce + 0xfff;
    const auto found = hash::find_nonce(header, target.bytes(), share.nonce, last);
    share.nonce = found.value_or(last);
    if (found && !miner.send(submit_line(name, job_id, share))) return;
    ++share.nonce;
  }
}

}  // namespace calx::stratum
