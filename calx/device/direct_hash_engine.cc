#include "calx/device/direct_hash_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "calx/hash/sha256.h"

namespace calx::device {
namespace {

using std::chrono::steady_clock;

constexpr auto kPoll = std::chrono::milliseconds(20);  // how soon a stop is seen
constexpr std::size_t kMessageHead = 4, kCountBytes = 4;

std::uint64_t blocks(std::uint64_t bytes) noexcept { return (bytes + 9 + 63) / 64; }

}  // namespace

Result<std::unique_ptr<DirectHashEngine>> DirectHashEngine::open(
    Wire& wire, std::chrono::milliseconds timeout) {
  std::unique_ptr<DirectHashEngine> engine(new DirectHashEngine(wire, timeout));
  CALX_ASSIGN(reply, engine->ask({.body = HashHello{}}, {}));
  const auto* welcome = std::get_if<HashWelcome>(&reply.body);
  if (welcome == nullptr || welcome->version != kDirectHashVersion) {
    return fail(ErrorCode::kUnavailable, "the device does not welcome calx-hash-1");
  }
  if (welcome->batch_max == 0) {
    return fail(ErrorCode::kDataLoss, "the device says that it takes no message at all");
  }
  engine->info_ = {
      .name = welcome->name.empty() ? "direct-hash" : welcome->name,
      .origin = combine(wire.origin(), welcome->origin),
      .batch_max = std::numeric_limits<std::size_t>::max(),
      .message_bytes_max = std::min<std::uint64_t>(
          welcome->message_bytes_max, kDirectHashBodyMax - kMessageHead - kCountBytes)};
  engine->batch_max_ = std::min(welcome->batch_max, kDirectHashMessagesMax);
  return engine;
}

Result<HashFrame> DirectHashEngine::ask(HashFrame request, const std::stop_token& stop) {
  request.id = next_id_++;
  CALX_ASSIGN(bytes, encode(request));
  CALX_TRY(wire_.write(bytes));
  const auto deadline = steady_clock::now() + timeout_;
  std::vector<std::uint8_t> buffer(64 * 1024);
  for (;;) {
    while (auto reply = replies_.next()) {
      if (reply->id != request.id) continue;  // of a call that was given up
      if (const auto* refusal = std::get_if<HashRefusal>(&reply->body)) {
        return fail(refusal->code, "the device refuses: " + refusal->reason);
      }
      return *std::move(reply);
    }
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the call was stopped");
    if (steady_clock::now() >= deadline) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("the device did not answer within {} ms", timeout_.count()));
    }
    CALX_ASSIGN(count, wire_.read(buffer, std::min(deadline, steady_clock::now() + kPoll)));
    replies_.push(std::span(buffer).first(count));
  }
}

Result<void> DirectHashEngine::digest_batch(std::span<const hash::Message> messages,
                                            std::span<hash::Digest> digests,
                                            const std::stop_token& stop) {
  HashBatch batch;
  for (const hash::Message& message : messages) {
    batch.messages.emplace_back(message.begin(), message.end());
  }
  CALX_ASSIGN(reply, ask({.body = std::move(batch)}, stop));
  const auto* answer = std::get_if<HashDigests>(&reply.body);
  if (answer == nullptr || answer->digests.size() != messages.size()) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{} does not answer {} messages with as many digests", info_.name,
                            messages.size()));
  }
  const std::size_t spot = chance_() % messages.size();
  if (answer->digests[spot] != hash::sha256(messages[spot])) {
    return fail(ErrorCode::kDataLoss, fmt::format("{} gave a wrong digest for message {} of {}",
                                                  info_.name, spot, messages.size()));
  }
  std::ranges::copy(answer->digests, digests.begin());
  return {};
}

Result<hash::DigestReport> DirectHashEngine::digest(std::span<const hash::Message> messages,
                                                    std::span<hash::Digest> digests,
                                                    std::stop_token stop) {
  if (messages.size() != digests.size()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} messages and room for {} digests",
                                                         messages.size(), digests.size()));
  }
  hash::DigestReport report{.origin = info_.origin};
  for (std::size_t first = 0; first < messages.size();) {
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the call was stopped");
    std::size_t body = kCountBytes, end = first;
    while (end < messages.size() && end - first < batch_max_) {
      if (messages[end].size() > info_.message_bytes_max) {
        return fail(ErrorCode::kResourceExhausted,
                    fmt::format("message {} has {} bytes, {} takes at most {}", end,
                                messages[end].size(), info_.name, info_.message_bytes_max));
      }
      body += kMessageHead + messages[end].size();
      if (body > kDirectHashBodyMax) break;
      report.compressions += blocks(messages[end].size());
      ++end;
    }
    CALX_TRY(digest_batch(messages.subspan(first, end - first), digests.subspan(first, end - first),
                          stop));
    first = end;
  }
  return report;
}

void DirectHashDevice::receive(std::span<const std::uint8_t> bytes) {
  in_.push(bytes);
  while (const auto request = in_.next()) {
    HashFrame reply = answer(*request);
    reply.id = request->id;
    if (const auto encoded = encode(reply)) {
      out_.insert(out_.end(), encoded->begin(), encoded->end());
    }
  }
}

HashFrame DirectHashDevice::answer(const HashFrame& request) {
  if (const auto* hello = std::get_if<HashHello>(&request.body)) {
    if (hello->version_min > kDirectHashVersion || hello->version_max < kDirectHashVersion) {
      return {.body = HashRefusal{ErrorCode::kUnimplemented, "only version 1 is spoken here"}};
    }
    greeted_ = true;
    return {.body = HashWelcome{.origin = Origin::kEmulated,
                                .batch_max = batch_max_,
                                .message_bytes_max = message_bytes_max_,
                                .name = "direct-hash-emulator"}};
  }
  const auto* batch = std::get_if<HashBatch>(&request.body);
  if (batch == nullptr || !greeted_) {
    return {.body = HashRefusal{ErrorCode::kInvalidArgument, "wanted a hello, then batches"}};
  }
  HashDigests digests;
  for (const auto& message : batch->messages) {
    if (batch->messages.size() > batch_max_ || message.size() > message_bytes_max_) {
      return {.body = HashRefusal{ErrorCode::kResourceExhausted, "more than the welcome allows"}};
    }
    digests.digests.push_back(hash::sha256(message));
  }
  return {.body = std::move(digests)};
}

std::vector<std::uint8_t> DirectHashDevice::take_output() { return std::exchange(out_, {}); }

}  // namespace calx::device
