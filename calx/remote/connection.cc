#include "calx/remote/connection.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>

#include <proto/calx/v1/calx.grpc.pb.h>
#include "calx/hash/sha256.h"
#include "calx/remote/channel.h"
#include "calx/remote/server.h"
#include "calx/remote/wire.h"

namespace calx::remote {
namespace {

using Clock = std::chrono::steady_clock;

class GrpcConnection final : public Connection {
 public:
  GrpcConnection(ConnectionOptions options, const std::shared_ptr<grpc::Channel>& channel)
      : options_(std::move(options)),
        channel_(channel),
        stub_(v1::Calx::NewStub(channel)),
        name_(options_.address.to_string()) {}

  Result<void> ask() {
    CALX_TRY(await(*channel_, options_));
    v1::GetDeviceInfoReply reply;
    CALX_TRY(call(Clock::now() + options_.connect_time, {}, [&](grpc::ClientContext& context) {
      return stub_->GetDeviceInfo(&context, {}, &reply);
    }));
    info_ = info_from_wire(reply);
    messages_max_ =
        static_cast<std::size_t>(std::min<std::uint64_t>(reply.messages_max(), kDigestMessagesMax));
    bytes_max_ = std::min<std::uint64_t>(reply.message_bytes_max(), options_.call_bytes_max);
    return {};
  }

  /// One call with the token, a deadline and a way to stop it.
  template <class Body>
  Result<void> call(Clock::time_point deadline, const std::stop_token& stop, Body&& body) {
    grpc::ClientContext context;
    prepare(context, options_, deadline);
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    const grpc::Status status = body(context);
    if (status.ok()) return {};
    return std::unexpected(from_status(status, name_));
  }

  [[nodiscard]] const RemoteInfo& info() const noexcept override { return info_; }
  Result<std::unique_ptr<work::JobRunner>> runner() override;
  Result<std::unique_ptr<hash::DigestEngine>> digests() override;
  Result<std::unique_ptr<hash::HeaderScanner>> scanner() override;
  Result<signal::StampedRequest> stamp(const signal::AcceptedRequest& request,
                                       work::Deadline deadline, std::stop_token stop) override;

  [[nodiscard]] v1::Calx::Stub& stub() noexcept { return *stub_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const ConnectionOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::size_t messages_max() const noexcept { return messages_max_; }
  [[nodiscard]] std::uint64_t bytes_max() const noexcept { return bytes_max_; }

  [[nodiscard]] std::unexpected<Error> lied(std::string_view what) const {
    return fail(ErrorCode::kDataLoss, fmt::format("{} sent {}", name_, what));
  }

 private:
  [[nodiscard]] std::shared_ptr<GrpcConnection> self() {
    return std::static_pointer_cast<GrpcConnection>(shared_from_this());
  }
  [[nodiscard]] std::unexpected<Error> lacks(std::string_view what) const {
    return fail(ErrorCode::kUnimplemented, fmt::format("{} offers no {}", name_, what));
  }

  ConnectionOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Calx::Stub> stub_;
  std::string name_;
  RemoteInfo info_;
  std::size_t messages_max_ = 0;
  std::uint64_t bytes_max_ = 0;
};

class RemoteRunner final : public work::JobRunner {
 public:
  explicit RemoteRunner(std::shared_ptr<GrpcConnection> connection) noexcept
      : connection_(std::move(connection)) {}

  [[nodiscard]] Origin origin() const noexcept override { return connection_->info().origin; }
  // The server passes the mask on; whoever stands behind it may use it or not.
  [[nodiscard]] std::uint32_t version_mask() const noexcept override { return work::kVersionMask; }

  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override {
    CALX_TRY(work::check(job));
    const v1::RunRequest request = to_wire(job);
    const auto latest = Clock::now() + connection_->options().search_time;
    v1::RunReply reply;
    CALX_TRY(connection_->call(std::min<Clock::time_point>(job.deadline, latest), stop,
                               [&](grpc::ClientContext& context) {
                                 return connection_->stub().Run(&context, request, &reply);
                               }));
    work::FoundShare found = from_wire(reply);
    const work::CheckedShare checked = work::check_share(job, found.share);
    if (checked.verdict != work::ShareVerdict::kAccepted) {
      return connection_->lied(fmt::format("a share that does not hold: {}", checked.reason));
    }
    found.origin = combine(found.origin, origin());
    return found;
  }

