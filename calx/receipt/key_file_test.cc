// Goal: a key is made once, stays private, and no accident replaces it.
// Method: faults on real files in a temporary folder: mode, content, kind, missing folder.
#include "calx/receipt/key_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "calx/base/atomic_file.h"

namespace calx::receipt {
namespace {

namespace fs = std::filesystem;

class KeyFileTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  static unsigned mode_of(const fs::path& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777u;
  }

  fs::path folder_ = fs::temp_directory_path() / ("calx-key-test-" + std::to_string(::getpid()));
  fs::path path_ = folder_ / "calx" / "key";
};

TEST_F(KeyFileTest, IsMadeOnceForItsOwnerAlone) {
  const auto first = open_key_file(path_);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->created);
  EXPECT_EQ(mode_of(path_), 0600u);
  EXPECT_EQ(mode_of(path_.parent_path()), 0700u);
  const auto again = open_key_file(path_);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->created);
  EXPECT_EQ(again->key.public_key(), first->key.public_key());
}

TEST_F(KeyFileTest, TwoFilesHoldTwoKeys) {
  const auto one = open_key_file(folder_ / "one");
  const auto two = open_key_file(folder_ / "two");
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->key.public_key(), two->key.public_key());
}

TEST_F(KeyFileTest, AModeBeyond0600IsRefused) {
  ASSERT_TRUE(open_key_file(path_));
  for (const unsigned mode : {0640u, 0604u, 0644u, 0660u, 0700u}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    const auto opened = open_key_file(path_);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, testing::HasSubstr("wanted 0600"));
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(open_key_file(path_)) << "stricter is fine";
}

TEST_F(KeyFileTest, ADamagedKeyIsReportedAndNeverReplaced) {
  ASSERT_TRUE(open_key_file(path_));
  for (const std::string& content :
       {std::string(), std::string("calx-key-1 short\n"),
        "calx-key-1 " + std::string(64, 'g') + "\n", "calx-key-2 " + std::string(64, '0') + "\n"}) {
    ASSERT_TRUE(write_file(path_, std::string_view(content), 0600));
    const auto opened = open_key_file(path_);
    ASSERT_FALSE(opened) << content;
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
    std::ifstream file(path_, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), content);
  }
}

TEST_F(KeyFileTest, AFolderInItsPlaceAndAnUnusableFolderAreNamed) {
  fs::create_directories(path_);
  EXPECT_THAT(open_key_file(path_).error().message, testing::HasSubstr("no regular file"));
  ASSERT_TRUE(write_file(folder_ / "file", std::string_view("x")));
  EXPECT_THAT(open_key_file(folder_ / "file" / "key").error().message,
              testing::HasSubstr((folder_ / "file").string()));
}

}  // namespace
}  // namespace calx::receipt
