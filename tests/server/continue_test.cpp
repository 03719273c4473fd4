// Answers that were begun and are gone on with: in their content, in their reasoning, whatever the template writes
// before.
#include <future>

#include <gtest/gtest.h>

#include <boost/json/value_to.hpp>

#include "api_client.h"
#include "server/chat.h"
#include "tests/runtime/adapter_sample.h"
#include "thinking_sample.h"

namespace ondol::server {
namespace {

class ContinueTest : public testing::Test {
 protected:
  ContinueTest() : folder_("continue") {}

  void serve(std::string_view chat_template) {
    write_thinking_sample(folder_ / "thinking.gguf", chat_template);
    PoolOptions options = ApiServer::sample_options();
    options.models = {folder_ / "thinking.gguf"};
    server_ = std::make_unique<ApiServer>(options);
    std::promise<ModelUse> promise;
    server_->services().models->use("", [&](ModelPool::Outcome outcome) { promise.set_value(outcome.model); });
    model_ = promise.get_future().get();
    ASSERT_NE(model_, nullptr);
  }

  ChatPrompt prompt_of(const char* answer, std::optional<bool> thinks = {}) {
    ChatRequest request;
    request.messages = {json::object{{"role", "user"}, {"content", "Hi"}}};
    request.messages.push_back(parse_json(answer).value());
    request.messages.back().as_object()["role"] = "assistant";
    request.reasoning.is_wanted = thinks;
    request.continues_last = true;
    ChatPrompt prompt;
    const auto error = make_chat_prompt(*model_, request, prompt);
    EXPECT_FALSE(error) << error->message;
    EXPECT_EQ(model_->tokenizer().decode(prompt.tokens, true), prompt.text + prompt.prefill);
    return prompt;
  }
  std::string whole(const char* answer, std::optional<bool> thinks = {}) {
    const ChatPrompt prompt = prompt_of(answer, thinks);
    const std::string text = prompt.text + prompt.prefill;
    const size_t at = text.rfind("<|im_start|>assistant\n");
    EXPECT_NE(at, std::string::npos) << text;
    return at == std::string::npos ? text : text.substr(at + 22);
  }

  TestFolder folder_;
  std::unique_ptr<ApiServer> server_;
  ModelUse model_;
};

constexpr const char* kContent = R"({"content": "Well, I "})";
constexpr const char* kReasoning = R"({"content": "", "reasoning_content": "They greet "})";
constexpr const char* kBoth = R"({"content": "Well, I ", "reasoning_content": "They greet me."})";

TEST_F(ContinueTest, WhereTheTemplateOpensReasoning) {
  serve(kThinkingTemplate);
  EXPECT_EQ(whole(kReasoning), "<think>\nThey greet ");
  EXPECT_EQ(whole(kBoth), "<think>\nThey greet me.\n</think>\n\nWell, I ");
  const std::string content = whole(kContent);
  EXPECT_TRUE(content.starts_with("<think>\n")) << content;
  EXPECT_NE(content.find("</think>"), std::string::npos) << content;
  EXPECT_TRUE(content.ends_with("Well, I ")) << content;
  // Reasoning that was begun is gone on with even where none was asked for.
  EXPECT_EQ(whole(kReasoning, false), "<think>\nThey greet ");
  EXPECT_EQ(whole(kContent, false), "<think>\n\n</think>\n\nWell, I ");
}

TEST_F(ContinueTest, WhereTheModelOpensReasoning) {
  serve(kModelThinksTemplate);
  EXPECT_EQ(whole(kReasoning), "<think>\nThey greet ");
  EXPECT_EQ(whole(kBoth), "<think>\nThey greet me.\n</think>\n\nWell, I ");
  EXPECT_EQ(whole(kContent), "<think>\n\n</think>\n\nWell, I ");
  EXPECT_EQ(whole(kContent, false), "<think>\n\n</think>\n\nWell, I ");
  EXPECT_EQ(whole(kReasoning, false), "<think>\nThey greet ");
  EXPECT_EQ(prompt_of(kReasoning).prefill, "<think>\nThey greet ") << "the parser sees it from where an answer begins";
}

TEST_F(ContinueTest, WhereTheTemplateShowsNoReasoning) {
  serve(
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] | trim }}<|im_end|>\n"
      "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
  EXPECT_EQ(whole(kContent), "Well, I ") << "nothing is trimmed";
  EXPECT_EQ(whole(kBoth), "Well, I ");
  EXPECT_EQ(whole(R"({"content": "  "})"), "  ");
}

TEST_F(ContinueTest, WhereTheTemplateHasPartsOfItsOwn) {
  serve(
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}[final]{% endif %}"
      "{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
  EXPECT_EQ(whole(kContent), "[final]Well, I ");
}

