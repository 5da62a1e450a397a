#include "calx/remote/calx_service.h"

#include <fmt/format.h>

#include <algorithm>

#include <proto/calx/v1/calx.grpc.pb.h>
#include "calx/signal/batcher.h"
#include "calx/signal/device_pool.h"

namespace calx::remote {
namespace {

std::unexpected<Error> not_offered(std::string_view what) {
  return fail(ErrorCode::kUnimplemented, fmt::format("this server offers no {}", what));
}

// The messages of a request; views into it.
Result<std::vector<hash::Message>> messages_of(const v1::DigestRequest& request) {
  std::vector<hash::Message> messages;
  const std::size_t each = request.packed_bytes();
  if (each == 0 && request.packed().empty()) {
    messages.reserve(static_cast<std::size_t>(request.messages_size()));
    for (const std::string& message : request.messages()) messages.push_back(as_bytes(message));
  } else if (each == 0 || request.packed().size() % each != 0 || request.messages_size() > 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} packed bytes in messages of {} beside {} single ones",
                            request.packed().size(), each, request.messages_size()));
  } else {
    const auto packed = as_bytes(request.packed());
    messages.reserve(packed.size() / each);
    for (std::size_t at = 0; at < packed.size(); at += each) {
      messages.push_back(packed.subspan(at, each));
    }
  }
  if (messages.empty() || messages.size() > kDigestMessagesMax) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} messages in a call, wanted 1 to {}",
                                                         messages.size(), kDigestMessagesMax));
  }
  return messages;
}

class CalxService final : public v1::Calx::Service {
 public:
  explicit CalxService(ServerState& state) : state_(state), parts_(state.parts) {}

  grpc::Status Digest(grpc::ServerContext* context, const v1::DigestRequest* request,
                      v1::DigestReply* reply) override {
    return serve(state_, Call::kDigest, *context, [&] { return digest(*request, *reply); });
  }

  grpc::Status DigestStream(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::DigestReply, v1::DigestRequest>* stream) override {
    return serve(state_, Call::kDigestStream, *context, [&]() -> Result<void> {
      v1::DigestRequest request;
      while (stream->Read(&request)) {
        v1::DigestReply reply;
        CALX_TRY(digest(request, reply));
        if (!stream->Write(reply)) return fail(ErrorCode::kCancelled, "the client has gone");
      }
      return {};
    });
  }

  grpc::Status Scan(grpc::ServerContext* context, const v1::ScanRequest* request,
                    v1::ScanReply* reply) override {
    return serve(state_, Call::kScan, *context, [&] { return scan(*context, *request, *reply); });
  }

  grpc::Status Run(grpc::ServerContext* context, const v1::RunRequest* request,
                   v1::RunReply* reply) override {
    return serve(state_, Call::kRun, *context, [&]() -> Result<void> {
      if (parts_.runner == nullptr) return not_offered("job runner");
      CALX_ASSIGN(job, from_wire(*request));
      job.deadline = state_.deadline_of(*context);
      const CallWatch::Entry entry(state_.watch, *context, job.deadline);
      auto found = parts_.runner->run(job, entry.token());
      if (!found) return std::unexpected(std::move(found).error());
      found->origin = combine(found->origin, parts_.runner->origin());
      *reply = to_wire(*found);
      ++state_.counters.shares;
      return {};
    });
  }

  grpc::Status Stamp(grpc::ServerContext* context, const v1::StampRequest* request,
                     v1::StampReply* reply) override {
    return serve(state_, Call::kStamp, *context, [&]() -> Result<void> {
      if (parts_.batcher == nullptr) return not_offered("stamps");
      signal::BatchRequest wanted;
      CALX_TRY(read_exactly(request->id(), "id", wanted.id));
      CALX_TRY(read_exactly(request->commitment(), "commitment", wanted.commitment));
      CALX_ASSIGN(ticket, parts_.batcher->submit(wanted));
      // The client's end ends its wait, not the request: it may come again under the same id.
      const CallWatch::Entry entry(state_.watch, *context, state_.deadline_of(*context));
      CALX_ASSIGN(stamped, ticket.wait(entry.token()));
      *reply = to_wire(stamped);
      ++state_.counters.stamps;
      return {};
    });
  }

  grpc::Status GetMetrics(grpc::ServerContext* context, const v1::GetMetricsRequest* /*request*/,
                          v1::GetMetricsReply* reply) override {
    return serve(state_, Call::kGetMetrics, *context, [&]() -> Result<void> {
      const Counters& counters = state_.counters;
      const std::uint64_t requests = counters.requests;
      reply->set_requests(requests);
      reply->set_errors(counters.errors);
      reply->set_refused(counters.refused);
      reply->set_bytes(counters.bytes);
      reply->set_latency_us_mean(counters.latency_us_sum / std::max<std::uint64_t>(1, requests));
      reply->set_latency_us_max(counters.latency_us_max);
      reply->set_digests(counters.digests);
      reply->set_shares(counters.shares);
      reply->set_stamps(counters.stamps);
      reply->set_prometheus(state_.prometheus());
      reply->set_origin(v1::ORIGIN_SOFTWARE);
      return {};
    });
  }

