// Folders that change while somebody watches.
#include "retrieve/folder_watch.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/formats/temporary_folder.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr int kLongMs = 20000;
constexpr int kShortMs = 300;
constexpr int kSettleMs = 50;

class FolderWatchTest : public TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    fs::create_directories(fs::path(folder_) / "docs/sub");
    fs::create_directories(fs::path(folder_) / "docs/.hidden");
    root_ = fs::canonical(folder_) / "docs";
  }
  FolderWatch watch() { return FolderWatch::start({root_}).value(); }
  void write(const std::string& name) { std::ofstream(root_ / name) << "words"; }
  static bool changes(FolderWatch& folders, int timeout_ms) {
    return folders.wait(timeout_ms, kSettleMs, [] { return false; });
  }

  fs::path root_;
};

TEST_F(FolderWatchTest, SeesFilesThatComeChangeMoveAndGo) {
  FolderWatch folders = watch();
  EXPECT_EQ(folders.n_unwatched(), 0u);
  EXPECT_FALSE(changes(folders, kShortMs));
  write("sub/a.txt");
  EXPECT_TRUE(changes(folders, kLongMs));
  fs::rename(root_ / "sub/a.txt", root_ / "b.txt");
  EXPECT_TRUE(changes(folders, kLongMs));
  fs::remove(root_ / "b.txt");
  EXPECT_TRUE(changes(folders, kLongMs));
  EXPECT_FALSE(changes(folders, kShortMs));
}

TEST_F(FolderWatchTest, SeesWhatHappensInNewFolders) {
  FolderWatch folders = watch();
  fs::create_directories(root_ / "new/deep");
  EXPECT_TRUE(changes(folders, kLongMs));
  write("new/deep/a.txt");
  EXPECT_TRUE(changes(folders, kLongMs));
}

TEST_F(FolderWatchTest, DoesNotLookAtWhatIsNotIndexed) {
  FolderWatch folders = watch();
  write(".hidden/a.txt");
  EXPECT_FALSE(changes(folders, kShortMs));
}

TEST_F(FolderWatchTest, StopsWhenItIsTold) {
  FolderWatch folders = watch();
  EXPECT_FALSE(folders.wait(kLongMs, kSettleMs, [] { return true; }));
}

}  // namespace
}  // namespace ondol
