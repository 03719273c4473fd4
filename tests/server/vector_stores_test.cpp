// /v1/vector_stores: collections are made, filled, searched, asked and removed, outlive the server, and say what is
// wrong.
#include <fstream>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "base/files.h"
#include "formats/gguf_writer.h"
#include "models/model.h"
#include "server/agent_documents.h"
#include "server/vector_stores.h"
#include "test_client.h"
#include "tests/runtime/adapter_sample.h"
#include "text/unicode.h"
#include "upload_sample.h"

namespace ondol::server {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLighthouse =
    "# Lighthouse\n\nThe lighthouse of Hallasan bay was built in 1908.\n\nIts lamp turns once in twelve seconds.\n";
constexpr const char* kWarranty =
    "# \xeb\xb3\xb4\xec\xa6\x9d\n\n\xec\x84\xb8\xed\x83\x81\xea\xb8\xb0\xec\x9d\x98 \xeb\xb3\xb4\xec\xa6\x9d "
    "\xea\xb8\xb0\xea\xb0\x84\xec\x9d\x80 24\xea\xb0\x9c\xec\x9b\x94\xec\x9e\x85\xeb\x8b\x88\xeb\x8b\xa4.\n";
constexpr const char* kHowLongWarranty =
    "\xec\x84\xb8\xed\x83\x81\xea\xb8\xb0 \xeb\xb3\xb4\xec\xa6\x9d "
    "\xea\xb8\xb0\xea\xb0\x84\xec\x9d\x80 \xec\x96\xbc\xeb\xa7\x88\xec\x9d\xb8\xea\xb0\x80\xec\x9a\x94?";

class VectorStoresApi : public testing::Test {
 protected:
  VectorStoresApi() : folder_("vector-stores-api") { start(); }

  void start(const VectorStoreOptions& stores = {}) {
    server_.reset();
    server_ = std::make_unique<ApiServer>(ApiServer::sample_options(), folder_ / "data", [&](Services& services) {
      EXPECT_TRUE(services.vector_stores.offer(stores));
    });
  }
  ApiClient client() const { return server_->client(); }

