// A store on a real PostgreSQL server, which the tests start for themselves where it is installed.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "retrieve/copy_store.h"
#include "retrieve/database.h"
#include "retrieve/document_store.h"
#include "retrieve/embedding.h"
#include "retrieve/plain_text.h"
#include "tests/retrieve/clustered_vectors.h"
#include "tests/retrieve/postgres_cluster.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

DocumentStore opened(const std::string& place) {
  return DocumentStore::open(place).value();
}

DocumentRecord record(const std::string& path) {
  DocumentRecord made;
  made.path = path;
  made.size_bytes = 1;
  return made;
}

void fill(DocumentStore& store) {
  ASSERT_TRUE(store.put(record("/a.txt"), read_plain_text("The platypus lays eggs.\n\nIt lives in Australia.")));
  ASSERT_TRUE(store.put(record("/b.txt"), read_plain_text("오리너구리는 알을 낳는다. 결제 오류가 났다.")));
  ASSERT_TRUE(store.commit());
  ASSERT_TRUE(store.put(record("/c.txt"), read_plain_text("An echidna lays eggs, too.")));
  ASSERT_TRUE(store.commit());
}

std::vector<std::string> found(DocumentStore& store, const std::string& question) {
  std::vector<std::string> lines;
  const std::vector<Hit> hits = store.search(question).value();
  for (const Hit& hit : hits)
    lines.push_back(fmt::format("{} {} {} {:.4f} {}", hit.path, hit.start, hit.end, hit.score, hit.text));
  return lines;
}

TEST_F(PostgresTest, FindsWhatAFileFinds) {
  DocumentStore shared = opened(url()), file = opened(":memory:");
  fill(shared);
  fill(file);
  for (const char* question : {"eggs", "platypus Australia", "결제", "알을 낳는", "nothing of this"}) {
    EXPECT_EQ(found(shared, question), found(file, question)) << question;
  }
  EXPECT_EQ(shared.stats().value().n_chunks, file.stats().value().n_chunks);
}

TEST_F(PostgresTest, OthersSeeWhatIsCommittedOnly) {
  DocumentStore writer = opened(url()), reader = opened(url());
  fill(writer);
  EXPECT_EQ(found(reader, "eggs").size(), 2u);
  ASSERT_TRUE(writer.put(record("/d.txt"), read_plain_text("Snakes lay eggs.")));
  EXPECT_EQ(found(reader, "snakes").size(), 0u);
  ASSERT_TRUE(writer.commit());
  EXPECT_EQ(found(reader, "snakes").size(), 1u);
  ASSERT_TRUE(writer.remove(writer.documents().value().front().id));
  writer.roll_back();
  EXPECT_EQ(found(writer, "platypus").size(), 1u);
}

