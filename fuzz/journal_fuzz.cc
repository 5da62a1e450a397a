// Any bytes as a journal, then as the records of one whole frame. What opens opens again as the
// same, with nothing torn off, and takes new requests; what it gives for a stamp holds.
#include "calx/signal/journal.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "calx/base/assert.h"
#include "calx/signal/journal_frame.h"

namespace {

using namespace calx::signal;

RequestId id_of(std::uint8_t number) {
  RequestId id;
  id.fill(number);
  return id;
}

void check_stamps(const Journal& journal) {
  for (std::uint8_t number = 0; number < 8; ++number) {  // the ids of the seeds
    const auto entry = journal.find(id_of(number));
    const auto stamped = journal.stamped(id_of(number));
    if (!stamped) continue;
    CALX_ASSERT(entry && entry->stamped);
    CALX_ASSERT(calx::work::check(*stamped->stamp));
  }
}

void read(const std::vector<std::uint8_t>& bytes) {
  const int file = ::memfd_create("journal", 0);
  CALX_ASSERT(file >= 0);
  CALX_ASSERT(::write(file, bytes.data(), bytes.size()) == static_cast<::ssize_t>(bytes.size()));
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  std::vector<AcceptedRequest> pending;
  JournalRecovery recovery;
  bool opened = false;
  if (const auto journal = Journal::open(path)) {
    opened = true;
    pending = (*journal)->pending();
    recovery = (*journal)->recovery();
    check_stamps(**journal);
  } else {
    CALX_ASSERT(!journal.error().message.empty());
  }
  if (opened) {
    const AcceptedRequest late{.id = id_of(0xee)};
    bool known = false;
    {
      const auto journal = Journal::open(path);
      CALX_ASSERT(journal && (*journal)->pending() == pending);
      CALX_ASSERT((*journal)->recovery().torn_bytes == 0);
      CALX_ASSERT((*journal)->recovery().stamped == recovery.stamped);
      known = (*journal)->find(late.id).has_value();
      CALX_ASSERT((*journal)->accept({&late, 1}).has_value() != known);
    }
    if (!known) {
      const auto journal = Journal::open(path);
      CALX_ASSERT(journal && (*journal)->pending().size() == pending.size() + 1);
    }
  }
  ::close(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> bytes(data, data + size);
  read(bytes);
  std::vector<std::uint8_t> framed(kJournalMagic.begin(), kJournalMagic.end());
  const auto frame = make_frame(bytes);
  framed.insert(framed.end(), frame.begin(), frame.end());
  read(framed);
  return 0;
}
