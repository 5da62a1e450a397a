// calx verify: starts from a receipt or a PNG alone and says what holds.
#include <fmt/color.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "apps/cli/data_folder.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/neural.h"
#include "apps/cli/verb.h"
#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/format/canonical_json.h"
#include "calx/format/png.h"
#include "calx/receipt/verify.h"

namespace calx::cli {
namespace {

constexpr std::uint64_t kPictureBytesMax = 1ull << 30;
constexpr std::uint64_t kOpeningBytesMax = 65'536;
constexpr std::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);

struct Arguments {
  std::string file;
  std::string key;
  std::string seed, salt;
  std::string opening;
  bool without_pixels = false;
};

// Opens the neural module only when pixels are wanted, so that a bad receipt is refused at once.
class ModuleRegenerator final : public receipt::PixelRegenerator {
 public:
  Result<std::vector<receipt::RegeneratedImage>> regenerate(
      const receipt::Identity& identity, std::span<const receipt::WantedImage> wanted,
      std::stop_token stop) override {
    if (!inner_) {
      CALX_ASSIGN(module, neural_module());
      const auto threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
      inner_ = module->regenerator(model_folders(), threads);
    }
    return inner_->regenerate(identity, wanted, stop);
  }

 private:
  std::unique_ptr<receipt::PixelRegenerator> inner_;
};

// What verify() needs from the files: the receipt's text and the pictures beside it.
struct Evidence {
  std::string receipt_text;
  receipt::PictureSource pictures;
};

std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<Evidence> evidence_of_png(const std::string& file, std::span<const std::uint8_t> bytes) {
  auto png = format::parse_png(bytes);
  if (!png) return fail(png.error().code, fmt::format("{}: {}", file, png.error().message));
  const std::string* text = format::find_text(*png, format::kPngReceiptKeyword);
  if (text == nullptr) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} carries no receipt (no text '{}')",
                                                         file, format::kPngReceiptKeyword));
  }
  Evidence evidence{.receipt_text = *text, .pictures = {}};
  evidence.pictures = [image = std::move(png->image)](const receipt::ReceiptImage&) {
    return Result<format::Image>(image);
  };
  return evidence;
}

Result<format::Image> picture_beside(const std::filesystem::path& folder,
                                     const receipt::ReceiptImage& image) {
  const auto path = folder / image.file;
  CALX_ASSIGN(bytes, read_file(path, kPictureBytesMax));
  auto png = format::parse_png(bytes);
  if (!png) return fail(png.error().code, fmt::format("{}: {}", image.file, png.error().message));
  return std::move(png->image);
}

Result<Evidence> evidence_of(const std::string& file) {
  CALX_ASSIGN(bytes, read_file(file, std::max(kPictureBytesMax, receipt::kReceiptBytesMax)));
  if (as_text(bytes).starts_with(kPngSignature)) return evidence_of_png(file, bytes);
  const auto folder = std::filesystem::path(file).parent_path();
  return Evidence{.receipt_text = std::string(as_text(bytes)),
                  .pictures = [folder](const receipt::ReceiptImage& image) {
                    return picture_beside(folder, image);
                  }};
}

Result<receipt::SeedOpening> opening_of(const std::string& seed_text, const std::string& digits) {
  CALX_ASSIGN(seed, noise::Seed::parse(seed_text));
  receipt::SeedOpening opening{.seed = seed};
  if (!from_hex(digits, opening.salt)) {
    return fail(ErrorCode::kInvalidArgument, "the salt of a private seed wants 64 hex digits");
  }
  return opening;
}

// The file that calx imagine --private-seed leaves for the owner.
Result<receipt::SeedOpening> read_opening(const std::string& file) {
  CALX_ASSIGN(bytes, read_file(file, kOpeningBytesMax));
  CALX_ASSIGN(json, format::parse_json(as_text(bytes)));
  CALX_ASSIGN(seed, format::string_member(json, "seed", file));
  CALX_ASSIGN(salt, format::string_member(json, "salt", file));
  return opening_of(seed, salt);
}

Result<receipt::VerifyOptions> options_of(const Arguments& arguments) {
  receipt::VerifyOptions options;
  if (!arguments.key.empty()) {
    CALX_ASSIGN(key, receipt::parse_public_key(arguments.key));
    options.key = key;
  }
  if (!arguments.salt.empty()) {
    CALX_ASSIGN(opening, opening_of(arguments.seed, arguments.salt));
    options.opening = opening;
  } else if (!arguments.opening.empty()) {
    CALX_ASSIGN(opening, read_opening(arguments.opening));
    options.opening = opening;
  }
  options.no_pixels_reason = "--without-pixels";
  return options;
}

