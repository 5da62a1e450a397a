// Goal: engines over the network keep the contracts of engines at home, and nothing that a client
// or a server does wrong goes further than an error that names it. Method: parity and fault. The
// contract suites of the hash layer over loopback; a server whose engine lies; tokens, limits,
// deadlines and cancellation.
#include "calx/remote/server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <thread>

#include <proto/calx/v1/calx.grpc.pb.h>
#include "calx/hash/engine_contract_test.h"
#include "calx/remote/test_server.h"
#include "calx/remote/wire.h"

namespace calx::remote {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::string_view kToken = "a token of enough letters";

work::Job job_of(std::uint8_t number, std::uint32_t bits = 10) {
  hash::Digest payload{};
  payload[0] = number;
  return work::template_job(payload, *work::Target::from_work_bits(bits));
}

TestServer& shared_server() {
  static TestServer server;
  return server;
}

}  // namespace
}  // namespace calx::remote

namespace calx::hash {
namespace {

std::unique_ptr<DigestEngine> remote_digests() {
  return *remote::shared_server().connection()->digests();
}
std::unique_ptr<HeaderScanner> remote_scanner() {
  return *remote::shared_server().connection()->scanner();
}

INSTANTIATE_TEST_SUITE_P(Remote, DigestEngineContractTest,
                         testing::Values(DigestEngineMaker{"remote", remote_digests}),
                         [](const auto& instance) { return instance.param.name; });
INSTANTIATE_TEST_SUITE_P(Remote, HeaderScannerContractTest,
                         testing::Values(HeaderScannerMaker{"remote", remote_scanner}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace calx::hash

namespace calx::remote {
namespace {

TEST(ServerTest, ARemoteRunnerFindsTheShareThatTheRunnerBehindItFinds) {
  const auto runner = shared_server().connection()->runner();
  ASSERT_TRUE(runner);
  EXPECT_EQ((*runner)->origin(), Origin::kSoftware);
  const work::Job job = job_of(1);
  const auto found = (*runner)->run(job, {});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->share, work::software_runner().run(job, {})->share);
  EXPECT_EQ(found->origin, Origin::kSoftware);
}

TEST(ServerTest, StampsOfManyClientsShareOneTree) {
  const auto connection = shared_server().connection();
  std::vector<std::jthread> clients;
  std::atomic<int> held = 0;
  for (std::uint8_t i = 0; i < 8; ++i) {
    clients.emplace_back([&, i] {
      signal::AcceptedRequest request;
      request.id.fill(i), request.commitment.fill(static_cast<std::uint8_t>(i + 100));
      const auto first = connection->stamp(request, work::Deadline::max());
      const auto again = connection->stamp(request, work::Deadline::max());
      if (first && again && *first->stamp == *again->stamp && first->path == again->path) ++held;
    });
  }
  clients.clear();
  EXPECT_EQ(held, 8);
}

// Behind the server, so that the lie crosses the wire.
class Liar final : public work::JobRunner, public hash::DigestEngine, public hash::HeaderScanner {
 public:
  Liar() {
    info_ = {.name = "liar", .origin = Origin::kDevice, .batch_max = 10, .message_bytes_max = 100};
  }
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kDevice; }
  [[nodiscard]] const hash::EngineInfo& info() const noexcept override { return info_; }
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override {
    CALX_ASSIGN(found, work::software_runner().run(job, stop));
    do ++found.share.nonce;
    while (work::check_share(job, found.share).verdict == work::ShareVerdict::kAccepted);
    return found;
  }
  Result<hash::DigestReport> digest(std::span<const hash::Message> messages,
                                    std::span<hash::Digest> digests, std::stop_token) override {
    hash::sha256_many(messages, digests);
    digests.back()[31] ^= 1;
    return hash::DigestReport{.origin = Origin::kDevice};
  }
  Result<hash::ScanReport> scan(const hash::ScanRequest&, std::stop_token) override {
    hash::ScanReport report;
    report.nonces = {1, 2, 3};
    return report;
  }

 private:
  hash::EngineInfo info_;
};

TEST(ServerTest, WhatALyingServerSendsIsNamedAndNeverReturned) {
  Liar liar;
  const auto server =
      start_server(on_a_free_port(), {.digests = &liar, .scanner = &liar, .runner = &liar});
  ASSERT_TRUE(server);
  const auto connection = connect({.address = (*server)->address()});
  ASSERT_TRUE(connection);
  const auto share = (*(*connection)->runner())->run(job_of(2), {});
  ASSERT_FALSE(share);
  EXPECT_EQ(share.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(share.error().message, HasSubstr((*server)->address().to_string()));
  const std::vector<std::uint8_t> bytes(8);
  const std::vector<hash::Message> messages(3, bytes);
  std::vector<hash::Digest> digests(3);
  EXPECT_EQ((*(*connection)->digests())->digest(messages, digests).error().code,
            ErrorCode::kDataLoss);
  const auto scan = (*(*connection)->scanner())->scan({.nonce_last = 10});
  ASSERT_TRUE(scan);
  EXPECT_TRUE(scan->nonces.empty());
  EXPECT_EQ(scan->rejected, 3u);
  EXPECT_EQ(scan->origin, Origin::kModelled) << "the report's own, though the engine says device";
}

TEST(ServerTest, NobodyWithoutTheTokenGetsAnything) {
  auto options = on_a_free_port();
  options.token = kToken;
  const TestServer guarded(options);
  auto client = guarded.client();
  for (const std::string token : {"", "a token of enough letterz", "a token of enough letters "}) {
    client.token = token;
    EXPECT_EQ(connect(client).error().code, ErrorCode::kInvalidArgument) << token;
  }
  client.token = kToken;
  EXPECT_TRUE(connect(client));
  EXPECT_THAT(guarded.server->metrics(), HasSubstr("calx_refused_total 3\n"));
}

TEST(ServerTest, IsNotOpenToOthersByMistake) {
  ServerOptions options{.listen = {.host = "0.0.0.0", .port = 0}};
  EXPECT_EQ(start_server(options, {}).error().code, ErrorCode::kInvalidArgument);
  options.token = "short";
  EXPECT_EQ(start_server(options, {}).error().code, ErrorCode::kInvalidArgument);
  options.token = kToken;
  EXPECT_TRUE(start_server(options, {}));
  options.certificate = "only.pem";
  EXPECT_EQ(start_server(options, {}).error().code, ErrorCode::kInvalidArgument);
}

TEST(ServerTest, ATakenPortIsAnError) {
  const TestServer first;
  EXPECT_EQ(start_server({.listen = first.server->address()}, {}).error().code,
            ErrorCode::kUnavailable);
}

TEST(ServerTest, WhatTheServerLacksIsUnimplemented) {
  const auto bare = start_server(on_a_free_port(), {});
  ASSERT_TRUE(bare);
  const auto connection = connect({.address = (*bare)->address()});
  ASSERT_TRUE(connection);
  EXPECT_EQ((*connection)->runner().error().code, ErrorCode::kUnimplemented);
  EXPECT_EQ((*connection)->digests().error().code, ErrorCode::kUnimplemented);
  EXPECT_EQ((*connection)->stamp({}, work::Deadline::max()).error().code,
            ErrorCode::kUnimplemented);
}

TEST(ServerTest, TheDeadlineOfAJobCrossesTheWire) {
  EndlessRunner endless;
  const TestServer server(on_a_free_port(), &endless);
  const auto runner = server.connection()->runner();
  work::Job job = job_of(3);
  job.deadline = std::chrono::steady_clock::now() + milliseconds(100);
  EXPECT_EQ((*runner)->run(job, {}).error().code, ErrorCode::kDeadlineExceeded);
  while (endless.running != 0) std::this_thread::yield();
}

TEST(ServerTest, AStopHereEndsTheSearchThere) {
  EndlessRunner endless;
  const TestServer server(on_a_free_port(), &endless);
  const auto runner = server.connection()->runner();
  std::stop_source stop;
  const std::jthread stopper([&] {
    while (endless.running == 0) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_EQ((*runner)->run(job_of(4), stop.get_token()).error().code, ErrorCode::kCancelled);
  while (endless.running != 0) std::this_thread::yield();
}

TEST(ServerTest, AStoppedServerIsUnavailableAndTheConnectionComesBackWithIt) {
  auto server = std::make_unique<TestServer>();
  const auto connection = server->connection();
  const auto runner = connection->runner();
  auto options = on_a_free_port();
  options.listen = server->server->address();
  server->server->stop(milliseconds(100));
  EXPECT_EQ((*runner)->run(job_of(5), {}).error().code, ErrorCode::kUnavailable);
  server = std::make_unique<TestServer>(options);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  Result<work::FoundShare> found = (*runner)->run(job_of(5), {});
  while (!found && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(milliseconds(50));
    found = (*runner)->run(job_of(5), {});
  }
  EXPECT_TRUE(found) << found.error().message;
}

// What only a client without our own checks can send.
class RawTest : public testing::Test {
 protected:
  std::unique_ptr<v1::Calx::Stub> stub_ = v1::Calx::NewStub(grpc::CreateChannel(
      shared_server().server->address().to_string(), grpc::InsecureChannelCredentials()));
};

TEST_F(RawTest, RefusesRequestsOutOfTheirLimits) {
  const auto digest = [&](const v1::DigestRequest& request) {
    grpc::ClientContext context;
    v1::DigestReply reply;
    return stub_->Digest(&context, request, &reply).error_code();
  };
  v1::DigestRequest request;
  EXPECT_EQ(digest(request), grpc::StatusCode::INVALID_ARGUMENT) << "nothing to do";
  request.set_packed("12345");
  EXPECT_EQ(digest(request), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_packed_bytes(2);
  EXPECT_EQ(digest(request), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_packed_bytes(5);
  EXPECT_EQ(digest(request), grpc::StatusCode::OK);
  request.add_messages("and one more");
  EXPECT_EQ(digest(request), grpc::StatusCode::INVALID_ARGUMENT);
  request.clear_messages();
  request.set_packed(std::string(kDigestMessagesMax + 1, 'x'));
  request.set_packed_bytes(1);
  EXPECT_EQ(digest(request), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_packed(std::string(std::size_t{17} << 20, 'x'));
  request.set_packed_bytes(1 << 20);
  EXPECT_EQ(digest(request), grpc::StatusCode::RESOURCE_EXHAUSTED);

  v1::ScanRequest scan;
  scan.set_header(std::string(79, 'x'));
  scan.set_target(std::string(32, 'x'));
  grpc::ClientContext context, second;
  v1::ScanReply reply;
  EXPECT_EQ(stub_->Scan(&context, scan, &reply).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::RunReply found;
  EXPECT_EQ(stub_->Run(&second, {}, &found).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RawTest, AStreamAnswersEachRequestInItsOrder) {
  grpc::ClientContext context;
  const auto stream = stub_->DigestStream(&context);
  for (std::uint64_t i = 0; i < 50; ++i) {
    v1::DigestRequest request;
    request.add_messages(std::to_string(i));
    request.set_request_id(i);
    ASSERT_TRUE(stream->Write(request));
  }
  stream->WritesDone();
  v1::DigestReply reply;
  for (std::uint64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(stream->Read(&reply));
    EXPECT_EQ(reply.request_id(), i);
    EXPECT_EQ(reply.digests(), as_text(hash::sha256(std::to_string(i))));
    EXPECT_EQ(reply.origin(), v1::ORIGIN_SOFTWARE);
  }
  EXPECT_FALSE(stream->Read(&reply));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(RawTest, EveryReplyCarriesAnOrigin) {
  const auto expect = [](const grpc::Status& status, const auto& reply) {
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_NE(reply.origin(), v1::ORIGIN_UNSPECIFIED);
  };
  grpc::ClientContext one, two, three;
  v1::GetMetricsReply metrics;
  expect(stub_->GetMetrics(&one, {}, &metrics), metrics);
  EXPECT_THAT(metrics.prometheus(), HasSubstr("# TYPE calx_requests_total counter\n"));
  v1::GetDeviceInfoReply info;
  expect(stub_->GetDeviceInfo(&two, {}, &info), info);
  v1::GetHealthReply health;
  expect(stub_->GetHealth(&three, {}, &health), health);
}

}  // namespace
}  // namespace calx::remote
