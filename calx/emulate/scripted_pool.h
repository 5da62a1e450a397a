// A small pool for the tests: it hands out jobs, judges shares by itself and remembers everything.
//
// It shares no code with calx/stratum nor with the client: JSON by nlohmann, hashes by OpenSSL.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "calx/base/hex.h"
#include "calx/emulate/openssl_hash.h"

namespace calx::emulate {

/// The pool's side of one connection, without sockets: a line in, lines out.
class PoolSession {
 public:
  struct Judged {
    std::string user;
    int verdict = 0;
    Hash hash{};
    nlohmann::json parameters;
  };

  PoolSession(int log2_difficulty, std::string extranonce_1, std::size_t job_every)
      : log2_difficulty_(log2_difficulty),
        extranonce_1_(std::move(extranonce_1)),
        job_every_(job_every) {}

  std::string on_line(const std::string& line) {
    const auto request = nlohmann::json::parse(line);
    lines.push_back(request);
    const std::string method = request.value("method", "");
    const auto& id = request["id"];
    if (method == "mining.configure") {
      return reply(id, {{"version-rolling", true}, {"version-rolling.mask", "1fffe000"}});
    }
    if (method == "mining.subscribe") {
      return reply(id, {nlohmann::json::array(), extranonce_1_, 8});
    }
    if (method == "mining.authorize") {
      return reply(id, true) + set_difficulty() + notify(true);
    }
    if (method != "mining.submit") return reply(id, true);
    const int verdict = judge(request["params"]);
    std::string out;
    if (verdict == 0 && job_every_ > 0 && ++accepted_ % job_every_ == 0) out = notify(true);
    if (verdict == 0) return reply(id, true) + out;
    return nlohmann::json{{"id", id}, {"result", nullptr}, {"error", {verdict, "no", nullptr}}}
               .dump() +
           "\n";
  }

  std::string set_difficulty() const {
    const double difficulty = std::ldexp(1.0, log2_difficulty_);
    return nlohmann::json{
               {"id", nullptr}, {"method", "mining.set_difficulty"}, {"params", {difficulty}}}
               .dump() +
           "\n";
  }

  std::string notify(bool clean) {
    job_ = "job" + std::to_string(++jobs_);
    const nlohmann::json parameters = {job_,      std::string(64, '0'), kPart1,     kPart2,
                                       {kBranch}, "20000000",           "17023a04", "68e00000",
                                       clean};
    return nlohmann::json{{"id", nullptr}, {"method", "mining.notify"}, {"params", parameters}}
               .dump() +
           "\n";
  }

  std::vector<nlohmann::json> lines;
  std::vector<Judged> judged;

 private:
  static constexpr const char* kPart1 =
      "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff160340d10c"
      "2f"
      "63616c782f";
  static constexpr const char* kPart2 =
      "ffffffff02000000000000000001510000000000000000226a204606d8ecd40e6ed35c43666bf2086f8feb56ee9e"
      "d4"
      "d11d7db563f6727975ff3000000000";
  static constexpr const char* kBranch =
      "0bdb36e25789818635ef68c08feb67d26b139162b219f13150f1da5b4242a224";

  static std::string reply(const nlohmann::json& id, const nlohmann::json& result) {
    return nlohmann::json{{"id", id}, {"result", result}, {"error", nullptr}}.dump() + "\n";
  }

  static bool is_hex(const std::string& text, std::size_t least, std::size_t most) {
    return text.size() >= least && text.size() <= most &&
           text.find_first_not_of("0123456789abcdef") == std::string::npos;
  }

  int judge(const nlohmann::json& parameters) {
    Judged entry{.user = parameters.at(0), .parameters = parameters};
    entry.verdict = verdict_of(parameters, entry.hash);
    judged.push_back(entry);
    return entry.verdict;
  }

  int verdict_of(const nlohmann::json& parameters, Hash& hash) {
    const std::string extranonce_2 = parameters.at(2), ntime = parameters.at(3),
                      nonce = parameters.at(4);
    const std::string bits =
        parameters.size() > 5 ? parameters.at(5).get<std::string>() : "00000000";
    if (parameters.at(1) != job_) return 21;
    if (!is_hex(extranonce_2, 16, 16) || !is_hex(ntime, 8, 8) || !is_hex(nonce, 1, 8) ||
        !is_hex(bits, 8, 8)) {
      return 20;
    }
    const auto number = [](const std::string& digits) {
      return static_cast<std::uint32_t>(std::stoul(digits, nullptr, 16));
    };
    if ((number(bits) & ~0x1fffe000u) != 0 || number(ntime) < 0x68e00000u ||
        number(ntime) > 0x68e00000u + 7200) {
      return 20;
    }
    if (!seen_.insert(parameters.dump()).second) return 22;
    const Hash txid =
        openssl_double_hash(*from_hex(std::string(kPart1) + extranonce_1_ + extranonce_2 + kPart2));
    Bytes pair(txid.begin(), txid.end());
    const Bytes branch = *from_hex(std::string_view(kBranch));
    pair.insert(pair.end(), branch.begin(), branch.end());
    const Hash root = openssl_double_hash(pair);
    Bytes header;
    const auto add = [&](std::uint32_t value) {
      for (int i = 0; i < 4; ++i) header.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    };
    add(0x20000000u ^ number(bits));
    header.insert(header.end(), 32, 0);
    header.insert(header.end(), root.begin(), root.end());
    add(number(ntime));
    add(0x17023a04u);
    add(number(nonce));
    hash = openssl_double_hash(header);
    return meets(hash, openssl_target(log2_difficulty_)) ? 0 : 23;
  }

  int log2_difficulty_;
  std::string extranonce_1_;
  std::size_t job_every_, accepted_ = 0;
  int jobs_ = 0;
  std::string job_;
  std::set<std::string> seen_;
};

}  // namespace calx::emulate
