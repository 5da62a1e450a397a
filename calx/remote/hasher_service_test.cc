// Goal: clients of hasher.v1 find what they know, but for one thing: what was not found is an
// error. Method: vector and fault. Limits and codes as published; the genesis block for MineWork.
#include "calx/remote/hasher_service.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <proto/hasher/v1/hasher.grpc.pb.h>
#include "calx/base/hex.h"
#include "calx/hash/sha256.h"
#include "calx/remote/test_server.h"

namespace calx::remote {
namespace {

namespace peer = ::hasher::v1;
using grpc::StatusCode;

constexpr std::string_view kGenesis =
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c"
    "3e"
    "67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";
constexpr std::uint32_t kGenesisNonce = 2083236893;

class HasherServiceTest : public testing::Test {
 protected:
  TestServer server_;
  std::unique_ptr<peer::hasherService::Stub> stub_ =
      peer::hasherService::NewStub(grpc::CreateChannel(server_.server->address().to_string(),
                                                       grpc::InsecureChannelCredentials()));

  StatusCode mine(const std::string& header, std::uint32_t first, std::uint32_t last,
                  std::uint32_t* nonce = nullptr) {
    peer::MineWorkRequest request;
    request.set_header(header);
    request.set_nonce_start(first);
    request.set_nonce_end(last);
    grpc::ClientContext context;
    peer::MineWorkResponse response;
    const auto status = stub_->MineWork(&context, request, &response);
    if (nonce != nullptr) *nonce = response.nonce();
    return status.error_code();
  }

  StatusCode batch(int count, std::uint32_t max, peer::ComputeBatchResponse& response) {
    peer::ComputeBatchRequest request;
    for (int i = 0; i < count; ++i) request.add_data("item " + std::to_string(i));
    request.set_max_batch_size(max);
    grpc::ClientContext context;
    return stub_->ComputeBatch(&context, request, &response).error_code();
  }
};

TEST_F(HasherServiceTest, HashesOneAndTellsTheOriginInTheMetadata) {
  peer::ComputeHashRequest request;
  peer::ComputeHashResponse response;
  request.set_data("abc");
  grpc::ClientContext context, empty;
  ASSERT_TRUE(stub_->ComputeHash(&context, request, &response).ok());
  EXPECT_EQ(response.hash(), as_text(hash::sha256("abc")));
  const auto found = context.GetServerInitialMetadata().find("calx-origin");
  ASSERT_NE(found, context.GetServerInitialMetadata().end());
  EXPECT_EQ(std::string(found->second.data(), found->second.size()), "software");
  request.clear_data();
  EXPECT_EQ(stub_->ComputeHash(&empty, request, &response).error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(HasherServiceTest, ABatchHasTheOrderOfTheRequestAndALimitWithoutTruncation) {
  peer::ComputeBatchResponse response;
  ASSERT_EQ(batch(256, 0, response), StatusCode::OK);
  EXPECT_EQ(response.processed_count(), 256u);
  for (int i = 0; i < 256; ++i) {
    EXPECT_EQ(response.hashes(i), as_text(hash::sha256("item " + std::to_string(i))));
  }
  EXPECT_EQ(batch(0, 0, response), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(batch(257, 0, response), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(batch(257, 1000, response), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(batch(3, 2, response), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(batch(2, 2, response), StatusCode::OK);
}

TEST_F(HasherServiceTest, AStreamSkipsEmptyItemsAndEndsWithTheClient) {
  grpc::ClientContext context;
  const auto stream = stub_->StreamCompute(&context);
  for (std::uint64_t i = 0; i < 6; ++i) {
    peer::StreamComputeRequest request;
    if (i % 2 == 0) request.set_data(std::to_string(i));
    request.set_request_id(i);
    stream->Write(request);
  }
  stream->WritesDone();
  peer::StreamComputeResponse response;
  for (const std::uint64_t i : {0u, 2u, 4u}) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.request_id(), i);
    EXPECT_EQ(response.hash(), as_text(hash::sha256(std::to_string(i))));
  }
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(HasherServiceTest, MinesTheGenesisBlockAndNeverCallsANonceFoundThatWasNot) {
  const std::string header = as_text(*from_hex(kGenesis));
  std::uint32_t nonce = 0;
  EXPECT_EQ(mine(header, kGenesisNonce - 1000, kGenesisNonce + 1000, &nonce), StatusCode::OK);
  EXPECT_EQ(nonce, kGenesisNonce);
  EXPECT_EQ(mine(header, kGenesisNonce + 1, kGenesisNonce + 1000), StatusCode::NOT_FOUND);
  EXPECT_EQ(mine(header.substr(1), 0, 1), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(mine(header, 2, 1), StatusCode::INVALID_ARGUMENT);
  std::string absurd = header;
  absurd[75] = 0x7f;
  EXPECT_EQ(mine(absurd, 0, 1), StatusCode::INVALID_ARGUMENT);
}

TEST_F(HasherServiceTest, TellsMetricsUnderTheKeysThatClientsRead) {
  grpc::ClientContext one, two;
  peer::GetMetricsResponse metrics;
  ASSERT_TRUE(stub_->GetMetrics(&one, {}, &metrics).ok());
  EXPECT_EQ(metrics.device_stats().count("total_requests"), 1u);
  EXPECT_EQ(metrics.device_stats().count("total_bytes"), 1u);
  peer::GetDeviceInfoResponse info;
  ASSERT_TRUE(stub_->GetDeviceInfo(&two, {}, &info).ok());
  EXPECT_EQ(info.device_path(), "software");
  EXPECT_TRUE(info.is_operational());
}

TEST(CompactTargetTest, FollowsBitcoin) {
  const auto hex = [](std::uint32_t bits) { return to_hex(*compact_target(bits)); };
  EXPECT_EQ(hex(0x1d00ffff), "00000000ffff0000000000000000000000000000000000000000000000000000");
  EXPECT_EQ(hex(0x207fffff), "7fffff0000000000000000000000000000000000000000000000000000000000");
  EXPECT_EQ(hex(0x03000001), "0000000000000000000000000000000000000000000000000000000000000001");
  EXPECT_EQ(hex(0x02123456), "0000000000000000000000000000000000000000000000000000000000001234");
  for (const std::uint32_t bits : {0x1d80ffffu, 0x00123456u, 0x23000001u, 0x22ffff00u, 0u}) {
    EXPECT_FALSE(compact_target(bits)) << std::hex << bits;
  }
}

}  // namespace
}  // namespace calx::remote
