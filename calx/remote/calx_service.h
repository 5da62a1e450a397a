// calx.v1 on the engines of this machine.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "calx/remote/call.h"

namespace calx::remote {

/// `state` must outlive the service.
std::unique_ptr<grpc::Service> make_calx_service(ServerState& state);

}  // namespace calx::remote
