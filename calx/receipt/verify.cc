#include "calx/receipt/verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/base/hex.h"
#include "calx/receipt/image_checks.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::receipt {
namespace {

constexpr std::size_t kShownDigits = 16;  // of a digest inside a sentence

std::string start_of(std::span<const std::uint8_t> bytes) {
  return to_hex(bytes).substr(0, kShownDigits);
}

Check pass(std::string_view name, std::string sentence) {
  return {std::string(name), Verdict::kPass, std::move(sentence)};
}
Check failed(std::string_view name, std::string sentence) {
  return {std::string(name), Verdict::kFail, std::move(sentence)};
}
Check unchecked(std::string_view name, std::string sentence) {
  return {std::string(name), Verdict::kNotChecked, std::move(sentence)};
}

Check check_signature(const Receipt& receipt) {
  const auto bytes = signed_bytes(receipt);
  if (!bytes || !verify_signature(*bytes, receipt.signature, receipt.public_key)) {
    return failed("signature",
                  fmt::format("this is not what key {}... signed", start_of(receipt.public_key)));
  }
  return pass("signature", fmt::format("Ed25519, key {}...", start_of(receipt.public_key)));
}

Check check_key(const Receipt& receipt, const PublicKey& wanted) {
  if (receipt.public_key != wanted) {
    return failed("key", fmt::format("signed by key {}..., wanted {}...",
                                     start_of(receipt.public_key), start_of(wanted)));
  }
  return pass("key", "it is the key that was asked for");
}

Check check_commitment(const Receipt& receipt) {
  const auto computed = commitment(receipt.request);
  if (!computed) return failed("commitment", computed.error().message);
  if (*computed != receipt.commitment) {
    return failed("commitment", fmt::format("the request hashes to {}..., the receipt says {}...",
                                            start_of(*computed), start_of(receipt.commitment)));
  }
  return pass("commitment", fmt::format("the request hashes to {}...", start_of(*computed)));
}

Check check_tree_path(const Receipt& receipt) {
  const auto root = work::root_of(receipt.commitment, receipt.path, receipt.stamp.leaves);
  if (!root) return failed("tree path", root.error().message);
  if (*root != receipt.stamp.root) {
    return failed("tree path",
                  fmt::format("leaf {} leads to root {}..., the stamp is for {}...",
                              receipt.path.index, start_of(*root), start_of(receipt.stamp.root)));
  }
  const auto leaves = receipt.stamp.leaves;
  return pass("tree path",
              fmt::format("request {} of {} under this stamp", receipt.path.index + 1, leaves));
}

Check check_stamp(const work::Stamp& stamp) {
  const auto hash = work::check(stamp);
  if (!hash) return failed("stamp", hash.error().message);
  std::string sentence = fmt::format("{} hashes expected (signer says: {})",
                                     stamp.target.expected_hashes_text(), to_string(stamp.origin));
  if (stamp.origin != Origin::kSoftware) {
    sentence += "; minimality not checked, for a miner promises none";
  }
  return pass("stamp", std::move(sentence));
}

// Only the software template promises the lowest nonce; a miner returns whatever it finds first.
Result<Check> check_lowest(const work::Stamp& stamp, std::stop_token stop) {
  constexpr std::string_view kName = "lowest";
  if (!work::is_template(stamp)) {
    return failed(kName, "work of origin software does not use the software template");
  }
  if (!work::check(stamp)) return unchecked(kName, "the stamp does not hold");
  CALX_ASSIGN(minimality, work::check_minimality(stamp, work::software_runner(), stop));
  switch (minimality) {
    case work::Minimality::kLowest:
      return pass(kName, "searched again: no lower nonce meets the target");
    case work::Minimality::kNotLowest:
      return failed(kName, "a lower nonce meets the target: this one was chosen");
    case work::Minimality::kNotChecked:
      break;
  }
  return unchecked(kName, fmt::format("minimality not checked: more than {:.0f} expected hashes",
                                      work::kMinimalityHashesMax));
}

}  // namespace

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kPass:
      return "ok";
    case Verdict::kFail:
      return "FAIL";
    case Verdict::kNotChecked:
      break;
  }
  return "NOT CHECKED";
}

bool Report::failed() const noexcept {
  return std::ranges::find(checks, Verdict::kFail, &Check::verdict) != checks.end();
}

bool Report::unchecked() const noexcept {
  return std::ranges::find(checks, Verdict::kNotChecked, &Check::verdict) != checks.end();
}

std::string Report::verdict() const {
  std::string names;
  const auto list = [&](Verdict verdict) {
    for (const Check& check : checks) {
      if (check.verdict == verdict) names += (names.empty() ? "" : ", ") + check.name;
    }
    return names;
  };
  if (failed()) return fmt::format("This receipt does not hold: {}.", list(Verdict::kFail));
  if (unchecked()) {
    return fmt::format("What was checked holds; not checked: {}.", list(Verdict::kNotChecked));
  }
  return "Everything in this receipt holds.";
}

Result<Report> verify(std::string_view receipt_text, const VerifyOptions& options,
                      std::stop_token stop) {
  Report report;
  auto parsed = parse_receipt(receipt_text);
  if (!parsed) {
    report.format_error = parsed.error().code;
    report.checks.push_back(failed("format", parsed.error().message));
    return report;
  }
  report.receipt = std::move(*parsed);
  const Receipt& receipt = *report.receipt;
  if (options.opening && !std::holds_alternative<PrivateSeed>(receipt.request.identity.seed)) {
    return fail(ErrorCode::kInvalidArgument,
                "the seed of this receipt is not private: there is nothing to open");
  }
  auto& checks = report.checks;
  checks.push_back(pass("format", std::string(kReceiptFormat)));
  checks.push_back(check_signature(receipt));
  if (options.key) checks.push_back(check_key(receipt, *options.key));
  checks.push_back(check_commitment(receipt));
  checks.push_back(check_tree_path(receipt));
  checks.push_back(check_stamp(receipt.stamp));
  if (receipt.stamp.origin == Origin::kSoftware) {
    CALX_ASSIGN(lowest, check_lowest(receipt.stamp, stop));
    checks.push_back(std::move(lowest));
  }
  CALX_ASSIGN(images, check_images(receipt, options, stop));
  for (Check& check : images) checks.push_back(std::move(check));
  return report;
}

}  // namespace calx::receipt
