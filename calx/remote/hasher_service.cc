#include "calx/remote/hasher_service.h"

#include <fmt/format.h>

#include <algorithm>

#include <proto/hasher/v1/hasher.grpc.pb.h>

namespace calx::remote {
namespace {

namespace peer = ::hasher::v1;

std::uint64_t microseconds_since(Clock::time_point began) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began).count());
}

// What an engine reports is, to these clients, always an internal failure.
std::unexpected<Error> internal(const Error& error) {
  return fail(ErrorCode::kInternal, error.message);
}

class HasherService final : public peer::hasherService::Service {
 public:
  explicit HasherService(ServerState& state) : state_(state), parts_(state.parts) {}

  grpc::Status ComputeHash(grpc::ServerContext* context, const peer::ComputeHashRequest* request,
                           peer::ComputeHashResponse* response) override {
    return serve(state_, Call::kPeerComputeHash, *context, [&]() -> Result<void> {
      if (request->data().empty()) {
        return fail(ErrorCode::kInvalidArgument, "the field data holds no bytes to hash");
      }
      const auto began = Clock::now();
      const hash::Message message = as_bytes(request->data());
      CALX_TRY(digest(*context, std::span(&message, 1), [&](std::span<const hash::Digest> out) {
        response->set_hash(as_text(out.front()));
      }));
      response->set_latency_us(microseconds_since(began));
      return {};
    });
  }

