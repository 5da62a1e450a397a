// What a user of the installed core writes first; the status tells whether it worked.
#include <cstdio>
#include <vector>

#include "calx/base/hex.h"
#include "calx/noise/stream.h"
#include "calx/receipt/verify.h"

namespace {

calx::Result<void> first_steps() {
  // Noise: the same four numbers on every machine.
  CALX_ASSIGN(stream, calx::noise::Stream::open(calx::noise::Seed::from_integer(std::int64_t{7}),
                                                "init", /*index=*/0));
  std::vector<float> values(4);
  CALX_TRY(stream.normal({.columns = 4}, values));
  std::printf("calx %.6f %.6f %.6f %.6f\n", double{values[0]}, double{values[1]}, double{values[2]},
              double{values[3]});
  // Receipts: what is none is refused with a reason, not believed.
  CALX_ASSIGN(report, calx::receipt::verify("{}", {}));
  if (!report.failed()) {
    return calx::fail(calx::ErrorCode::kInternal, "an empty receipt was not refused");
  }
  std::printf("%s\n", report.checks.front().sentence.c_str());
  return {};
}

}  // namespace

int main() {
  const auto done = first_steps();
  if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
