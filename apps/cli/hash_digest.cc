// calx hash digest: SHA-256 of files or texts by any engine that hashes messages.
#include <fmt/format.h>

#include <memory>

#include "apps/cli/engine.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/verb.h"
#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/format/canonical_json.h"
#include "calx/hash/sha256.h"
#include "calx/hash/software_engine.h"

namespace calx::cli {
namespace {

constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 30;

struct DigestArguments {
  std::vector<std::string> files, texts;
  EngineOptions engine;
};

struct Input {
  std::string name;
  std::vector<std::uint8_t> bytes;
};

Result<std::vector<Input>> read_inputs(const DigestArguments& arguments) {
  std::vector<Input> inputs;
  for (const std::string& text : arguments.texts) {
    inputs.push_back({fmt::format("text:{}", text), {text.begin(), text.end()}});
  }
  for (const std::string& file : arguments.files) {
    CALX_ASSIGN(bytes, read_file(file, kFileBytesMax));
    inputs.push_back({file, std::move(bytes)});
  }
  if (!inputs.empty()) return inputs;
  return fail(ErrorCode::kInvalidArgument, "nothing to hash: name a file, or give --text");
}

Result<int> run_digest(const DigestArguments& arguments, bool json) {
  CALX_ASSIGN(inputs, read_inputs(arguments));
  const Interrupt interrupt;
  CALX_ASSIGN(opened, open_engine(arguments.engine));
  hash::SoftwareDigestEngine software;
  hash::DigestEngine* engine = opened.software ? &software : opened.digests;
  if (engine == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("engine {} searches nonces and cannot hash a message: software or "
                            "direct-hash=",
                            opened.name));
  }
  std::vector<hash::Message> messages;
  for (const Input& input : inputs) messages.emplace_back(input.bytes);
  std::vector<hash::Digest> digests(messages.size());
  CALX_ASSIGN(report, engine->digest(messages, digests, interrupt.token()));
  std::size_t wrong = 0;
  auto list = format::Json::array();
  for (std::size_t i = 0; i < digests.size(); ++i) {
    const bool right = digests[i] == hash::sha256(messages[i]);
    wrong += right ? 0 : 1;
    if (!json) fmt::print("{}  {}{}\n", to_hex(digests[i]), inputs[i].name, right ? "" : "  WRONG");
    list.push(
        format::Json{{"name", inputs[i].name}, {"sha256", to_hex(digests[i])}, {"right", right}});
  }
  if (json) {
    const format::Json result{
        {"engine", engine->info().name}, {"origin", to_string(report.origin)}, {"digests", list}};
    CALX_ASSIGN(text, format::encode_pretty_json(result));
    fmt::print("{}", text);
  } else {
    fmt::print("by {}, origin {}; {} of {} agree with software\n", engine->info().name,
               to_string(report.origin), digests.size() - wrong, digests.size());
  }
  return wrong == 0 ? kDone : kCheckFailed;
}

}  // namespace

void add_hash_digest(CLI::App& hash, Session& session) {
  auto* verb = hash.add_subcommand("digest", "SHA-256 of files or texts, by an engine");
  auto a = std::make_shared<DigestArguments>();
  verb->add_option("file", a->files, "files");
  verb->add_option("--text", a->texts, "a text, as its bytes")->allow_extra_args(false);
  add_engine_options(*verb, a->engine);
  verb->callback(
      [a, &session] { session.action = [a, &session] { return run_digest(*a, session.json); }; });
  verb->footer(
      "Every digest is computed again here. A mining chip cannot hash a message; direct-hash\n"
      "machines can (docs/protocol/hash.md). Exit status 1: a digest is wrong.");
}

}  // namespace calx::cli