 private:
  std::shared_ptr<GrpcConnection> connection_;
};

class RemoteDigests final : public hash::DigestEngine {
 public:
  explicit RemoteDigests(std::shared_ptr<GrpcConnection> connection)
      : connection_(std::move(connection)) {
    info_ = {.name = "remote " + connection_->name(),
             .origin = connection_->info().digest_origin,
             .batch_max = connection_->messages_max(),
             // Room for the tags and lengths of the wire beside a message.
             .message_bytes_max =
                 connection_->bytes_max() - std::min<std::uint64_t>(connection_->bytes_max(), 64)};
  }

  [[nodiscard]] const hash::EngineInfo& info() const noexcept override { return info_; }

  Result<hash::DigestReport> digest(std::span<const hash::Message> messages,
                                    std::span<hash::Digest> digests,
                                    std::stop_token stop) override {
    if (messages.size() != digests.size()) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{} messages with room for {} digests",
                                                           messages.size(), digests.size()));
    }
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the call was stopped");
    if (messages.empty()) return hash::DigestReport{.origin = info_.origin};
    CALX_ASSIGN(request, request_of(messages));
    v1::DigestReply reply;
    CALX_TRY(connection_->call(Clock::now() + connection_->options().call_time, stop,
                               [&](grpc::ClientContext& context) {
                                 return connection_->stub().Digest(&context, request, &reply);
                               }));
    const auto given = as_bytes(reply.digests());
    hash::sha256_many(messages, digests);
    const std::span<const std::uint8_t> own(digests.front().data(),
                                            digests.size() * sizeof(hash::Digest));
    if (!std::ranges::equal(given, own)) {
      return connection_->lied("digests that differ from those computed here");
    }
    return hash::DigestReport{.origin = combine(from_wire(reply.origin()), info_.origin),
                              .compressions = reply.compressions()};
  }

 private:
  Result<v1::DigestRequest> request_of(std::span<const hash::Message> messages) const {
    if (messages.size() > info_.batch_max) {
      return fail(ErrorCode::kResourceExhausted, fmt::format("{} messages in a call, at most {}",
                                                             messages.size(), info_.batch_max));
    }
    v1::DigestRequest request;
    const std::size_t each = messages.front().size();
    const bool equal = each > 0 && std::ranges::all_of(messages, [each](hash::Message message) {
                         return message.size() == each;
                       });
    if (equal) {
      std::string& packed = *request.mutable_packed();
      packed.reserve(each * messages.size());
      for (const auto& message : messages) {
        packed.append(reinterpret_cast<const char*>(message.data()), message.size());
      }
      request.set_packed_bytes(static_cast<std::uint32_t>(each));
    } else {
      for (const auto& message : messages) request.add_messages(as_text(message));
    }
    if (request.ByteSizeLong() > connection_->bytes_max()) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("a call of {} bytes, at most {}", request.ByteSizeLong(),
                              connection_->bytes_max()));
    }
    return request;
  }

  std::shared_ptr<GrpcConnection> connection_;
  hash::EngineInfo info_;
};

class RemoteScanner final : public hash::HeaderScanner {
 public:
  explicit RemoteScanner(std::shared_ptr<GrpcConnection> connection)
      : connection_(std::move(connection)) {
    info_.name = "remote " + connection_->name();
    info_.origin = connection_->info().origin;
  }

  [[nodiscard]] const hash::EngineInfo& info() const noexcept override { return info_; }

