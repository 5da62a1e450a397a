// Goal: an engine over a wire that is as right as software, and frames that nothing can confuse.
// Method: the contract of every DigestEngine, over a wire in this process and over a socket; laws:
// frames survive encoding; vectors: the frames of docs/protocol/hash.md; faults: flipped bits,
// garbage, a device that lies, dies, or says more of itself than its wire can.
#include "calx/device/direct_hash_engine.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "calx/base/hex.h"
#include "calx/device/descriptor_wire.h"
#include "calx/hash/engine_contract_test.h"

namespace calx::device {
namespace {

using std::chrono::milliseconds;

// The device at the end of a wire in this process; the test may spoil what it sends.
class LocalWire final : public Wire {
 public:
  [[nodiscard]] Origin origin() const noexcept override { return claimed; }
  Result<std::size_t> read(std::span<std::uint8_t> out, Deadline deadline) override {
    if (pending_.empty()) pending_ = device.take_output();
    if (spoil && !pending_.empty()) spoil(pending_);
    if (pending_.empty()) std::this_thread::sleep_until(deadline);
    const std::size_t count = std::min(out.size(), pending_.size());
    std::copy_n(pending_.begin(), count, out.begin());
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  Result<void> write(std::span<const std::uint8_t> bytes) override {
    device.receive(bytes);
    return {};
  }
  DirectHashDevice device{64, 4096};
  Origin claimed = Origin::kEmulated;
  std::function<void(std::vector<std::uint8_t>&)> spoil;

 private:
  std::vector<std::uint8_t> pending_;
};

// The device behind a socket, served by a thread.
class SocketWire final : public Wire {
 public:
  SocketWire() {
    int pair[2] = {};
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair);
    near_ = std::make_unique<DescriptorWire>(pair[0], "near", Origin::kEmulated, ZeroRead::kClosed);
    far_ = std::make_unique<DescriptorWire>(pair[1], "far", Origin::kEmulated, ZeroRead::kClosed);
    thread_ = std::jthread([this](const std::stop_token& stop) {
      DirectHashDevice device;
      std::vector<std::uint8_t> buffer(4096);
      while (!stop.stop_requested()) {
        const auto count = far_->read(buffer, std::chrono::steady_clock::now() + milliseconds(5));
        if (!count) return;
        device.receive(std::span(buffer).first(*count));
        const auto out = device.take_output();
        EXPECT_TRUE(far_->write(out));
      }
    });
  }
  [[nodiscard]] Origin origin() const noexcept override { return near_->origin(); }
  Result<std::size_t> read(std::span<std::uint8_t> out, Deadline deadline) override {
    return near_->read(out, deadline);
  }
  Result<void> write(std::span<const std::uint8_t> bytes) override { return near_->write(bytes); }

 private:
  std::unique_ptr<DescriptorWire> near_, far_;
  std::jthread thread_;
};

// An engine together with the wire that must outlive it.
template <class Line>
class Whole final : public hash::DigestEngine {
 public:
  Whole() : engine_(std::move(*DirectHashEngine::open(line_))) {}
  [[nodiscard]] const hash::EngineInfo& info() const noexcept override { return engine_->info(); }
  Result<hash::DigestReport> digest(std::span<const hash::Message> messages,
                                    std::span<hash::Digest> digests,
                                    std::stop_token stop) override {
    return engine_->digest(messages, digests, std::move(stop));
  }

 private:
  Line line_;
  std::unique_ptr<DirectHashEngine> engine_;
};

}  // namespace
}  // namespace calx::device

