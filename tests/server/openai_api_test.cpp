// Everything of OpenAI's family beside chats.
#include <chrono>
#include <cmath>
#include <thread>

#include <gtest/gtest.h>

#include "api_client.h"

namespace ondol::server {
namespace {

ApiAnswer post(const char* path, const json::value& body) {
  return shared_server().client().post(path, body);
}

TEST(Completions, ContinueTextsAndTokens) {
  json::object body = {{"prompt", "Once upon a time"}, {"temperature", 0}, {"max_tokens", 8}};
  const json::value whole = post("/v1/completions", body).document();
  EXPECT_EQ(member(whole, "/object"), "text_completion");
  const std::string text(member(whole, "/choices/0/text").as_string());
  EXPECT_FALSE(text.empty());

  const json::value ids = post("/tokenize", {{"content", "Once upon a time"}, {"add_special", true}}).document();
  body["prompt"] = ids.at("tokens");
  EXPECT_EQ(member(post("/v1/completions", body).document(), "/choices/0/text"), json::value(text));

  body["prompt"] = "Once upon a time";
  body["echo"] = true;
  EXPECT_EQ(member(post("/v1/completions", body).document(), "/choices/0/text"),
            json::value("Once upon a time" + text));

  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  std::string streamed;
  const auto events = post("/v1/completions", body).events();
  for (const json::value& event : events) {
    const json::value piece = member(event, "/choices/0/text");
    if (piece.is_string() && event.is_object() && !event.at("choices").as_array().empty())
      streamed += piece.get_string();
  }
  EXPECT_EQ(streamed, "Once upon a time" + text);
  EXPECT_EQ(member(events[events.size() - 2], "/usage/completion_tokens").to_number<int>(),
            member(whole, "/usage/completion_tokens").to_number<int>());
}

TEST(Completions, SeveralPromptsAndAnswers) {
  const json::value answer =
      post("/v1/completions", {{"prompt", json::array{"One", "Two"}}, {"n", 2}, {"max_tokens", 3}, {"logprobs", 2}})
          .document();
  const auto& choices = answer.at("choices").as_array();
  ASSERT_EQ(choices.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(choices[i].at("index"), i);
    const json::value& logprobs = choices[i].at("logprobs");
    EXPECT_EQ(logprobs.at("tokens").as_array().size(), logprobs.at("token_logprobs").as_array().size());
    EXPECT_EQ(logprobs.at("tokens").as_array().size(), logprobs.at("text_offset").as_array().size());
  }
}

TEST(Completions, RefuseWhatIsNotOffered) {
  const auto refused = [](json::object body, const char* parameter) {
    if (!body.contains("prompt")) body["prompt"] = "a";
    const ApiAnswer answer = post("/v1/completions", body);
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_EQ(member(answer.document(), "/error/param"), parameter);
  };
  refused({{"best_of", 3}}, "best_of");
  refused({{"echo", true}, {"logprobs", 1}}, "echo");
  refused({{"prompt", json::object()}}, "prompt");
  refused({{"prompt", json::array{1, -2}}}, "prompt");
  refused({{"prompt", json::array{1, 100000000}}}, "prompt");
  refused({{"suffix", "the end"}}, "suffix");  // the sample was not taught to fill in
  EXPECT_EQ(member(post("/infill", {{"input_prefix", "a"}, {"input_suffix", "b"}}).document(), "/error/code"),
            "no_fill_in");
}

TEST(Embeddings, HaveBothEncodings) {
  const json::value plain = post("/v1/embeddings", {{"input", json::array{"a cat", "a dog"}}}).document();
  const auto& data = plain.at("data").as_array();
  ASSERT_EQ(data.size(), 2u);
  EXPECT_EQ(data[1].at("index"), 1);
  const auto& vector = data[0].at("embedding").as_array();
  double squares = 0;
  for (const json::value& x : vector) squares += std::pow(x.to_number<double>(), 2);
  EXPECT_NEAR(squares, 1, 1e-3);
  EXPECT_GT(member(plain, "/usage/prompt_tokens").to_number<int>(), 1);

  const json::value packed = post("/v1/embeddings", {{"input", "a cat"}, {"encoding_format", "base64"}}).document();
  const std::string text(member(packed, "/data/0/embedding").as_string());
  EXPECT_EQ(text.size(), (vector.size() * 4 + 2) / 3 * 4);
  // The first three bytes, by hand: the lowest bytes of the first number come first.
  const auto first = static_cast<float>(vector[0].to_number<double>());
  uint32_t bits;
  std::memcpy(&bits, &first, 4);
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  EXPECT_EQ(text[0], digits[(bits & 255) >> 2]);

  const json::value cut = post("/v1/embeddings", {{"input", "a cat"}, {"dimensions", 4}}).document();
  squares = 0;
  const json::value shorter = member(cut, "/data/0/embedding");
  for (const json::value& x : shorter.as_array()) squares += std::pow(x.to_number<double>(), 2);
  EXPECT_EQ(shorter.as_array().size(), 4u);
  EXPECT_NEAR(squares, 1, 1e-4);
}

TEST(Embeddings, RefuseTokenIdsAndEmptyTexts) {
  const ApiAnswer ids = post("/v1/embeddings", {{"input", json::array{json::array{1, 2, 3}}}});
  EXPECT_EQ(ids.status, 400);
  EXPECT_NE(ids.body.find("check_embedding_ctx_length=False"), std::string::npos);
  EXPECT_EQ(post("/v1/embeddings", {{"input", json::array{1, 2, 3}}}).status, 400);
  EXPECT_EQ(member(post("/v1/embeddings", {{"input", json::array{"a", ""}}}).document(), "/error/param"), "input[1]");
  EXPECT_EQ(member(post("/v1/embeddings", {{"input", "a"}, {"encoding_format", "hex"}}).document(), "/error/param"),
            "encoding_format");
  EXPECT_EQ(member(post("/v1/embeddings", {{"input", "a"}, {"dimensions", 100000}}).document(), "/error/param"),
            "dimensions");
}

TEST(Rerank, PutsTheSameTextFirst) {
  const json::value answer =
      post("/v1/rerank", {{"query", "the little dog"},
                          {"documents", json::array{"a king in his castle", "the little dog", "rain"}},
                          {"top_n", 2},
                          {"return_documents", true}})
          .document();
  const auto& results = answer.at("results").as_array();
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].at("index"), 1);
  EXPECT_NEAR(results[0].at("relevance_score").to_number<double>(), 1, 1e-3);
  EXPECT_EQ(member(results[0], "/document/text"), "the little dog");
  EXPECT_EQ(member(answer, "/ondol/method"), "embedding-cosine");
}