  Result<hash::ScanReport> scan(const hash::ScanRequest& request, std::stop_token stop) override {
    const auto time =
        std::min<std::chrono::milliseconds>(request.timeout, connection_->options().search_time);
    v1::ScanRequest wanted;
    wanted.set_header(as_text(request.header));
    wanted.set_target(as_text(request.target));
    wanted.set_nonce_first(request.nonce_first);
    wanted.set_nonce_last(request.nonce_last);
    wanted.set_nonces_max(static_cast<std::uint32_t>(request.nonces_max));
    wanted.set_timeout_ms(static_cast<std::uint32_t>(std::max<std::int64_t>(1, time.count())));
    if (request.nonces_max == 0 || request.nonces_max > hash::kScanNoncesMax) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} nonces wanted, 1 to {} can be", request.nonces_max,
                              hash::kScanNoncesMax));
    }
    v1::ScanReply reply;
    const auto done = connection_->call(Clock::now() + time + connection_->options().connect_time,
                                        stop, [&](grpc::ClientContext& context) {
                                          return connection_->stub().Scan(&context, wanted, &reply);
                                        });
    hash::ScanReport report;
    report.origin = info_.origin;
    if (!done && done.error().code == ErrorCode::kCancelled && stop.stop_requested()) return report;
    if (!done) return std::unexpected(done.error());
    report.origin = combine(from_wire(reply.origin()), info_.origin);
    report.hashes_claimed = reply.hashes_claimed();
    if (reply.covered()) report.nonce_last_covered = reply.nonce_last_covered();
    for (const std::uint32_t nonce : reply.nonces()) {
      const bool holds = nonce >= request.nonce_first && nonce <= request.nonce_last &&
                         hash::meets_target(hash::sha256d(hash::with_nonce(request.header, nonce)),
                                            request.target);
      if (holds) {
        report.nonces.push_back(nonce);
      } else {
        ++report.rejected;
      }
    }
    std::ranges::sort(report.nonces);
    const auto twice = std::ranges::unique(report.nonces);
    report.nonces.erase(twice.begin(), twice.end());
    if (report.nonces.size() > request.nonces_max) report.nonces.resize(request.nonces_max);
    return report;
  }

 private:
  std::shared_ptr<GrpcConnection> connection_;
  hash::EngineInfo info_;
};

Result<std::unique_ptr<work::JobRunner>> GrpcConnection::runner() {
  if (!info_.run) return lacks("job runner");
  return std::make_unique<RemoteRunner>(self());
}

Result<std::unique_ptr<hash::DigestEngine>> GrpcConnection::digests() {
  if (!info_.digest) return lacks("digests");
  return std::make_unique<RemoteDigests>(self());
}

Result<std::unique_ptr<hash::HeaderScanner>> GrpcConnection::scanner() {
  if (!info_.scan) return lacks("scanner");
  return std::make_unique<RemoteScanner>(self());
}

Result<signal::StampedRequest> GrpcConnection::stamp(const signal::AcceptedRequest& request,
                                                     work::Deadline deadline,
                                                     std::stop_token stop) {
  v1::StampRequest wanted;
  wanted.set_id(as_text(request.id));
  wanted.set_commitment(as_text(request.commitment));
  v1::StampReply reply;
  const auto latest = Clock::now() + options_.search_time;
  CALX_TRY(
      call(std::min<Clock::time_point>(deadline, latest), stop,
           [&](grpc::ClientContext& context) { return stub_->Stamp(&context, wanted, &reply); }));
  auto stamped = from_wire(reply);
  if (!stamped) return lied(stamped.error().message);
  const auto held = work::check(*stamped->stamp);
  if (!held) return lied(held.error().message);
  const auto root = work::root_of(request.commitment, stamped->path, stamped->stamp->leaves);
  if (!root || *root != stamped->stamp->root) return lied("a stamp of other requests");
  return stamped;
}

}  // namespace

Result<std::shared_ptr<Connection>> connect(const ConnectionOptions& options) {
  CALX_ASSIGN(channel, make_channel(options));
  auto connection = std::make_shared<GrpcConnection>(options, channel);
  CALX_TRY(connection->ask());
  return connection;
}

}  // namespace calx::remote
