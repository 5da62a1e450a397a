#include "calx/remote/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "calx/remote/connection.h"

namespace calx::remote {
namespace {

std::vector<std::uint8_t> vector_of(const std::string& text) {
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

Result<void> read_all(const google::protobuf::RepeatedPtrField<std::string>& fields,
                      std::string_view name, std::size_t count_max,
                      std::vector<hash::Digest>& out) {
  if (static_cast<std::size_t>(fields.size()) > count_max) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} {}, at most {}", fields.size(), name, count_max));
  }
  for (const std::string& field : fields) CALX_TRY(read_exactly(field, name, out.emplace_back()));
  return {};
}

// What a client makes of each status of gRPC.
struct StatusRow {
  grpc::StatusCode status;
  ErrorCode code;
  std::string_view name, advice;
};
constexpr std::string_view kToken =
    "name the file with the token of that server: token-file=F, or --token-file F";
constexpr std::string_view kForeign =
    "no server of calx answers so: look at which program listens there";
constexpr std::array kStatusRows = {
    StatusRow{grpc::CANCELLED, ErrorCode::kCancelled, "cancelled", ""},
    StatusRow{grpc::UNKNOWN, ErrorCode::kUnavailable, "unknown", kForeign},
    StatusRow{grpc::INVALID_ARGUMENT, ErrorCode::kInvalidArgument, "invalid argument", ""},
    StatusRow{grpc::DEADLINE_EXCEEDED, ErrorCode::kDeadlineExceeded, "deadline exceeded",
              "give it more time, or less work"},
    StatusRow{grpc::NOT_FOUND, ErrorCode::kNotFound, "not found", ""},
    StatusRow{grpc::ALREADY_EXISTS, ErrorCode::kUnavailable, "already exists", kForeign},
    StatusRow{grpc::PERMISSION_DENIED, ErrorCode::kInvalidArgument, "permission denied", kToken},
    StatusRow{grpc::UNAUTHENTICATED, ErrorCode::kInvalidArgument, "unauthenticated", kToken},
    StatusRow{grpc::RESOURCE_EXHAUSTED, ErrorCode::kResourceExhausted, "resource exhausted",
              "send less in a call or fewer calls at a time, or come back later"},
    StatusRow{grpc::FAILED_PRECONDITION, ErrorCode::kUnavailable, "failed precondition", kForeign},
    StatusRow{grpc::ABORTED, ErrorCode::kUnavailable, "aborted", kForeign},
    StatusRow{grpc::OUT_OF_RANGE, ErrorCode::kUnavailable, "out of range", kForeign},
    StatusRow{grpc::UNIMPLEMENTED, ErrorCode::kUnimplemented, "unimplemented",
              "calx device probe grpc://HOST:PORT tells what it offers"},
    StatusRow{grpc::INTERNAL, ErrorCode::kInternal, "internal",
              "a fault of the server: its own log may say more"},
    StatusRow{grpc::UNAVAILABLE, ErrorCode::kUnavailable, "unavailable",
              "look whether it runs and whether it wants TLS"},
    StatusRow{grpc::DATA_LOSS, ErrorCode::kDataLoss, "data loss", ""},
};

const StatusRow& row_of(grpc::StatusCode status) {
  const auto found = std::ranges::find(kStatusRows, status, &StatusRow::status);
  return found == kStatusRows.end() ? kStatusRows[1] : *found;  // a number of no gRPC: unknown
}

}  // namespace

RemoteInfo info_from_wire(const v1::GetDeviceInfoReply& reply) {
  return {.name = reply.name(),
          .path = reply.path(),
          .firmware = reply.firmware(),
          .chips = reply.chips(),
          .digest = reply.digest(),
          .scan = reply.scan(),
          .run = reply.run(),
          .stamp = reply.stamp(),
          .origin = from_wire(reply.origin()),
          .digest_origin = from_wire(reply.digest_origin())};
}

Result<void> read_exactly(const std::string& field, std::string_view name,
                          std::span<std::uint8_t> out) {
  if (field.size() != out.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has {} bytes, wanted {}", name, field.size(), out.size()));
  }
  std::ranges::copy(as_bytes(field), out.begin());
  return {};
}

v1::Origin to_wire(Origin origin) noexcept {
  switch (origin) {
    case Origin::kModelled:
      return v1::ORIGIN_MODELLED;
    case Origin::kEmulated:
      return v1::ORIGIN_EMULATED;
    case Origin::kSoftware:
      return v1::ORIGIN_SOFTWARE;
    case Origin::kDevice:
      return v1::ORIGIN_DEVICE;
  }
  return v1::ORIGIN_UNSPECIFIED;
}

Origin from_wire(v1::Origin origin) noexcept {
  switch (origin) {
    case v1::ORIGIN_EMULATED:
      return Origin::kEmulated;
    case v1::ORIGIN_SOFTWARE:
      return Origin::kSoftware;
    case v1::ORIGIN_DEVICE:
      return Origin::kDevice;
    default:
      return Origin::kModelled;
  }
}

v1::RunRequest to_wire(const work::Job& job) {
  v1::RunRequest request;
  request.set_coinbase_part_1(as_text(job.coinbase_part_1));
  request.set_coinbase_part_2(as_text(job.coinbase_part_2));
  request.set_extranonce1_bytes(static_cast<std::uint32_t>(job.extranonce1_bytes));
  request.set_extranonce2_bytes(static_cast<std::uint32_t>(job.extranonce2_bytes));
  for (const auto& branch : job.branches) request.add_branches(as_text(branch));
  request.set_previous_hash(as_text(job.previous_hash));
  request.set_version(job.version);
  request.set_version_mask(job.version_mask);
  request.set_nbits(job.nbits);
  request.set_ntime(job.ntime);
  request.set_target(as_text(job.target.bytes()));
  return request;
}

