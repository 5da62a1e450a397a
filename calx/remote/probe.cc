#include "calx/remote/probe.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>

#include <proto/calx/v1/calx.grpc.pb.h>
#include <proto/hasher/v1/hasher.grpc.pb.h>
#include "calx/remote/channel.h"
#include "calx/remote/wire.h"

namespace calx::remote {
namespace {

namespace peer = ::hasher::v1;
using Clock = std::chrono::steady_clock;

class Probe {
 public:
  Probe(const ConnectionOptions& options, std::shared_ptr<grpc::Channel> channel)
      : options_(options), channel_(std::move(channel)), name_(options.address.to_string()) {}

  Result<ProbeReport> run() {
    CALX_TRY(await(*channel_, options_));
    auto own = over_calx();
    if (own || own.error().code != ErrorCode::kUnimplemented) return own;
    auto peers = over_hasher();
    if (peers || peers.error().code != ErrorCode::kUnimplemented) return peers;
    return fail(ErrorCode::kUnimplemented,
                fmt::format("{} speaks gRPC but neither calx.v1 nor hasher.v1", name_));
  }

 private:
  template <class Body>
  Result<void> call(Body&& body) {
    grpc::ClientContext context;
    const auto began = Clock::now();
    prepare(context, options_, began + options_.connect_time);
    const grpc::Status status = body(context);
    took_ = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
    if (status.ok()) return {};
    return std::unexpected(from_status(status, name_));
  }

  Result<ProbeReport> over_calx();
  Result<ProbeReport> over_hasher();

  const ConnectionOptions& options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::string name_;
  std::chrono::microseconds took_ = {};
};

Result<ProbeReport> Probe::over_calx() {
  const auto stub = v1::Calx::NewStub(channel_);
  v1::GetDeviceInfoReply info;
  v1::GetHealthReply health;
  v1::GetMetricsReply metrics;
  CALX_TRY(call([&](auto& context) { return stub->GetDeviceInfo(&context, {}, &info); }));
  CALX_TRY(call([&](auto& context) { return stub->GetMetrics(&context, {}, &metrics); }));
  CALX_TRY(call([&](auto& context) { return stub->GetHealth(&context, {}, &health); }));
  ProbeReport report{.protocol = "calx.v1",
                     .info = info_from_wire(info),
                     .origin = from_wire(info.origin()),
                     .serving = health.serving(),
                     .uptime = std::chrono::seconds(info.uptime_seconds()),
                     .prometheus = metrics.prometheus(),
                     .round_trip = took_};
  report.counters = {{"calls", metrics.requests()},
                     {"errors", metrics.errors()},
                     {"refused", metrics.refused()},
                     {"bytes hashed", metrics.bytes()},
                     {"digests", metrics.digests()},
                     {"shares", metrics.shares()},
                     {"stamps", metrics.stamps()},
                     {"mean latency us", metrics.latency_us_mean()},
                     {"peak latency us", metrics.latency_us_max()}};
  for (const v1::DeviceHealth& device : health.devices()) {
    report.devices.push_back({.name = device.name(),
                              .state = device.state(),
                              .reason = device.reason(),
                              .shares = device.shares(),
                              .failures = device.failures(),
                              .lies = device.lies(),
                              .origin = from_wire(device.origin())});
  }
  return report;
}

Result<ProbeReport> Probe::over_hasher() {
  const auto stub = peer::hasherService::NewStub(channel_);
  peer::GetMetricsResponse metrics;
  peer::GetDeviceInfoResponse info;
  CALX_TRY(call([&](auto& context) { return stub->GetMetrics(&context, {}, &metrics); }));
  CALX_TRY(call([&](auto& context) { return stub->GetDeviceInfo(&context, {}, &info); }));
  ProbeReport report{.protocol = "hasher.v1",
                     .info = {.name = info.device_path(),
                              .path = info.device_path(),
                              .firmware = info.firmware_version(),
                              .chips = info.chip_count(),
                              .digest = true},
                     .serving = info.is_operational(),
                     .uptime = std::chrono::seconds(info.uptime_seconds()),
                     .round_trip = took_};
  report.counters = {{"calls", metrics.total_requests()},
                     {"errors", metrics.total_errors()},
                     {"bytes hashed", metrics.total_bytes_processed()},
                     {"mean latency us", metrics.average_latency_us()},
                     {"peak latency us", metrics.peak_latency_us()},
                     {"cache hits", metrics.cache_hits()},
                     {"cache misses", metrics.cache_misses()}};
  // A device's own word on one call says nothing of its digests: ask for one.
  grpc::ClientContext context;
  prepare(context, options_, Clock::now() + options_.connect_time);
  peer::ComputeHashRequest request;
  request.set_data("calx");
  peer::ComputeHashResponse response;
  if (stub->ComputeHash(&context, request, &response).ok()) {
    const auto& metadata = context.GetServerInitialMetadata();
    const auto found = metadata.find("calx-origin");
    if (found != metadata.end()) {
      const std::string_view text(found->second.data(), found->second.size());
      for (const Origin origin :
           {Origin::kModelled, Origin::kEmulated, Origin::kSoftware, Origin::kDevice}) {
        if (to_string(origin) == text) report.origin = origin;
      }
    }
  } else {
    report.info.digest = false;
  }
  report.info.digest_origin = report.origin.value_or(Origin::kModelled);
  report.info.origin = report.info.digest_origin;
  return report;
}

}  // namespace

Result<ProbeReport> probe(const ConnectionOptions& options) {
  CALX_ASSIGN(channel, make_channel(options));
  return Probe(options, channel).run();
}

}  // namespace calx::remote