  grpc::Status GetDeviceInfo(grpc::ServerContext* context,
                             const v1::GetDeviceInfoRequest* /*request*/,
                             v1::GetDeviceInfoReply* reply) override {
    return serve(state_, Call::kGetDeviceInfo, *context, [&]() -> Result<void> {
      reply->set_name(parts_.name);
      reply->set_path(parts_.device_path);
      reply->set_firmware(parts_.firmware);
      reply->set_chips(parts_.chips);
      reply->set_uptime_seconds(state_.uptime_seconds());
      reply->set_digest(parts_.digests != nullptr);
      reply->set_scan(parts_.scanner != nullptr);
      reply->set_run(parts_.runner != nullptr);
      reply->set_stamp(parts_.batcher != nullptr);
      reply->set_messages_max(kDigestMessagesMax);
      reply->set_message_bytes_max(state_.options.call_bytes_max);
      if (parts_.digests != nullptr) {
        reply->set_digest_origin(to_wire(parts_.digests->info().origin));
      }
      reply->set_origin(to_wire(state_.search_origin()));
      return {};
    });
  }

  grpc::Status GetHealth(grpc::ServerContext* context, const v1::GetHealthRequest* /*request*/,
                         v1::GetHealthReply* reply) override {
    return serve(state_, Call::kGetHealth, *context, [&]() -> Result<void> {
      reply->set_serving(true);
      reply->set_origin(to_wire(state_.search_origin()));
      if (parts_.pool == nullptr) return {};
      for (const signal::DeviceHealth& health : parts_.pool->health()) {
        v1::DeviceHealth* device = reply->add_devices();
        device->set_name(health.name);
        device->set_state(std::string(to_string(health.state)));
        device->set_reason(health.reason);
        device->set_error_rate(health.error_rate);
        device->set_shares(health.shares);
        device->set_failures(health.failures);
        device->set_lies(health.lies);
        device->set_origin(to_wire(health.origin));
      }
      return {};
    });
  }

 private:
  Result<void> digest(const v1::DigestRequest& request, v1::DigestReply& reply) {
    if (parts_.digests == nullptr) return not_offered("digests: a miner cannot hash chosen data");
    CALX_ASSIGN(messages, messages_of(request));
    std::vector<hash::Digest> digests(messages.size());
    CALX_ASSIGN(report, parts_.digests->digest(messages, digests));
    std::uint64_t bytes = 0;
    for (const auto& message : messages) bytes += message.size();
    state_.counters.bytes += bytes;
    state_.counters.digests += messages.size();
    reply.set_digests(digests.data(), digests.size() * sizeof(hash::Digest));
    reply.set_request_id(request.request_id());
    reply.set_compressions(report.compressions);
    reply.set_origin(to_wire(combine(report.origin, parts_.digests->info().origin)));
    return {};
  }

  Result<void> scan(const grpc::ServerContext& context, const v1::ScanRequest& request,
                    v1::ScanReply& reply) {
    if (parts_.scanner == nullptr) return not_offered("scanner");
    hash::ScanRequest wanted{.nonce_first = request.nonce_first(),
                             .nonce_last = request.nonce_last(),
                             .nonces_max = std::max<std::size_t>(1, request.nonces_max())};
    CALX_TRY(read_exactly(request.header(), "header", wanted.header));
    CALX_TRY(read_exactly(request.target(), "target", wanted.target));
    const auto deadline = state_.deadline_of(context);
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    wanted.timeout = request.timeout_ms() == 0
                         ? left
                         : std::min(left, std::chrono::milliseconds(request.timeout_ms()));
    const CallWatch::Entry entry(state_.watch, context, deadline);
    CALX_ASSIGN(report, parts_.scanner->scan(wanted, entry.token()));
    for (const std::uint32_t nonce : report.nonces) reply.add_nonces(nonce);
    reply.set_covered(report.nonce_last_covered.has_value());
    reply.set_nonce_last_covered(report.nonce_last_covered.value_or(0));
    reply.set_hashes_claimed(report.hashes_claimed);
    reply.set_origin(to_wire(combine(report.origin, parts_.scanner->info().origin)));
    return {};
  }

  ServerState& state_;
  const ServerParts& parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_calx_service(ServerState& state) {
  return std::make_unique<CalxService>(state);
}

}  // namespace calx::remote
