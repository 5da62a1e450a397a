#include "calx/emulate/stratum_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "calx/base/hex.h"
#include "calx/emulate/ledger.h"

namespace calx::emulate {

using Value = nlohmann::json;

struct StratumClient::Parsed {
  Value document;
  const Value& result() const { return member("result"); }
  const Value& error() const { return member("error"); }
  const Value& parameters() const { return member("params"); }
  const Value& member(const char* name) const {
    static const Value kNull;
    const auto found = document.find(name);
    return found == document.end() ? kNull : *found;
  }
};

namespace {

constexpr std::uint64_t kOneSubmitId = 4;
constexpr std::uint32_t kAllVersionBits = 0xffffffff;

std::string json_text(std::string_view text) {
  return Value(std::string(text)).dump(-1, ' ', false, Value::error_handler_t::replace);
}

std::string text_of(const Value& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<std::uint32_t> hex_number(const Value& value) {
  const std::string digits = text_of(value);
  std::uint32_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  if (error != std::errc() || digits.empty() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return number;
}

std::optional<std::vector<std::uint8_t>> hex_bytes(const Value& value) {
  if (!value.is_string()) return std::nullopt;
  auto bytes = from_hex(value.get<std::string>());
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

std::optional<hash::Digest> digest(const Value& value) {
  const auto bytes = hex_bytes(value);
  if (!bytes || bytes->size() != 32) return std::nullopt;
  hash::Digest out{};
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

// The wire has the bytes of each 4-byte word reversed.
hash::Digest unswapped(hash::Digest words) {
  for (std::size_t i = 0; i < words.size(); i += 4) {
    std::reverse(words.begin() + static_cast<std::ptrdiff_t>(i),
                 words.begin() + static_cast<std::ptrdiff_t>(i + 4));
  }
  return words;
}

// Firmware takes the last element as the clean flag and ignores what it does not know.
std::optional<MiningJob> parse_notify(const Value& parameters) {
  if (!parameters.is_array() || parameters.size() < 8) return std::nullopt;
  MiningJob job{.id = text_of(parameters[0])};
  const auto previous = digest(parameters[1]);
  auto part_1 = hex_bytes(parameters[2]), part_2 = hex_bytes(parameters[3]);
  const auto version = hex_number(parameters[5]), nbits = hex_number(parameters[6]),
             ntime = hex_number(parameters[7]);
  if (job.id.empty() || job.id.size() > kJobIdBytesMax || !previous || !part_1 || !part_2 ||
      !version || !nbits || !ntime || !parameters[4].is_array() ||
      parameters[4].size() > kBranchesMax) {
    return std::nullopt;
  }
  for (const Value& branch : parameters[4]) {
    const auto raw = digest(branch);
    if (!raw) return std::nullopt;
    job.branches.push_back(*raw);
  }
  job.previous_hash = unswapped(*previous);
  job.coinbase_part_1 = std::move(*part_1);
  job.coinbase_part_2 = std::move(*part_2);
  job.version = *version;
  job.nbits = *nbits;
  job.ntime = *ntime;
  const Value& last = parameters.back();
  job.clean = last.is_boolean() && last.get<bool>();
  return job;
}

}  // namespace

StratumClient::StratumClient(const Firmware& firmware, std::string user_agent, std::string worker,
                             std::string token)
    : firmware_(firmware),
      user_agent_(std::move(user_agent)),
      worker_(std::move(worker)),
      token_(std::move(token)) {}

std::string StratumClient::call(std::string_view method, const std::string& parameters,
                                Asked asked) {
  const std::uint64_t id = next_id_++;
  asked_[id] = asked;
  return fmt::format("{{\"id\":{},\"method\":\"{}\",\"params\":[{}]}}\n", id, method, parameters);
}

std::string StratumClient::open() {
  next_id_ = 1;
  asked_.clear();
  submits_.clear();
  submits_in_order_.clear();
  recent_jobs_.clear();
  job_.reset();
  version_mask_ = 0;
  difficulty_ = 1;
  first_line_ = true;
  subscribed_ = authorized_ = false;
  std::string lines;
  if (firmware_.configures) {
    lines += call("mining.configure",
                  fmt::format("[\"version-rolling\"],{{\"version-rolling.mask\":\"{:08x}\"}}",
                              kAllVersionBits),
                  Asked::kConfigure);
  }
  lines += call("mining.subscribe", json_text(user_agent_), Asked::kSubscribe);
  lines +=
      call("mining.authorize", json_text(worker_) + "," + json_text(token_), Asked::kAuthorize);
  return lines;
}

Reaction StratumClient::on_line(std::string_view line) {
  Reaction reaction;
  const Parsed parsed{Value::parse(line, nullptr, /*allow_exceptions=*/false)};
  if (!parsed.document.is_object()) {
    ++ignored_lines_;
    return reaction;
  }
  if (parsed.document.contains("method")) {
    if (first_line_ && firmware_.configure_first) {
      reaction.hang_up = true;
      reaction.why = "the reply to mining.configure was not the first line";
      return reaction;
    }
    on_call(parsed, reaction);
  } else {
    on_reply(parsed, reaction);
  }
  first_line_ = false;
  return reaction;
}

bool StratumClient::on_submit_reply(const Parsed& line, Reaction& reaction) {
  const Value& id = line.member("id");
  const std::uint64_t key = id.is_number_unsigned() ? id.get<std::uint64_t>() : 0;
  std::uint64_t number = 0;
  if (firmware_.one_submit_id && key == kOneSubmitId && !submits_in_order_.empty()) {
    number = submits_in_order_.front();
    submits_in_order_.pop_front();
  } else if (const auto found = submits_.find(key); found != submits_.end()) {
    number = found->second;
    submits_.erase(found);
  } else {
    return false;
  }
  ShareAnswer answer{.number = number};
  const bool accepted = line.result().is_boolean() && line.result().get<bool>();
  if (!accepted) {
    const Value& error = line.error();
    const bool has_code = error.is_array() && !error.empty() && error[0].is_number_integer();
    answer.verdict = has_code ? error[0].get<int>() : kMalformed;
    if (error.is_array() && error.size() > 1) answer.reason = text_of(error[1]);
  }
  reaction.answer = answer;
  return true;
}

void StratumClient::on_reply(const Parsed& line, Reaction& reaction) {
  if (on_submit_reply(line, reaction)) return;
  const Value& id = line.member("id");
  const auto asked = asked_.find(id.is_number_unsigned() ? id.get<std::uint64_t>() : 0);
  if (asked == asked_.end()) {
    ++ignored_lines_;
    return;
  }
  const Asked what = asked->second;
  asked_.erase(asked);
  if (first_line_ && firmware_.configure_first && what != Asked::kConfigure) {
    reaction.hang_up = true;
    reaction.why = "the reply to mining.configure was not the first line";
    return;
  }
  if (what == Asked::kConfigure && line.result().is_object()) {
    const Value& rolling = line.result().value("version-rolling", Value());
    const auto mask = hex_number(line.result().value("version-rolling.mask", Value()));
    if (rolling.is_boolean() && rolling.get<bool>() && mask) version_mask_ = *mask;
  } else if (what == Asked::kSubscribe) {
    on_subscribed(line, reaction);
  } else if (what == Asked::kAuthorize) {
    on_authorized(line, reaction);
  }
}

void StratumClient::on_subscribed(const Parsed& line, Reaction& reaction) {
  const Value& result = line.result();
  const bool whole = result.is_array() && result.size() >= 3 && result[2].is_number_unsigned();
  const auto extranonce_1 = whole ? hex_bytes(result[1]) : std::nullopt;
  const std::size_t bytes = whole ? result[2].get<std::size_t>() : 0;
  if (!extranonce_1 || bytes < 1 || bytes > firmware_.extranonce2_bytes_max) {
    reaction.hang_up = true;
    reaction.why = fmt::format("the reply to mining.subscribe gives {} bytes of extranonce 2",
                               whole ? bytes : 0);
    return;
  }
  extranonce_1_ = *extranonce_1;
  extranonce2_bytes_ = bytes;
  subscribed_ = true;
}

void StratumClient::on_authorized(const Parsed& line, Reaction& reaction) {
  authorized_ = line.result().is_boolean() && line.result().get<bool>();
  if (!authorized_) {
    reaction.hang_up = true;
    reaction.why = "the pool refused the worker or its token";
    return;
  }
  reaction.output = suggest_difficulty();
}

std::string StratumClient::suggest_difficulty() {
  if (firmware_.suggests <= 0) return {};
  return call("mining.suggest_difficulty", fmt::format("{}", firmware_.suggests), Asked::kOther);
}

void StratumClient::on_call(const Parsed& line, Reaction& reaction) {
  const std::string method = text_of(line.member("method"));
  const Value& parameters = line.parameters();
  const bool one = parameters.is_array() && !parameters.empty();
  const auto word = one ? hex_number(parameters[0]) : std::nullopt;
  if (method == "mining.notify") {
    on_notify(line, reaction);
  } else if (method == "mining.set_difficulty" && one && parameters[0].is_number()) {
    const double difficulty = parameters[0].get<double>();
    if (difficulty > 0) difficulty_ = difficulty;
  } else if (method == "mining.set_version_mask" && word) {
    if (firmware_.rolls_version) version_mask_ = *word;
  } else if (method == "mining.set_extranonce" && one && parameters.size() >= 2) {
    const auto extranonce_1 = hex_bytes(parameters[0]);
    if (firmware_.follows_extranonce && extranonce_1 && parameters[1].is_number_unsigned() &&
        parameters[1].get<std::size_t>() >= 1 &&
        parameters[1].get<std::size_t>() <= firmware_.extranonce2_bytes_max) {
      extranonce_1_ = *extranonce_1;
      extranonce2_bytes_ = parameters[1].get<std::size_t>();
    }
  } else if (method == "mining.ping") {
    reaction.output = fmt::format("{{\"id\":{},\"method\":\"pong\"}}\n", line.member("id").dump());
  } else if (method == "client.get_version") {
    reaction.output = fmt::format("{{\"id\":{},\"result\":{},\"error\":null}}\n",
                                  line.member("id").dump(), json_text(user_agent_));
  } else if (method == "client.reconnect") {
    reaction.hang_up = true;
    reaction.why = "the pool asked to reconnect";
  } else {
    ++ignored_lines_;
  }
}

void StratumClient::on_notify(const Parsed& line, Reaction& reaction) {
  auto job = parse_notify(line.parameters());
  if (!job || !subscribed_) {
    ++ignored_lines_;
    return;
  }
  const bool seen =
      std::find(recent_jobs_.begin(), recent_jobs_.end(), job->id) != recent_jobs_.end();
  if (seen && !job->clean) return;
  if (firmware_.jobs_remembered > 0) {
    recent_jobs_.push_back(job->id);
    if (recent_jobs_.size() > firmware_.jobs_remembered) recent_jobs_.pop_front();
  }
  if (job->clean && job_ && job_->id != job->id) withdrawn_ = job_->id;
  job->extranonce_1 = extranonce_1_;
  job->extranonce2_bytes = extranonce2_bytes_;
  job->version_mask = firmware_.rolls_version ? version_mask_ : 0;
  reaction.new_job = true;
  reaction.clean = job->clean;
  job_ = std::move(*job);
}

SubmitFields StratumClient::fields(const MiningJob& job, const Roll& roll,
                                   std::uint32_t nonce) const {
  SubmitFields fields{
      .job = job.id,
      .extranonce_2 = to_hex(roll.extranonce_2),
      .ntime = fmt::format("{:08x}", job.ntime),
      .nonce = firmware_.padded_nonce ? fmt::format("{:08x}", nonce) : fmt::format("{:x}", nonce)};
  if (firmware_.rolls_version && job.version_mask != 0) {
    fields.version_bits = fmt::format("{:08x}", roll.version_bits);
  }
  return fields;
}

std::string StratumClient::submit(const SubmitFields& fields, std::uint64_t number) {
  std::uint64_t id = kOneSubmitId;
  if (firmware_.one_submit_id) {
    submits_in_order_.push_back(number);
    if (submits_in_order_.size() > kSubmitsWaitingMax) submits_in_order_.pop_front();
  } else {
    id = next_id_++;
    submits_[id] = number;
    if (submits_.size() > kSubmitsWaitingMax) submits_.erase(submits_.begin());
  }
  std::string parameters =
      fmt::format("{},{},{},{},{}", json_text(worker_), json_text(fields.job),
                  json_text(fields.extranonce_2), json_text(fields.ntime), json_text(fields.nonce));
  if (fields.version_bits) parameters += "," + json_text(*fields.version_bits);
  return fmt::format("{{\"id\":{},\"method\":\"mining.submit\",\"params\":[{}]}}\n", id,
                     parameters);
}

}  // namespace calx::emulate
