// What a whole server does beside answering: big bodies beside streams, embeddings beside long texts, names of models
// that are elsewhere, and a word at "/".
#include <atomic>
#include <filesystem>
#include <future>

#include <gtest/gtest.h>

#include "server/anthropic.h"
#include "tests/server/api_client.h"

namespace ondol::server {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// JSON that takes long to read.
std::string big_body(size_t n_values) {
  std::string body = R"({"prompt": "Once", "max_tokens": 1, "unknown": [)";
  for (size_t i = 0; i < n_values; ++i) body += i == 0 ? "[\"x\\u00e9y\"]" : ",[\"x\\u00e9y\"]";
  return body + "]}";
}

TEST(Served, ABigBodyHoldsUpNobody) {
  ApiServer server;
  const std::string body = big_body(1'300'000);
  ASSERT_GT(body.size(), size_t{10} << 20);
  const auto start = Clock::now();
  ASSERT_TRUE(parse_json(body).has_value());
  const double parse_seconds = seconds_since(start);
  EXPECT_EQ(server.client().get("/health").status, 200);
  std::atomic<bool> is_over = false;
  auto stream = std::async(std::launch::async, [&] {
    json::object asked = {{"prompt", "Once upon a time"}, {"max_tokens", 300}, {"stream", true}, {"ignore_eos", true}};
    return server.client().post("/v1/completions", asked);
  });
  auto big = std::async(std::launch::async, [&] {
    const int status = server.client().ask("POST", "/v1/completions", body).status;
    is_over = true;
    return status;
  });
  double longest = 0;
  while (!is_over) {
    const auto asked = Clock::now();
    EXPECT_EQ(server.client().get("/health").status, 200);
    longest = std::max(longest, seconds_since(asked));
  }
  EXPECT_EQ(big.get(), 200);
  EXPECT_EQ(stream.get().events().back(), "[DONE]");
  RecordProperty("parse_ms", static_cast<int>(parse_seconds * 1e3));
  RecordProperty("longest_ms", static_cast<int>(longest * 1e3));
}

TEST(Served, EmbeddingsWaitForRoomAndWhatNeverFitsIsRefused) {
  PoolOptions options = ApiServer::sample_options();
  options.load.engine.context = {256};
  ApiServer server(options);
  std::string words;
  for (int i = 0; i < 100; ++i) words += "word ";
  // A text that takes nearly all of the cache, and embeddings beside it.
  auto text = std::async(std::launch::async, [&] {
    json::object asked = {{"prompt", "Once"}, {"max_tokens", 240}, {"temperature", 0}, {"ignore_eos", true}};
    return server.client().post("/v1/completions", asked);
  });
  json::array inputs;
  for (int i = 0; i < 12; ++i) inputs.push_back(json::value(words));
  const ApiAnswer some = server.client().post("/v1/embeddings", json::object{{"input", inputs}});
  EXPECT_EQ(some.status, 200) << some.body;
  EXPECT_EQ(some.document().at("data").as_array().size(), 12u);
  EXPECT_EQ(text.get().status, 200);
  const ApiAnswer never = server.client().post("/v1/embeddings", json::object{{"input", words + words + words}});
  EXPECT_EQ(never.status, 400);
  EXPECT_EQ(member(never.document(), "/error/code"), "context_length_exceeded");
  EXPECT_NE(never.body.find("context holds 256"), std::string::npos) << never.body;
}

TEST(Served, TheOnlyModelAnswersForThoseThatAnthropicHas) {
  const ApiClient client = shared_server().client();
  const json::array messages = {json::object{{"role", "user"}, {"content", "Hi"}}};
  const json::object body = {{"model", "claude-sonnet-4-5"}, {"messages", messages}, {"max_tokens", 2}};
  const ApiAnswer answer = client.post("/v1/messages", body);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(member(answer.document(), "/model"), "sample");
  EXPECT_EQ(client.post("/v1/messages/count_tokens", body).status, 200);
  EXPECT_EQ(client.post("/v1/chat/completions", body).status, 404) << "others say what they mean";
}

TEST(Served, WithSeveralModelsANameMustBeOneOfThem) {
  const auto second = std::filesystem::temp_directory_path() / fmt::format("ondol-second-{}.gguf", ::getpid());
  std::filesystem::copy_file(sample_path(), second, std::filesystem::copy_options::overwrite_existing);
  PoolOptions options = ApiServer::sample_options();
  options.models.push_back(second.string());
  options.aliases["claude-opus"] = second.stem().string();
  {
    ApiServer server(options);
    const json::array messages = {json::object{{"role", "user"}, {"content", "Hi"}}};
    json::object body = {{"model", "claude-sonnet-4-5"}, {"messages", messages}, {"max_tokens", 2}};
    EXPECT_EQ(server.client().post("/v1/messages", body).status, 404);
    body["model"] = "claude-opus";
    const ApiAnswer answer = server.client().post("/v1/messages", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(member(answer.document(), "/model"), json::value(second.stem().string()));
  }
  std::filesystem::remove(second);
}

TEST(Served, ThePlanIsThereInNumbers) {
  const json::value model = shared_server().client().get("/v1/models/sample").document();
  const json::value memory = member(model, "/ondol/memory");
  ASSERT_TRUE(memory.is_object());
  EXPECT_EQ(memory.at("fits"), true);
  EXPECT_GT(memory.at("weights_bytes").to_number<int64_t>(), 1 << 20);
  EXPECT_GT(memory.at("available_bytes").to_number<int64_t>(), 0);
  EXPECT_EQ(memory.at("kv_bytes").to_number<int64_t>(),
            memory.at("kv_bytes_per_token").to_number<int64_t>() * memory.at("context_length").to_number<int64_t>());
}

TEST(Served, WithoutAPageThereIsAWordAtTheRoot) {
  const std::vector<Route> routes = pageless_routes();
  ASSERT_EQ(routes.size(), 1u);
  EXPECT_EQ(routes[0].pattern, "/");
  EXPECT_EQ(routes[0].method, "GET") << "and so HEAD is answered too";
  EXPECT_FALSE(routes[0].needs_key);
}

}  // namespace
}  // namespace ondol::server
