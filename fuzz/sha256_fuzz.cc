// Every kernel this CPU supports hashes the same bytes to the same digest: whole, in pieces, among
// others, as a counter block and as a header under scan. The first bytes choose the cuts.
#include <array>
#include <span>
#include <vector>

#include "calx/base/assert.h"
#include "calx/hash/bulk.h"
#include "calx/hash/counter.h"
#include "calx/hash/kernel.h"
#include "calx/hash/scan.h"
#include "calx/hash/sha256.h"

namespace {

using namespace calx::hash;  // a fuzz target is one small program

struct Answers {
  Digest whole, pieces;
  std::vector<Digest> many;
  std::vector<std::uint32_t> words;
  std::optional<std::uint32_t> nonce;

  bool operator==(const Answers&) const = default;
};

Answers answer(std::span<const std::uint8_t> bytes, std::size_t cut) {
  Answers answers;
  answers.whole = sha256(bytes);
  cut = bytes.empty() ? 0 : cut % (bytes.size() + 1);
  answers.pieces = Sha256().update(bytes.first(cut)).update(bytes.subspan(cut)).finish();

  std::vector<Message> messages;
  for (std::size_t i = 0; i < 20; ++i) messages.push_back(bytes.subspan(bytes.size() * i / 20));
  answers.many.resize(messages.size());
  sha256_many(messages, answers.many);

  CounterRows rows;
  Header header{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    rows.key[i % 8] = rows.key[i % 8] * 257 + bytes[i];
    header[i % 76] = static_cast<std::uint8_t>(header[i % 76] * 3 + bytes[i]);
  }
  rows.row_count = static_cast<std::uint32_t>(cut % 19);
  rows.group_count = static_cast<std::uint32_t>(1 + cut / 19 % 13);
  answers.words.resize(std::size_t{8} * rows.row_count * rows.group_count);
  expand(rows, answers.words);

  TargetBytes target;
  target.fill(0xff);
  target[0] = 0x0f;
  const auto first = static_cast<std::uint32_t>(cut);
  answers.nonce = find_nonce(header, target, first, first + 40);
  return answers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::size_t cut = size < 2 ? 0 : data[0] + std::size_t{256} * data[1];
  const std::span<const std::uint8_t> bytes(data, size);
  CALX_ASSERT(force_kernel("portable") == KernelStatus::kChosen);
  const Answers want = answer(bytes, cut);
  CALX_ASSERT(want.whole == want.pieces && want.whole == want.many[0]);
  for (const Kernel* kernel : kernels()) {
    if (!kernel->supported()) continue;
    CALX_ASSERT(force_kernel(kernel->name) == KernelStatus::kChosen);
    CALX_ASSERT(answer(bytes, cut) == want);
  }
  return 0;
}
