#include "calx/remote/channel.h"

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>

#include "calx/base/atomic_file.h"
#include "calx/remote/server.h"
#include "calx/remote/wire.h"

namespace calx::remote {
namespace {

Result<std::shared_ptr<grpc::ChannelCredentials>> credentials(const ConnectionOptions& options) {
  if (!options.tls) {
    if (options.roots.empty()) return grpc::InsecureChannelCredentials();
    return fail(ErrorCode::kInvalidArgument, "roots to trust are of no use without TLS");
  }
  grpc::SslCredentialsOptions ssl;
  if (!options.roots.empty()) {
    CALX_ASSIGN(bytes, read_file(options.roots, kPemBytesMax));
    ssl.pem_root_certs = as_text(bytes);
  }
  return grpc::SslCredentials(ssl);
}

}  // namespace

Result<std::shared_ptr<grpc::Channel>> make_channel(const ConnectionOptions& options) {
  ::gpr_set_log_function([](gpr_log_func_args*) {});  // a library does not print
  CALX_ASSIGN(secured, credentials(options));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.call_bytes_max));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // A search may be silent for hours; a machine that died meanwhile is found out.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // a miner stands on the network next to us
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  return grpc::CreateCustomChannel(options.address.to_string(), secured, arguments);
}

Result<void> await(grpc::Channel& channel, const ConnectionOptions& options) {
  if (channel.WaitForConnected(std::chrono::system_clock::now() + options.connect_time)) return {};
  return fail(ErrorCode::kUnavailable,
              fmt::format("nobody at {} answers {} within {} ms", options.address.to_string(),
                          options.tls ? "over TLS that our roots trust" : "without TLS",
                          options.connect_time.count()));
}

void prepare(grpc::ClientContext& context, const ConnectionOptions& options,
             std::chrono::steady_clock::time_point deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  context.set_deadline(std::chrono::system_clock::now() + left);
  if (!options.token.empty()) context.AddMetadata("authorization", "Bearer " + options.token);
}

}  // namespace calx::remote
