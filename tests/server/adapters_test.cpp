// Adapters over HTTP: put in and taken out while the server runs, named by requests of every family, and each request
// answered as if it were alone.
#include <future>

#include <gtest/gtest.h>

#include <boost/json/value_to.hpp>

#include "api_client.h"
#include "tests/runtime/adapter_sample.h"

namespace ondol::server {
namespace {

class AdapterApi : public testing::Test {
 protected:
  AdapterApi() : folder_("adapter-api") {
    write_random_adapter(folder_ / "one.gguf", sample_path(), 1, 0.7f);
    write_random_adapter(folder_ / "two.gguf", sample_path(), 2, 0.7f);
  }

  ApiClient client() { return server().client(); }
  ApiServer& server() {
    if (!server_) server_ = std::make_unique<ApiServer>(options_);
    return *server_;
  }
  /// With what --adapter does.
  void start() {
    const auto loaded = server().services().models->load_all();
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
  }

  ApiAnswer add(const std::string& name, const std::string& file, json::object more = {}) {
    more["name"] = name;
    more["path"] = folder_ / file;
    return client().post("/v1/adapters", more);
  }

  json::object question(const std::string& model) {
    json::object body = {{"model", model}, {"prompt", "Once upon a time"}, {"max_tokens", 24}, {"temperature", 0}};
    body["ignore_eos"] = true;
    return body;
  }
  std::string text_of(const json::object& body) {
    const ApiAnswer answer = client().post("/v1/completions", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.status == 200 ? std::string(member(answer.document(), "/choices/0/text").as_string()) : answer.body;
  }
  std::string text_of(const std::string& model) { return text_of(question(model)); }

  TestFolder folder_;
  PoolOptions options_ = ApiServer::sample_options();
  std::unique_ptr<ApiServer> server_;
};

TEST_F(AdapterApi, ComesAndGoesWhileTheServerRuns) {
  const std::string plain = text_of("sample");
  const ApiAnswer added = add("one", "one.gguf", {{"factor", 0.5}});
  EXPECT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(member(added.document(), "/model"), "sample");
  EXPECT_EQ(member(added.document(), "/factor"), 0.5);
  EXPECT_EQ(member(added.document(), "/state"), "loaded");
  const std::string adapted = text_of("one");
  EXPECT_NE(adapted, plain);
  EXPECT_EQ(text_of("sample:one"), adapted);
  EXPECT_EQ(text_of("sample"), plain) << "who names none gets none";
  EXPECT_EQ(text_of(""), plain);

  const json::value list = client().get("/v1/adapters").document();
  EXPECT_EQ(member(list, "/data/0/name"), "one");
  EXPECT_EQ(client().get("/v1/adapters/one").status, 200);
  const json::value models = client().get("/v1/models").document();
  EXPECT_EQ(member(models, "/data/1/id"), "one");
  EXPECT_EQ(member(models, "/data/1/parent"), "sample");
  EXPECT_EQ(member(models, "/data/1/ondol/adapter/factor"), 0.5);
  EXPECT_EQ(client().get("/v1/models/sample:one").status, 200);

  EXPECT_EQ(add("one", "two.gguf").status, 409) << "the name is taken";
  const ApiAnswer replaced = add("one", "two.gguf", {{"replace", true}});
  EXPECT_EQ(replaced.status, 201) << replaced.body;
  EXPECT_NE(text_of("one"), adapted);

  EXPECT_EQ(client().ask("DELETE", "/v1/adapters/one").status, 200);
  EXPECT_EQ(client().ask("DELETE", "/v1/adapters/one").status, 404);
  for (const char* name : {"one", "sample:one"}) {
    EXPECT_EQ(client().post("/v1/completions", question(name)).status, 404) << name;
  }
  EXPECT_EQ(text_of("sample"), plain);
}

TEST_F(AdapterApi, RequestsAtOnceAreAsTheyAreAlone) {
  ASSERT_EQ(add("one", "one.gguf").status, 201);
  ASSERT_EQ(add("two", "two.gguf").status, 201);
  std::vector<json::object> bodies;
  for (const char* model : {"sample", "one", "two", "sample"}) bodies.push_back(question(model));
  bodies.back()["lora"] = json::array{json::object{{"name", "one"}, {"scale", 0.5}}, json::object{{"id", 1}}};
  std::vector<std::string> alone;
  for (const json::object& body : bodies) alone.push_back(text_of(body));
  for (size_t i = 0; i < alone.size(); ++i) {
    for (size_t j = 0; j < i; ++j) EXPECT_NE(alone[i], alone[j]) << i << " and " << j;
  }
  for (int round = 0; round < 3; ++round) {
    std::vector<std::future<std::string>> together;
    for (const json::object& body : bodies) {
      together.push_back(std::async(std::launch::async, [&, body] { return text_of(body); }));
    }
    for (size_t i = 0; i < together.size(); ++i) EXPECT_EQ(together[i].get(), alone[i]) << i;
  }
}

TEST_F(AdapterApi, AListSaysAll) {
  ASSERT_EQ(add("one", "one.gguf").status, 201);
  ASSERT_EQ(add("two", "two.gguf").status, 201);
  const std::string plain = text_of("sample"), one = text_of("one");
  const auto with = [&](const std::string& model, json::array list) {
    json::object body = question(model);
    body["lora"] = std::move(list);
    return text_of(body);
  };
  EXPECT_EQ(with("sample", {json::object{{"id", 0}, {"scale", 1.0}}}), one);
  EXPECT_EQ(with("sample", {}), plain);
  EXPECT_EQ(with("one", {json::object{{"id", 0}, {"scale", 0.0}}}), plain) << "the list has the last word";
  EXPECT_EQ(with("two", {json::object{{"name", "two"}, {"factor", 0}}, json::object{{"name", "one"}}}), one);
  json::object wrong = question("sample");
  wrong["lora"] = json::array{json::object{{"name", "three"}}};
  const ApiAnswer answer = client().post("/v1/completions", wrong);
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(member(answer.document(), "/error/param"), "lora");
  EXPECT_NE(answer.body.find("one, two"), std::string::npos) << answer.body;
}

TEST_F(AdapterApi, UnknownNamesAreToldInEachFamilysShape) {
  ASSERT_EQ(add("one", "one.gguf").status, 201);
  const json::array messages = {json::object{{"role", "user"}, {"content", "Hi"}}};
  const json::object chat = {{"model", "sample:two"}, {"messages", messages}, {"max_tokens", 4}, {"stream", false}};
  const ApiAnswer openai = client().post("/v1/chat/completions", chat);
  EXPECT_EQ(openai.status, 404);
  EXPECT_EQ(member(openai.document(), "/error/code"), "adapter_not_found");
  EXPECT_NE(openai.body.find("there are: one"), std::string::npos) << openai.body;
  const ApiAnswer ollama = client().post("/api/chat", chat);
  EXPECT_EQ(ollama.status, 404);
  EXPECT_NE(member(ollama.document(), "/error").as_string().find("has no adapter 'two'"), std::string::npos);
  json::object unknown = chat;
  unknown["model"] = "three";
  const ApiAnswer model = client().post("/v1/chat/completions", unknown);
  EXPECT_EQ(model.status, 404);
  EXPECT_NE(model.body.find("sample, one"), std::string::npos) << model.body;
}

TEST_F(AdapterApi, EveryFamilyNamesThem) {
  ASSERT_EQ(add("one", "one.gguf").status, 201);
  const json::array messages = {json::object{{"role", "user"}, {"content", "Tell me a story"}}};
  json::object body = {{"messages", messages}, {"max_tokens", 12}, {"temperature", 0}, {"stream", false}};
  body["options"] = {{"temperature", 0}, {"num_predict", 12}};
  const auto answer_of = [&](const char* path, const std::string& model, const char* place) {
    body["model"] = model;
    const ApiAnswer answer = client().post(path, body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::serialize(member(answer.document(), place));
  };
  const struct {
    const char* path;
    const char* place;
  } families[] = {{"/v1/chat/completions", "/choices/0/message/content"},
                  {"/v1/messages", "/content/0/text"},
                  {"/api/chat", "/message/content"}};
  for (const auto& [path, place] : families) {
    const std::string plain = answer_of(path, "sample", place), adapted = answer_of(path, "one", place);
    EXPECT_NE(plain, adapted) << path;
    EXPECT_EQ(answer_of(path, "sample:one", place), adapted) << path;
    body["lora"] = json::array{json::object{{"id", 0}}};
    EXPECT_EQ(answer_of(path, "sample", place), adapted) << path;
    body.erase("lora");
  }
  body = {{"input", "Tell me a story"}, {"max_output_tokens", 12}, {"temperature", 0}};
  EXPECT_NE(answer_of("/v1/responses", "one", "/output"), answer_of("/v1/responses", "sample", "/output"));
  EXPECT_NE(answer_of("/v1/embeddings", "one", "/data/0/embedding"),
            answer_of("/v1/embeddings", "sample", "/data/0/embedding"));
  const json::value tags = client().get("/api/tags").document();
  EXPECT_EQ(member(tags, "/models/1/model"), "one");
  EXPECT_EQ(member(tags, "/models/1/details/parent_model"), "sample");
  EXPECT_EQ(client().ask("DELETE", "/api/delete", R"({"model": "one"})").status, 400);
}

TEST_F(AdapterApi, WhatIsNoneOrForAnotherModelIsRefused) {
  write_random_adapter(folder_ / "wide.gguf", sample_path(), 1, 1, 320);
  const ApiAnswer wide = add("wide", "wide.gguf");
  EXPECT_EQ(wide.status, 400);
  EXPECT_NE(wide.body.find("blk.0.attn_q"), std::string::npos) << wide.body;
  EXPECT_NE(wide.body.find("expected a part of [rank, 256], got [3, 320]"), std::string::npos) << wide.body;
  EXPECT_EQ(add("none", "nothing.gguf").status, 400);
  for (const char* name : {"", "a b", "a:b", "a=b", "sample"}) {
    const int status = add(name, "one.gguf").status;
    EXPECT_EQ(status, std::string(name) == "sample" ? 409 : 400) << name;
  }
  EXPECT_EQ(client().post("/v1/adapters", json::object{{"name", "x"}}).status, 400);
  EXPECT_EQ(add("x", "one.gguf", {{"model", "other"}}).status, 404);
  EXPECT_EQ(client().get("/v1/adapters").document().at("data").as_array().size(), 0u);
}

TEST_F(AdapterApi, ClientsOfVllmAndOfLlamaServerFindTheirOwn) {
  const ApiAnswer loaded =
      client().post("/v1/load_lora_adapter", json::object{{"lora_name", "one"}, {"lora_path", folder_ / "one.gguf"}});
  EXPECT_EQ(loaded.status, 200) << loaded.body;
  EXPECT_EQ(loaded.body, "Success: LoRA adapter 'one' added successfully.");
  const std::string plain = text_of("sample"), one = text_of("one");

  json::value list = client().get("/lora-adapters").document();
  ASSERT_EQ(list.as_array().size(), 1u);
  EXPECT_EQ(member(list, "/0/id"), 0);
  EXPECT_EQ(member(list, "/0/path"), json::value(folder_ / "one.gguf"));
  EXPECT_EQ(list.at(0).at("scale").to_number<double>(), 0.0);
  EXPECT_EQ(client().post("/lora-adapters", json::array{json::object{{"id", 0}, {"scale", 1.0}}}).status, 200);
  EXPECT_EQ(text_of("sample"), one) << "requests that name none";
  list = client().get("/lora-adapters").document();
  EXPECT_EQ(list.at(0).at("scale").to_number<double>(), 1.0);
  json::object none = question("sample");
  none["lora"] = json::array();
  EXPECT_EQ(text_of(none), plain);
  EXPECT_EQ(client().post("/lora-adapters", json::array{json::object{{"id", 7}, {"scale", 1.0}}}).status, 404);
  EXPECT_EQ(client().post("/lora-adapters", json::array()).status, 200);
  EXPECT_EQ(text_of("sample"), plain);
  EXPECT_EQ(client().post("/lora-adapters", json::object()).status, 400);

  EXPECT_EQ(client().post("/v1/unload_lora_adapter", json::object{{"lora_name", "one"}}).status, 200);
  EXPECT_EQ(client().post("/v1/unload_lora_adapter", json::object{{"lora_name", "one"}}).status, 404);
}

TEST_F(AdapterApi, ThoseOfTheCommandLine) {
  const std::string one = [&] {
    ApiServer other;
    json::object body = {{"name", "one"}, {"path", folder_ / "one.gguf"}};
    EXPECT_EQ(other.client().post("/v1/adapters", body).status, 201);
    return std::string(
        member(other.client().post("/v1/completions", question("one")).document(), "/choices/0/text").as_string());
  }();
  options_.adapters = {{"", folder_ / "one.gguf", 1.0f}, {"second", folder_ / "two.gguf", 0.5f}};
  options_.aliases = {{"gpt-4", "sample"}, {"storyteller", "sample:second"}};
  start();
  EXPECT_EQ(text_of("sample"), one) << "one without a name is for all that name none";
  EXPECT_EQ(text_of("gpt-4"), one);
  EXPECT_EQ(text_of("one"), one) << "and has the name of its file";
  const std::string second = text_of("second");
  EXPECT_NE(second, one);
  EXPECT_EQ(text_of("storyteller"), second);
  EXPECT_EQ(text_of("sample:second"), second);
}

TEST_F(AdapterApi, OneThatFitsNoModelStopsTheStart) {
  write_random_adapter(folder_ / "wide.gguf", sample_path(), 1, 1, 320);
  options_.adapters = {{"wide", folder_ / "wide.gguf", 1.0f}};
  const auto loaded = server().services().models->load_all();
  ASSERT_FALSE(loaded.has_value());
  EXPECT_NE(loaded.error().message().find("blk.0.attn_q"), std::string::npos) << loaded.error().message();
}

TEST_F(AdapterApi, ARequestKeepsWhatItUses) {
  ASSERT_EQ(add("one", "one.gguf").status, 201);
  json::object body = question("one");
  body["max_tokens"] = 600;
  const std::string expected = text_of(body);
  body["stream"] = true;
  const auto n_accepted = [&] {
    const auto loaded = server().services().models->loaded();
    return loaded.empty() ? 0 : loaded[0].model->scheduler().stats().n_requests;
  };
  const uint64_t n_before = n_accepted();
  auto reply = std::async(std::launch::async, [&] { return client().post("/v1/completions", body); });
  while (n_accepted() == n_before) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(client().ask("DELETE", "/v1/adapters/one").status, 200);
  std::string text;
  for (const json::value& event : reply.get().events()) {
    if (event.is_object()) text += json::value_to<std::string>(member(event, "/choices/0/text"));
  }
  EXPECT_EQ(text, expected);
}

TEST_F(AdapterApi, AModelThatComesBackHasItsAdapters) {
  std::filesystem::create_directories(folder_ / "store/org/a");
  std::filesystem::copy_file(sample_path(), folder_ / "store/org/a/model-q8_0.gguf");
  options_.models = {};
  options_.store = {folder_ / "store", "/nonexistent", "/nonexistent"};
  ASSERT_EQ(add("one", "one.gguf", {{"model", "a"}}).status, 201);
  const std::string one = text_of("one");
  const auto n_loaded = [&] { return server().services().models->loaded().size(); };
  const auto unload = [&] {
    server().services().models->set_keep_alive("org/a:Q8_0", std::chrono::seconds(0));
    for (int i = 0; i < 1000 && n_loaded() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return n_loaded() == 0;
  };
  ASSERT_TRUE(unload());
  EXPECT_EQ(member(client().get("/v1/adapters/one").document(), "/state"), "available");
  EXPECT_EQ(text_of("one"), one);
  EXPECT_EQ(member(client().get("/v1/adapters/one").document(), "/state"), "loaded");
  std::filesystem::remove(folder_ / "one.gguf");
  ASSERT_TRUE(unload());
  const ApiAnswer gone = client().post("/v1/completions", question("one"));
  EXPECT_EQ(gone.status, 503) << gone.body;
  EXPECT_EQ(member(client().get("/v1/adapters/one").document(), "/state"), "failed");
  EXPECT_EQ(client().post("/v1/completions", question("a")).status, 200) << "the model itself is there";
}

}  // namespace
}  // namespace ondol::server