TEST_F(ContinueTest, ReasoningThatWasCutGoesOnAsIfItHadNotBeen) {
  serve(kThinkingTemplate);
  const auto ask = [&](json::array messages, int n) {
    json::object body = {{"messages", std::move(messages)}, {"max_tokens", n}, {"temperature", 0}};
    body["ignore_eos"] = true;
    const ApiAnswer answer = server_->client().post("/v1/chat/completions", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return member(answer.document(), "/choices/0/message");
  };
  const auto reasoning_of = [](const json::value& message) {
    return json::value_to<std::string>(member(message, "/reasoning_content"));
  };
  const json::object question = {{"role", "user"}, {"content", "Once upon a time"}};
  const std::string all = reasoning_of(ask({question}, 24));
  for (int n = 6; n < 20; ++n) {
    const json::value first = ask({question}, n);
    EXPECT_EQ(member(first, "/content"), "");
    // Not within a character.
    if (!all.starts_with(reasoning_of(first))) continue;
    EXPECT_EQ(reasoning_of(first) + reasoning_of(ask({question, first}, 24 - n)), all);
    return;
  }
  FAIL() << "no beginning of the answer is whole";
}

json::value ask(const json::object& more) {
  json::object body = {{"max_tokens", 8}, {"temperature", 0}, {"ignore_eos", true}};
  for (const auto& [key, value] : more) body[key] = value;
  const ApiAnswer answer = shared_server().client().post("/v1/chat/completions", body);
  EXPECT_EQ(answer.status, 200) << answer.body;
  return answer.document();
}

std::string content_of(const json::value& answer) {
  return json::value_to<std::string>(member(answer, "/choices/0/message/content"));
}

const json::object kQuestion = {{"role", "user"}, {"content", "Tell me a story"}};

TEST(Continue, ContentThatWasCutGoesOnAsIfItHadNotBeen) {
  const std::string all = content_of(ask({{"messages", json::array{kQuestion}}, {"max_tokens", 24}}));
  const std::string first = content_of(ask({{"messages", json::array{kQuestion}}}));
  const json::array begun = {kQuestion, json::object{{"role", "assistant"}, {"content", first}}};
  const std::string rest = content_of(ask({{"messages", begun}, {"max_tokens", 16}}));
  EXPECT_EQ(first + rest, all);
  EXPECT_EQ(content_of(ask({{"messages", begun}, {"max_tokens", 16}, {"continue_final_message", true}})), rest);
  // As vLLM's clients write it, and with what was there before.
  json::object echoed = {{"messages", begun}, {"max_tokens", 16}, {"continue_final_message", true}};
  echoed["add_generation_prompt"] = false;
  echoed["echo"] = true;
  EXPECT_EQ(content_of(ask(echoed)), all);
  echoed["stream"] = true;
  json::object body = echoed;
  body["temperature"] = 0;
  body["ignore_eos"] = true;
  std::string streamed;
  for (const json::value& event : shared_server().client().post("/v1/chat/completions", body).events()) {
    const json::value text = member(event, "/choices/0/delta/content");
    if (event.is_object() && !text.as_string().starts_with("(there is no")) streamed += text.as_string();
  }
  EXPECT_EQ(streamed, all);
}

TEST(Continue, AnAnswerNeedNotBeOpened) {
  const auto prompt = [](const json::object& body) {
    const ApiAnswer answer = shared_server().client().post("/apply-template", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::value_to<std::string>(member(answer.document(), "/prompt"));
  };
  const json::array messages = {kQuestion};
  const std::string opened = prompt({{"messages", messages}});
  const std::string closed = prompt({{"messages", messages}, {"add_generation_prompt", false}});
  EXPECT_TRUE(opened.starts_with(closed));
  EXPECT_GT(opened.size(), closed.size());
  const json::array answered = {kQuestion, json::object{{"role", "assistant"}, {"content", "Once"}}};
  EXPECT_TRUE(prompt({{"messages", answered}}).ends_with("Once"));
  const std::string whole = prompt({{"messages", answered}, {"add_generation_prompt", false}});
  EXPECT_NE(whole.find("Once"), std::string::npos);
  EXPECT_FALSE(whole.ends_with("Once")) << "it is closed";
}

TEST(Continue, CompletionsEchoTextsAndTokens) {
  const auto text_of = [](json::object body) {
    body["max_tokens"] = 6;
    body["temperature"] = 0;
    const ApiAnswer answer = shared_server().client().post("/v1/completions", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::value_to<std::string>(member(answer.document(), "/choices/0/text"));
  };
  const std::string plain = text_of({{"prompt", "Once upon a time"}});
  EXPECT_EQ(text_of({{"prompt", "Once upon a time"}, {"echo", true}}), "Once upon a time" + plain);
  const json::value tokens = member(
      shared_server().client().post("/tokenize", json::object{{"content", "Once upon a time"}}).document(), "/tokens");
  const std::string of_tokens = text_of({{"prompt", tokens}});
  EXPECT_EQ(text_of({{"prompt", tokens}, {"echo", true}}), "Once upon a time" + of_tokens);
}

}  // namespace
}  // namespace ondol::server
