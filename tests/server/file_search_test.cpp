// file_search of the Responses API: what the sample model looks up, what it is told, and what its answer cites.
#include <gtest/gtest.h>

#include "server/file_search.h"
#include "test_client.h"
#include "tests/runtime/adapter_sample.h"
#include "upload_sample.h"

namespace ondol::server {
namespace {

constexpr const char* kLighthouse =
    "# Lighthouse\n\nThe lighthouse of Hallasan bay was built in 1908.\n\nIts lamp turns once in twelve seconds.\n";
constexpr const char* kBuilt = "The lighthouse of Hallasan bay was built in 1908.";

int64_t count_bytes(std::string_view text) {
  return static_cast<int64_t>(text.size());
}

FoundPiece piece(int64_t chunk, const std::string& file, const std::string& text) {
  FoundPiece piece;
  piece.store = "vs_1";
  piece.file.id = "file-" + file;
  piece.file.name = file + ".md";
  piece.hit.chunk = chunk;
  piece.hit.path = "read-" + file + "/" + file + ".md";
  piece.hit.text = text;
  piece.hit.start = 100;
  piece.hit.end = 100 + text.size();
  piece.score = 0.5;
  return piece;
}

TEST(FileSearchFindings, NumbersEachPieceOnce) {
  FileSearchFindings findings;
  const auto first = findings.add({piece(7, "a", "The lamp turns.")}, 1000, count_bytes);
  EXPECT_EQ(first.text, "[1] (a.md) The lamp turns.\n");
  EXPECT_EQ(member(first.results, "/0/file_id"), "file-a");
  EXPECT_EQ(member(first.results, "/0/ondol/start"), 100);
  EXPECT_EQ(member(first.results, "/0/ondol/vector_store_id"), "vs_1");
  const auto second =
      findings.add({piece(8, "b", "Ferries leave at nine."), piece(7, "a", "The lamp turns.")}, 1000, count_bytes);
  EXPECT_EQ(second.text, "[2] (b.md) Ferries leave at nine.\n[1] (a.md) The lamp turns.\n");
  EXPECT_EQ(findings.add({}, 1000, count_bytes).text, "Nothing was found.");
}

TEST(FileSearchFindings, TakesNoMoreThanThereIsRoomFor) {
  FileSearchFindings findings;
  const auto shown =
      findings.add({piece(1, "a", "One is here. Two is there."), piece(2, "b", "Three.")}, 30, count_bytes);
  EXPECT_EQ(shown.text, "[1] (a.md) One is here.\n");
  EXPECT_EQ(shown.results.size(), 1u);
}

TEST(FileSearchFindings, CitesWhatSupportsASentence) {
  FileSearchFindings findings;
  findings.add({piece(1, "bay", kBuilt), piece(2, "ferry", "The ferry to the island leaves at nine.")}, 1000,
               count_bytes);
  const std::string answer =
      "Hello. The lighthouse of Hallasan bay was built in 1908 [1]. The ferry to the island leaves at nine. "
      "The ferry costs 90 won. [2]";
  const json::array notes = findings.annotations(answer);
  ASSERT_EQ(notes.size(), 2u) << json::serialize(notes);
  EXPECT_EQ(member(notes[0], "/type"), "file_citation");
  EXPECT_EQ(member(notes[0], "/file_id"), "file-bay");
  EXPECT_EQ(member(notes[0], "/filename"), "bay.md");
  EXPECT_EQ(member(notes[0], "/index"), answer.find(" The ferry to"));
  EXPECT_EQ(member(notes[0], "/ondol/quote"), kBuilt);
  EXPECT_EQ(member(notes[0], "/ondol/start"), 100);
  EXPECT_EQ(member(notes[1], "/file_id"), "file-ferry");
  EXPECT_EQ(findings.annotations("").size(), 0u);
  EXPECT_EQ(findings.annotations("[1").size(), 0u);
}

TEST(FileSearchFindings, CountsCharacters) {
  FileSearchFindings findings;
  const std::string korean =
      "\xeb\xb3\xb4\xec\xa6\x9d \xea\xb8\xb0\xea\xb0\x84\xec\x9d\x80 "
      "24\xea\xb0\x9c\xec\x9b\x94\xec\x9e\x85\xeb\x8b\x88\xeb\x8b\xa4.";
  findings.add({piece(1, "a", korean)}, 1000, count_bytes);
  const json::array notes = findings.annotations(korean);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(member(notes[0], "/index"), 15);
}

TEST(FileSearchQueries, AreReadFromArguments) {
  EXPECT_EQ(file_search_queries(R"({"queries":["a","b"]})"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(file_search_queries(R"({"queries":"a"})").empty());
  EXPECT_TRUE(file_search_queries("[").empty());
  EXPECT_EQ(file_search_queries(R"({"queries":["",1,"a","b","c","d","e"]})").size(), 3u);
}

class FileSearchApi : public testing::Test {
 protected:
  FileSearchApi() : folder_("file-search-api"), server_(ApiServer::sample_options(), folder_ / "data") {
    store_ = string_or(client().post("/v1/vector_stores", json::object()).document(), "id", "");
  }
  ApiClient client() const { return server_.client(); }

  std::string attached(const std::string& name, const std::string& content) const {
    const std::string id = string_or(upload(client(), name, content, "assistants").document(), "id", "");
    const std::string files = "/v1/vector_stores/" + store_ + "/files";
    client().post(files, {{"file_id", id}});
    EXPECT_TRUE(becomes_true(
        [&] { return member(client().get(files + "/" + id).document(), "/status") == "completed"; }, 60000));
    return id;
  }
  /// A request whose first round must search, and whose answer is `kBuilt` in quotation marks.
  json::object request(int n_searches = 1) const {
    const json::object tool = {{"type", "file_search"}, {"vector_store_ids", json::array{store_}}};
    json::object body = {{"input", "When was the lighthouse built?"}, {"temperature", 0}, {"max_output_tokens", 500}};
    body["tools"] = json::array{tool};
    body["tool_choice"] = json::object{{"type", "file_search"}};
    body["max_tool_calls"] = n_searches;
    json::object schema;
    schema["const"] = kBuilt;
    json::object format = {{"type", "json_schema"}, {"name", "x"}};
    format["schema"] = std::move(schema);
    body["text"] = json::object{{"format", std::move(format)}};
    return body;
  }
  json::value made(const json::object& body) const {
    const ApiAnswer answer = client().post("/v1/responses", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.document();
  }

  TestFolder folder_;
  ApiServer server_;
  std::string store_;
};

TEST_F(FileSearchApi, SearchesAndCites) {
  // The words that the model is going to search for are not known; the document has them.
  const json::value blind = made(request());
  ASSERT_EQ(member(blind, "/output/0/type"), "file_search_call") << blind;
  EXPECT_EQ(member(blind, "/output/0/status"), "completed");
  EXPECT_EQ(member(blind, "/output/0/results"), nullptr);
  ASSERT_EQ(blind.at("output").as_array().size(), 2u);
  EXPECT_EQ(member(blind, "/output/1/content/0/annotations"), json::array());
  const std::string query(member(blind, "/output/0/queries/0").as_string());
  const std::string id = attached("bay.md", std::string(kLighthouse) + "\n" + query + "\n");

  json::object body = request();
  body["include"] = json::array{"file_search_call.results"};
  const json::value response = made(body);
  EXPECT_EQ(member(response, "/status"), "completed") << response;
  EXPECT_EQ(member(response, "/output/0/queries/0"), json::value(query));
  EXPECT_EQ(member(response, "/output/0/results/0/file_id"), json::value(id)) << response;
  EXPECT_EQ(member(response, "/output/1/type"), "message");
  EXPECT_EQ(member(response, "/output/1/content/0/text"), json::value(fmt::format("\"{}\"", kBuilt)));
  const json::value note = member(response, "/output/1/content/0/annotations/0");
  EXPECT_EQ(member(note, "/type"), "file_citation") << response;
  EXPECT_EQ(member(note, "/file_id"), json::value(id));
  EXPECT_EQ(member(note, "/filename"), "bay.md");
  EXPECT_NE(string_or(member(note, "/ondol"), "quote", "").find("1908"), std::string::npos);
  // What was found was read by the model: the second prompt is longer.
  EXPECT_GT(member(response, "/usage/input_tokens").as_int64(), member(blind, "/usage/input_tokens").as_int64());
}

TEST_F(FileSearchApi, StreamsItsEvents) {
  attached("bay.md", kLighthouse);
  json::object body = request();
  body["stream"] = true;
  std::vector<std::string> types;
  int64_t n = 0;
  json::value last;
  for (const json::value& event : client().post("/v1/responses", body).events()) {
    EXPECT_EQ(event.at("sequence_number"), n++);
    const std::string type = string_or(event, "type", "");
    if (types.empty() || types.back() != type) types.push_back(type);
    last = event;
  }
  const std::vector<std::string> begin = {"response.created",
                                          "response.in_progress",
                                          "response.output_item.added",
                                          "response.file_search_call.in_progress",
                                          "response.file_search_call.searching",
                                          "response.file_search_call.completed",
                                          "response.output_item.done",
                                          "response.output_item.added",
                                          "response.content_part.added",
                                          "response.output_text.delta"};
  ASSERT_GE(types.size(), begin.size());
  EXPECT_EQ(std::vector<std::string>(types.begin(), types.begin() + static_cast<ptrdiff_t>(begin.size())), begin);
  EXPECT_EQ(types.back(), "response.completed");
  EXPECT_EQ(member(last, "/response/output/0/status"), "completed");
}

TEST_F(FileSearchApi, EndsAfterTheSearchesThatAreAllowed) {
  json::object body = request(3);
  body.erase("text");
  body["max_output_tokens"] = 2000;
  const json::value response = made(body);
  int n_searches = 0;
  for (const json::value& item : response.at("output").as_array()) n_searches += item.at("type") == "file_search_call";
  EXPECT_GE(n_searches, 1);
  EXPECT_EQ(response.at("output").as_array().back().at("type"), "message") << response;
}

TEST_F(FileSearchApi, WhatWasFoundStaysInTheConversation) {
  const json::value blind = made(request());
  attached("bay.md", std::string(member(blind, "/output/0/queries/0").as_string()) + "\n\n" + kLighthouse);
  const json::value first = made(request());
  json::object next = {{"input", "And then?"}, {"previous_response_id", first.at("id")}, {"temperature", 0}};
  const auto n_tokens = [&](const json::value& previous) {
    next["previous_response_id"] = previous.at("id");
    return member(client().post("/v1/responses/input_tokens", next).document(), "/input_tokens").as_int64();
  };
  EXPECT_GT(n_tokens(first), n_tokens(blind) + 10) << "the second conversation holds what was found";
  next["max_output_tokens"] = 4;
  EXPECT_EQ(client().post("/v1/responses", next).status, 200);
  // As a client sends it back that keeps the conversation itself.
  json::array items = first.at("output").as_array();
  items.insert(items.begin(), json::object{{"role", "user"}, {"content", "When?"}});
  items.push_back(json::object{{"role", "user"}, {"content", "And then?"}});
  const ApiAnswer again = client().post("/v1/responses", {{"input", items}, {"max_output_tokens", 4}});
  EXPECT_EQ(again.status, 200) << again.body;
}

TEST_F(FileSearchApi, InTheBackground) {
  attached("bay.md", kLighthouse);
  json::object body = request();
  body["background"] = true;
  const std::string id = string_or(made(body), "id", "");
  json::value now;
  EXPECT_TRUE(becomes_true(
      [&] {
        now = client().get("/v1/responses/" + id).document();
        return member(now, "/status") == "completed";
      },
      60000))
      << now;
  EXPECT_EQ(member(now, "/output/1/type"), "message");
}

TEST_F(FileSearchApi, SaysWhatIsWrong) {
  json::object body = request();
  body["tools"] = json::array{json::object{{"type", "file_search"}, {"vector_store_ids", json::array{"vs_none"}}}};
  EXPECT_EQ(client().post("/v1/responses", body).status, 404);
  body["tools"] = json::array{json::object{{"type", "file_search"}}};
  EXPECT_EQ(member(client().post("/v1/responses", body).document(), "/error/param"), "tools[0].vector_store_ids");
  const json::object tool = request()["tools"].as_array()[0].as_object();
  body["tools"] = json::array{tool, tool};
  EXPECT_EQ(client().post("/v1/responses", body).status, 400);
  json::object wrong = tool;
  wrong["filters"] = json::object{{"type", "like"}};
  body["tools"] = json::array{wrong};
  EXPECT_EQ(member(client().post("/v1/responses", body).document(), "/error/param"), "tools[0].filters.type");
  body = request();
  body["tools"] = json::array{};
  EXPECT_EQ(client().post("/v1/responses", body).status, 400) << "nothing to choose";
}

}  // namespace
}  // namespace ondol::server
