// What a store keeps, finds and forgets.
#include "retrieve/document_store.h"

#include <filesystem>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "retrieve/plain_text.h"
#include "tests/formats/temporary_folder.h"

namespace ondol {
namespace {

DocumentRecord record_of(const std::string& path) {
  DocumentRecord record;
  record.path = path;
  return record;
}

void put(DocumentStore& store, const std::string& path, const std::string& text) {
  ASSERT_TRUE(store.put(record_of(path), read_plain_text(text)));
}

std::vector<std::string> paths_of(const std::vector<Hit>& hits) {
  std::vector<std::string> paths;
  for (const Hit& hit : hits) paths.push_back(hit.path);
  return paths;
}

TEST(DocumentStore, TheBestPieceComesFirst) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  put(store, "cats", "Cats sleep most of the day, and cats purr.");
  put(store, "dogs", "Dogs bark at the post, and a cat runs away.");
  put(store, "ko", "\uACB0\uC81C \uC624\uB958\uAC00 \uB0AC\uC2B5\uB2C8\uB2E4.");
  ASSERT_TRUE(store.commit());
  EXPECT_EQ(paths_of(store.search("purring cat").value()), (std::vector<std::string>{"cats", "dogs"}));
  const auto korean = store.search("\uACB0\uC81C").value();
  ASSERT_EQ(korean.size(), 1u);
  EXPECT_EQ(korean[0].path, "ko");
  EXPECT_EQ(korean[0].text.substr(korean[0].start, korean[0].end), korean[0].text);
  EXPECT_TRUE(store.search("zebra").value().empty());
  EXPECT_TRUE(store.search("").value().empty());
}

TEST(DocumentStore, WhatIsReplacedOrRemovedIsNotFound) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  put(store, "a", "apple");
  put(store, "b", "banana");
  ASSERT_TRUE(store.commit());
  put(store, "a", "avocado");
  ASSERT_TRUE(store.commit());
  EXPECT_TRUE(store.search("apple").value().empty());
  EXPECT_EQ(paths_of(store.search("avocado").value()), (std::vector<std::string>{"a"}));
  ASSERT_TRUE(store.remove(store.documents().value()[0].id));
  ASSERT_TRUE(store.commit());
  EXPECT_TRUE(store.search("avocado").value().empty());
  EXPECT_EQ(store.stats().value().n_chunks, 1);
}

TEST(DocumentStore, WhatIsTakenBackWasNeverThere) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  put(store, "a", "apple");
  ASSERT_TRUE(store.commit());
  put(store, "b", "apple too");
  store.roll_back();
  put(store, "c", "cherry");
  ASSERT_TRUE(store.commit());
  EXPECT_EQ(paths_of(store.search("apple").value()), (std::vector<std::string>{"a"}));
  EXPECT_EQ(paths_of(store.search("cherry").value()), (std::vector<std::string>{"c"}));
}

TEST(DocumentStore, PiecesThatStayKeepTheirNumbers) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  std::string text;
  for (int i = 0; i < 50; ++i)
    text += fmt::format("Paragraph {} about subject {}. {}\n\n", i, i * i, std::string(150, 'x'));
  put(store, "a", text);
  ASSERT_TRUE(store.commit());
  const Hit before = store.search("subject 2401").value().front();
  put(store, "a", "A new beginning.\n\n" + text);
  ASSERT_TRUE(store.commit());
  const Hit after = store.search("subject 2401").value().front();
  EXPECT_EQ(after.chunk, before.chunk);
  EXPECT_EQ(after.start, before.start + 18);
  EXPECT_EQ(after.text, before.text);
}

/// Many small commits are merged into few segments, and nothing is lost or found twice.
TEST(DocumentStore, AStoreOfManyCommitsEqualsOneOfOne) {
  DocumentStore slow = DocumentStore::open(":memory:").value();
  DocumentStore quick = DocumentStore::open(":memory:").value();
  const auto text_of = [](int i) { return fmt::format("common word{} group{} \uD55C\uAD6D\uC5B4{}", i, i % 7, i % 3); };
  for (int i = 0; i < 120; ++i) {
    put(slow, fmt::format("{:03}", i), i % 5 == 0 ? "to be replaced common" : text_of(i));
    ASSERT_TRUE(slow.commit());
    if (i % 5 != 0) continue;
    put(slow, fmt::format("{:03}", i), text_of(i));
    ASSERT_TRUE(slow.commit());
  }
  for (int i = 0; i < 120; ++i) put(quick, fmt::format("{:03}", i), text_of(i));
  ASSERT_TRUE(quick.commit());
  for (const char* question : {"common", "group3 word10", "word77", "\uD55C\uAD6D", "replaced"}) {
    SearchOptions options;
    options.n = 200;
    const auto a = slow.search(question, options).value(), b = quick.search(question, options).value();
    ASSERT_EQ(paths_of(a), paths_of(b)) << question;
    for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].score, b[i].score) << question;
  }
}

using DocumentStoreFile = TemporaryFolder;

TEST_F(DocumentStoreFile, AnotherConnectionSeesWhatWasCommitted) {
  const std::string file = path("s.db");
  DocumentStore writer = DocumentStore::open(file).value();
  DocumentStore reader = DocumentStore::open(file).value();
  put(writer, "a", "apple");
  EXPECT_TRUE(reader.search("apple").value().empty());
  ASSERT_TRUE(writer.commit());
  EXPECT_EQ(reader.search("apple").value().size(), 1u);
}

TEST_F(DocumentStoreFile, WhoHasSearchedSeesWhatComesLaterAndWrites) {
  const std::string file = path("both.db");
  DocumentStore reader = DocumentStore::open(file).value();
  DocumentStore writer = DocumentStore::open(file).value();
  for (int i = 0; i < 3; ++i) {
    put(writer, fmt::format("writer {}", i), "walrus");
    ASSERT_TRUE(writer.commit());
    EXPECT_EQ(reader.search("walrus").value().size(), static_cast<size_t>(2 * i + 1));
    put(reader, fmt::format("reader {}", i), "walrus");
    ASSERT_TRUE(reader.commit());
    EXPECT_EQ(writer.search("walrus").value().size(), static_cast<size_t>(2 * i + 2));
    EXPECT_EQ(reader.closeness("walrus").value(), writer.closeness("walrus").value());
  }
}

TEST_F(DocumentStoreFile, ForeignAndDamagedFilesAreRefused) {
  const std::string file = path("s.db");
  ASSERT_TRUE(write_file_atomically(file, std::string(5000, 'x')));
  EXPECT_FALSE(DocumentStore::open(file));
  const std::string other = path("other.db");
  {
    Database database = Database::open(other).value();
    ASSERT_TRUE(database.execute("CREATE TABLE mine (a)"));
  }
  const auto refused = DocumentStore::open(other);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("another program"), std::string::npos);
}

}  // namespace
}  // namespace ondol
