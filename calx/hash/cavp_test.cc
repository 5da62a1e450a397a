// Goal: the published test vectors of NIST's Cryptographic Algorithm Validation Program.
// Method: vector tests on each kernel in turn: a few vectors written here, and the whole files
// SHA256ShortMsg.rsp, SHA256LongMsg.rsp and SHA256Monte.rsp (CAVS 11, public domain) where
// $CALX_DATA/nist or ../shared/data/nist holds them; without them those tests say that they skip.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "calx/base/hex.h"
#include "calx/hash/bulk.h"
#include "calx/hash/kernel_test_name.h"
#include "calx/hash/sha256.h"

namespace calx::hash {
namespace {

class CavpTest : public ForcedKernelTest {};
INSTANTIATE_TEST_SUITE_P(, CavpTest, testing::ValuesIn(kernels()), kernel_test_name);

struct Vector {
  std::vector<std::uint8_t> message;
  std::string digest;
};

std::vector<std::uint8_t> bytes(std::string_view digits) {
  auto result = from_hex(digits);
  EXPECT_TRUE(result);
  return result.value_or(std::vector<std::uint8_t>{});
}

void expect_digests(const std::vector<Vector>& vectors) {
  std::vector<Message> messages;
  for (const Vector& vector : vectors) messages.emplace_back(vector.message);
  std::vector<Digest> digests(messages.size());
  sha256_many(messages, digests);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    EXPECT_EQ(to_hex(sha256(messages[i])), vectors[i].digest) << messages[i].size() << " bytes";
    EXPECT_EQ(to_hex(digests[i]), vectors[i].digest) << messages[i].size() << " bytes, in bulk";
  }
}

std::filesystem::path nist_folder() {
  const char* data = std::getenv("CALX_DATA");
  return data != nullptr ? std::filesystem::path(data) / "nist"
                         : std::filesystem::path(CALX_SOURCE_DIR) / "../shared/data/nist";
}

/// The values of each line "name = value", in order of the file.
std::vector<std::pair<std::string, std::string>> read_response_file(const std::string& name) {
  std::ifstream in(nist_folder() / name);
  std::vector<std::pair<std::string, std::string>> lines;
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && line.back() == '\r') line.pop_back();
    const auto split = line.find(" = ");
    if (split != std::string::npos && line[0] != '[') {
      lines.emplace_back(line.substr(0, split), line.substr(split + 3));
    }
  }
  return lines;
}

std::vector<Vector> read_messages(const std::string& name) {
  std::vector<Vector> vectors;
  std::size_t length = 0;
  for (const auto& [key, value] : read_response_file(name)) {
    if (key == "Len") length = std::stoul(value) / 8;
    if (key == "Msg") {
      vectors.push_back({bytes(value), ""});
      vectors.back().message.resize(length);  // the empty message is written as one byte
    }
    if (key == "MD") vectors.back().digest = value;
  }
  return vectors;
}

TEST_P(CavpTest, HashesMessagesAtTheEdgesOfABlock) {
  expect_digests({
      {bytes("d3"), "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
      {bytes("b4190e"), "dff2e73091f6c05e528896c4c831b9448653dc2ff043528f6769437bc7b975c2"},
      {bytes(
           "3ebfb06db8c38d5ba037f1363e118550aad94606e26835a01af05078533cc25f2f39573c04b632f62f68c2"
           "94ab31f2a3e2a1a0d8c2be51"),
       "6595a2ef537a69ba8583dfbf7f5bec0ab1f93ce4c8ee1916eff44a93af5749c4"},
      {bytes(
           "2d52447d1244d2ebc28650e7b05654bad35b3a68eedc7f8515306b496d75f3e73385dd1b002625024b81a0"
           "2f2fd6dffb6e6d561cb7d0bd7a"),
       "cfb88d6faf2de3a69d36195acec2e255e2af2b7d933997f348e09f6ce5758360"},
      {bytes(
           "e2f76e97606a872e317439f1a03fcd92e632e5bd4e7cbc4e97f1afc19a16fde92d77cbe546416b51640cdd"
           "b92af996534dfd81edb17c4424cf1ac4d75aceeb"),
       "18041bd4665083001fba8c5411d2d748e8abbfdcdfd9218cb02b68a78e7d4c23"},
      {bytes(
           "5a86b737eaea8ee976a0a24da63e7ed7eefad18a101c1211e2b3650c5187c2a8a650547208251f6d4237e6"
           "61c7bf4c77f335390394c37fa1a9f9be836ac28509"),
       "42e61e174fbb3897d6dd6cef3dd2802fe67b331953b06114a65c772859dfc1aa"},
  });
}

TEST_P(CavpTest, HashesEveryShortAndLongMessageOfTheProgram) {
  for (const auto& [name, count] :
       std::map<std::string, std::size_t>{{"SHA256ShortMsg.rsp", 65}, {"SHA256LongMsg.rsp", 64}}) {
    const auto vectors = read_messages(name);
    if (vectors.empty()) GTEST_SKIP() << nist_folder() / name << " is missing: set CALX_DATA";
    EXPECT_EQ(vectors.size(), count) << name;
    expect_digests(vectors);
  }
}

// The seed is three times the last digest; 1,000 rounds hash the last three digests.
TEST_P(CavpTest, FollowsTheMonteCarloChain) {
  const auto lines = read_response_file("SHA256Monte.rsp");
  if (lines.empty()) GTEST_SKIP() << nist_folder() << " has no SHA256Monte.rsp: set CALX_DATA";
  Digest seed{};
  ASSERT_EQ(lines.front().first, "Seed");
  ASSERT_TRUE(from_hex(lines.front().second, seed));
  std::size_t checked = 0;
  for (const auto& [key, want] : lines) {
    if (key != "MD") continue;
    Digest a = seed, b = seed, c = seed;
    for (int i = 0; i < 1000; ++i) {
      const Digest next = Sha256().update(a).update(b).update(c).finish();
      a = b, b = c, c = next;
    }
    seed = c;
    ASSERT_EQ(to_hex(seed), want) << "count " << checked;
    ++checked;
  }
  EXPECT_EQ(checked, 100u);
}

}  // namespace
}  // namespace calx::hash
