// A server on a free loopback port with the software engines behind it, for the tests here.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "calx/hash/software_engine.h"
#include "calx/remote/connection.h"
#include "calx/remote/server.h"
#include "calx/signal/batcher.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::remote {

inline ServerOptions on_a_free_port() { return {.listen = {.host = "127.0.0.1", .port = 0}}; }

/// A runner that finds nothing until it is stopped.
class EndlessRunner final : public work::JobRunner {
 public:
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kEmulated; }
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override {
    ++running;
    while (!stop.stop_requested() && std::chrono::steady_clock::now() < job.deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    --running;
    return fail(ErrorCode::kCancelled, "stopped");
  }
  std::atomic<int> running = 0;
};

struct TestServer {
  explicit TestServer(ServerOptions options = on_a_free_port(), work::JobRunner* runner = nullptr) {
    parts.digests = &digests;
    parts.scanner = &scanner;
    parts.runner = runner == nullptr ? &work::software_runner() : runner;
    parts.batcher = &batcher;
    auto started = start_server(options, parts);
    EXPECT_TRUE(started) << started.error().message;
    if (started) server = std::move(*started);
  }

  [[nodiscard]] ConnectionOptions client() const { return {.address = server->address()}; }

  std::shared_ptr<Connection> connection() const {
    auto connection = connect(client());
    EXPECT_TRUE(connection) << connection.error().message;
    return connection ? *connection : nullptr;
  }

  hash::SoftwareDigestEngine digests;
  hash::SoftwareScanner scanner;
  signal::Batcher batcher{
      work::software_runner(),
      {.target = *work::Target::from_work_bits(8), .window = std::chrono::milliseconds(2)}};
  ServerParts parts;
  std::unique_ptr<Server> server;
};

}  // namespace calx::remote
