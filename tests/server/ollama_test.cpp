#include "server/ollama.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>

#include <gtest/gtest.h>

#include "api_client.h"
#include "tests/hub/test_server.h"

namespace ondol::server {
namespace {

namespace fs = std::filesystem;

json::object chat(std::string_view text, int n_predict = 12) {
  const json::object message = {{"role", "user"}, {"content", text}};
  return {{"model", "sample"},
          {"messages", json::array{message}},
          {"stream", false},
          {"options", json::object{{"temperature", 0}, {"num_predict", n_predict}}}};
}

ApiAnswer post(const std::string& path, const json::object& body) {
  return shared_server().client().post(path, body);
}

std::vector<json::value> lines_of(const ApiAnswer& answer) {
  std::vector<json::value> lines;
  for (size_t at = 0; at < answer.body.size();) {
    const size_t end = answer.body.find('\n', at);
    lines.push_back(parse_json(answer.body.substr(at, end - at)).value());
    at = end == std::string::npos ? answer.body.size() : end + 1;
  }
  return lines;
}

void expect_durations(const json::value& last) {
  for (const char* key : {"total_duration", "load_duration", "prompt_eval_duration", "eval_duration"}) {
    EXPECT_TRUE(member(last, fmt::format("/{}", key)).is_int64()) << key << json::serialize(last);
  }
  const auto total = member(last, "/total_duration").to_number<int64_t>();
  EXPECT_GT(total, 100'000) << "nanoseconds";
  EXPECT_GE(total, member(last, "/eval_duration").to_number<int64_t>());
}

TEST(OllamaChat, AnswersWhole) {
  const ApiAnswer answer = post("/api/chat", chat("Hello"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(answer.type.starts_with("application/json"));
  const json::value document = answer.document();
  EXPECT_EQ(member(document, "/model"), "sample");
  EXPECT_EQ(member(document, "/message/role"), "assistant");
  EXPECT_EQ(member(document, "/done"), true);
  EXPECT_GT(member(document, "/prompt_eval_count").to_number<int>(), 0);
  EXPECT_LE(member(document, "/eval_count").to_number<int>(), 12);
  expect_durations(document);
}

TEST(OllamaChat, StreamsTheSameByDefault) {
  json::object body = chat("Once upon a time", 24);
  const json::value whole = post("/api/chat", body).document();
  body.erase("stream");
  const ApiAnswer answer = post("/api/chat", body);
  EXPECT_EQ(answer.type, "application/x-ndjson");
  const auto lines = lines_of(answer);
  ASSERT_GE(lines.size(), 3u);
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(member(lines[i], "/done"), i + 1 == lines.size());
    EXPECT_EQ(lines[i].as_object().contains("done_reason"), i + 1 == lines.size());
    text += lines[i].at_pointer("/message/content").as_string();
  }
  EXPECT_EQ(json::value(text), member(whole, "/message/content"));
  EXPECT_EQ(member(lines.back(), "/message/content"), "");
  EXPECT_EQ(member(lines.back(), "/done_reason"), member(whole, "/done_reason"));
  EXPECT_EQ(member(lines.back(), "/eval_count"), member(whole, "/eval_count"));
  expect_durations(lines.back());
}

TEST(OllamaChat, SaysWhyItEnded) {
  json::object body = chat("Tell a story", 3);
  EXPECT_EQ(member(post("/api/chat", body).document(), "/done_reason"), "length");
  body["options"] = {{"temperature", 0}, {"num_predict", 40}, {"stop", json::array{" "}}};
  const json::value document = post("/api/chat", body).document();
  EXPECT_EQ(member(document, "/done_reason"), "stop");
  EXPECT_EQ(document.at_pointer("/message/content").as_string().find(' '), std::string::npos);
}

TEST(OllamaChat, GivesArgumentsOfCallsAsObjects) {
  json::object body = chat("What is the weather in Seoul?", 500);
  body["tools"] = json::array{openai_weather_tool()};
  body["tool_choice"] = "required";
  body["parallel_tool_calls"] = false;
  const json::value document = post("/api/chat", body).document();
  const json::value call = member(document, "/message/tool_calls/0");
  EXPECT_EQ(member(call, "/function/name"), "get_weather") << json::serialize(document);
  ASSERT_TRUE(member(call, "/function/arguments/city").is_string()) << json::serialize(document);
  const std::string city(call.at_pointer("/function/arguments/city").as_string());
  EXPECT_TRUE(city == "Seoul" || city == "Busan") << city;

  for (const int n : {10, 15, 20, 25, 30}) {
    json::object shorter = body;
    shorter["options"] = {{"temperature", 0}, {"num_predict", n}};
    const json::value cut = post("/api/chat", shorter).document();
    const json::value arguments = member(cut, "/message/tool_calls/0/function/arguments");
    EXPECT_TRUE(!arguments.is_object() || arguments == call.at_pointer("/function/arguments"))
        << "half a call: " << cut;
  }

  body["stream"] = true;
  int n_calls = 0;
  for (const json::value& line : lines_of(post("/api/chat", body))) {
    const json::value calls = member(line, "/message/tool_calls");
    if (!calls.is_array()) continue;
    ++n_calls;
    EXPECT_EQ(member(line, "/done"), false);
    EXPECT_EQ(member(calls, "/0/function/arguments"), call.at_pointer("/function/arguments"));
  }
  EXPECT_EQ(n_calls, 1);
}

TEST(OllamaChat, HoldsToFormats) {
  json::object body = chat("A person", 500);
  body["format"] = parse_json(R"({"type": "object", "properties": {"age": {"type": "integer", "maximum": 99}},
                                  "required": ["age"], "additionalProperties": false})")
                       .value();
  auto content = parse_json(post("/api/chat", body).document().at_pointer("/message/content").as_string());
  ASSERT_TRUE(content.has_value());
  EXPECT_LE(content->at("age").to_number<int>(), 99);
  body["format"] = "xml";
  EXPECT_EQ(post("/api/chat", body).status, 400);
}

TEST(OllamaChat, LoadsWhenNothingIsAsked) {
  json::object body = chat("", 1);
  body["messages"] = json::array();
  json::value document = post("/api/chat", body).document();
  EXPECT_EQ(member(document, "/done_reason"), "load");
  EXPECT_EQ(member(document, "/done"), true);
  EXPECT_EQ(member(post("/api/generate", {{"model", "sample"}, {"keep_alive", 0}}).document(), "/done_reason"),
            "unload");
}

struct WrongRequest {
  const char* path;
  const char* body;
  int status;
  const char* message;  // a part of it
};

TEST(Ollama, SaysWhatIsWrong) {
  const WrongRequest wrong[] = {
      {"/api/chat", R"({"model": "nothing", "messages": [{"role": "user", "content": "a"}]})", 404, "sample"},
      {"/api/chat", R"({"messages": [{"role": "robot", "content": "a"}]})", 400, "messages[0].role"},
      {"/api/chat", R"({"messages": [{"role": "user", "content": "a", "images": ["AAAA"]}]})", 400,
       "messages[0].images"},
      {"/api/chat", R"({"messages": [{"role": "user", "content": "a"}], "options": {"num_ctx": 999999}})", 400,
       "999999 is more than the context of 1024"},
      {"/api/chat", R"({"messages": [{"role": "user", "content": "a"}], "think": true})", 400, "thinking"},
      {"/api/chat", R"({"messages": [{"role": "user", "content": "a"}], "options": {"temperature": "hot"}})", 400,
       "options.temperature"},
      {"/api/chat", R"({"messages": [{"role": "user", "content": "a"}], "keep_alive": "soon"})", 400, "keep_alive"},
      {"/api/generate", R"({"prompt": "a", "images": ["AAAA"]})", 400, "images"},
      {"/api/generate", R"({"prompt": "a", "context": [1, 2]})", 400, "context"},
      {"/api/generate", R"({"prompt": "a", "template": "{{ .Prompt }}"})", 400, "template"},
      {"/api/generate", R"({"prompt": "a", "suffix": "b"})", 400, "fill in"},
      {"/api/embed", R"({"input": [1]})", 400, "input"},
      {"/api/show", R"({"model": "nothing"})", 404, "nothing"},
      {"/api/pull", R"({})", 400, "model"},
      {"/api/copy", R"({"source": "a", "destination": "b"})", 400, "copy"},
      {"/api/create", R"({"model": "a"})", 400, "create"},
  };
  for (const WrongRequest& request : wrong) {
    const ApiAnswer answer = shared_server().client().ask("POST", request.path, request.body);
    EXPECT_EQ(answer.status, request.status) << request.body << answer.body;
    const json::value document = answer.document();
    EXPECT_EQ(document.as_object().size(), 1u) << answer.body;
    EXPECT_NE(string_or(document, "error", "").find(request.message), std::string::npos) << answer.body;
  }
}

TEST(OllamaChat, NeverCutsWhatDoesNotFit) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "once upon a time ";
  json::object body = chat(text);
  body["stream"] = true;
  body["truncate"] = true;
  const ApiAnswer answer = post("/api/chat", body);
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("1024"), std::string::npos) << answer.body;
}

TEST(OllamaGenerate, AnswersWithAndWithoutTheTemplate) {
  json::object body = {{"model", "sample"},
                       {"prompt", "Once upon a time"},
                       {"stream", false},
                       {"options", json::object{{"temperature", 0}, {"num_predict", 12}}}};
  const json::value templated = post("/api/generate", body).document();
  EXPECT_TRUE(templated.at("response").is_string());
  expect_durations(templated);
  EXPECT_EQ(member(post("/api/chat", chat("Once upon a time")).document(), "/message/content"),
            templated.at("response"));
  body["raw"] = true;
  const json::value raw = post("/api/generate", body).document();
  EXPECT_LT(raw.at("prompt_eval_count").to_number<int>(), templated.at("prompt_eval_count").to_number<int>());
  body["stream"] = true;
  std::string text;
  for (const json::value& line : lines_of(post("/api/generate", body))) text += line.at("response").as_string();
  EXPECT_EQ(json::value(text), raw.at("response"));
}

TEST(OllamaGenerate, TellsLogProbabilities) {
  const json::object body = {{"model", "sample"}, {"prompt", "Hello"},
                             {"stream", false},   {"logprobs", true},
                             {"top_logprobs", 2}, {"options", json::object{{"num_predict", 3}, {"temperature", 0}}}};
  const json::value document = post("/api/generate", body).document();
  const auto& tokens = document.at("logprobs").as_array();
  ASSERT_FALSE(tokens.empty());
  EXPECT_EQ(tokens[0].at("top_logprobs").as_array().size(), 2u);
}

TEST(OllamaModels, AreListedAndShown) {
  const ApiClient client = shared_server().client();
  post("/api/generate", {{"model", "sample"}});
  const json::value tags = client.get("/api/tags").document();
  EXPECT_EQ(member(tags, "/models/0/name"), "sample");
  EXPECT_EQ(member(tags, "/models/0/digest").as_string().size(), 64u);
  EXPECT_EQ(member(tags, "/models/0/details/family"), "llama");
  EXPECT_EQ(member(tags, "/models/0/details/parameter_size"), "2.9M");
  EXPECT_EQ(member(tags, "/models/0/size").to_number<uint64_t>(), fs::file_size(sample_path()));
  const json::value loaded = client.get("/api/ps").document();
  EXPECT_EQ(member(loaded, "/models/0/model"), "sample");
  EXPECT_EQ(member(loaded, "/models/0/context_length"), 1024);
  EXPECT_EQ(member(loaded, "/models/0/size_vram"), 0);
  const json::value shown = post("/api/show", {{"model", "sample:latest"}}).document();
  EXPECT_EQ(member(shown, "/capabilities/0"), "completion") << json::serialize(shown);
  EXPECT_EQ(member(shown, "/model_info/general.architecture"), "llama");
  EXPECT_EQ(member(shown, "/model_info/llama.context_length"), 1024);
  EXPECT_NE(string_or(shown, "template", "").find("im_start"), std::string::npos);
  EXPECT_TRUE(string_or(client.get("/api/version").document(), "version", "").starts_with("0."));
}

TEST(OllamaEmbed, GivesVectors) {
  const json::value several =
      post("/api/embed", {{"model", "sample"}, {"input", json::array{"a cat", "a dog"}}}).document();
  ASSERT_EQ(several.at("embeddings").as_array().size(), 2u);
  EXPECT_GT(several.at("prompt_eval_count").to_number<int>(), 0);
  EXPECT_GT(several.at("total_duration").to_number<int64_t>(), 0);
  const json::value old = post("/api/embeddings", {{"model", "sample"}, {"prompt", "a cat"}}).document();
  EXPECT_EQ(old.at("embedding"), member(several, "/embeddings/0"));
  EXPECT_EQ(post("/api/embed", {{"model", "sample"}, {"input", json::array()}}).document().at("embeddings"),
            json::array());
  const json::value shorter =
      post("/api/embed", {{"model", "sample"}, {"input", "a cat"}, {"dimensions", 8}}).document();
  double squares = 0;
  for (const json::value& x : shorter.at_pointer("/embeddings/0").as_array()) {
    squares += x.to_number<double>() * x.to_number<double>();
  }
  EXPECT_NEAR(squares, 1, 1e-5);
}

TEST(OllamaKeepAlive, IsSecondsOrADuration) {
  const auto seconds = [](const json::value& value) { return parse_keep_alive(value).value().count(); };
  EXPECT_EQ(seconds(30), 30);
  EXPECT_EQ(seconds(0), 0);
  EXPECT_EQ(seconds(-1), -1);
  EXPECT_EQ(seconds("5m"), 300);
  EXPECT_EQ(seconds("1h30m"), 5400);
  EXPECT_EQ(seconds("1.5s"), 2);
  EXPECT_EQ(seconds("20ms"), 1);
  EXPECT_EQ(seconds("-1m"), -1);
  EXPECT_EQ(seconds("90"), 90);
  EXPECT_GT(seconds(1e300), 0);
  for (const char* wrong : {"", "-", "soon", "5x", "m5", "1e9s"}) EXPECT_FALSE(parse_keep_alive(wrong)) << wrong;
  EXPECT_FALSE(parse_keep_alive(true));
}

TEST(OllamaRequest, GivesResultsTheirCalls) {
  const json::value body = parse_json(R"({"model": "sample", "messages": [
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [
      {"function": {"name": "look", "arguments": {"at": 1}}}, {"function": {"name": "hear", "arguments": {}}},
      {"function": {"name": "look", "arguments": {"at": 2}}}]},
    {"role": "tool", "content": "1", "tool_name": "hear"},
    {"role": "tool", "content": "2"},
    {"role": "tool", "content": "3", "tool_name": "look"}]})")
                               .value();
  RequestFault fault;
  const OllamaChat chat = read_ollama_chat(shared_server().services(), Fields(body.as_object(), fault));
  ASSERT_FALSE(fault) << fault.error().message;
  const json::value messages = chat.chat.messages;
  EXPECT_EQ(member(messages, "/1/reasoning_content"), "hm");
  EXPECT_EQ(member(messages, "/2/tool_call_id"), "call_1");
  EXPECT_EQ(member(messages, "/3/tool_call_id"), "call_0");
  EXPECT_EQ(member(messages, "/3/name"), "look");
  EXPECT_EQ(member(messages, "/4/tool_call_id"), "call_2");
  EXPECT_TRUE(chat.stream);
}

