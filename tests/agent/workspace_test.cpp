#include "agent/workspace.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "agent/protected_names.h"
#include "tests/agent/temporary_folder.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

class WorkspaceTest : public testing::Test {
 protected:
  WorkspaceTest() {
    folder_.write("secret", "outside");
    folder_.write("work/a.txt", "one");
    folder_.write("work/sub/b.txt", "two");
    folder_.write("work/.git/config", "token");
    folder_.write("work/sub/.env", "KEY=1");
    folder_.write("work/key.pem", "key");
  }

  Workspace workspace(std::vector<std::string> shown = {}) {
    auto opened = Workspace::open(folder_ / "work", std::move(shown));
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }

  TestFolder folder_;
};

TEST_F(WorkspaceTest, ReadsByAnyWayOfWritingAPath) {
  const Workspace work = workspace();
  for (const std::string& path : {std::string("sub/b.txt"), std::string("./sub//b.txt"), std::string("sub/../sub/b.txt"),
                                 work.root() + "/sub/b.txt"}) {
    const auto text = work.read_file(path);
    ASSERT_TRUE(text) << path << ": " << text.error().message();
    EXPECT_EQ(*text, "two");
  }
}

TEST_F(WorkspaceTest, NoPathLeadsOut) {
  const Workspace work = workspace();
  fs::create_symlink("../secret", folder_ / "work/link");
  fs::create_symlink(folder_ / "secret", folder_ / "work/absolute");
  fs::create_symlink("..", folder_ / "work/up");
  for (const std::string path : {"../secret", "sub/../../secret", "link", "absolute", "up/secret", "/etc/passwd", "..",
                                 "/proc/self/cwd", "sub/../.."}) {
    EXPECT_FALSE(work.read_file(path)) << path;
    EXPECT_FALSE(work.write_file(path, "x")) << path;
    EXPECT_FALSE(work.write_file(path + "/new", "x")) << path;
    EXPECT_FALSE(work.list(path)) << path;
  }
  EXPECT_EQ(folder_.read("secret"), "outside");
  EXPECT_FALSE(fs::exists(folder_ / "new"));
  EXPECT_FALSE(work.resolve(std::string_view("a\0b", 3)));
}

TEST_F(WorkspaceTest, ProtectedFilesAreNotThere) {
  const Workspace work = workspace();
  fs::create_symlink(".git/config", folder_ / "work/innocent");
  fs::create_symlink(".git", folder_ / "work/folder");
  for (const std::string path : {".git/config", ".git", "sub/.env", "key.pem", "innocent", "folder/config"}) {
    EXPECT_FALSE(work.read_file(path)) << path;
    EXPECT_FALSE(work.write_file(path, "x")) << path;
  }
  EXPECT_EQ(folder_.read("work/.git/config"), "token");
  EXPECT_FALSE(work.list("folder"));
  const auto entries = work.list("");
  for (const auto& entry : *entries) EXPECT_TRUE(entry.name != ".git" && entry.name != "key.pem") << entry.name;
  EXPECT_EQ(work.hidden(), (std::vector<std::string>{".git", "key.pem", "sub/.env"}));
}

TEST_F(WorkspaceTest, TheOwnerCanShowThem) {
  const Workspace work = workspace({"sub/.env", "key.pem"});
  EXPECT_EQ(*work.read_file("sub/.env"), "KEY=1");
  EXPECT_EQ(*work.read_file("key.pem"), "key");
  EXPECT_EQ(work.hidden(), (std::vector<std::string>{".git"}));
}

TEST_F(WorkspaceTest, AGitThatIsNotThereIsHiddenToo) {
  fs::remove_all(folder_ / "work/.git");
  EXPECT_EQ(workspace().hidden().front(), ".git");
}

TEST_F(WorkspaceTest, WritesKeepPermissionsAndMakeFolders) {
  const Workspace work = workspace();
  ::chmod((folder_ / "work/a.txt").c_str(), 0750);
  ASSERT_TRUE(work.write_file("a.txt", "changed"));
  ASSERT_TRUE(work.write_file("new/folder/c.txt", "three"));
  EXPECT_EQ(folder_.read("work/a.txt"), "changed");
  EXPECT_EQ(folder_.read("work/new/folder/c.txt"), "three");
  struct stat info {};
  ::stat((folder_ / "work/a.txt").c_str(), &info);
  EXPECT_EQ(info.st_mode & 0777, 0750u);
  EXPECT_FALSE(work.write_file("sub", "x"));
  EXPECT_FALSE(work.write_file("", "x"));
}

TEST_F(WorkspaceTest, ReadsNoPipesAndNothingTooLarge) {
  const Workspace work = workspace();
  ASSERT_EQ(::mkfifo((folder_ / "work/pipe").c_str(), 0600), 0);
  EXPECT_FALSE(work.read_file("pipe"));
  EXPECT_FALSE(work.read_file("a.txt", 2));
  EXPECT_FALSE(work.read_file("sub"));
}

TEST_F(WorkspaceTest, ARacedLinkDoesNotLeadOut) {
  const Workspace work = workspace();
  folder_.write("work/race/secret", "inside");
  fs::create_symlink("..", folder_ / "work/out");
  std::atomic<bool> stops = false;
  std::thread swapper([&] {
    while (!stops) {
      std::error_code ignored;
      fs::rename(folder_ / "work/race", folder_ / "work/aside", ignored);
      fs::rename(folder_ / "work/out", folder_ / "work/race", ignored);
      fs::rename(folder_ / "work/race", folder_ / "work/out", ignored);
      fs::rename(folder_ / "work/aside", folder_ / "work/race", ignored);
    }
  });
  for (int i = 0; i < 20000; ++i) {
    const auto text = work.read_file("race/secret");
    EXPECT_TRUE(!text || *text == "inside") << *text;
    if (i % 100 == 0) (void)work.write_file("race/made", "x");
  }
  stops = true;
  swapper.join();
  EXPECT_FALSE(fs::exists(folder_ / "made"));
}

TEST(WorkspaceFolderTest, FoldersOfTheSystemAreRefused) {
  for (const std::string path : {"/", "/usr", "/etc", "/usr/share", "/proc/self", "/tmp", "/home", "/not/there"})
    EXPECT_FALSE(Workspace::open(path)) << path;
}

TEST(ProtectedNamesTest, Table) {
  for (const std::string name : {".git", ".env", ".env.local", "id_rsa", "id_ed25519", "server.pem", "tls.key", ".ssh",
                                 ".gnupg", ".aws", ".netrc", ".npmrc", ".git-credentials"})
    EXPECT_TRUE(is_protected_name(name)) << name;
  for (const std::string name :
       {"git", ".gitignore", ".env.example", "id_map.py", "id_rsa.pub", "keys.cpp", "env", ".github", "readme.md"})
    EXPECT_FALSE(is_protected_name(name)) << name;
}

}  // namespace
}  // namespace ondol