  std::string uploaded(const std::string& name, const std::string& content) const {
    return string_or(upload(client(), name, content, "assistants").document(), "id", "");
  }
  std::string created(json::object body = {}) const {
    const ApiAnswer answer = client().post("/v1/vector_stores", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return "/v1/vector_stores/" + string_or(answer.document(), "id", "");
  }
  /// The file once it has been read, or has failed.
  json::value settled(const std::string& store, const std::string& file) const {
    json::value now;
    EXPECT_TRUE(becomes_true(
        [&] {
          now = client().get(store + "/files/" + file).document();
          return string_or(now, "status", "") != "in_progress";
        },
        60000));
    return now;
  }
  std::string attached(const std::string& store, const std::string& name, const std::string& content,
                       json::object attributes = {}) const {
    const std::string id = uploaded(name, content);
    const ApiAnswer answer = client().post(store + "/files", {{"file_id", id}, {"attributes", attributes}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(member(settled(store, id), "/status"), "completed");
    return id;
  }
  /// Names of the files that are found, the best first.
  std::vector<std::string> found(const std::string& store, json::object query) const {
    const ApiAnswer answer = client().post(store + "/search", query);
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::vector<std::string> names;
    const json::value page = answer.document();
    for (const json::value& result : page.at("data").as_array()) names.push_back(string_or(result, "filename", ""));
    return names;
  }

  TestFolder folder_;
  std::unique_ptr<ApiServer> server_;
};

using Names = std::vector<std::string>;

TEST_F(VectorStoresApi, AreFilledAndSearched) {
  const std::string store = created({{"name", "notes"}, {"metadata", json::object{{"team", "a"}}}});
  const std::string id = attached(store, "bay.md", kLighthouse, {{"year", 1908}});
  attached(store, "warranty.md", kWarranty);
  const json::value about = client().get(store).document();
  EXPECT_EQ(member(about, "/object"), "vector_store");
  EXPECT_EQ(member(about, "/name"), "notes");
  EXPECT_EQ(member(about, "/metadata/team"), "a");
  EXPECT_EQ(member(about, "/status"), "completed");
  EXPECT_EQ(member(about, "/file_counts/completed"), 2);
  EXPECT_EQ(member(about, "/file_counts/total"), 2);
  EXPECT_EQ(member(about, "/usage_bytes"), std::string(kLighthouse).size() + std::string(kWarranty).size());

  const ApiAnswer answer = client().post(store + "/search", {{"query", "when was the lighthouse built"}});
  const json::value page = answer.document();
  EXPECT_EQ(member(page, "/object"), "vector_store.search_results.page");
  EXPECT_EQ(member(page, "/search_query/0"), "when was the lighthouse built");
  ASSERT_GE(page.at("data").as_array().size(), 1u) << answer.body;
  EXPECT_EQ(member(page, "/data/0/file_id"), json::value(id));
  EXPECT_EQ(member(page, "/data/0/filename"), "bay.md");
  EXPECT_EQ(member(page, "/data/0/attributes/year"), 1908);
  EXPECT_NE(string_or(page.at("data").at(0).at("content").at(0), "text", "").find("1908"), std::string::npos);
  const double score = page.at("data").at(0).at("score").to_number<double>();
  EXPECT_GT(score, 0.0);
  EXPECT_LE(score, 1.0);
  EXPECT_EQ(found(store, {{"query", kHowLongWarranty}}), Names{"warranty.md"});
  const json::array both = {"lighthouse lamp", kHowLongWarranty};
  EXPECT_EQ(found(store, {{"query", both}}).size(), 2u);
  EXPECT_EQ(found(store, {{"query", both}, {"max_num_results", 1}}).size(), 1u);
  EXPECT_EQ(found(store, {{"query", "lighthouse"}, {"ranking_options", json::object{{"score_threshold", 1}}}}).size(),
            0u + (score >= 1));
  EXPECT_EQ(found(store, {{"query", "penguin"}}), Names{});

  const json::value content = client().get(store + "/files/" + id + "/content").document();
  EXPECT_EQ(member(content, "/data/0/text"), kLighthouse);
  EXPECT_EQ(member(client().ask("DELETE", store + "/files/" + id).document(), "/deleted"), true);
  EXPECT_EQ(found(store, {{"query", "lighthouse"}}), Names{});
  EXPECT_EQ(client().get(store + "/files/" + id).status, 404);
  EXPECT_EQ(client().get("/v1/files/" + id).status, 200) << "the file itself stays";
  EXPECT_EQ(member(client().ask("DELETE", store).document(), "/object"), "vector_store.deleted");
  EXPECT_EQ(client().get(store).status, 404);
  EXPECT_TRUE(fs::is_empty(folder_ / "data/vector_stores"));
}

TEST_F(VectorStoresApi, MarkTheWordsThatWereFound) {
  const std::string store = created();
  attached(store, "bay.md", kLighthouse);
  const json::value page = client().post(store + "/search", {{"query", "lighthouses"}}).document();
  const std::string text(member(page, "/data/0/content/0/text").as_string());
  const json::value marks = member(page, "/data/0/ondol/highlights");
  ASSERT_FALSE(marks.as_array().empty()) << page;
  for (const json::value& mark : marks.as_array()) {
    const auto start = static_cast<size_t>(int_or(mark, "start", 0)), end = static_cast<size_t>(int_or(mark, "end", 0));
    EXPECT_EQ(lowercase(text.substr(start, end - start)), "lighthouse");
  }
}

TEST_F(VectorStoresApi, AreSearchedByAgents) {
  VectorStores* stores = nullptr;
  server_.reset();
  server_ = std::make_unique<ApiServer>(ApiServer::sample_options(), folder_ / "data", [&](Services& services) {
    EXPECT_TRUE(services.vector_stores.offer({}));
    stores = &services.vector_stores;
  });
  attached(created(), "bay.md", kLighthouse);
  attached(created(), "warranty.md", kWarranty);
  const std::vector<Hit> hits = search_collections(*stores, "when was the lighthouse built", 1).value();
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(hits[0].path, "bay.md");
  EXPECT_NE(hits[0].text.find("1908"), std::string::npos);
  EXPECT_EQ(search_collections(*stores, kHowLongWarranty, 5).value().at(0).path, "warranty.md");
  EXPECT_TRUE(search_collections(*stores, "penguins", 5).value().empty());
}

TEST_F(VectorStoresApi, AnswerWithCitations) {
  const std::string store = created();
  const std::string id = attached(store, "bay.md", kLighthouse);
  const json::value answer = client().post(store + "/ask", {{"query", "When was the lighthouse built?"}}).document();
  EXPECT_EQ(member(answer, "/declined"), false) << answer;
  EXPECT_EQ(member(answer, "/method"), "extract");
  EXPECT_NE(string_or(answer, "answer", "").find("1908"), std::string::npos) << answer;
  EXPECT_NE(string_or(member(answer, "/sources/0"), "quote", "").find("1908"), std::string::npos);
  EXPECT_EQ(member(answer, "/sources/0/file_id"), json::value(id));
  EXPECT_EQ(member(answer, "/sources/0/filename"), "bay.md");
  EXPECT_EQ(member(answer, "/sources/0/path"), "bay.md");
  EXPECT_EQ(member(answer, "/sources/0/line"), 3);
  EXPECT_EQ(member(answer, "/claims/0/citations/0/file_id"), json::value(id));
  // Where that stands, shown without counting bytes.
  const auto place = [&](const char* key) { return member(answer, std::string("/sources/0/") + key).as_int64(); };
  const json::value shown =
      client().get(fmt::format("{}/files/{}/text?start={}&end={}", store, id, place("start"), place("end"))).document();
  EXPECT_EQ(member(shown, "/text"), kLighthouse);
  EXPECT_EQ(member(shown, "/place/quote"), member(answer, "/sources/0/quote"));
  EXPECT_EQ(member(shown, "/place/line"), 3);
  EXPECT_EQ(std::string(member(shown, "/place/before").as_string()) +
                std::string(member(shown, "/place/quote").as_string()) +
                std::string(member(shown, "/place/after").as_string()),
            kLighthouse);
  EXPECT_EQ(member(shown, "/pages"), json::array());
  EXPECT_EQ(client().get(fmt::format("{}/files/{}/text?start=5&end=4", store, id)).status, 400);
  EXPECT_EQ(client().get(fmt::format("{}/files/{}/text?start=0&end=100000", store, id)).status, 400);
  EXPECT_EQ(client().get(fmt::format("{}/files/{}/text?start=-1&end=4", store, id)).status, 400);
  // The same, claim by claim as they pass.
  const std::vector<json::value> events =
      client().post(store + "/ask", {{"query", "When was the lighthouse built?"}, {"stream", true}}).events();
  ASSERT_EQ(events.size(), member(answer, "/claims").as_array().size() + 1);
  EXPECT_EQ(events.front(), member(answer, "/claims/0"));
  EXPECT_EQ(events.back(), answer);
  // A model that follows no instructions quotes, too; one that there is not is an error.
  const json::value by_sample =
      client().post(store + "/ask", {{"query", "When was the lighthouse built?"}, {"model", "sample"}}).document();
  EXPECT_EQ(member(by_sample, "/answer"), member(answer, "/answer"));
  EXPECT_EQ(client().post(store + "/ask", {{"query", "x"}, {"model", "nobody"}}).status, 404);
  EXPECT_EQ(client().post(store + "/ask", json::object()).status, 400);
  const json::value about_else = client().post(store + "/ask", {{"query", "Who is the king of penguins?"}}).document();
  EXPECT_EQ(member(about_else, "/declined"), true);
}

TEST_F(VectorStoresApi, OutliveTheServer) {
  const std::string store = created({{"name", "kept"}});
  const std::string id = attached(store, "bay.md", kLighthouse, {{"kind", "tower"}, {"open", true}});
  const json::value before = client().get(store).document();
  const json::value file = client().get(store + "/files/" + id).document();
  // What is left of one that was being removed.
  fs::create_directories(folder_ / "data/vector_stores/vs_half");
  std::ofstream(folder_ / "data/vector_stores/vs_half/documents.db") << "half";
  start();
  EXPECT_EQ(client().get(store).document(), before);
  EXPECT_EQ(client().get(store + "/files/" + id).document(), file);
  EXPECT_EQ(found(store, {{"query", "lighthouse"}}), Names{"bay.md"});
  EXPECT_FALSE(fs::exists(folder_ / "data/vector_stores/vs_half"));
}

TEST_F(VectorStoresApi, ReadAfterARestartWhatWasNotRead) {
  const std::string id = uploaded("bay.md", kLighthouse);
  const std::string store = created();
  const std::string about = folder_ / ("data/vector_stores/" + store.substr(store.rfind('/') + 1) + "/about.json");
  client().post(store + "/files", {{"file_id", id}});
  settled(store, id);
  server_.reset();
  std::string text = read_file(about).value();
  const size_t at = text.find("completed");
  ASSERT_NE(at, std::string::npos);
  ASSERT_TRUE(write_file_atomically(about, text.replace(at, 9, "in_progress")));
  start();
  EXPECT_EQ(member(settled(store, id), "/status"), "completed");
}

TEST_F(VectorStoresApi, AreListedInPages) {
  std::vector<std::string> stores;
  for (int i = 0; i < 4; ++i) stores.push_back(created({{"name", fmt::format("{}", i)}}));
  const json::value all = client().get("/v1/vector_stores").document();
  ASSERT_EQ(all.at("data").as_array().size(), 4u);
  const json::value first = client().get("/v1/vector_stores?limit=3").document();
  EXPECT_EQ(member(first, "/has_more"), true);
  EXPECT_EQ(member(first, "/first_id"), member(all, "/data/0/id"));
  const json::value second =
      client().get("/v1/vector_stores?limit=3&after=" + string_or(first, "last_id", "")).document();
  ASSERT_EQ(second.at("data").as_array().size(), 1u);
  EXPECT_EQ(member(second, "/data/0/id"), member(all, "/data/3/id"));
  EXPECT_EQ(client().get("/v1/vector_stores?limit=0").status, 400);
  const json::value oldest = client().get("/v1/vector_stores?order=asc&limit=1").document();
  EXPECT_EQ(member(oldest, "/data/0/id"), member(all, "/data/3/id"));
  for (int i = 0; i < 3; ++i) attached(stores[0], fmt::format("{}.txt", i), "words");
  const json::value files = client().get(stores[0] + "/files?limit=2").document();
  EXPECT_EQ(files.at("data").as_array().size(), 2u);
  EXPECT_EQ(member(files, "/has_more"), true);
  EXPECT_EQ(client().get(stores[0] + "/files?filter=failed").document().at("data").as_array().size(), 0u);
}

TEST_F(VectorStoresApi, FilterByAttributes) {
  const std::string store = created();
  attached(store, "a.txt", "walrus one", {{"year", 2020}, {"kind", "report"}});
  attached(store, "b.txt", "walrus two", {{"year", 2022}, {"kind", "letter"}});
  attached(store, "c.txt", "walrus three");
  const auto matching = [&](json::object filter) {
    Names names = found(store, {{"query", "walrus"}, {"filters", std::move(filter)}});
    std::sort(names.begin(), names.end());
    return names;
  };
  const auto by = [](const char* type, const char* key, json::value value) {
    return json::object{{"type", type}, {"key", key}, {"value", std::move(value)}};
  };
  EXPECT_EQ(matching(by("eq", "kind", "report")), Names{"a.txt"});
  EXPECT_EQ(matching(by("eq", "year", 2022.0)), Names{"b.txt"});
  EXPECT_EQ(matching(by("ne", "kind", "report")), (Names{"b.txt", "c.txt"}));
  EXPECT_EQ(matching(by("gt", "year", 2020)), Names{"b.txt"});
  EXPECT_EQ(matching(by("gte", "year", 2020)), (Names{"a.txt", "b.txt"}));
  EXPECT_EQ(matching(by("lt", "year", 2020)), Names{});
  EXPECT_EQ(matching(by("lte", "year", 2020)), Names{"a.txt"});
  EXPECT_EQ(matching(by("lte", "kind", 7)), Names{}) << "other kinds do not compare";
  EXPECT_EQ(matching(by("in", "kind", json::array{"letter", "poem"})), Names{"b.txt"});
  EXPECT_EQ(matching(by("nin", "kind", json::array{"letter", "poem"})), (Names{"a.txt", "c.txt"}));
  const json::array parts = {by("eq", "kind", "report"), by("eq", "year", 2022)};
  EXPECT_EQ(matching({{"type", "and"}, {"filters", parts}}), Names{});
  EXPECT_EQ(matching({{"type", "or"}, {"filters", parts}}), (Names{"a.txt", "b.txt"}));
  const auto place_of_fault = [&](json::object filter) {
    const ApiAnswer answer = client().post(store + "/search", {{"query", "x"}, {"filters", std::move(filter)}});
    EXPECT_EQ(answer.status, 400) << answer.body;
    return member(answer.document(), "/error/param");
  };
  EXPECT_EQ(place_of_fault(by("like", "kind", "x")), "filters.type");
  EXPECT_EQ(place_of_fault(by("eq", "kind", json::array{1})), "filters.value");
  EXPECT_EQ(place_of_fault({{"type", "or"}, {"filters", json::array{by("in", "kind", "x")}}}),
            "filters.filters[0].value");
  json::object deep = by("eq", "kind", "x");
  for (int i = 0; i < 50; ++i) deep = json::object{{"type", "and"}, {"filters", json::array{deep}}};
  EXPECT_EQ(client().post(store + "/search", {{"query", "x"}, {"filters", deep}}).status, 400);
}

TEST_F(VectorStoresApi, SayWhatIsWrong) {
  const std::string store = created();
  const std::string broken = uploaded("broken.pdf", std::string("%PDF-1.7\n\0\xff\xfe\0", 13));
  EXPECT_EQ(client().post(store + "/files", {{"file_id", broken}}).status, 200);
  const json::value file = settled(store, broken);
  EXPECT_EQ(member(file, "/status"), "failed");
  EXPECT_EQ(member(file, "/last_error/code"), "invalid_file");
  EXPECT_FALSE(string_or(file.at("last_error"), "message", "").empty());
  EXPECT_EQ(member(client().get(store).document(), "/file_counts/failed"), 1);
  EXPECT_EQ(client().get(store + "/files/" + broken + "/content").status, 400);

  EXPECT_EQ(member(client().post(store + "/files", {{"file_id", "file-none"}}).document(), "/error/param"), "file_id");
  EXPECT_EQ(client().post("/v1/vector_stores", {{"file_ids", json::array{"file-none"}}}).status, 400);
  EXPECT_EQ(client().post("/v1/vector_stores", {{"expires_after", json::object{{"anchor", "x"}, {"days", 1}}}}).status,
            400);
  EXPECT_EQ(client().post("/v1/vector_stores", {{"metadata", json::object{{"a", 1}}}}).status, 400);
  EXPECT_EQ(client().get("/v1/vector_stores/vs_none").status, 404);
  EXPECT_EQ(member(client().post(store + "/search", json::object()).document(), "/error/param"), "query");
  EXPECT_EQ(client().post(store + "/search", {{"query", "x"}, {"max_num_results", 51}}).status, 400);
  ApiServer without(ApiServer::sample_options());
  EXPECT_EQ(without.client().post("/v1/vector_stores", json::object()).status, 503) << "it keeps nothing";
}

TEST_F(VectorStoresApi, AreChanged) {
  const std::string id = uploaded("bay.md", kLighthouse);
  const std::string store = created({{"file_ids", json::array{id}}});
  settled(store, id);
  const json::object expiry = {{"anchor", "last_active_at"}, {"days", 7}};
  const json::value changed = client().post(store, {{"name", "new"}, {"expires_after", expiry}}).document();
  EXPECT_EQ(member(changed, "/name"), "new");
  EXPECT_EQ(member(changed, "/expires_at").as_int64() - member(changed, "/last_active_at").as_int64(), 7 * 86400);
  EXPECT_EQ(member(client().post(store, {{"expires_after", nullptr}}).document(), "/expires_at"), nullptr);
  const json::value file =
      client().post(store + "/files/" + id, {{"attributes", json::object{{"kind", "tower"}}}}).document();
  EXPECT_EQ(member(file, "/attributes/kind"), "tower");
}

TEST_F(VectorStoresApi, TakeFilesInBatches) {
  const std::string store = created();
  const std::string one = uploaded("one.txt", "walrus one"), two = uploaded("two.txt", "walrus two");
  const json::object chunking = {{"type", "static"},
                                 {"static", json::object{{"max_chunk_size_tokens", 200}, {"chunk_overlap_tokens", 0}}}};
  const json::array files = {json::object{{"file_id", one}, {"attributes", json::object{{"n", 1}}}},
                             json::object{{"file_id", two}, {"chunking_strategy", chunking}}};
  const json::value batch = client().post(store + "/file_batches", {{"files", files}}).document();
  EXPECT_EQ(member(batch, "/object"), "vector_store.files_batch");
  EXPECT_EQ(member(batch, "/file_counts/total"), 2);
  const std::string path = store + "/file_batches/" + string_or(batch, "id", "");
  settled(store, one);
  settled(store, two);
  EXPECT_EQ(member(client().get(path).document(), "/status"), "completed");
  EXPECT_EQ(client().get(path + "/files").document().at("data").as_array().size(), 2u);
  EXPECT_EQ(found(store, {{"query", "walrus"}}).size(), 2u);
  const json::value shown = client().get(store + "/files/" + two).document();
  EXPECT_EQ(member(shown, "/chunking_strategy/static/max_chunk_size_tokens"), 200);
  EXPECT_EQ(member(client().get(store + "/files/" + one).document(), "/attributes/n"), 1);
  EXPECT_EQ(client().get(store + "/file_batches/vsfb_none").status, 404);
  EXPECT_EQ(client().post(store + "/file_batches", json::object()).status, 400);
  EXPECT_EQ(client().post(store + "/file_batches", {{"file_ids", json::array{one, "file-none"}}}).status, 400);
  const json::object wrong = {{"type", "static"}, {"static", json::object{{"max_chunk_size_tokens", 1}}}};
  EXPECT_EQ(client().post(store + "/files", {{"file_id", one}, {"chunking_strategy", wrong}}).status, 400);
  EXPECT_EQ(client().ask("POST", path + "/cancel").status, 200);
}

TEST_F(VectorStoresApi, PiecesOverlapAsAskedFor) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += fmt::format("Walrus {} lies on the ice and does not move. ", i);
  const std::string id = uploaded("long.txt", text);
  for (const int overlap : {0, 50}) {
    const json::object lengths = {{"max_chunk_size_tokens", 100}, {"chunk_overlap_tokens", overlap}};
    const json::object chunking = {{"type", "static"}, {"static", lengths}};
    const std::string store = created({{"file_ids", json::array{id}}, {"chunking_strategy", chunking}});
    settled(store, id);
    size_t n_bytes = 0;
    const json::value page =
        client().post(store + "/search", {{"query", "walrus"}, {"max_num_results", 50}}).document();
    for (const json::value& piece : page.at("data").as_array()) {
      const size_t bytes = member(piece, "/content/0/text").as_string().size();
      EXPECT_LE(bytes, 400u);
      n_bytes += bytes;
    }
    EXPECT_EQ(n_bytes > text.size() * 4 / 3, overlap > 0) << n_bytes << " of " << text.size();
  }
}

TEST_F(VectorStoresApi, CancelledBatchesLeaveNothing) {
  const std::string store = created();
  std::string many;
  for (int i = 0; i < 20000; ++i) many += fmt::format("Sentence {} tells of walruses.\n\n", i);
  json::array ids;
  for (int i = 0; i < 4; ++i) ids.push_back(json::string(uploaded(fmt::format("{}.txt", i), many)));
  const json::value batch = client().post(store + "/file_batches", {{"file_ids", ids}}).document();
  const std::string path = store + "/file_batches/" + string_or(batch, "id", "");
  const json::value cancelled = client().ask("POST", path + "/cancel").document();
  EXPECT_EQ(member(cancelled, "/file_counts/in_progress"), 0);
  const int64_t n_cancelled = member(cancelled, "/file_counts/cancelled").as_int64();
  EXPECT_EQ(member(cancelled, "/status"), n_cancelled > 0 ? "cancelled" : "completed");
  // Put there again and again, each is there once.
  const std::string last(ids.back().as_string());
  for (int i = 0; i < 3; ++i) client().post(store + "/files", {{"file_id", last}});
  EXPECT_EQ(member(settled(store, last), "/status"), "completed");
  const json::value page = client().post(store + "/search", {{"query", "walruses"}}).document();
  for (const json::value& result : page.at("data").as_array()) {
    const std::string id = string_or(result, "file_id", "");
    EXPECT_EQ(member(client().get(store + "/files/" + id).document(), "/status"), "completed");
  }
  const int64_t n_completed = member(client().get(store).document(), "/file_counts/completed").as_int64();
  const std::string folder = folder_ / ("data/vector_stores/" + store.substr(store.rfind('/') + 1));
  EXPECT_TRUE(becomes_true([&] {
    int64_t n_documents = 0;
    for (const auto& entry : fs::directory_iterator(folder)) n_documents += entry.path().extension() == ".document";
    return n_documents == n_completed;
  }));
}

/// The sample model as one for embeddings, by the words of its file.
void write_embedding_sample(const std::string& path) {
  const auto sample = open_model_file(sample_path()).value();
  Metadata metadata = sample->metadata();
  metadata.emplace_back("llama.pooling_type", MetaValue{uint32_t{1}});
  const auto written = write_gguf(path, metadata, sample->tensors());
  ASSERT_TRUE(written) << written.error().message();
}

TEST_F(VectorStoresApi, AreSearchedByMeaning) {
  const std::string model = folder_ / "embedding.gguf";
  write_embedding_sample(model);
  const std::vector<std::string> texts = {"The cat sleeps on the mat.", "Ships wait in the harbour.",
                                          "Once upon a time there was a little girl."};
  // A store from before there was an embedding model is read for meaning when the server starts with one.
  const std::string store = created();
  std::map<std::string, std::string> ids;
  for (size_t i = 0; i < texts.size(); ++i) ids[texts[i]] = attached(store, fmt::format("{}.txt", i), texts[i]);
  const json::object by_meaning = {{"hybrid_search", json::object{{"embedding_weight", 1}, {"text_weight", 0}}}};
  const json::object query = {{"query", "Wherefore penguins"}, {"ranking_options", by_meaning}};
  EXPECT_EQ(found(store, query), Names{}) << "by words there is nothing";
  PoolOptions options = ApiServer::sample_options();
  options.models.push_back(model);
  server_.reset();
  server_ = std::make_unique<ApiServer>(options, folder_ / "data",
                                        [](Services& services) { EXPECT_TRUE(services.models->load_all()); });
  ASSERT_TRUE(becomes_true([&] { return found(store, query).size() == texts.size(); }, 60000));
  // In the order that the vectors of /v1/embeddings give.
  json::array asked = {"Wherefore penguins"};
  for (const std::string& text : texts) asked.push_back(json::string(text));
  const json::value vectors = client().post("/v1/embeddings", {{"model", "embedding"}, {"input", asked}}).document();
  const auto vector_of = [&](size_t i) {
    std::vector<double> vector;
    for (const json::value& x : vectors.at("data").at(i).at("embedding").as_array()) {
      vector.push_back(x.to_number<double>());
    }
    return vector;
  };
  std::vector<std::pair<double, std::string>> expected;
  const std::vector<double> question = vector_of(0);
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::vector<double> text = vector_of(i + 1);
    expected.emplace_back(-std::inner_product(question.begin(), question.end(), text.begin(), 0.0),
                          fmt::format("{}.txt", i));
  }
  std::sort(expected.begin(), expected.end());
  Names names;
  for (const auto& [cosine, name] : expected) names.push_back(name);
  EXPECT_EQ(found(store, query), names);
  const json::value page = client().post(store + "/search", query).document();
  EXPECT_NEAR(page.at("data").at(0).at("score").to_number<double>(), -expected[0].first, 0.02);
  // What comes later has vectors at once.
  attached(store, "new.txt", "A new text.");
  EXPECT_EQ(found(store, query).size(), texts.size() + 1);
  EXPECT_EQ(client().post(store + "/ask", {{"query", "Where does the cat sleep?"}}).status, 200);
}

TEST_F(VectorStoresApi, NamedStoresAreSearchedAsTheyAre) {
  const std::string place = folder_ / "own.db";
  {
    DocumentStore own = DocumentStore::open(place).value();
    Document document;
    document.text = "The ferry leaves at nine.";
    document.blocks = {{0, document.text.size()}};
    DocumentRecord record;
    record.path = "/notes/ferry.txt";
    ASSERT_TRUE(own.put(record, document));
    ASSERT_TRUE(own.commit());
  }
  start({.named = {{"own", place}}, .reader_program = ""});
  EXPECT_EQ(found("/v1/vector_stores/own", {{"query", "ferry"}}), Names{"ferry.txt"});
  const json::value files = client().get("/v1/vector_stores/own/files").document();
  EXPECT_EQ(member(files, "/data/0/attributes/path"), "/notes/ferry.txt");
  EXPECT_EQ(client().ask("DELETE", "/v1/vector_stores/own").status, 400);
  EXPECT_EQ(client().post("/v1/vector_stores/own/files", {{"file_id", uploaded("a.txt", "b")}}).status, 400);
  EXPECT_TRUE(fs::exists(place));
}

}  // namespace
}  // namespace ondol::server