TEST(Models, AreListedAndDescribed) {
  const ApiClient client = shared_server().client();
  const json::value list = client.get("/v1/models").document();
  ASSERT_EQ(list.at("data").as_array().size(), 1u);
  const json::value& model = list.at("data").as_array()[0];
  EXPECT_EQ(model.at("id"), "sample");
  for (const char* key : {"state", "size_bytes", "context_length", "fits", "plan", "architecture", "quantization",
                          "has_tools", "has_reasoning"}) {
    EXPECT_TRUE(model.at("ondol").as_object().contains(key)) << key;
  }
  EXPECT_EQ(member(model, "/ondol/architecture"), "llama");
  EXPECT_EQ(client.get("/v1/models/sample").document().at("id"), "sample");
  EXPECT_EQ(client.get("/v1/models/who/knows").status, 404);
}

TEST(Tokens, GoThereAndBack) {
  const std::string text = "Hello, \xEC\x98\xA8\xEB\x8F\x8C!";
  const json::value ids = post("/tokenize", {{"content", text}}).document();
  EXPECT_EQ(member(post("/detokenize", {{"tokens", ids.at("tokens")}}).document(), "/content"), json::value(text));
  const json::value pieces = post("/tokenize", {{"content", "Hello"}, {"with_pieces", true}}).document();
  EXPECT_TRUE(member(pieces, "/tokens/0/piece").is_string());
  EXPECT_EQ(post("/detokenize", {{"tokens", json::array{"x"}}}).status, 400);
  EXPECT_EQ(post("/tokenize", json::object()).status, 400);
}

TEST(Status, TellsHealthAndMetrics) {
  const ApiClient client = shared_server().client();
  EXPECT_EQ(client.get("/health").document().at("status"), "ok");
  client.post("/v1/completions", {{"prompt", "a"}, {"max_tokens", 4}, {"ignore_eos", true}});
  // The text's end is counted just after the client has it.
  const std::string_view idle = "ondol_requests_running{model=\"sample\"} 0";
  ApiAnswer metrics = client.get("/metrics");
  for (int i = 0; i < 100 && metrics.body.find(idle) == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    metrics = client.get("/metrics");
  }
  EXPECT_TRUE(metrics.type.starts_with("text/plain; version=0.0.4"));
  for (const char* name :
       {"ondol_requests_running{model=\"sample\"} 0", "ondol_requests_waiting", "ondol_tokens_generated_total",
        "ondol_tokens_prompt_total", "ondol_tokens_cached_total", "ondol_kv_pages_used", "ondol_kv_pages_cached",
        "ondol_kv_pages_total", "ondol_batch_rows", "process_resident_memory_bytes", "ondol_memory_available_bytes",
        "ondol_time_to_first_token_seconds_bucket{", "ondol_token_seconds_count{model=\"sample\"}",
        "ondol_request_seconds_count{route=\"/v1/completions\",status=\"200\"}"}) {
    EXPECT_NE(metrics.body.find(name), std::string::npos) << name;
  }
}

TEST(Template, IsAppliedAsForAnAnswer) {
  const json::object message = {{"role", "user"}, {"content", "Hello"}};
  const json::value answer = post("/apply-template", {{"messages", json::array{message}}}).document();
  EXPECT_NE(member(answer, "/prompt").as_string().find("Hello"), json::string::npos);
}

}  // namespace
}  // namespace ondol::server
