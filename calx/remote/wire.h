// Between the values of calx and the messages of calx.v1. What comes from the wire is checked here
// for its sizes, and nowhere believed.
#pragma once

#include <grpcpp/support/status.h>

#include <span>
#include <string>

#include <proto/calx/v1/calx.pb.h>
#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/hash/engine.h"
#include "calx/signal/request.h"
#include "calx/work/job_runner.h"

namespace calx::remote {

inline std::span<const std::uint8_t> as_bytes(const std::string& text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Copies exactly out.size() bytes. Errors: kInvalidArgument names the field.
Result<void> read_exactly(const std::string& field, std::string_view name,
                          std::span<std::uint8_t> out);

v1::Origin to_wire(Origin origin) noexcept;
/// Unknown numbers are the weakest.
Origin from_wire(v1::Origin origin) noexcept;

struct RemoteInfo;
RemoteInfo info_from_wire(const v1::GetDeviceInfoReply& reply);

v1::RunRequest to_wire(const work::Job& job);
/// The deadline is left open. Errors: kInvalidArgument, as work::check().
Result<work::Job> from_wire(const v1::RunRequest& request);

v1::RunReply to_wire(const work::FoundShare& found);
work::FoundShare from_wire(const v1::RunReply& reply);

v1::StampReply to_wire(const signal::StampedRequest& stamped);
/// Errors: kDataLoss (a field of the wrong size).
Result<signal::StampedRequest> from_wire(const v1::StampReply& reply);

/// The numbers of ErrorCode are those of gRPC.
grpc::Status to_status(const Error& error);
/// One sentence: `who` is the server, then what it said, then what to do about it. Codes that calx
/// lacks become the nearest one.
Error from_status(const grpc::Status& status, std::string_view who);

}  // namespace calx::remote