/// A server over an empty store, and a hub that has the sample model.
class OllamaPull : public testing::Test {
 protected:
  OllamaPull() : hub_([this](const TestRequest& request) { return serve(request); }) {
    setenv("HF_ENDPOINT", hub_.url().c_str(), 1);
    fs::create_directories(root_);
    PoolOptions options = ApiServer::sample_options();
    options.models = {};
    options.store = {(root_ / "own").string(), "/nonexistent", "/nonexistent"};
    server_ = std::make_unique<ApiServer>(options);
  }
  ~OllamaPull() override {
    server_.reset();
    unsetenv("HF_ENDPOINT");
    fs::remove_all(root_);
  }

  TestReply serve(const TestRequest& request) {
    if (request.path == "/api/models/org/model/revision/main?blobs=true") {
      const json::object file = {{"rfilename", "model-Q8_0.gguf"}, {"size", content_.size()}};
      return {
          200, {}, json::serialize(json::object{{"id", "org/model"}, {"sha", "01"}, {"siblings", json::array{file}}})};
    }
    if (!request.path.starts_with("/org/model/resolve/01/")) return {404, {}, "{}"};
    ++n_fetches_;
    TestReply reply = ranged(request, content_);
    reply.ms_per_64k = ms_per_64k_;
    return reply;
  }

