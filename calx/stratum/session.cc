#include "calx/stratum/session.h"

#include <algorithm>
#include <cmath>

#include "calx/hash/big_endian.h"
#include "calx/stratum/difficulty.h"
#include "calx/stratum/reply.h"

namespace calx::stratum {
namespace {

// cgminer and its kin take difficulty 1 as the least; below it the S9's firmware stops submitting.
int log2_difficulty_floor(std::string_view user_agent) noexcept {
  for (const std::string_view name : {"cgminer", "bmminer", "bosminer", "sgminer"}) {
    if (user_agent.starts_with(name)) return 0;
  }
  return kLog2DifficultyMin;
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= kWorkerNameBytesMax &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

Session::Session(const SessionRules& rules, SessionHost& host, std::uint32_t extranonce_1, Time now)
    : rules_(rules),
      host_(host),
      extranonce_1_(work::kExtranonce1Bytes),
      vardiff_(rules.vardiff, now),
      log2_wanted_(rules.vardiff.log2_start),
      log2_difficulty_(rules.vardiff.log2_start),
      began_(now),
      heard_(now),
      notified_(now),
      counted_(now),
      requests_left_(rules.limits.requests_per_second) {
  hash::store_be32(extranonce_1_.data(), extranonce_1);
}

void Session::close(std::string_view constant_reason) noexcept {
  if (closing_.empty()) closing_ = constant_reason;
}

void Session::say(std::string_view line) {
  output_ += line;
  if (output_.size() <= rules_.limits.output_bytes_max) return;
  slow_reader_ = true;
  close("it does not read what it is sent");
}

void Session::receive(std::string_view bytes, Time now) {
  heard_ = now;
  while (!bytes.empty() && closing_.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (line_.size() + piece.size() > kLineBytesMax) {
      say(error_reply("null", Reject::kOther, "the line is longer than 8192 bytes"));
      return close("a line longer than 8192 bytes");
    }
    if (end == std::string_view::npos) {
      line_ += piece;
      return;
    }
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      handle(piece, now);
    } else {
      line_ += piece;
      handle(line_, now);
      line_.clear();
    }
  }
}

bool Session::spend_request(Time now) noexcept {
  const double rate = rules_.limits.requests_per_second;
  const double earned = rate * std::chrono::duration<double>(now - counted_).count();
  requests_left_ = std::min(rate, requests_left_ + earned) - 1;
  counted_ = now;
  return requests_left_ >= 0;
}

void Session::handle(std::string_view line, Time now) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  if (!spend_request(now)) return close("too many requests a second");
  const auto request = parse_request(line);
  if (!request) {
    say(error_reply("null", Reject::kOther, request.error().message));
    return count_bad_request();
  }
  std::visit([&](const auto& call) { answer(request->id, call, now); }, request->call);
}

void Session::count_bad_request() {
  if (++bad_requests_ > rules_.limits.bad_requests_max) close("too many lines that are no request");
}

void Session::answer(const std::string& id, const Subscribe& call, Time) {
  user_agent_ = call.user_agent;
  highest_ = lowered(highest_, user_agent_);
  subscribed_ = true;
  say(subscribe_reply(id, extranonce_1_, work::kExtranonce2Bytes));
  join_if_ready();
}

void Session::answer(const std::string& id, const Configure& call, Time) {
  if (call.version_rolling) {
    rolls_version_ = true;
    granted_mask_ = told_mask_ = call.version_mask & work::kVersionMask;
  }
  say(configure_reply(id, call.version_rolling, granted_mask_, call.others));
}

void Session::answer(const std::string& id, const Authorize& call, Time) {
  const Worker* listed = find_worker(rules_.workers, call.user, call.password);
  const bool open = rules_.workers.empty() && is_plain_name(call.user);
  if (listed == nullptr && !open) {
    say(error_reply(id, Reject::kUnauthorized, "unknown name or token"));
    host_.on_refused(*this, "unknown name or token");
    if (++bad_tokens_ >= rules_.limits.bad_tokens_max) close("too many wrong tokens");
    return;
  }
  if (joined_ && worker_ != call.user) {
    return say(error_reply(id, Reject::kOther, "one worker a connection"));
  }
  worker_ = call.user;
  declared_ = open ? Origin::kEmulated : listed->origin;
  say(true_reply(id));
  join_if_ready();
}

void Session::join_if_ready() {
  if (joined_ || !subscribed_ || worker_.empty()) return;
  joined_ = true;
  host_.on_joined(*this);
}

void Session::answer(const std::string& id, const SuggestDifficulty& call, Time now) {
  say(true_reply(id));
  // Some clients repeat themselves every half minute; only a new wish counts.
  if (call.difficulty == suggested_) return;
  suggested_ = call.difficulty;
  log2_wanted_ = std::clamp(log2_difficulty_below(call.difficulty), rules_.vardiff.log2_min,
                            rules_.vardiff.log2_max);
  if (current_ != nullptr && suitable_difficulty() != log2_difficulty_) issue(false, now);
}

void Session::answer(const std::string& id, const SubscribeExtranonce&, Time) {
  say(true_reply(id));
}

void Session::answer(const std::string& id, const Submit& call, Time now) {
  const Judgement judgement = judge(call);
  conclude(id, judgement);
  if (!judgement.reject) {
    vardiff_.on_share(std::log2(judgement.share_difficulty));
    adjust_difficulty(now);
  }
}

void Session::answer(const std::string& id, const GetVersion&, Time) { say(version_reply(id)); }

void Session::answer(const std::string& id, const Ping&, Time) { say(pong_reply(id)); }

void Session::answer(const std::string&, const Answer&, Time) {}

void Session::answer(const std::string& id, const Unknown&, Time) {
  say(error_reply(id, Reject::kOther, "unknown method"));
  count_bad_request();
}

void Session::answer(const std::string& id, const Malformed& call, Time) {
  if (call.method == "mining.submit" && joined_) {
    return conclude(id, {.reject = Reject::kOther,
                         .reason = "malformed parameters",
                         .blames_worker = true,
                         .difficulty = std::ldexp(1.0, log2_difficulty_)});
  }
  say(error_reply(id, Reject::kOther, call.why));
  count_bad_request();
}

Judgement Session::judge(const Submit& submit) {
  Judgement judgement{.difficulty = std::ldexp(1.0, log2_difficulty_)};
  const auto reject = [&](Reject code, std::string_view reason, bool blames_worker = true) {
    judgement.reject = code;
    judgement.reason = reason;
    judgement.blames_worker = blames_worker;
    return judgement;
  };
  if (!subscribed_) return reject(Reject::kNotSubscribed, "not subscribed", false);
  if (worker_.empty() || submit.user != worker_) {
    return reject(Reject::kUnauthorized, "not authorized", false);
  }
  const IssuedJob* issued = issued_.find(submit.job_id);
  if (issued == nullptr) {
    // A replaced job is nobody's fault: the share was on its way.
    if (issued_.is_retired(submit.job_id)) {
      return reject(Reject::kStale, "the job was replaced", false);
    }
    return reject(Reject::kStale, "the job was never given to this connection");
  }
  judgement.published = issued->published;
  judgement.difficulty = std::ldexp(1.0, issued->log2_difficulty);
  judgement.share = {.extranonce_1 = extranonce_1_,
                     .extranonce_2 = submit.extranonce_2,
                     .ntime = submit.ntime,
                     .nonce = submit.nonce,
                     .version_bits = submit.version_bits};
  if ((submit.version_bits & ~issued->version_mask) != 0) {
    return reject(Reject::kOther, "version bits outside the mask");
  }
  const work::Job& job = issued->published->job;
  const work::CheckedShare checked = work::check_share(job, judgement.share);
  if (checked.verdict == work::ShareVerdict::kMalformed) {
    return reject(Reject::kOther, checked.reason);
  }
  judgement.share_difficulty = work::share_difficulty(checked.hash);
  if (!issued->target.met_by(checked.hash)) {
    return reject(Reject::kLowDifficulty, "the hash is above the target");
  }
  if (!host_.first_time(checked.hash)) return reject(Reject::kDuplicate, "this share came before");
  judgement.meets_job = checked.verdict == work::ShareVerdict::kAccepted;
  return judgement;
}

void Session::conclude(const std::string& id, const Judgement& judgement) {
  if (!judgement.reject) {
    say(true_reply(id));
    ++good_shares_;
    false_shares_in_a_row_ = bad_requests_ = 0;
  } else {
    say(error_reply(id, *judgement.reject, judgement.reason));
  }
  host_.on_judged(*this, judgement);
  if (!judgement.reject) return;
  if (judgement.blames_worker) return blame();
  if (*judgement.reject != Reject::kStale) count_bad_request();
}

void Session::blame() {
  ++false_shares_;
  const Limits& limits = rules_.limits;
  if (!named_ && false_shares_ >= limits.bad_shares_named && false_shares_ * 20 >= good_shares_) {
    named_ = true;
    host_.on_named(*this);
  }
  if (++false_shares_in_a_row_ >= limits.bad_shares_max) close("too many false shares");
}

int Session::suitable_difficulty() const noexcept {
  int k = log2_wanted_;
  if (!current_->finished) k = std::min(k, current_->log2_difficulty_max);
  return std::max(k, log2_difficulty_floor(user_agent_));
}

void Session::adjust_difficulty(Time now) {
  if (current_ == nullptr) return;
  if (const auto k = vardiff_.judge(log2_difficulty_, now)) log2_wanted_ = *k;
  if (suitable_difficulty() != log2_difficulty_) issue(false, now);
}

void Session::publish(std::shared_ptr<const PublishedJob> job, Time now) {
  current_ = std::move(job);
  issue(true, now);
}

void Session::issue(bool clean, Time now) {
  const int k = suitable_difficulty();
  if (k != log2_difficulty_) vardiff_.restart(now);
  if (k != log2_difficulty_ || !told_difficulty_) say(set_difficulty_line(k));
  log2_difficulty_ = k;
  told_difficulty_ = true;
  const std::uint32_t mask = granted_mask_ & current_->job.version_mask;
  if (rolls_version_ && mask != told_mask_) say(set_version_mask_line(mask));
  told_mask_ = mask;
  if (clean) issued_.retire_all();
  // A miner starts a notified job from its first nonce. Were the headers those of the last notify,
  // it would find the same shares again and be refused for it.
  reissued_ = clean ? 0 : std::min(reissued_ + 1, work::kRollSecondsMax);
  const std::uint64_t id = host_.new_job_id();
  say(current_->notify.line(id, clean, reissued_));
  issued_.add({.id = id,
               .published = current_,
               .log2_difficulty = k,
               .target = target_of_difficulty(k),
               .version_mask = mask});
  notified_ = now;
}

void Session::tick(Time now) {
  const Limits& limits = rules_.limits;
  if (!joined_ && now - began_ > limits.handshake_max) return close("it never authorized");
  if (now - heard_ > limits.silence_max) return close("it fell silent");
  if (current_ == nullptr) return;
  if (now - notified_ > limits.keepalive) issue(false, now);
  adjust_difficulty(now);
}

}  // namespace calx::stratum