  grpc::Status ComputeBatch(grpc::ServerContext* context, const peer::ComputeBatchRequest* request,
                            peer::ComputeBatchResponse* response) override {
    return serve(state_, Call::kPeerComputeBatch, *context, [&]() -> Result<void> {
      const auto count = static_cast<std::size_t>(request->data_size());
      const std::size_t max =
          request->max_batch_size() == 0
              ? kHasherBatchMax
              : std::min<std::size_t>(kHasherBatchMax, request->max_batch_size());
      if (count == 0 || count > max) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("a batch of {} items, wanted 1 to {}", count, max));
      }
      const auto began = Clock::now();
      std::vector<hash::Message> messages;
      for (const std::string& data : request->data()) messages.push_back(as_bytes(data));
      CALX_TRY(digest(*context, messages, [&](std::span<const hash::Digest> out) {
        for (const hash::Digest& hash : out) response->add_hashes(as_text(hash));
      }));
      response->set_processed_count(static_cast<std::uint32_t>(count));
      response->set_total_latency_us(microseconds_since(began));
      return {};
    });
  }

  grpc::Status StreamCompute(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<peer::StreamComputeResponse, peer::StreamComputeRequest>* stream)
      override {
    return serve(state_, Call::kPeerStreamCompute, *context, [&]() -> Result<void> {
      peer::StreamComputeRequest request;
      bool told = false;
      while (stream->Read(&request)) {
        if (request.data().empty()) continue;
        const auto began = Clock::now();
        const hash::Message message = as_bytes(request.data());
        hash::Digest digest{};
        CALX_ASSIGN(origin, compute(std::span(&message, 1), std::span(&digest, 1)));
        if (!told) tell_origin(*context, origin);
        told = true;
        peer::StreamComputeResponse response;
        response.set_hash(as_text(digest));
        response.set_request_id(request.request_id());
        response.set_latency_us(microseconds_since(began));
        if (!stream->Write(response)) return fail(ErrorCode::kCancelled, "the client has gone");
      }
      return {};
    });
  }

  grpc::Status GetMetrics(grpc::ServerContext* context, const peer::GetMetricsRequest* /*request*/,
                          peer::GetMetricsResponse* response) override {
    return serve(state_, Call::kPeerGetMetrics, *context, [&]() -> Result<void> {
      const Counters& counters = state_.counters;
      const std::uint64_t requests = counters.requests, bytes = counters.bytes;
      response->set_total_requests(requests);
      response->set_total_bytes_processed(bytes);
      response->set_average_latency_us(counters.latency_us_sum /
                                       std::max<std::uint64_t>(1, requests));
      response->set_peak_latency_us(counters.latency_us_max);
      response->set_total_errors(counters.errors);
      (*response->mutable_device_stats())["total_requests"] = requests;
      (*response->mutable_device_stats())["total_bytes"] = bytes;
      tell_origin(*context, Origin::kSoftware);
      return {};
    });
  }

  grpc::Status GetDeviceInfo(grpc::ServerContext* context,
                             const peer::GetDeviceInfoRequest* /*request*/,
                             peer::GetDeviceInfoResponse* response) override {
    return serve(state_, Call::kPeerGetDeviceInfo, *context, [&]() -> Result<void> {
      response->set_device_path(parts_.device_path);
      response->set_chip_count(parts_.chips);
      response->set_firmware_version(parts_.firmware);
      response->set_is_operational(parts_.digests != nullptr || parts_.scanner != nullptr);
      response->set_uptime_seconds(state_.uptime_seconds());
      tell_origin(*context, Origin::kSoftware);
      return {};
    });
  }

  grpc::Status MineWork(grpc::ServerContext* context, const peer::MineWorkRequest* request,
                        peer::MineWorkResponse* response) override {
    return serve(state_, Call::kPeerMineWork, *context,
                 [&] { return mine(*context, *request, *response); });
  }

 private:
  Result<Origin> compute(std::span<const hash::Message> messages, std::span<hash::Digest> digests) {
    if (parts_.digests == nullptr) {
      return fail(ErrorCode::kInternal, "the device of this server cannot hash chosen data");
    }
    const auto report = parts_.digests->digest(messages, digests);
    if (!report) return internal(report.error());
    for (const auto& message : messages) state_.counters.bytes += message.size();
    state_.counters.digests += messages.size();
    return combine(report->origin, parts_.digests->info().origin);
  }

  template <class Use>
  Result<void> digest(grpc::ServerContext& context, std::span<const hash::Message> messages,
                      Use&& use) {
    std::vector<hash::Digest> digests(messages.size());
    CALX_ASSIGN(origin, compute(messages, digests));
    tell_origin(context, origin);
    use(std::span<const hash::Digest>(digests));
    return {};
  }

  Result<void> mine(grpc::ServerContext& context, const peer::MineWorkRequest& request,
                    peer::MineWorkResponse& response) {
    const auto began = Clock::now();
    hash::ScanRequest wanted{.nonce_first = request.nonce_start(),
                             .nonce_last = request.nonce_end()};
    CALX_TRY(read_exactly(request.header(), "header", wanted.header));
    if (wanted.nonce_first > wanted.nonce_last) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("nonces from {} to {} are none",
                                                           wanted.nonce_first, wanted.nonce_last));
    }
    const auto bits = std::span(wanted.header).subspan(72, 4);
    CALX_ASSIGN(target,
                compact_target(std::uint32_t{bits[0]} | std::uint32_t{bits[1]} << 8 |
                               std::uint32_t{bits[2]} << 16 | std::uint32_t{bits[3]} << 24));
    wanted.target = target;
    wanted.timeout = kMineWorkTime;
    if (parts_.scanner == nullptr) {
      return fail(ErrorCode::kInternal, "this server has nothing that searches nonces");
    }
    const auto deadline = std::min(state_.deadline_of(context), began + kMineWorkTime);
    const CallWatch::Entry entry(state_.watch, context, deadline);
    const auto report = parts_.scanner->scan(wanted, entry.token());
    if (!report) return internal(report.error());
    tell_origin(context, combine(report->origin, parts_.scanner->info().origin));
    response.set_latency_us(microseconds_since(began));
    if (!report->nonces.empty()) {
      response.set_nonce(report->nonces.front());
      return {};
    }
    if (report->nonce_last_covered == wanted.nonce_last) {
      return fail(ErrorCode::kNotFound, "no nonce of the range meets the bits of the header");
    }
    return fail(ErrorCode::kInternal, fmt::format("no nonce within {} ms, and the range is not "
                                                  "searched to its end",
                                                  kMineWorkTime.count()));
  }

  ServerState& state_;
  const ServerParts& parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_hasher_service(ServerState& state) {
  return std::make_unique<HasherService>(state);
}

// bits = u8 exponent, sign, 23-bit mantissa; target = mantissa * 256^(exponent - 3).
Result<hash::TargetBytes> compact_target(std::uint32_t bits) {
  const std::uint32_t exponent = bits >> 24, mantissa = bits & 0x7fffff;
  hash::TargetBytes target{};
  bool lost = false, any = false;
  for (std::uint32_t i = 0; i < 3; ++i) {  // byte i of the mantissa, the lowest first
    const auto byte = static_cast<std::uint8_t>(mantissa >> 8 * i);
    const int place = static_cast<int>(exponent) - 3 + static_cast<int>(i);  // power of 256
    if (byte == 0 || place < 0) continue;
    if (place > 31) {
      lost = true;
      continue;
    }
    target[static_cast<std::size_t>(31 - place)] = byte;
    any = true;
  }
  if (lost || !any || (bits & 0x800000) != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the header's bits {:08x} are no target", bits));
  }
  return target;
}

}  // namespace calx::remote