TEST_F(PostgresTest, WritersTakeTurns) {
  {
    DocumentStore store = opened(url());
    fill(store);
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([t] {
      DocumentStore store = opened(url());
      for (int i = 0; i < 5; ++i) {
        const std::string path = fmt::format("/{}-{}.txt", t, i);
        EXPECT_TRUE(store.put(record(path), read_plain_text(fmt::format("wombat number {}", 10 * t + i))));
        EXPECT_TRUE(store.commit());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  DocumentStore store = opened(url());
  EXPECT_EQ(store.search("wombat", {.n = 100}).value().size(), 15u);
}

TEST_F(PostgresTest, BytesThatAreNoTextDoNotStopIt) {
  DocumentStore store = opened(url());
  ASSERT_TRUE(store.put(record("/bad\xff name.txt"), read_plain_text("a quokka")));
  ASSERT_TRUE(store.commit());
  EXPECT_EQ(found(store, "quokka").size(), 1u);
}

TEST_F(PostgresTest, AStoreMovesThereAndBack) {
  const std::string first = path("first.db"), second = path("second.db");
  {
    DocumentStore store = opened(first);
    fill(store);
    // The last number that was given must not be given again.
    ASSERT_TRUE(store.remove(store.documents().value().back().id));
    ASSERT_TRUE(store.commit());
  }
  EXPECT_GT(copy_store(first, url()).value(), 0);
  EXPECT_FALSE(copy_store(first, url()));
  EXPECT_GT(copy_store(url(), second).value(), 0);
  DocumentStore original = opened(first), shared = opened(url()), back = opened(second);
  for (const char* question : {"eggs", "결제", "echidna"}) {
    EXPECT_EQ(found(shared, question), found(original, question)) << question;
    EXPECT_EQ(found(back, question), found(original, question)) << question;
  }
  std::vector<int64_t> numbers;
  for (DocumentStore* store : {&original, &shared, &back}) {
    ASSERT_TRUE(store->put(record("/new.txt"), read_plain_text("A numbat eats termites.")));
    ASSERT_TRUE(store->commit());
    numbers.push_back(store->search("numbat").value().front().chunk);
  }
  EXPECT_EQ(numbers, std::vector<int64_t>(3, numbers.front()));
}

TEST_F(PostgresTest, ARerankerIsKeptAndMovesAlong) {
  const std::string file = path("reranked.db");
  {
    DocumentStore store = opened(url());
    fill(store);
    EXPECT_FALSE(store.kept_reranker().value());
    ASSERT_TRUE(store.keep_reranker({0.25, 3, "a name", "/models/a path"}));
    ASSERT_TRUE(store.keep_reranker({0.35, 4, "a name", "/models/a path"}));
    ASSERT_TRUE(store.commit());
  }
  ASSERT_TRUE(copy_store(url(), file));
  DocumentStore shared = opened(url()), copy = opened(file);
  for (DocumentStore* store : {&shared, &copy}) {
    const auto kept = store->kept_reranker().value();
    ASSERT_TRUE(kept);
    EXPECT_NEAR(kept->share, 0.35, 1e-9);
    EXPECT_EQ(kept->n_chunks, 4);
    EXPECT_EQ(kept->name, "a name");
    EXPECT_EQ(kept->source, "/models/a path");
    EXPECT_GE(store->sample(10).value().size(), 2u);
    ASSERT_TRUE(store->forget_reranker());
    ASSERT_TRUE(store->commit());
    EXPECT_FALSE(store->kept_reranker().value());
  }
}

TEST_F(PostgresTest, TheServerSearchesVectorsWhereItCan) {
  constexpr int kWidth = 48, kPieces = 400;
  class Embedder final : public TextEmbedder {
   public:
    std::string name() const override { return "clusters"; }
    std::string source() const override { return "clusters"; }
    int width() const override { return kWidth; }
    Result<std::vector<Parts>> embed_documents(std::span<const std::string> texts) override {
      std::vector<Parts> all(texts.size());
      for (Parts& parts : all) parts = {vectors_.next(), vectors_.next()};
      return all;
    }
    Result<std::vector<float>> embed_question(const std::string&) override { return vectors_.next(); }

   private:
    ClusteredVectors vectors_{kWidth, 20, 4};
  } embedder;
  const VectorIndex::Limits limits = {.server = 100};
  DocumentStore store = opened(url());
  store.set_vector_limits(limits);
  for (int i = 0; i < kPieces; ++i) {
    ASSERT_TRUE(store.put(record(fmt::format("/{}.txt", i)), read_plain_text(fmt::format("quokka number {}", i))));
  }
  ASSERT_TRUE(embed_pending(store, embedder));
  const auto found_by = [&](DocumentStore& by, const std::vector<float>& question) {
    std::vector<std::string> paths;
    SearchOptions options;
    options.meaning = question;
    options.meaning_share = 1;
    const std::vector<Hit> hits = by.search("quokka", options).value();
    for (const Hit& hit : hits) paths.push_back(hit.path);
    return paths;
  };
  std::vector<std::vector<float>> questions;
  std::vector<std::vector<std::string>> wanted;
  for (int i = 0; i < 20; ++i) {
    questions.push_back(embedder.embed_question("").value());
    wanted.push_back(found_by(store, questions.back()));
  }
  ASSERT_TRUE(store.complete_graph());
  Database database = Database::open(url()).value();
  if (database.number("SELECT count(*) FROM pg_tables WHERE tablename = 'server_vector'").value() == 0) {
    GTEST_SKIP() << "the PostgreSQL server has no extension vector (pgvector 0.5 or later)";
  }
  EXPECT_EQ(database.number("SELECT count(*) FROM server_vector").value(), 2 * kPieces);
  DocumentStore other = opened(url());
  size_t n_same = 0;
  for (size_t i = 0; i < questions.size(); ++i) {
    const std::vector<std::string> paths = found_by(other, questions[i]);
    for (const std::string& path : paths) {
      n_same += std::find(wanted[i].begin(), wanted[i].end(), path) != wanted[i].end() ? 1 : 0;
    }
  }
  EXPECT_GE(n_same, 190u) << "of 200";
  // What comes, goes, or belongs to another model.
  ASSERT_TRUE(store.remove(store.documents().value().front().id));
  ASSERT_TRUE(store.put(record("/new.txt"), read_plain_text("a new quokka")));
  ASSERT_TRUE(embed_pending(store, embedder));
  EXPECT_EQ(database.number("SELECT count(*) FROM server_vector").value(), 2 * kPieces);
  SearchOptions options;
  options.meaning = std::vector<float>(kWidth + 1);
  EXPECT_FALSE(other.search("quokka", options));
  EXPECT_GT(copy_store(url(), path("copy.db")).value(), 0);
  EXPECT_EQ(found_by(store, questions[0]).size(), 10u);
}

TEST(Places, PasswordsAreNotShown) {
  EXPECT_EQ(Database::shown("postgresql://me:secret@host:5432/db?x=1"), "postgresql://me:...@host:5432/db?x=1");
  EXPECT_EQ(Database::shown("postgresql://me:p@ss:w@host/db"), "postgresql://me:...@host/db");
  EXPECT_EQ(Database::shown("postgresql://me@host/db"), "postgresql://me@host/db");
  EXPECT_EQ(Database::shown("postgresql://host:5432/db"), "postgresql://host:5432/db");
  EXPECT_EQ(Database::shown("/home/a:b@c/documents.db"), "/home/a:b@c/documents.db");
}

TEST_F(PostgresTest, AServerThatIsNotThereIsSaid) {
  const auto store = DocumentStore::open("postgresql://ondol@/db?host=/nowhere");
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message().find("/nowhere"), std::string::npos) << store.error().message();
}

}  // namespace
}  // namespace ondol
