// /v1/rerank with a cross-encoder, and searches whose best are read again.
#include <gtest/gtest.h>

#include "base/files.h"
#include "runtime/cross_encoder.h"
#include "server/vector_stores.h"
#include "test_client.h"
#include "tests/runtime/adapter_sample.h"
#include "tests/runtime/scorer_sample.h"
#include "upload_sample.h"

namespace ondol::server {
namespace {

class RerankApi : public testing::Test {
 protected:
  RerankApi() : folder_("rerank-api") { write_scorer_sample(model()); }

  std::string model() const { return folder_ / "scorer.gguf"; }
  PoolOptions options() const {
    PoolOptions options = ApiServer::sample_options();
    options.models.push_back(model());
    return options;
  }

  TestFolder folder_;
};

TEST_F(RerankApi, ScoresOfACrossEncoder) {
  ApiServer server(options());
  const std::vector<std::string> documents = {"rain falls", "a dog sleeps in the sun", "kings and queens"};
  EngineOptions plain;
  plain.cpu.n_threads = 2;
  const auto engine = Engine::open(model(), plain).value();
  const std::vector<float> logits = score_texts(*engine, "what does the dog do", documents).value();
  json::object body = {{"model", "scorer"}, {"query", "what does the dog do"}};
  body["documents"] = json::array(documents.begin(), documents.end());
  for (const char* path : {"/v1/rerank", "/rerank"}) {
    const ApiAnswer answer = server.client().post(path, body);
    ASSERT_EQ(answer.status, 200) << answer.body;
    const json::value document = answer.document();
    EXPECT_EQ(member(document, "/ondol/method"), "cross-encoder");
    EXPECT_GT(member(document, "/usage/total_tokens").as_int64(), 30);
    const auto& results = document.at("results").as_array();
    ASSERT_EQ(results.size(), 3u);
    double last = 1;
    for (const json::value& result : results) {
      const auto index = static_cast<size_t>(result.at("index").as_int64());
      const double score = result.at("relevance_score").to_number<double>();
      EXPECT_NEAR(score, 1 / (1 + std::exp(-logits[index])), 1e-4);
      EXPECT_LE(score, last);
      last = score;
    }
  }
  body["top_n"] = 1;
  body["return_documents"] = true;
  const json::value best = server.client().post("/v1/rerank", body).document();
  ASSERT_EQ(best.at("results").as_array().size(), 1u);
  const auto first = std::max_element(logits.begin(), logits.end()) - logits.begin();
  EXPECT_EQ(member(best, "/results/0/document/text"), json::value(documents[static_cast<size_t>(first)]));
  body["documents"] = json::array();
  EXPECT_EQ(server.client().post("/v1/rerank", body).status, 400);
}

TEST_F(RerankApi, ModelsSayWhatTheyAre) {
  ApiServer server(options());
  const json::value model = server.client().get("/v1/models/scorer").document();
  EXPECT_EQ(member(model, "/ondol/scores_pairs"), true);
  EXPECT_EQ(member(model, "/ondol/makes_text"), false);
  EXPECT_EQ(member(server.client().get("/v1/models/sample").document(), "/ondol/scores_pairs"), false);
}

/// Holds the longest text for the best.
class Longest final : public Reranker {
 public:
  std::string name() const override { return "longest"; }
  std::string source() const override { return "/models/longest"; }
  Result<std::vector<float>> scores(const std::string&, std::span<const std::string> texts) override {
    std::vector<float> scores;
    for (const std::string& text : texts) scores.push_back(static_cast<float>(text.size()));
    return scores;
  }
};

TEST_F(RerankApi, NamedStoresUseTheirReranker) {
  const std::string place = folder_ / "own.db";
  {
    DocumentStore own = DocumentStore::open(place).value();
    for (const std::string text : {"The ferry.", "The ferry leaves at nine, and comes back before noon."}) {
      Document document;
      document.text = text;
      document.blocks = {{0, text.size()}};
      DocumentRecord record;
      record.path = text.size() > 20 ? "long.txt" : "short.txt";
      ASSERT_TRUE(own.put(record, document));
    }
    ASSERT_TRUE(own.keep_reranker({1.0, 2, "longest", "/models/longest"}));
    ASSERT_TRUE(own.commit());
  }
  VectorStoreOptions stores{.named = {{"own", place}}, .reader_program = ""};
  stores.open_reranker = [](const std::string& source) -> Result<std::unique_ptr<Reranker>> {
    EXPECT_EQ(source, "/models/longest");
    return std::unique_ptr<Reranker>(std::make_unique<Longest>());
  };
  ApiServer server(ApiServer::sample_options(), folder_ / "data",
                   [&](Services& services) { EXPECT_TRUE(services.vector_stores.offer(stores)); });
  const auto first = [&](json::object ranking) {
    const json::value page =
        server.client()
            .post("/v1/vector_stores/own/search", {{"query", "ferry"}, {"ranking_options", std::move(ranking)}})
            .document();
    return std::string(member(page, "/data/0/filename").as_string());
  };
  EXPECT_EQ(first({{"ranker", "none"}}), "short.txt");
  EXPECT_EQ(first({{"ranker", "auto"}}), "long.txt");
  EXPECT_EQ(first({}), "long.txt");
}

TEST_F(RerankApi, ALoadedCrossEncoderIsWeighedForOwnStores) {
  ApiServer server(options(), folder_ / "data", [](Services& services) { EXPECT_TRUE(services.models->load_all()); });
  const std::string store = string_or(server.client().post("/v1/vector_stores", json::object{}).document(), "id", "");
  const std::string file =
      string_or(upload(server.client(), "a.txt", "The ferry leaves at nine.", "assistants").document(), "id", "");
  ASSERT_EQ(server.client().post("/v1/vector_stores/" + store + "/files", {{"file_id", file}}).status, 200);
  const std::string place = folder_ / ("data/vector_stores/" + store + "/documents.db");
  std::optional<DocumentStore::KeptReranker> kept;
  EXPECT_TRUE(becomes_true(
      [&] {
        if (!std::filesystem::exists(place)) return false;
        auto documents = DocumentStore::open(place);
        if (documents) kept = documents->kept_reranker().value();
        return kept.has_value();
      },
      60000));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->share, 0) << "one piece tells nothing";
  EXPECT_EQ(kept->source, model());
  EXPECT_EQ(server.client().post("/v1/vector_stores/" + store + "/search", {{"query", "ferry"}}).status, 200);
}

}  // namespace
}  // namespace ondol::server