// A receipt is a stranger's text: no control character of it (C0, DEL, C1 in UTF-8) reaches the
// terminal.
std::string printable(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (byte < 0x20 || byte == 0x7f) text[i] = '?';
    if (byte == 0xc2 && next >= 0x80 && next < 0xa0) text[i] = text[i + 1] = '?';
  }
  return text;
}

fmt::text_style style_of(receipt::Verdict verdict) {
  if (::isatty(STDOUT_FILENO) == 0 || std::getenv("NO_COLOR") != nullptr) return {};
  switch (verdict) {
    case receipt::Verdict::kPass:
      return fg(fmt::terminal_color::green);
    case receipt::Verdict::kFail:
      return fg(fmt::terminal_color::red) | fmt::emphasis::bold;
    case receipt::Verdict::kNotChecked:
      break;
  }
  return fg(fmt::terminal_color::yellow);
}

void print_lines(const receipt::Report& report) {
  for (const receipt::Check& check : report.checks) {
    fmt::print("{:<11} ", check.name);
    fmt::print(style_of(check.verdict), "{:<11}", to_string(check.verdict));
    fmt::print("  {}\n", printable(check.sentence));
  }
  if (report.receipt) {
    const auto& receipt = *report.receipt;
    fmt::print("\nSigner says: work {}, noise {}, compute {}{}{}\n",
               to_string(receipt.stamp.origin), to_string(receipt.noise_origin),
               to_string(receipt.compute_origin), receipt.signer.empty() ? "" : ", signed ",
               printable(receipt.signer));
  }
  fmt::print("{}\n", report.verdict());
}

std::string_view word_of(const receipt::Report& report) {
  if (report.failed()) return "fails";
  return report.unchecked() ? "not checked" : "holds";
}

Result<void> print_json(const std::string& file, const receipt::Report& report) {
  format::Json checks = format::Json::array();
  for (const receipt::Check& check : report.checks) {
    checks.push(format::Json{{"name", check.name},
                             {"result", to_string(check.verdict)},
                             {"sentence", printable(check.sentence)}});
  }
  format::Json json{{"file", printable(file)},
                    {"result", word_of(report)},
                    {"sentence", report.verdict()},
                    {"checks", std::move(checks)}};
  if (report.receipt) {
    const auto& receipt = *report.receipt;
    json.set("public_key", to_hex(receipt.public_key));
    json.set("signer_says", format::Json{{"signer", receipt.signer},
                                         {"work", to_string(receipt.stamp.origin)},
                                         {"noise", to_string(receipt.noise_origin)},
                                         {"compute", to_string(receipt.compute_origin)}});
  }
  CALX_ASSIGN(text, format::encode_pretty_json(json));
  fmt::print("{}", text);
  return {};
}

int status_of(const receipt::Report& report) {
  if (report.format_error) return exit_status(*report.format_error);
  if (report.failed()) return kCheckFailed;
  return report.unchecked() ? kNotChecked : kDone;
}

Result<int> run(const Arguments& arguments, bool json) {
  CALX_ASSIGN(options, options_of(arguments));
  CALX_ASSIGN(evidence, evidence_of(arguments.file));
  options.pictures = std::move(evidence.pictures);
  const Interrupt interrupt;
  ModuleRegenerator regenerator;
  if (!arguments.without_pixels) options.regenerator = &regenerator;
  CALX_ASSIGN(report, receipt::verify(evidence.receipt_text, options, interrupt.token()));
  if (json) {
    CALX_TRY(print_json(arguments.file, report));
  } else {
    print_lines(report);
  }
  return status_of(report);
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  auto* verb = app.add_subcommand("verify", "check a receipt, or the receipt inside a PNG");
  verb->add_option("file", arguments->file, "receipt.json, or a PNG made by calx imagine")
      ->required();
  verb->add_option("--key", arguments->key, "the signer's public key, 64 hex digits");
  verb->add_flag("--without-pixels", arguments->without_pixels, "do not make the images again");
  auto* seed = verb->add_option("--seed", arguments->seed, "opens a private seed, with --salt");
  auto* salt = verb->add_option("--salt", arguments->salt, "64 hex digits from the seed's owner");
  seed->needs(salt);
  salt->needs(seed);
  verb->add_option("--opening", arguments->opening, "the owner's file that holds seed and salt")
      ->excludes(salt);
  verb->callback([arguments, &session] {
    session.action = [arguments, &session] { return run(*arguments, session.json); };
  });
}

}  // namespace calx::cli
