// A channel of gRPC as Calx sets it up for a client. Private: it knows gRPC.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <stop_token>
#include <string>

#include "calx/remote/connection.h"

namespace calx::remote {

/// Comes back by itself after 0.1 to 2 s, asks every 30 s whether the other side lives, and uses no
/// proxy. Errors: kInvalidArgument (roots without TLS), those of the file of roots.
Result<std::shared_ptr<grpc::Channel>> make_channel(const ConnectionOptions& options);

/// Waits until somebody answers, or options.connect_time is over: kUnavailable.
Result<void> await(grpc::Channel& channel, const ConnectionOptions& options);

/// The deadline and the token of a call.
void prepare(grpc::ClientContext& context, const ConnectionOptions& options,
             std::chrono::steady_clock::time_point deadline);

}  // namespace calx::remote
