// /v1/containers: made, listed and removed; files are put there, left there by programs, fetched and removed.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "server/code_interpreter.h"
#include "tests/runtime/adapter_sample.h"
#include "upload_sample.h"

namespace ondol::server {
namespace {

namespace fs = std::filesystem;

class ContainersApi : public testing::Test {
 protected:
  explicit ContainersApi(bool runs_code = true)
      : folder_("containers-api"), server_(ApiServer::sample_options(), folder_ / "data", [&](Services& services) {
          HostedToolOptions options;
          options.runs_code = runs_code;
          options.containers.bytes = uint64_t{1} << 20;
          EXPECT_TRUE(services.hosted.offer(options));
        }) {}

  ApiClient client() const { return server_.client(); }
  std::string made(json::object body = {{"name", "mine"}}) const {
    const ApiAnswer answer = client().post("/v1/containers", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return "/v1/containers/" + string_or(answer.document(), "id", "");
  }
  /// The path of its route.
  std::string put(const std::string& container, const std::string& name, const std::string& content) const {
    const ApiAnswer answer = post_form(client(), form_file(name, content), container + "/files");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return container + "/files/" + string_or(answer.document(), "id", "");
  }
  std::vector<std::string> paths(const std::string& container) const {
    std::vector<std::string> paths;
    const json::value listed = client().get(container + "/files?limit=100").document();
    for (const json::value& file : listed.at("data").as_array()) paths.push_back(string_or(file, "path", ""));
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  CodeContainerPtr held(const std::string& container) {
    return server_.services().hosted.containers().find(container.substr(container.rfind('/') + 1), "");
  }
  std::string wrong(const json::object& body, int status = 400) const {
    const ApiAnswer answer = client().post("/v1/containers", body);
    EXPECT_EQ(answer.status, status) << answer.body;
    return string_or(member(answer.document(), "/error"), "param", "");
  }

  TestFolder folder_;
  ApiServer server_;
};

using Paths = std::vector<std::string>;

TEST_F(ContainersApi, AreMadeListedAndRemoved) {
  const std::string first = made({{"name", "first"}, {"memory_limit", "1g"}});
  const std::string second =
      made({{"name", "second"}, {"expires_after", json::object{{"anchor", "last_active_at"}, {"minutes", 5}}}});
  const json::value shown = client().get(second).document();
  EXPECT_EQ(member(shown, "/object"), "container");
  EXPECT_EQ(member(shown, "/name"), "second");
  EXPECT_EQ(member(shown, "/status"), "running");
  EXPECT_EQ(member(shown, "/expires_after/minutes"), 5);
  EXPECT_EQ(member(shown, "/memory_limit"), "1g");
  EXPECT_GE(member(shown, "/last_active_at").as_int64(), member(shown, "/created_at").as_int64());
  const json::value all = client().get("/v1/containers").document();
  ASSERT_EQ(member(all, "/data").as_array().size(), 2u);
  EXPECT_EQ(member(all, "/data/0/name"), "second") << "the latest first";
  EXPECT_EQ(member(all, "/data/1/expires_after/minutes"), 20);
  EXPECT_EQ(member(client().get("/v1/containers?name=first").document(), "/data").as_array().size(), 1u);
  const std::string folder = held(first)->place.path();
  EXPECT_TRUE(fs::exists(folder));
  EXPECT_EQ(member(client().ask("DELETE", first).document(), "/deleted"), true);
  EXPECT_EQ(client().get(first).status, 404);
  // The folder goes when the last answer about it has ended, which may be a moment after its last byte.
  for (int i = 0; i < 500 && fs::exists(folder); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_EQ(client().ask("DELETE", first).status, 404);
  EXPECT_EQ(client().get(first + "/files").status, 404);
}

TEST_F(ContainersApi, FilesArePutFetchedAndRemoved) {
  const std::string kept = string_or(upload(client(), "table.csv", "a,b\n", "assistants").document(), "id", "");
  const std::string container = made({{"name", "mine"}, {"file_ids", json::array{kept}}});
  const std::string file = put(container, "../../.sums.csv", "1,2\n");
  EXPECT_EQ(paths(container), (Paths{"sums.csv", "table.csv"}));
  const json::value shown = client().get(file).document();
  EXPECT_EQ(member(shown, "/object"), "container.file");
  EXPECT_EQ(member(shown, "/bytes"), 4);
  EXPECT_EQ(member(shown, "/source"), "user");
  EXPECT_EQ("/v1/containers/" + string_or(shown, "container_id", ""), container);
  EXPECT_EQ(client().get(file + "/content").body, "1,2\n");
  EXPECT_EQ(put(container, "sums.csv", "3,4\n"), file) << "the same path";
  EXPECT_EQ(client().get(file + "/content").body, "3,4\n");
  EXPECT_EQ(client().post(container + "/files", {{"file_id", kept}}).status, 200);
  EXPECT_EQ(member(client().ask("DELETE", file).document(), "/deleted"), true);
  EXPECT_EQ(client().get(file).status, 404);
  EXPECT_EQ(client().get(file + "/content").status, 404);
  EXPECT_EQ(paths(container), Paths{"table.csv"});
  const json::value page = client().get(container + "/files?limit=1").document();
  EXPECT_EQ(member(page, "/has_more"), false);
}

TEST_F(ContainersApi, WhatIsNoFileIsNotShown) {
  const std::string container = made();
  const std::string folder = held(container)->place.path();
  std::ofstream(folder + "/left.txt") << "by a program";
  fs::create_directories(folder + "/a/b");
  std::ofstream(folder + "/a/b/deep.txt") << "deep";
  fs::create_symlink("/etc/hosts", folder + "/hosts");
  fs::create_directory_symlink("/etc", folder + "/etc");
  EXPECT_EQ(paths(container), (Paths{"a/b/deep.txt", "left.txt"}));
  const json::value listed = client().get(container + "/files").document();
  EXPECT_EQ(member(listed, "/data/0/source"), "assistant");
  // A link in the place of a file that was there when it was listed.
  const std::string file = put(container, "left.txt", "mine");
  fs::remove(folder + "/left.txt");
  fs::create_symlink("/etc/hosts", folder + "/left.txt");
  EXPECT_EQ(client().get(file + "/content").status, 404);
  EXPECT_EQ(client().ask("DELETE", file).status, 404);
  EXPECT_TRUE(fs::exists("/etc/hosts"));
}

TEST_F(ContainersApi, SayWhatIsWrong) {
  EXPECT_EQ(wrong(json::object()), "name");
  EXPECT_EQ(wrong({{"name", "x"}, {"memory_limit", "64g"}}), "memory_limit");
  EXPECT_EQ(wrong({{"name", "x"}, {"network_policy", json::object{{"type", "allowlist"}}}}), "network_policy");
  EXPECT_EQ(wrong({{"name", "x"}, {"skills", json::array{json::object{{"type", "skill_reference"}}}}}), "skills");
  const json::object late = {{"anchor", "last_active_at"}, {"minutes", 21}};
  EXPECT_EQ(wrong({{"name", "x"}, {"expires_after", late}}), "expires_after.minutes");
  EXPECT_EQ(wrong({{"name", "x"}, {"file_ids", json::array{"file-none"}}}, 404), "file_ids");
  EXPECT_EQ(member(client().get("/v1/containers").document(), "/data").as_array().size(), 0u);
  const std::string container = made();
  EXPECT_EQ(client().post(container + "/files", json::object()).status, 400);
  EXPECT_EQ(client().post(container + "/files", {{"file_id", "file-none"}}).status, 404);
  EXPECT_EQ(client().ask("POST", container + "/files", std::string(100000, ' ')).status, 400);
  EXPECT_EQ(post_form(client(), form_field("x", "y"), container + "/files").status, 400);
  EXPECT_EQ(post_form(client(), form_file("large", std::string(2 << 20, 'x')), container + "/files").status, 400);
  EXPECT_EQ(paths(container), Paths());
  const CodeContainerPtr busy = held(container);
  const std::lock_guard lock(busy->mutex);
  EXPECT_EQ(post_form(client(), form_file("a.txt", "a"), container + "/files").status, 409);
  EXPECT_EQ(paths(container), Paths()) << "looking is allowed";
}

TEST(CodeContainers, AreSomebodysAndMayExpireSooner) {
  CodeContainers containers;
  const std::string ann = containers.make("ann", {.name = "x", .idle = std::chrono::milliseconds(50)}).value()->id;
  const std::string bob = containers.make("bob").value()->id;
  ASSERT_EQ(containers.list("ann").size(), 1u);
  EXPECT_EQ(containers.list("ann")[0].container->name, "x");
  EXPECT_TRUE(containers.list("").empty());
  EXPECT_FALSE(containers.remove(bob, "ann"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(containers.list("ann").empty());
  EXPECT_TRUE(containers.remove(bob, "bob"));
  EXPECT_FALSE(containers.find(bob, "bob"));
}

class NoContainers : public ContainersApi {
 protected:
  NoContainers() : ContainersApi(false) {}
};

TEST_F(NoContainers, SayHowToAllowThem) {
  for (const char* path : {"/v1/containers", "/v1/containers/cntr_1", "/v1/containers/cntr_1/files"}) {
    const ApiAnswer answer = client().get(path);
    EXPECT_EQ(answer.status, 404);
    EXPECT_NE(answer.body.find("--code-interpreter"), std::string::npos) << answer.body;
  }
  EXPECT_EQ(wrong({{"name", "x"}}, 404), "");
}

}  // namespace
}  // namespace ondol::server
