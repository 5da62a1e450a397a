#include "calx/remote/server.h"

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include "calx/base/atomic_file.h"
#include "calx/remote/calx_service.h"
#include "calx/remote/hasher_service.h"

namespace calx::remote {
namespace {

Result<void> check(const ServerOptions& options) {
  if (options.certificate.empty() != options.key.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "TLS wants both a certificate and a key, and one of them is missing");
  }
  if (options.token.empty()) {
    if (options.listen.loopback()) return {};
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is reached by others: listening there wants a token",
                            options.listen.to_string()));
  }
  if (options.token.size() < kTokenBytesMin || options.token.size() > kTokenBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a token of {} characters, wanted {} to {}", options.token.size(),
                            kTokenBytesMin, kTokenBytesMax));
  }
  return {};
}

Result<std::string> read_pem(const std::filesystem::path& path) {
  CALX_ASSIGN(bytes, read_file(path, kPemBytesMax));
  return as_text(bytes);
}

Result<std::shared_ptr<grpc::ServerCredentials>> credentials(const ServerOptions& options) {
  if (options.certificate.empty()) return grpc::InsecureServerCredentials();
  CALX_ASSIGN(certificate, read_pem(options.certificate));
  CALX_ASSIGN(key, read_pem(options.key));
  grpc::SslServerCredentialsOptions ssl;
  ssl.pem_key_cert_pairs.push_back({key, certificate});
  return grpc::SslServerCredentials(ssl);
}

// One thread waits for calls; others are made as calls come and go.
void set_threads(grpc::ServerBuilder& builder, int threads_max) {
  grpc::ResourceQuota quota("calx");
  quota.SetMaxThreads(threads_max);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
}

class RunningServer final : public Server {
 public:
  RunningServer(const ServerOptions& options, const ServerParts& parts)
      : state_(options, parts),
        calx_(make_calx_service(state_)),
        hasher_(make_hasher_service(state_)),
        address_(options.listen) {}

  ~RunningServer() override { stop(std::chrono::milliseconds(0)); }

  Result<void> start() {
    CALX_ASSIGN(secured, credentials(state_.options));
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(address_.to_string(), secured, &port);
    builder.RegisterService(calx_.get());
    builder.RegisterService(hasher_.get());
    builder.SetMaxReceiveMessageSize(static_cast<int>(state_.options.call_bytes_max));
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a taken port is an error
    // Clients that wait for hours may ask whether we live.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
    set_threads(builder, state_.options.threads_max);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("no server at {}: the port is taken or not ours{}", address_.to_string(),
                      state_.options.certificate.empty()
                          ? ""
                          : ", or the certificate and the key do not fit"));
    }
    address_.port = static_cast<std::uint16_t>(port);
    return {};
  }

  [[nodiscard]] const Address& address() const noexcept override { return address_; }

  void stop(std::chrono::milliseconds grace) override {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + grace);
    server_->Wait();
    server_.reset();
  }

  [[nodiscard]] std::string metrics() const override { return state_.prometheus(); }

 private:
  ServerState state_;
  std::unique_ptr<grpc::Service> calx_, hasher_;
  Address address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

Result<std::unique_ptr<Server>> start_server(const ServerOptions& options,
                                             const ServerParts& parts) {
  CALX_TRY(check(options));
  // A library does not print: what goes wrong comes back as an error or a counter.
  ::gpr_set_log_function([](gpr_log_func_args*) {});
  auto server = std::make_unique<RunningServer>(options, parts);
  CALX_TRY(server->start());
  return server;
}

}  // namespace calx::remote
