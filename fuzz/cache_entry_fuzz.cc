// Any bytes as a kept answer: damage is found by the check, and under a check put right nothing
// passes that is not a stamp of the question. What passes is encoded as the same bytes.
#include "calx/signal/cache_entry.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "calx/base/assert.h"
#include "calx/hash/sha256.h"

namespace {

using namespace calx::signal;
using std::string_view_literals::operator""sv;

void read(const std::vector<std::uint8_t>& bytes) {
  CacheQuestion question{.target = *calx::work::Target::from_work_bits(4)};
  question.commitment.fill(0x11);
  question.origin = calx::Origin::kSoftware;
  if (const auto answer = read_entry(question, bytes)) {
    CALX_ASSERT(calx::work::check(*answer->stamp));
    CALX_ASSERT(answer->stamp->origin == question.origin);
    CALX_ASSERT(encode_entry(question, *answer) == bytes);
    question.origin = calx::Origin::kDevice;
    CALX_ASSERT(!read_entry(question, bytes));
  } else {
    CALX_ASSERT(answer.error().code == calx::ErrorCode::kDataLoss);
  }
  if (bytes.size() < kEntryCheckBytes || question.origin == calx::Origin::kDevice) return;
  std::vector<std::uint8_t> mended = bytes;
  const auto body = std::span(mended).first(mended.size() - kEntryCheckBytes);
  const auto check = calx::hash::Sha256()
                         .update("calx-cache-entry-1\0"sv)
                         .update(cache_key(question))
                         .update(body)
                         .finish();
  if (std::ranges::equal(check, std::span(mended).last(kEntryCheckBytes))) return;
  std::ranges::copy(check, mended.end() - kEntryCheckBytes);
  read(mended);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read({data, data + size});
  return 0;
}
