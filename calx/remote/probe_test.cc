// Goal: a probe says who answers over either protocol, and says plainly when nobody does. Method:
// parity and fault. Our own server; a server that has hasher.v1 alone, as peers do; one with
// neither; stopping with calls under way.
#include "calx/remote/probe.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <thread>

#include <proto/calx/v1/calx.grpc.pb.h>
#include <proto/hasher/v1/hasher.grpc.pb.h>
#include "calx/remote/test_server.h"

namespace calx::remote {
namespace {

namespace peer = ::hasher::v1;
using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(ProbeTest, TellsOfAServerOfCalx) {
  const TestServer server;
  const auto report = probe(server.client());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->protocol, "calx.v1");
  EXPECT_EQ(report->origin, Origin::kSoftware);
  EXPECT_TRUE(report->serving);
  EXPECT_TRUE(report->info.digest && report->info.scan && report->info.run && report->info.stamp);
  EXPECT_THAT(report->prometheus, HasSubstr("calx_call_seconds_count{service=\"calx.v1\","
                                            "call=\"GetDeviceInfo\"} 1\n"));
  EXPECT_EQ(report->counters.front(), std::pair(std::string("calls"), std::uint64_t{2}));
}

// A foreign server of hasher.v1: no origin in its metadata.
class Peer final : public peer::hasherService::Service {
 public:
  grpc::Status GetDeviceInfo(grpc::ServerContext*, const peer::GetDeviceInfoRequest*,
                             peer::GetDeviceInfoResponse* response) override {
    response->set_device_path("/dev/bitmain-asic");
    response->set_chip_count(32);
    response->set_is_operational(true);
    response->set_uptime_seconds(77);
    return grpc::Status::OK;
  }
  grpc::Status GetMetrics(grpc::ServerContext*, const peer::GetMetricsRequest*,
                          peer::GetMetricsResponse* response) override {
    response->set_total_requests(5);
    return grpc::Status::OK;
  }
  grpc::Status ComputeHash(grpc::ServerContext*, const peer::ComputeHashRequest*,
                           peer::ComputeHashResponse*) override {
    return grpc::Status::OK;
  }
};

struct Foreign {
  explicit Foreign(grpc::Service* service) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    if (service != nullptr) builder.RegisterService(service);
    server = builder.BuildAndStart();
  }
  [[nodiscard]] ConnectionOptions client() const {
    return {.address = {.host = "127.0.0.1", .port = static_cast<std::uint16_t>(port)}};
  }
  int port = 0;
  std::unique_ptr<grpc::Server> server;
};

TEST(ProbeTest, TellsOfAPeerOfHasherV1WithoutAnOrigin) {
  Peer service;
  const Foreign foreign(&service);
  const auto report = probe(foreign.client());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->protocol, "hasher.v1");
  EXPECT_EQ(report->info.path, "/dev/bitmain-asic");
  EXPECT_EQ(report->info.chips, 32u);
  EXPECT_EQ(report->uptime.count(), 77);
  EXPECT_FALSE(report->origin);
  EXPECT_EQ(report->info.digest_origin, Origin::kModelled) << "what is not told is the weakest";
}

TEST(ProbeTest, AServerWithNeitherOrNobodyIsNamed) {
  v1::Calx::Service bare;  // every call of it is UNIMPLEMENTED
  const Foreign foreign(&bare);
  const auto neither = probe(foreign.client());
  ASSERT_FALSE(neither);
  EXPECT_EQ(neither.error().code, ErrorCode::kUnimplemented);
  EXPECT_THAT(neither.error().message, HasSubstr("neither calx.v1 nor hasher.v1"));
  auto nobody = foreign.client();
  foreign.server->Shutdown();
  nobody.connect_time = milliseconds(200);
  EXPECT_EQ(probe(nobody).error().code, ErrorCode::kUnavailable);
}

// Finds its share when it is told to.
class HeldRunner final : public work::JobRunner {
 public:
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kSoftware; }
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override {
    running = true;
    while (!release && !stop.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
    return work::software_runner().run(job, stop);
  }
  std::atomic<bool> running = false, release = false;
};

TEST(GracefulStopTest, ACallUnderWayEndsWellAndNewOnesAreRefused) {
  HeldRunner held;
  const TestServer server(on_a_free_port(), &held);
  const auto connection = server.connection();
  const auto runner = connection->runner();
  hash::Digest payload{};
  const work::Job job = work::template_job(payload, *work::Target::from_work_bits(8));
  Result<work::FoundShare> found = fail(ErrorCode::kInternal, "not run");
  std::jthread caller([&] { found = (*runner)->run(job, {}); });
  while (!held.running) std::this_thread::yield();
  std::jthread stopper([&] { server.server->stop(std::chrono::seconds(60)); });
  auto late = server.client();
  late.connect_time = milliseconds(100);
  while (probe(late)) {
  }
  held.release = true;
  caller.join();
  EXPECT_TRUE(found) << found.error().message;
}

TEST(GracefulStopTest, ACallThatOutlivesTheGraceIsCancelled) {
  EndlessRunner endless;
  const TestServer server(on_a_free_port(), &endless);
  const auto runner = server.connection()->runner();
  hash::Digest payload{};
  const work::Job job = work::template_job(payload, *work::Target::from_work_bits(8));
  Result<work::FoundShare> found = fail(ErrorCode::kInternal, "not run");
  std::jthread caller([&] { found = (*runner)->run(job, {}); });
  while (endless.running == 0) std::this_thread::yield();
  server.server->stop(milliseconds(50));
  caller.join();
  EXPECT_FALSE(found);
  EXPECT_EQ(endless.running, 0);
}

// The first message of reflection's stream asks for the names of the services (field 7); the reply
// holds them as text. Without generated code: the schema of reflection is not installed.
TEST(ReflectionTest, NamesBothServices) {
  const TestServer server;
  const auto channel =
      grpc::CreateChannel(server.server->address().to_string(), grpc::InsecureChannelCredentials());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  const grpc::internal::RpcMethod method(
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      grpc::internal::RpcMethod::BIDI_STREAMING);
  const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
          channel.get(), method, &context));
  const grpc::Slice question(std::string("\x3a\x01*"));
  ASSERT_TRUE(stream->Write(grpc::ByteBuffer(&question, 1)));
  grpc::ByteBuffer reply;
  ASSERT_TRUE(stream->Read(&reply));
  grpc::Slice whole;
  ASSERT_TRUE(reply.DumpToSingleSlice(&whole).ok());
  const std::string text(reinterpret_cast<const char*>(whole.begin()), whole.size());
  EXPECT_THAT(text, HasSubstr("calx.v1.Calx"));
  EXPECT_THAT(text, HasSubstr("hasher.v1.hasherService"));
  EXPECT_THAT(text, HasSubstr("grpc.health.v1.Health"));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

}  // namespace
}  // namespace calx::remote