  static std::string sample() {
    std::ifstream file(sample_path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const std::string content_ = sample();
  int ms_per_64k_ = 0;
  std::atomic<int> n_fetches_ = 0;
  const fs::path root_ = fs::temp_directory_path() / fmt::format("ondol-ollama-{}", ::getpid());
  ondol::TestServer hub_;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(OllamaPull, FetchesUsesAndDeletesAModel) {
  const ApiClient client = server_->client();
  const auto lines = lines_of(client.post("/api/pull", json::object{{"model", "org/model"}}));
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(member(lines.front(), "/status"), "pulling manifest");
  EXPECT_EQ(member(lines.back(), "/status"), "success") << json::serialize(lines.back());
  const json::value& progress = lines[1];
  EXPECT_EQ(member(progress, "/total").to_number<size_t>(), content_.size());
  EXPECT_LE(member(progress, "/completed").to_number<size_t>(), content_.size());
  EXPECT_GE(member(progress, "/digest").as_string().size(), 19u);

  const std::string name(client.get("/api/tags").document().at_pointer("/models/0/name").as_string());
  json::object body = chat("Hello", 2);
  body["model"] = name;
  EXPECT_EQ(client.post("/api/chat", body).status, 200);
  EXPECT_EQ(client.ask("DELETE", "/api/delete", json::serialize(json::object{{"model", name}})).status, 200);
  EXPECT_EQ(client.get("/api/tags").document().at("models"), json::array());
  EXPECT_EQ(client.ask("DELETE", "/api/delete", json::serialize(json::object{{"model", name}})).status, 404);
}

TEST_F(OllamaPull, EndsWhenTheServerStopsAndKeepsItsPart) {
  ms_per_64k_ = 1000;  // about a minute in all
  const ApiClient client = server_->client();
  auto pulled = std::async(std::launch::async, [&] {
    return lines_of(client.post("/api/pull", json::object{{"model", "org/model"}}));
  });
  for (int i = 0; i < 3000 && n_fetches_ == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  server_->services().stop_long_work();
  const auto lines = pulled.get();
  EXPECT_FALSE(string_or(lines.back(), "error", "").empty()) << json::serialize(lines.back());
  bool has_part = false;
  for (const auto& file : fs::recursive_directory_iterator(root_ / "own")) {
    has_part = has_part || (file.is_regular_file() && file.file_size() > 0);
  }
  EXPECT_TRUE(has_part);
  const ApiAnswer late = client.post("/api/pull", json::object{{"model", "org/model"}, {"stream", false}});
  EXPECT_EQ(late.status, 503);
}

TEST_F(OllamaPull, TellsWhatWentWrong) {
  const ApiClient client = server_->client();
  const auto lines = lines_of(client.post("/api/pull", json::object{{"model", "org/nothing"}}));
  EXPECT_NE(string_or(lines.back(), "error", "").find("org/nothing"), std::string::npos)
      << json::serialize(lines.back());
  const ApiAnswer whole = client.post("/api/pull", json::object{{"model", "org/nothing"}, {"stream", false}});
  EXPECT_EQ(whole.status, 400);
  EXPECT_TRUE(whole.document().as_object().contains("error"));
}

}  // namespace
}  // namespace ondol::server
