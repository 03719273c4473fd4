// AgentService with models that say what a test wrote down.
#include "server/agent_service.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "agent/sandbox.h"
#include "tests/agent/scripted_model.h"
#include "tests/agent/temporary_folder.h"

namespace ondol::server {
namespace {

class AgentServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto sandbox = Sandbox::open(); !sandbox) GTEST_SKIP() << sandbox.error().message();
    std::filesystem::create_directories(folder_.path() + "/w/below");
  }

  AgentOptions options(std::vector<std::string> answers = {"Done."}) {
    AgentOptions options;
    options.workspaces = {folder_.path() + "/w"};
    options.table = folder_.path() + "/jobs.db";
    options.n_workers = 2;
    options.places.data_folder = folder_.path() + "/data";
    options.model = [answers, this](const std::string&,
                                    std::function<bool()> goes_on) -> Result<std::shared_ptr<AgentModel>> {
      ++n_models_;
      auto model = std::make_shared<ScriptedModel>(answers);
      if (blocks_) {
        model->on_token = [goes_on] {
          while (goes_on()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        };
      }
      return std::shared_ptr<AgentModel>(std::move(model));
    };
    return options;
  }

  int64_t add(AgentService& service, const std::string& workspace) {
    AgentTask task;
    task.goal = "Look.";
    task.workspace = workspace;
    return service.with_table([&](JobTable& table) { return table.add({.work = work_of(task)}); }).value();
  }
  JobRecord job(AgentService& service, int64_t id) {
    return service.with_table([&](JobTable& table) { return table.find(id); }).value().value();
  }
  JobState ended(AgentService& service, int64_t id) {
    for (int i = 0; i < 2000; ++i) {
      const JobState state = job(service, id).state;
      if (state != JobState::kWaiting && state != JobState::kRunning) return state;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return job(service, id).state;
  }

  TestFolder folder_;
  std::atomic<int> n_models_ = 0;
  bool blocks_ = false;
};

TEST_F(AgentServiceTest, TwoServersShareATable) {
  const auto one = AgentService::open(options()).value();
  const auto other = AgentService::open(options()).value();
  std::vector<int64_t> jobs;
  for (int i = 0; i < 12; ++i) jobs.push_back(add(*one, folder_.path() + "/w"));
  one->start();
  other->start();
  for (const int64_t id : jobs) EXPECT_EQ(ended(*other, id), JobState::kDone) << job(*other, id).result;
  EXPECT_EQ(n_models_, 12) << "each job is done once";
}

TEST_F(AgentServiceTest, OnlyItsWorkspacesAreWorkedIn) {
  const auto service = AgentService::open(options()).value();
  EXPECT_TRUE(service->allowed_workspace(folder_.path() + "/w/below/.."));
  EXPECT_TRUE(service->allowed_workspace(folder_.path() + "/w/below"));
  EXPECT_FALSE(service->allowed_workspace(folder_.path()));
  EXPECT_FALSE(service->allowed_workspace(folder_.path() + "/w/.."));
  std::filesystem::create_directories(folder_.path() + "/w2");
  EXPECT_FALSE(service->allowed_workspace(folder_.path() + "/w2"));
  std::filesystem::create_directory_symlink("/", folder_.path() + "/w/out");
  EXPECT_FALSE(service->allowed_workspace(folder_.path() + "/w/out"));
  // Whoever writes to the table is not asked who they are.
  const int64_t id = add(*service, folder_.path());
  service->start();
  EXPECT_EQ(ended(*service, id), JobState::kFailed);
  EXPECT_NE(job(*service, id).result.find("none of this server's workspaces"), std::string::npos);
  EXPECT_EQ(job(*service, id).attempts, 1);
  EXPECT_EQ(n_models_, 0);
  AgentOptions wrong = options();
  wrong.workspaces = {folder_.path() + "/nowhere"};
  EXPECT_FALSE(AgentService::open(std::move(wrong)));
}

TEST_F(AgentServiceTest, WhatIsNotDoneIsGivenBack) {
  blocks_ = true;
  auto service = AgentService::open(options()).value();
  const int64_t id = add(*service, folder_.path() + "/w");
  service->start();
  while (n_models_ == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  service->stop();
  EXPECT_EQ(job(*service, id).state, JobState::kWaiting);
  EXPECT_EQ(job(*service, id).attempts, 0);
  blocks_ = false;
  service = AgentService::open(options()).value();
  service->start();
  EXPECT_EQ(ended(*service, id), JobState::kDone);
}

}  // namespace
}  // namespace ondol::server
