// hasher.v1, unchanged on the wire, on the engines of this machine.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "calx/remote/call.h"

namespace calx::remote {

/// Unlike the server that it stands in for, it never calls a nonce found that was not, and tells
/// the origin in the response metadata. `state` must outlive the service.
std::unique_ptr<grpc::Service> make_hasher_service(ServerState& state);

/// The 256-bit target that the compact bits of a header (its bytes 72..75) stand for.
/// Errors: kInvalidArgument (negative, zero or above 256 bits).
Result<hash::TargetBytes> compact_target(std::uint32_t bits);

}  // namespace calx::remote