Result<work::Job> from_wire(const v1::RunRequest& request) {
  work::Job job;
  job.coinbase_part_1 = vector_of(request.coinbase_part_1());
  job.coinbase_part_2 = vector_of(request.coinbase_part_2());
  job.extranonce1_bytes = request.extranonce1_bytes();
  job.extranonce2_bytes = request.extranonce2_bytes();
  CALX_TRY(read_all(request.branches(), "branches", work::kBranchesMax, job.branches));
  CALX_TRY(read_exactly(request.previous_hash(), "previous_hash", job.previous_hash));
  job.version = request.version();
  job.version_mask = request.version_mask();
  job.nbits = request.nbits();
  job.ntime = request.ntime();
  work::Target::Bytes target{};
  CALX_TRY(read_exactly(request.target(), "target", target));
  job.target = work::Target(target);
  CALX_TRY(work::check(job));
  return job;
}

v1::RunReply to_wire(const work::FoundShare& found) {
  v1::RunReply reply;
  reply.set_extranonce_1(as_text(found.share.extranonce_1));
  reply.set_extranonce_2(as_text(found.share.extranonce_2));
  reply.set_ntime(found.share.ntime);
  reply.set_nonce(found.share.nonce);
  reply.set_version_bits(found.share.version_bits);
  reply.set_hashes(found.hashes);
  reply.set_origin(to_wire(found.origin));
  return reply;
}

work::FoundShare from_wire(const v1::RunReply& reply) {
  return {.share = {.extranonce_1 = vector_of(reply.extranonce_1()),
                    .extranonce_2 = vector_of(reply.extranonce_2()),
                    .ntime = reply.ntime(),
                    .nonce = reply.nonce(),
                    .version_bits = reply.version_bits()},
          .origin = from_wire(reply.origin()),
          .hashes = reply.hashes()};
}

v1::StampReply to_wire(const signal::StampedRequest& stamped) {
  const work::Stamp& stamp = *stamped.stamp;
  v1::StampReply reply;
  reply.set_target(as_text(stamp.target.bytes()));
  reply.set_leaves(stamp.leaves);
  reply.set_root(as_text(stamp.root));
  reply.set_version(stamp.version);
  reply.set_previous_hash(as_text(stamp.previous_hash));
  reply.set_coinbase_part_1(as_text(stamp.coinbase_part_1));
  reply.set_extranonce_1(as_text(stamp.extranonce_1));
  reply.set_extranonce_2(as_text(stamp.extranonce_2));
  for (const auto& branch : stamp.branches) reply.add_branches(as_text(branch));
  reply.set_ntime(stamp.ntime);
  reply.set_nbits(stamp.nbits);
  reply.set_nonce(stamp.nonce);
  reply.set_hash(as_text(stamp.hash));
  reply.set_salt(as_text(stamped.path.salt));
  reply.set_index(stamped.path.index);
  for (const auto& sibling : stamped.path.siblings) reply.add_siblings(as_text(sibling));
  reply.set_origin(to_wire(stamp.origin));
  return reply;
}

Result<signal::StampedRequest> from_wire(const v1::StampReply& reply) {
  work::Stamp stamp;
  work::TreePath path;
  work::Target::Bytes target{};
  const auto read = [&]() -> Result<void> {
    CALX_TRY(read_exactly(reply.target(), "target", target));
    CALX_TRY(read_exactly(reply.root(), "root", stamp.root));
    CALX_TRY(read_exactly(reply.previous_hash(), "previous_hash", stamp.previous_hash));
    CALX_TRY(read_exactly(reply.hash(), "hash", stamp.hash));
    CALX_TRY(read_exactly(reply.salt(), "salt", path.salt));
    CALX_TRY(read_all(reply.branches(), "branches", work::kBranchesMax, stamp.branches));
    return read_all(reply.siblings(), "siblings", 32, path.siblings);
  };
  if (const auto done = read(); !done) {
    return fail(ErrorCode::kDataLoss, "the reply's " + done.error().message);
  }
  stamp.target = work::Target(target);
  stamp.leaves = reply.leaves();
  stamp.version = reply.version();
  stamp.coinbase_part_1 = vector_of(reply.coinbase_part_1());
  stamp.extranonce_1 = vector_of(reply.extranonce_1());
  stamp.extranonce_2 = vector_of(reply.extranonce_2());
  stamp.ntime = reply.ntime();
  stamp.nbits = reply.nbits();
  stamp.nonce = reply.nonce();
  stamp.origin = from_wire(reply.origin());
  path.index = reply.index();
  return signal::StampedRequest{std::make_shared<const work::Stamp>(std::move(stamp)),
                                std::move(path)};
}

grpc::Status to_status(const Error& error) {
  return {static_cast<grpc::StatusCode>(error.code), error.message};
}

Error from_status(const grpc::Status& status, std::string_view who) {
  const StatusRow& row = row_of(status.error_code());
  const std::string said =
      status.error_message().empty() ? std::string(row.name) : status.error_message();
  if (row.advice.empty()) return {row.code, fmt::format("{}: {}", who, said)};
  return {row.code, fmt::format("{}: {}; {}", who, said, row.advice)};
}

}  // namespace calx::remote