namespace calx::hash {
INSTANTIATE_TEST_SUITE_P(
    DirectHash, DigestEngineContractTest,
    testing::Values(
        DigestEngineMaker{"local",
                          [] { return std::make_unique<device::Whole<device::LocalWire>>(); }},
        DigestEngineMaker{"socket",
                          [] { return std::make_unique<device::Whole<device::SocketWire>>(); }}),
    [](const auto& row) { return row.param.name; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(HeaderScannerContractTest);
}  // namespace calx::hash

namespace calx::device {
namespace {

std::vector<HashFrame> one_of_each() {
  return {{.id = 1, .body = HashHello{}},
          {.id = 1,
           .body = HashWelcome{.origin = Origin::kEmulated,
                               .batch_max = 64,
                               .message_bytes_max = 4096,
                               .name = "fpga"}},
          {.id = 2, .body = HashBatch{{{'a', 'b', 'c'}, {}}}},
          {.id = 2, .body = HashDigests{{hash::sha256("abc"), hash::sha256("")}}},
          {.id = 3, .body = HashRefusal{ErrorCode::kResourceExhausted, "too much"}}};
}

// docs/protocol/hash.md, section 4: printed by Python's hashlib.
TEST(DirectHashFrameTest, FramesAreThoseOfTheStandard) {
  auto frames = one_of_each();
  frames[3].body = HashDigests{{hash::sha256("abc")}};
  const std::string_view vectors[] = {
      "4358483101000000000000010000000400010001ce825b78",
      "4358483102000000000000010000001000010104000000400000100066706761ec1f0d76",
      "4358483103000000000000020000000f00000002000000036162630000000094ae01be",
      "4358483104000000000000020000002400000001ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410"
      "ff61f20015ad49be8056",
      "4358483105000000000000030000000a0008746f6f206d756368d5727a35"};
  for (std::size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(to_hex(*encode(frames[i])), vectors[i]);
}

TEST(DirectHashFrameTest, FramesSurviveAndNoFlippedBitDoes) {
  for (const HashFrame& frame : one_of_each()) {
    auto bytes = *encode(frame);
    const auto again = parse_hash_frame(bytes);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->id, frame.id);
    EXPECT_EQ(again->body.index(), frame.body.index());
    EXPECT_EQ(*encode(*again), bytes);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1u << bit % 8);
      EXPECT_FALSE(parse_hash_frame(bytes)) << frame.body.index() << " bit " << bit;
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1u << bit % 8);
    }
  }
}

TEST(DirectHashFrameTest, AStreamIsFoundAgainAfterGarbage) {
  std::vector<std::uint8_t> bytes;
  for (const HashFrame& frame : one_of_each()) {
    const auto encoded = *encode(frame);
    bytes.insert(bytes.end(), {'C', 'X', 'H', 0, 0xff});
    bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  }
  HashFrameStream stream;
  std::vector<std::size_t> kinds;
  for (const std::uint8_t byte : bytes) {
    stream.push(std::span(&byte, 1));
    while (const auto frame = stream.next()) kinds.push_back(frame->body.index());
  }
  EXPECT_EQ(kinds, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

TEST(DirectHashEngineTest, ItsOriginIsTheEarlierOfWireAndDevice) {
  for (const Origin wire_origin : {Origin::kModelled, Origin::kEmulated, Origin::kDevice}) {
    LocalWire wire;
    wire.claimed = wire_origin;
    const auto engine = DirectHashEngine::open(wire);
    ASSERT_TRUE(engine);
    EXPECT_EQ((*engine)->info().origin, combine(wire_origin, Origin::kEmulated));
  }
}

// Every digest of a batch is wrong, so the spot check cannot miss it.
TEST(DirectHashEngineTest, ALyingDeviceIsDataLoss) {
  LocalWire wire;
  const auto engine = DirectHashEngine::open(wire);
  ASSERT_TRUE(engine);
  wire.spoil = [](std::vector<std::uint8_t>& bytes) {
    auto frame = *parse_hash_frame(bytes);
    for (auto& digest : std::get<HashDigests>(frame.body).digests) digest[0] ^= 1;
    bytes = *encode(frame);
  };
  const std::vector<std::uint8_t> text = {'a', 'b'};
  const std::vector<hash::Message> messages(5, text);
  std::vector<hash::Digest> digests(5);
  EXPECT_EQ((*engine)->digest(messages, digests, {}).error().code, ErrorCode::kDataLoss);
}

TEST(DirectHashEngineTest, ADeadDeviceAndAMessageTooLongAreErrors) {
  LocalWire wire;
  const auto engine = DirectHashEngine::open(wire, milliseconds(30));
  ASSERT_TRUE(engine);
  const std::vector<std::uint8_t> longer(4097);
  const std::vector<hash::Message> one = {longer};
  std::vector<hash::Digest> digest(1);
  EXPECT_EQ((*engine)->digest(one, digest, {}).error().code, ErrorCode::kResourceExhausted);
  wire.spoil = [](std::vector<std::uint8_t>& bytes) { bytes.clear(); };
  const std::vector<hash::Message> empty(1);
  EXPECT_EQ((*engine)->digest(empty, digest, {}).error().code, ErrorCode::kUnavailable);
}

TEST(DirectHashDeviceTest, RefusesWhatIsNoRequestOrTooMuch) {
  DirectHashDevice device(2, 8);
  const auto ask = [&device](const HashFrame& frame) {
    device.receive(*encode(frame));
    return *parse_hash_frame(device.take_output());
  };
  EXPECT_TRUE(std::holds_alternative<HashRefusal>(ask(one_of_each()[2]).body)) << "no hello yet";
  EXPECT_TRUE(std::holds_alternative<HashRefusal>(ask({.body = HashHello{2, 9}}).body));
  EXPECT_TRUE(std::holds_alternative<HashWelcome>(ask({.body = HashHello{1, 9}}).body));
  EXPECT_TRUE(std::holds_alternative<HashDigests>(ask(one_of_each()[2]).body));
  EXPECT_TRUE(std::holds_alternative<HashRefusal>(ask({.body = HashBatch{{{}, {}, {}}}}).body));
}

}  // namespace
}  // namespace calx::device
