#include "calx/hash/bulk.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "calx/base/assert.h"
#include "calx/hash/big_endian.h"
#include "calx/hash/kernel.h"

namespace calx::hash {
namespace {

constexpr std::size_t kSortedMax = 1024;  // messages that are sorted by shape together
constexpr std::size_t kBatchMax = 64;     // messages handed to a kernel together

std::size_t body_blocks(std::size_t bytes) noexcept { return bytes / 64; }
std::size_t tail_blocks(std::size_t bytes) noexcept { return bytes % 64 < 56 ? 1 : 2; }

/// Messages of equal shape take the same number of body and tail blocks.
std::size_t shape_of(std::size_t bytes) noexcept {
  return 2 * body_blocks(bytes) + tail_blocks(bytes) - 1;
}

/// How many of `count` messages the wide kernel should take; the rest is so few that lanes would
/// stand idle, and the kernel for single messages is quicker.
std::size_t wide_share(const Kernel& wide, const Kernel& narrow, std::size_t count) noexcept {
  if (narrow.lanes >= wide.lanes || narrow.lanes == 1) return count;
  const std::size_t rest = count % wide.lanes;
  return rest > wide.lanes / 2 ? count : count - rest;
}

void digest_batch(Batch batch, Digest* digests) noexcept {
  const Kernel& wide = active_kernel(Operation::kBulk);
  const Kernel& narrow = active_kernel(Operation::kCompress);
  const std::size_t count = batch.count;
  batch.count = wide_share(wide, narrow, count);
  if (batch.count > 0) wide.digest_many(batch, digests);
  if (batch.count == count) return;
  narrow.digest_many({.bodies = batch.bodies + batch.count,
                      .body_blocks = batch.body_blocks,
                      .tails = batch.tails + batch.count,
                      .tail_blocks = batch.tail_blocks,
                      .count = count - batch.count},
                     digests + batch.count);
}

/// At most kBatchMax messages of one shape; message_at(i) and put(i, digest) reach them.
template <class MessageAt, class Put>
void digest_shape(std::size_t count, const MessageAt& message_at, const Put& put) noexcept {
  std::array<const std::uint8_t*, kBatchMax> bodies, tails;
  alignas(64) std::array<std::array<std::uint8_t, 128>, kBatchMax> padded;
  std::array<Digest, kBatchMax> digests;
  const std::size_t first_bytes = message_at(0).size();
  const std::size_t tail_bytes = 64 * tail_blocks(first_bytes);
  for (std::size_t i = 0; i < count; ++i) {
    const Message message = message_at(i);
    const Message rest = message.subspan(64 * body_blocks(message.size()));
    auto& tail = padded[i];
    if (!rest.empty()) std::memcpy(tail.data(), rest.data(), rest.size());
    tail[rest.size()] = 0x80;
    std::memset(tail.data() + rest.size() + 1, 0, tail_bytes - 9 - rest.size());
    store_be64(tail.data() + tail_bytes - 8, std::uint64_t{message.size()} * 8);
    bodies[i] = message.data();
    tails[i] = tail.data();
  }
  digest_batch({.bodies = bodies.data(),
                .body_blocks = body_blocks(first_bytes),
                .tails = tails.data(),
                .tail_blocks = tail_bytes / 64,
                .count = count},
               digests.data());
  for (std::size_t i = 0; i < count; ++i) put(i, digests[i]);
}

/// Fills `order` with the indices of `messages`, those of equal shape together.
/// \pre there is a message
void order_by_shape(std::span<const Message> messages, std::span<std::uint16_t> order) noexcept {
  constexpr std::size_t kShapesMax = 64;  // messages below 2 KiB; longer ones hide the cost
  const auto shape = [&](std::uint16_t index) { return shape_of(messages[index].size()); };
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  const std::size_t first = shape_of(messages[0].size());
  if (std::all_of(messages.begin(), messages.end(),
                  [&](const Message& m) { return shape_of(m.size()) == first; })) {
    return;
  }
  std::array<std::uint16_t, kShapesMax + 1> begins{};
  bool all_short = true;
  for (const Message& message : messages) {
    const std::size_t key = shape_of(message.size());
    all_short = all_short && key < kShapesMax;
    if (key < kShapesMax) ++begins[key + 1];
  }
  if (!all_short) {
    std::sort(order.begin(), order.end(),
              [&](std::uint16_t a, std::uint16_t b) { return shape(a) < shape(b); });
    return;
  }
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    order[begins[shape_of(messages[i].size())]++] = static_cast<std::uint16_t>(i);
  }
}

void digest_sorted(std::span<const Message> messages, std::span<Digest> digests) noexcept {
  std::array<std::uint16_t, kSortedMax> order;
  const auto used = std::span(order).first(messages.size());
  order_by_shape(messages, used);
  const auto shape = [&](std::size_t i) { return shape_of(messages[used[i]].size()); };
  for (std::size_t first = 0; first < used.size();) {
    std::size_t count = 1;
    while (count < kBatchMax && first + count < used.size() &&
           shape(first + count) == shape(first)) {
      ++count;
    }
    digest_shape(
        count, [&](std::size_t i) { return messages[used[first + i]]; },
        [&](std::size_t i, const Digest& digest) { digests[used[first + i]] = digest; });
    first += count;
  }
}

}  // namespace

void sha256_many(std::span<const Message> messages, std::span<Digest> digests) noexcept {
  CALX_ASSERT(digests.size() == messages.size());
  while (!messages.empty()) {
    const std::size_t count = std::min(kSortedMax, messages.size());
    digest_sorted(messages.first(count), digests.first(count));
    messages = messages.subspan(count);
    digests = digests.subspan(count);
  }
}

void sha256_equal(std::span<const std::uint8_t> messages, std::size_t message_bytes,
                  std::span<Digest> digests) noexcept {
  CALX_ASSERT(messages.size() == message_bytes * digests.size());
  if (message_bytes == 64) {
    const Kernel& wide = active_kernel(Operation::kBulk);
    const Kernel& narrow = active_kernel(Operation::kCompress);
    const std::size_t share = wide_share(wide, narrow, digests.size());
    if (share > 0) wide.digest_64(messages.data(), share, digests.data());
    if (share == digests.size()) return;
    narrow.digest_64(messages.data() + 64 * share, digests.size() - share, digests.data() + share);
    return;
  }
  for (std::size_t first = 0; first < digests.size(); first += kBatchMax) {
    digest_shape(
        std::min(kBatchMax, digests.size() - first),
        [&](std::size_t i) { return messages.subspan((first + i) * message_bytes, message_bytes); },
        [&](std::size_t i, const Digest& digest) { digests[first + i] = digest; });
  }
}

}  // namespace calx::hash
