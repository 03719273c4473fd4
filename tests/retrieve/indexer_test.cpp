// Folders that change, and stores that follow them.
#include "retrieve/indexer.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/formats/temporary_folder.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

class IndexerTest : public TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    root_ = fs::canonical(folder_);
    fs::create_directories(root_ / "docs");
  }

  void write(const std::string& name, const std::string& text) {
    const fs::path path = root_ / "docs" / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    // Clocks of files may be coarse.
    fs::last_write_time(path, fs::file_time_type(std::chrono::nanoseconds(++clock_)));
  }
  DocumentStore open(const std::string& name = "s.db") { return DocumentStore::open(root_ / name).value(); }
  IndexReport index(DocumentStore& store) {
    IndexOptions options;
    options.paths = {root_ / "docs"};
    return index_files(store, options).value();
  }
  std::vector<std::string> found(DocumentStore& store, const std::string& question) {
    std::vector<std::string> names;
    const std::vector<Hit> hits = store.search(question).value();
    for (const Hit& hit : hits) names.push_back(fs::relative(hit.path, root_ / "docs"));
    return names;
  }

  fs::path root_;
  int64_t clock_ = 1'000'000'000;
};

using Names = std::vector<std::string>;

TEST_F(IndexerTest, ReadsWhatIsNewAndChangedAndForgetsWhatIsGone) {
  write("a.txt", "apple");
  write("sub/b.md", "# Fruit\n\nbanana");
  DocumentStore store = open();
  IndexReport report = index(store);
  EXPECT_EQ(report.n_added, 2);
  EXPECT_EQ(found(store, "banana"), (Names{"sub/b.md"}));
  EXPECT_EQ(found(store, "fruit"), (Names{"sub/b.md"}));

  report = index(store);
  EXPECT_EQ(report.n_same, 2);
  EXPECT_EQ(report.n_bytes, 0u);

  write("a.txt", "avocado");
  fs::remove(root_ / "docs/sub/b.md");
  report = index(store);
  EXPECT_EQ(report.n_changed, 1);
  EXPECT_EQ(report.n_removed, 1);
  EXPECT_EQ(found(store, "avocado"), (Names{"a.txt"}));
  EXPECT_TRUE(found(store, "banana").empty());
  EXPECT_TRUE(found(store, "apple").empty());
}

TEST_F(IndexerTest, AMovedFileKeepsItsPieces) {
  write("a.txt", "a rare platypus");
  DocumentStore store = open();
  index(store);
  const int64_t chunk = store.search("platypus").value().front().chunk;
  fs::rename(root_ / "docs/a.txt", root_ / "docs/z.txt");
  const IndexReport report = index(store);
  EXPECT_EQ(report.n_moved, 1);
  EXPECT_EQ(report.n_removed, 0);
  const Hit hit = store.search("platypus").value().front();
  EXPECT_EQ(hit.chunk, chunk);
  EXPECT_TRUE(hit.path.ends_with("z.txt"));
}

TEST_F(IndexerTest, IgnoredHiddenAndForeignFilesAreLeftOut) {
  write(".gitignore", "*.log\n/private/\n");
  write("sub/.ondolignore", "draft*\n");
  write("a.log", "noise");
  write("private/b.txt", "noise");
  write("sub/draft.txt", "noise");
  write(".hidden/c.txt", "noise");
  write("sub/good.txt", "signal noise");
  DocumentStore store = open();
  const IndexReport report = index(store);
  EXPECT_EQ(report.n_added, 1);
  EXPECT_EQ(found(store, "noise"), (Names{"sub/good.txt"}));
}

TEST_F(IndexerTest, AFileThatIsNoTextCostsOneLine) {
  write("a.txt", "apple");
  write("b.bin", std::string("\x00\x01\x02", 3));
  DocumentStore store = open();
  const IndexReport report = index(store);
  ASSERT_EQ(report.failures.size(), 1u);
  EXPECT_NE(report.failures[0].find("b.bin"), std::string::npos);
  EXPECT_EQ(store.stats().value().n_failed, 1);
  EXPECT_EQ(index(store).n_same, 2) << "it is tried again when it changes";
}

TEST_F(IndexerTest, OtherFoldersOfTheStoreStay) {
  write("a/x.txt", "apple");
  write("b/y.txt", "banana");
  DocumentStore store = open();
  index(store);
  fs::remove_all(root_ / "docs/a");
  IndexOptions options;
  options.paths = {root_ / "docs/b"};
  EXPECT_EQ(index_files(store, options).value().n_removed, 0);
  EXPECT_EQ(found(store, "apple"), (Names{"a/x.txt"}));
}

TEST_F(IndexerTest, APathThatIsNotThereIsAnError) {
  DocumentStore store = open();
  IndexOptions options;
  options.paths = {root_ / "nothing"};
  EXPECT_FALSE(index_files(store, options));
}

/// Killed again and again while files change: in the end all is as if it had been made in peace.
TEST_F(IndexerTest, KillingLosesAndRepeatsNothing) {
  Random random(7);
  const auto words = [&](uint64_t n) {
    std::string text;
    for (uint64_t i = 0; i < n; ++i) text += fmt::format("word{} ", random.next() % 3000);
    return text;
  };
  int n_killed = 0;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 6; ++i) write(fmt::format("{}.txt", random.next() % 40), words(200 + random.next() % 3000));
    if (round % 4 == 3) fs::remove(root_ / "docs" / fmt::format("{}.txt", random.next() % 40));
    const pid_t child = ::fork();
    if (child == 0) {
      while (true) {
        auto store = DocumentStore::open(root_ / "s.db");
        if (!store) ::_exit(1);
        IndexOptions options;
        options.paths = {root_ / "docs"};
        if (!index_files(*store, options)) ::_exit(2);
      }
    }
    ::usleep(static_cast<useconds_t>(random.next() % 60'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;
    ++n_killed;
  }
  DocumentStore store = open();
  index(store);
  Database file = Database::open(root_ / "s.db").value();
  Statement check = file.prepare("PRAGMA integrity_check").value();
  ASSERT_TRUE(check.next().value());
  EXPECT_EQ(check.text(0), "ok");
  DocumentStore peaceful = open("peaceful.db");
  index(peaceful);
  EXPECT_EQ(store.stats().value().n_chunks, peaceful.stats().value().n_chunks);
  for (int i = 0; i < 3000; i += 37) {
    const std::string question = fmt::format("word{} word{}", i, i + 1);
    const auto a = store.search(question).value(), b = peaceful.search(question).value();
    ASSERT_EQ(a.size(), b.size());
    for (size_t k = 0; k < a.size(); ++k) {
      EXPECT_EQ(a[k].score, b[k].score) << question;
      EXPECT_EQ(a[k].path, b[k].path) << question;
      EXPECT_EQ(a[k].start, b[k].start) << question;
    }
  }
  EXPECT_EQ(Database::open(root_ / "s.db")
                .value()
                .number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'")
                .value(),
            1);
}

}  // namespace
}  // namespace ondol
