// No text crashes verify, what parses has one canonical form, and nothing but the honest seeds of
// the corpus keeps its signature.
#include "calx/base/assert.h"
#include "calx/receipt/receipt.h"
#include "calx/receipt/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace receipt = calx::receipt;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = receipt::parse_receipt(text);
  if (!parsed) {
    CALX_ASSERT(!parsed.error().message.empty());
    CALX_ASSERT(parsed.error().message.find('\n') == std::string::npos);
    return 0;
  }
  const auto canonical = receipt::encode_canonical(*parsed);
  const auto pretty = receipt::encode_pretty(*parsed);
  CALX_ASSERT(canonical.has_value() && pretty.has_value());
  const auto again = receipt::parse_receipt(*canonical);
  const auto reread = receipt::parse_receipt(*pretty);
  CALX_ASSERT(again.has_value() && *again == *parsed);
  CALX_ASSERT(reread.has_value() && *reread == *parsed);

  // Latents of a stranger's size and searches cost time, not bugs; small ones are verified whole.
  std::uint64_t elements = 0;
  for (const auto& image : parsed->images) {
    elements += std::uint64_t{image.latent.channels} * image.latent.rows * image.latent.columns;
  }
  if (elements > 1u << 16 || parsed->stamp.target.expected_hashes() > 1024) return 0;
  const auto report = receipt::verify(text, {});
  CALX_ASSERT(report.has_value() && report->receipt.has_value());
  return 0;
}
