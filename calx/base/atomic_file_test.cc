// Goal: a reader sees the old file or the new one, never half of one.
// Method: fault tests against a folder of our own.
#include "calx/base/atomic_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace calx {
namespace {

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "calx-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  std::filesystem::path folder_;
};

TEST_F(AtomicFileTest, WritesReplacesAndReadsBack) {
  const auto path = folder_ / "a";
  ASSERT_TRUE(write_file(path, "one"));
  ASSERT_TRUE(write_file(path, "two"));
  const auto bytes = read_file(path, 100);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(std::string(bytes->begin(), bytes->end()), "two");
  EXPECT_EQ(entries(), 1u) << "a temporary file was left behind";
}

TEST_F(AtomicFileTest, CreateNeverReplaces) {
  const auto path = folder_ / "key";
  const std::vector<std::uint8_t> first = {1}, second = {2};
  ASSERT_TRUE(create_file(path, first, 0600));
  EXPECT_EQ(create_file(path, second, 0600).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_file(path, 10).value(), first);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  EXPECT_EQ(entries(), 1u);
}

TEST_F(AtomicFileTest, NamesTheMissingFolderAndFile) {
  const auto error = write_file(folder_ / "none" / "a", "x").error();
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, testing::HasSubstr("No such file"));
  EXPECT_EQ(read_file(folder_ / "none", 10).error().code, ErrorCode::kNotFound);
}

TEST_F(AtomicFileTest, RefusesAFileOverTheLimit) {
  ASSERT_TRUE(write_file(folder_ / "a", "12345"));
  EXPECT_TRUE(read_file(folder_ / "a", 5));
  EXPECT_EQ(read_file(folder_ / "a", 4).error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace calx
