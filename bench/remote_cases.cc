// calx.v1 over loopback, through the module that `calx` itself opens, so that nothing here links
// gRPC.
#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "apps/remote/module.h"
#include "bench/cases.h"
#include "calx/hash/sha256.h"
#include "calx/hash/software_engine.h"

namespace calx::bench {
namespace {

constexpr const char* kFile = "libcalx_remote.so";
constexpr std::size_t kMessageBytes = 64;

// Where `calx` looks for it, seen from calx.
Result<remote::Module*> open_module(const std::filesystem::path& calx) {
  const auto folder = calx.parent_path();
  for (const auto& place : {folder / kFile, folder.parent_path() / "lib" / "calx" / kFile}) {
    void* handle = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) continue;
    using Entry = remote::Module* (*)(std::uint32_t);
    void* entry = ::dlsym(handle, remote::kEntry);
    if (entry == nullptr) continue;
    if (auto* module = reinterpret_cast<Entry>(entry)(remote::kAbi)) return module;
  }
  return fail(ErrorCode::kUnavailable,
              fmt::format("no {} beside {} (built with CALX_SERVER=ON)", kFile, calx.string()));
}

Result<Measured> round_trips(remote::Module& module, std::size_t count, double per_second,
                             bool quick) {
  hash::SoftwareDigestEngine engine;
  CALX_ASSIGN(server, module.start_server({.listen = {.host = "127.0.0.1", .port = 0}},
                                          {.digests = &engine}));
  CALX_ASSIGN(connection, module.connect({.address = server->address()}));
  CALX_ASSIGN(remote, connection->digests());
  std::vector<std::uint8_t> bytes(kMessageBytes * count);
  std::vector<hash::Message> messages;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i % 251);
  for (std::size_t i = 0; i < count; ++i) {
    messages.push_back(std::span(bytes).subspan(kMessageBytes * i, kMessageBytes));
  }
  std::vector<hash::Digest> digests(count);
  CALX_TRY(remote->digest(messages, digests));
  for (std::size_t i = 0; i < count; ++i) {
    if (digests[i] != hash::sha256(messages[i])) {
      return fail(ErrorCode::kDataLoss, fmt::format("digest {} is wrong", i));
    }
  }
  std::vector<double> times;
  for (int i = 0; i < (quick ? 5 : 2001); ++i) {
    const auto began = std::chrono::steady_clock::now();
    CALX_TRY(remote->digest(messages, digests));
    times.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count() *
        per_second);
  }
  std::ranges::sort(times);
  return Measured{quantile(times, 0.5),
                  fmt::format("median of {}, best {:.3g}, p99 {:.3g}; the client hashes every "
                              "message again, and that is in it",
                              times.size(), times.front(), quantile(times, 0.99))};
}

}  // namespace

std::vector<FigureCase> remote_cases(const Rivals& rivals) {
  const auto module = open_module(rivals.calx);
  const auto row = [&](std::size_t count, double per_second) {
    return [module, count, per_second](bool quick) -> Result<Measured> {
      return round_trips(**module, count, per_second, quick);
    };
  };
  const std::string missing = module ? "" : module.error().message;
  return {{.name = "device/grpc/3136-digests",
           .what = "3,136 digests of 64 bytes in one call of calx.v1, there and back",
           .unit = "ms",
           .bar = 1.3,
           .run = row(3136, 1e3),
           .missing = missing},
          {.name = "device/grpc/unary-64-bytes",
           .what = "one digest of 64 bytes in one call of calx.v1, there and back",
           .unit = "us",
           .bar = 150,
           .run = row(1, 1e6),
           .missing = missing}};
}

}  // namespace calx::bench
