// Any lines from a pool: a miner may ignore them or hang up, and what it holds stays within bounds.
#include <string_view>

#include "calx/base/assert.h"
#include "calx/emulate/stratum_client.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace emulate = calx::emulate;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  emulate::StratumClient client(emulate::find_firmware("axeos-master").value(), "fuzz", "w", "x");
  client.open();
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto reaction = client.on_line(text.substr(0, end));
    if (reaction.hang_up) client.open();
    if (client.job()) {
      const auto& job = *client.job();
      CALX_ASSERT(job.extranonce2_bytes >= 1 && job.extranonce2_bytes <= 32);
      CALX_ASSERT(job.id.size() <= emulate::kJobIdBytesMax);
      const emulate::Roll roll{.extranonce_2 =
                                   emulate::extranonce2_counter(1, job.extranonce2_bytes)};
      CALX_ASSERT(!client.submit(client.fields(job, roll, 1), 0).empty());
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return 0;
}
