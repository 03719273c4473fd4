#include "base/files.h"

#include <filesystem>

#include <gtest/gtest.h>

namespace ondol {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_ = fs::temp_directory_path() / fmt::format("ondol-files-{}", ::getpid());
};

TEST_F(Files, WritesAndReadsBack) {
  ASSERT_TRUE(write_file_atomically(path("a"), "first"));
  ASSERT_TRUE(write_file_atomically(path("a"), "second"));
  EXPECT_EQ(*read_file(path("a")), "second");
  EXPECT_FALSE(fs::exists(path("a.part")));
}

TEST_F(Files, AFailedWriteLeavesTheOldContent) {
  ASSERT_TRUE(write_file_atomically(path("a"), "old"));
  fs::create_directories(path("a.part"));  // the temporary file cannot be made
  EXPECT_FALSE(write_file_atomically(path("a"), "new"));
  EXPECT_EQ(*read_file(path("a")), "old");
}

TEST_F(Files, NamesThePathAndTheReason) {
  const auto missing = read_file(path("missing"));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("missing: cannot open: No such file"), std::string::npos);
  EXPECT_FALSE(read_file(folder_.string()));
  ASSERT_TRUE(write_file_atomically(path("big"), "12345"));
  EXPECT_FALSE(read_file(path("big"), 4));
}

TEST_F(Files, MapsAndSharesOneMapping) {
  ASSERT_TRUE(write_file_atomically(path("m"), "mapped"));
  auto file = MappedFile::open(path("m"));
  ASSERT_TRUE(file);
  const MappedFile copy = *file;
  EXPECT_EQ(copy.bytes().data(), file->bytes().data());
  EXPECT_EQ(copy.bytes().size(), 6u);
  copy.prefetch(1000, 1000);  // past the end: no crash
}

TEST_F(Files, RefusesToMapWhatIsEmptyOrNoFile) {
  ASSERT_TRUE(write_file_atomically(path("empty"), ""));
  EXPECT_FALSE(MappedFile::open(path("empty")));
  EXPECT_FALSE(MappedFile::open("/dev/null"));
}

}  // namespace
}  // namespace ondol
