// /v1/fine_tuning: jobs are checked, run, can be used, stopped and gone on with, and outlive the server.
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "test_client.h"
#include "tests/runtime/adapter_sample.h"
#include "upload_sample.h"

namespace ondol::server {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLessons =
    "{\"prompt\": \"the colour of the door\", \"completion\": \" is a deep blue\"}\n"
    "{\"prompt\": \"the sound of the rain\", \"completion\": \" is soft and grey\"}\n"
    "{\"prompt\": \"the name of the cat\", \"completion\": \" is Hodori\"}\n";
constexpr int kPatience_ms = 120000;

class TuningApi : public testing::Test {
 protected:
  TuningApi() : folder_("tuning-api") { start(); }

  void start() {
    server_.reset();
    server_ = std::make_unique<ApiServer>(ApiServer::sample_options(), folder_ / "data");
  }
  ApiClient client() const { return server_->client(); }
  std::string uploaded(const std::string& content, const std::string& name = "lessons.jsonl") {
    return string_or(upload(client(), name, content).document(), "id", "");
  }
  static json::object quick(json::object more = {}) {
    more["seq"] = 32;
    more["priority"] = "normal";
    more["lr"] = 0.003;
    more["rank"] = 4;
    if (!more.contains("steps")) more["steps"] = 4;
    return more;
  }
  json::object body(const std::string& file, json::object own = quick()) {
    return {{"model", "sample"}, {"training_file", file}, {"seed", 1}, {"ondol", std::move(own)}};
  }
  std::string created(const json::object& body) {
    const ApiAnswer answer = client().post("/v1/fine_tuning/jobs", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return string_or(answer.document(), "id", "");
  }
  json::value job(const std::string& id) { return client().get("/v1/fine_tuning/jobs/" + id).document(); }
  std::string status(const std::string& id) { return string_or(job(id), "status", ""); }
  bool comes_to(const std::string& id, const std::string& wanted) {
    return becomes_true([&] { return status(id) == wanted; }, kPatience_ms);
  }
  json::array events(const std::string& id) {
    return client()
        .get("/v1/fine_tuning/jobs/" + id + "/events?limit=10000&order=asc")
        .document()
        .at("data")
        .as_array();
  }
  int64_t last_step(const std::string& id) {
    int64_t last = 0;
    for (const json::value& event : events(id)) {
      if (event.at("type") == "metrics") last = event.at("data").at("step").as_int64();
    }
    return last;
  }
  std::string text_of(const std::string& model) {
    const json::object question = {{"model", model},
                                   {"prompt", "the name of the cat"},
                                   {"max_tokens", 12},
                                   {"temperature", 0},
                                   {"ignore_eos", true}};
    const ApiAnswer answer = client().post("/v1/completions", question);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.status == 200 ? std::string(member(answer.document(), "/choices/0/text").as_string()) : "";
  }
  /// A job that runs and would run for long, with what it learns in use.
  std::string long_job() {
    const std::string id =
        created(body(uploaded(kLessons), quick({{"steps", 100000}, {"save_every", 2}, {"live", true}})));
    EXPECT_TRUE(becomes_true([&] { return last_step(id) >= 4; }, kPatience_ms)) << json::serialize(job(id));
    return id;
  }

  TestFolder folder_;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(TuningApi, TeachesWhatCanBeAskedAtOnce) {
  const std::string plain = text_of("sample");
  json::object wanted = body(uploaded(kLessons), quick({{"steps", 12}, {"save_every", 3}}));
  wanted["suffix"] = "door";
  wanted["validation_file"] = uploaded(kLessons, "check.jsonl");
  const std::string id = created(wanted);
  ASSERT_TRUE(comes_to(id, "succeeded")) << json::serialize(job(id));
  const json::value done = job(id);
  const std::string model = string_or(done, "fine_tuned_model", "");
  EXPECT_TRUE(model.starts_with("sample:ft-door-")) << model;
  EXPECT_EQ(member(done, "/object"), "fine_tuning.job");
  EXPECT_EQ(member(done, "/error"), nullptr);
  EXPECT_EQ(member(done, "/ondol/steps"), 12);
  EXPECT_GT(member(done, "/trained_tokens").as_int64(), 100);
  EXPECT_GE(member(done, "/finished_at").as_int64(), member(done, "/created_at").as_int64());
  EXPECT_NE(text_of(model), plain);
  EXPECT_EQ(text_of("sample"), plain);

  const json::value checkpoints = client().get("/v1/fine_tuning/jobs/" + id + "/checkpoints").document();
  ASSERT_EQ(checkpoints.at("data").as_array().size(), 3u);
  EXPECT_EQ(member(checkpoints, "/data/0/step_number"), 12);
  EXPECT_EQ(text_of(std::string(member(checkpoints, "/data/0/fine_tuned_model_checkpoint").as_string())),
            text_of(model));
  EXPECT_GT(member(checkpoints, "/data/2/metrics/full_valid_loss").as_double(),
            member(checkpoints, "/data/0/metrics/full_valid_loss").as_double());
  EXPECT_EQ(last_step(id), 12);
  const json::value page = client().get("/v1/fine_tuning/jobs/" + id + "/events?limit=3").document();
  EXPECT_EQ(member(page, "/has_more"), true);
  EXPECT_EQ(member(page, "/data/0/message"), "The job has successfully completed");

  start();  // and it is still there
  EXPECT_EQ(job(id), done);
  EXPECT_NE(text_of(model), plain);
  EXPECT_EQ(client().post("/v1/fine_tuning/jobs/" + id + "/cancel", json::object()).status, 400) << "it has ended";
  EXPECT_EQ(client().ask("DELETE", "/v1/fine_tuning/jobs/" + id).status, 200);
  EXPECT_EQ(client().get("/v1/fine_tuning/jobs/" + id).status, 404);
  EXPECT_EQ(client().get("/v1/models/" + model).status, 404);
  EXPECT_FALSE(fs::exists(folder_ / "data/jobs/" + id));
}

TEST_F(TuningApi, SaysWhichLineIsWrong) {
  const std::string broken = std::string(kLessons) + "{\"prompt\": \"and\", \"completion\": 7}\n";
  for (const auto& [field, good] :
       {std::pair("training_file", "validation_file"), {"validation_file", "training_file"}}) {
    json::object wanted = body("");
    wanted[field] = uploaded(broken, "broken.jsonl");
    wanted[good] = uploaded(kLessons);
    const std::string id = created(wanted);
    ASSERT_TRUE(comes_to(id, "failed")) << json::serialize(job(id));
    EXPECT_EQ(member(job(id), "/error/param"), json::value(field));
    EXPECT_EQ(member(job(id), "/error/line"), 4);
    EXPECT_EQ(member(job(id), "/error/code"), json::value(std::string("invalid_") + field));
    EXPECT_TRUE(member(job(id), "/error/message").as_string().starts_with("broken.jsonl:4: "))
        << json::serialize(job(id));
  }
  const std::string id = created(body(uploaded("{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n")));
  ASSERT_TRUE(comes_to(id, "failed"));
  EXPECT_EQ(member(job(id), "/error/line"), 1) << "pairs are nothing to be learned one by one";
}

TEST_F(TuningApi, RefusesWhatCannotBe) {
  const std::string file = uploaded(kLessons);
  const auto parameter_of = [&](const char* key, const json::value& value, int status = 400) {
    json::object wanted = body(file);
    wanted[key] = value;
    const ApiAnswer answer = client().post("/v1/fine_tuning/jobs", wanted);
    EXPECT_EQ(answer.status, status) << answer.body;
    return answer.status == status ? member(answer.document(), "/error/param") : json::value();
  };
  EXPECT_EQ(parameter_of("model", "nobody", 404), "model");
  EXPECT_EQ(parameter_of("training_file", "file-none", 404), "training_file");
  EXPECT_EQ(parameter_of("validation_file", "file-none", 404), "validation_file");
  EXPECT_EQ(parameter_of("suffix", "a b"), "suffix");
  EXPECT_EQ(parameter_of("seed", -1), "seed");
  EXPECT_EQ(parameter_of("method", {{"type", "reinforcement"}}), "method.type");
  EXPECT_EQ(parameter_of("ondol", {{"rank", 0}}), "ondol.rank");
  EXPECT_EQ(parameter_of("ondol", {{"optimizer", "adam"}}), "ondol.optimizer");
  EXPECT_EQ(parameter_of("ondol", {{"precision", "int4"}}), "ondol.precision");
  const json::object epochs = {{"hyperparameters", {{"n_epochs", "many"}}}};
  EXPECT_EQ(parameter_of("method", {{"type", "dpo"}, {"dpo", epochs}}), "method.dpo.hyperparameters.n_epochs");
  const std::string other = string_or(upload(client(), "a.jsonl", kLessons, "user_data").document(), "id", "");
  EXPECT_EQ(parameter_of("training_file", json::value(other)), "training_file") << "not meant for this";
  EXPECT_EQ(parameter_of("anything", json::value(std::string(100000, 'x')), 413), nullptr) << "it would be kept";
  EXPECT_EQ(client().get("/v1/fine_tuning/jobs/ftjob-none").status, 404);
  EXPECT_EQ(client().get("/v1/fine_tuning/jobs").document().at("data").as_array().size(), 0u);
}

TEST_F(TuningApi, WhatIsLearnedGoesLiveAndAnswersKeepTheirs) {
  const std::string id = long_job();
  const std::string model = string_or(job(id).at("ondol"), "live_model", "");
  ASSERT_TRUE(model.starts_with("sample:ft-"));
  EXPECT_EQ(member(job(id), "/fine_tuned_model"), nullptr) << "it is not done";
  std::set<std::string> paths;
  const auto root = [&] { return string_or(client().get("/v1/models/" + model).document(), "root", ""); };
  EXPECT_TRUE(becomes_true(
      [&] {
        paths.insert(root());
        text_of(model);  // never fails, whatever is swapped meanwhile
        return paths.size() >= 3;
      },
      kPatience_ms));
  EXPECT_EQ(client().post("/v1/fine_tuning/jobs/" + id + "/cancel", json::object()).status, 200);
  EXPECT_EQ(status(id), "cancelled");
}

TEST_F(TuningApi, PausesAndGoesOn) {
  const std::string id = long_job();
  const std::string other = created(body(uploaded(kLessons)));
  EXPECT_TRUE(becomes_true([&] { return status(other) == "queued"; }));
  EXPECT_EQ(client().post("/v1/fine_tuning/jobs/" + id + "/resume", json::object()).status, 400) << "it runs";
  EXPECT_EQ(client().post("/v1/fine_tuning/jobs/" + id + "/pause", json::object()).status, 200);
  ASSERT_TRUE(comes_to(other, "succeeded")) << "the next one has its turn";
  const int64_t paused_at = last_step(id);
  EXPECT_EQ(status(id), "paused");
  EXPECT_EQ(client().post("/v1/fine_tuning/jobs/" + id + "/resume", json::object()).status, 200);
  EXPECT_TRUE(becomes_true([&] { return last_step(id) > paused_at; }, kPatience_ms));
  int64_t before = 0;
  for (const json::value& event : events(id)) {
    if (event.at("type") != "metrics") continue;
    EXPECT_EQ(event.at("data").at("step").as_int64(), before + 1) << "each step once";
    before = event.at("data").at("step").as_int64();
  }
  EXPECT_EQ(client().post("/v1/fine_tuning/jobs/" + id + "/cancel", json::object()).status, 200);
}

TEST_F(TuningApi, GoesOnWhenTheServerIsBack) {
  const std::string id = long_job();
  start();
  EXPECT_EQ(client().get("/v1/files").status, 200);
  const int64_t at = last_step(id);
  EXPECT_GE(at, 4);
  EXPECT_TRUE(becomes_true([&] { return last_step(id) > at; }, kPatience_ms));
  EXPECT_EQ(status(id), "running");
  EXPECT_NE(text_of(string_or(job(id).at("ondol"), "live_model", "")), "");
  EXPECT_EQ(client().post("/v1/fine_tuning/jobs/" + id + "/cancel", json::object()).status, 200);
  start();
  EXPECT_EQ(status(id), "cancelled");
}

TEST_F(TuningApi, ShowsWhatWouldBeLearned) {
  const ApiAnswer answer = client().post("/v1/fine_tuning/preview", body(uploaded(kLessons)));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::value found = answer.document();
  EXPECT_EQ(member(found, "/n_examples"), 3);
  EXPECT_EQ(member(found, "/error"), nullptr);
  std::string learned, read;
  const json::value runs = member(found, "/first_example/0/runs");
  for (const json::value& run : runs.as_array()) {
    (run.at("is_learned").as_bool() ? learned : read) += run.at("text").as_string();
  }
  EXPECT_NE(read.find("the colour of the door"), std::string::npos);
  EXPECT_NE(learned.find("is a deep blue"), std::string::npos);
  EXPECT_EQ(learned.find("colour"), std::string::npos);
  const ApiAnswer broken = client().post("/v1/fine_tuning/preview", body(uploaded("{\"text\": \"a b c\"}\nno JSON\n")));
  ASSERT_EQ(broken.status, 200) << broken.body;
  EXPECT_EQ(member(broken.document(), "/error/line"), 2);
  EXPECT_EQ(member(broken.document(), "/error/param"), "training_file");
}

TEST(TuningStatus, OnlyGoesWhereItMay) {
  using Status = TuningStatus;
  const std::vector<Status> all = {Status::kValidating, Status::kQueued, Status::kRunning,  Status::kPaused,
                                   Status::kSucceeded,  Status::kFailed, Status::kCancelled};
  for (const Status from : all) {
    EXPECT_FALSE(may_become(from, from));
    for (const Status to : all) {
      if (has_ended(from) || to == Status::kValidating) {
        EXPECT_FALSE(may_become(from, to));
      }
    }
  }
  EXPECT_TRUE(may_become(Status::kQueued, Status::kRunning));
  EXPECT_TRUE(may_become(Status::kRunning, Status::kPaused));
  EXPECT_TRUE(may_become(Status::kPaused, Status::kQueued));
  EXPECT_FALSE(may_become(Status::kPaused, Status::kRunning));
  EXPECT_FALSE(may_become(Status::kQueued, Status::kSucceeded));
}

TEST(TuningJob, IsWrittenAndRead) {
  TuningJob job;
  job.id = "ftjob-1";
  job.base = "model";
  job.asked = {{"model", "model"}, {"training_file", "file-1"}, {"seed", 7}};
  job.error = TuningError{"code", "what", "training_file", 3};
  job.messages = {{1, "warn", "hm", 2}};
  job.checkpoints = {{2, 1, 0.5, {}}, {4, 1, 0.25, 0.75}};
  const json::object document = to_document(job);
  const auto read = from_document(document);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(to_document(*read), document);
  EXPECT_EQ(read->request.options.lora.seed, 7u);
  for (const char* key : {"id", "base", "status", "asked"}) {
    json::object without = document;
    without.erase(key);
    EXPECT_FALSE(from_document(without).has_value()) << key;
  }
}

}  // namespace
}  // namespace ondol::server
