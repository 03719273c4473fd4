#include "hub/pull.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "hub/sha256.h"
#include "tests/hub/test_server.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

// A hub and, at another address, the host of the large files.
class PullTest : public testing::Test {
 protected:
  PullTest()
      : cdn_([this](const TestRequest& request) { return serve_file(request); }),
        hub_([this](const TestRequest& request) { return serve_hub(request); }) {}

  void SetUp() override {
    fs::create_directories(root_);
    options_.folders = {(root_ / "own").string(), (root_ / "hf").string(), (root_ / "ollama").string()};
    options_.hub.endpoint = hub_.url();
    options_.hub.token = "secret-token";
    options_.hub.first_delay_ms = 10;
    options_.hub.max_attempts = 3;
    options_.download.first_delay_ms = 10;
    options_.progress = [this](const PullProgress& progress) {
      uint64_t& shown = progress.stage == DownloadProgress::Stage::kVerifying ? checked_ : shown_;
      EXPECT_GE(progress.done_bytes, shown) << "progress went backwards";
      EXPECT_LE(progress.done_bytes, progress.total_bytes);
      shown = progress.done_bytes;
    };
  }
  void TearDown() override { fs::remove_all(root_); }

  // Files of org/model at the hub.
  std::map<std::string, std::string> files_ = {{"model-Q4_K_M.gguf", noise(3 << 20, 2)},
                                               {"model-Q8_0.gguf", noise(1 << 20, 3)},
                                               {"big/model-BF16-00001-of-00002.gguf", noise(300'000, 4)},
                                               {"big/model-BF16-00002-of-00002.gguf", noise(200'000, 5)},
                                               {"README.md", "hello"}};

  std::string sum_of(const std::string& content) {
    const std::string path = (root_ / "sum").string();
    std::ofstream(path, std::ios::binary) << content;
    return *sha256_of_file(path);
  }

  std::string listing() {
    json::array siblings;
    for (const auto& [name, content] : files_) {
      json::object file{{"rfilename", name}, {"size", content.size()}};
      if (name.ends_with(".gguf") || name.ends_with(".safetensors"))
        file["lfs"] = json::object{{"sha256", sum_of(content)}, {"size", content.size()}};
      siblings.push_back(std::move(file));
    }
    return json::serialize(
        json::object{{"id", "org/model"}, {"sha", "0123456789abcdef"}, {"siblings", std::move(siblings)}});
  }

  TestReply serve_hub(const TestRequest& request) {
    if (hub_reply_) {
      if (const auto reply = hub_reply_(request); reply.status != 0) return reply;
    }
    if (request.path == "/api/models/org/model/revision/main?blobs=true") return {200, {}, listing()};
    if (request.path.starts_with("/api/models?search="))
      return {200, {}, R"([{"id": "org/model"}, {"id": "other/modelo-GGUF"}])"};
    const std::string prefix = "/org/model/resolve/0123456789abcdef/";
    if (!request.path.starts_with(prefix)) return {404, {}, "no"};
    const auto file = files_.find(request.path.substr(prefix.size()));
    if (file == files_.end()) return {404, {}, "no"};
    if (!file->first.ends_with(".gguf") && !file->first.ends_with(".safetensors")) {
      return {200, {"ETag: \"etag-of-small\""}, file->second};
    }
    return {302,
            {"Location: " + cdn_.url("/" + file->first + "?signature=x"),
             fmt::format("X-Linked-Size: {}", file->second.size()), "X-Linked-ETag: \"" + sum_of(file->second) + "\"",
             "Content-Length: 0"},
            ""};
  }

  TestReply serve_file(const TestRequest& request) {
    const std::string name = request.path.substr(1, request.path.find('?') - 1);
    const auto file = files_.find(name);
    return file == files_.end() ? TestReply{404, {}, ""} : ranged(request, file->second);
  }

  std::string error_of(const std::string& name) {
    const auto pulled = pull(name, options_);
    return pulled ? "pulled" : pulled.error().message();
  }

  const fs::path root_ = fs::temp_directory_path() / fmt::format("ondol-pull-{}", ::getpid());
  std::function<TestReply(const TestRequest&)> hub_reply_;
  PullOptions options_;
  uint64_t shown_ = 0;
  uint64_t checked_ = 0;
  TestServer cdn_;
  TestServer hub_;
};

TEST_F(PullTest, FetchesTheDefaultPrecisionIntoTheStore) {
  const auto pulled = pull("org/model", options_);
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(pulled->model.name, "org/model:Q4_K_M");
  EXPECT_FALSE(pulled->was_here);
  EXPECT_EQ(*read_file(pulled->model.path), files_["model-Q4_K_M.gguf"]);
  EXPECT_EQ(Store(options_.folders).find("org/model")->path, pulled->model.path);
  EXPECT_EQ(shown_, files_["model-Q4_K_M.gguf"].size());

  const size_t n_fetches = cdn_.requests().size();
  const auto again = pull("hf.co/org/model:q4_k_m", options_);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->was_here);
  EXPECT_EQ(cdn_.requests().size(), n_fetches);
}

TEST_F(PullTest, TheTokenGoesToTheHubAlone) {
  ASSERT_TRUE(pull("org/model:Q8_0", options_));
  ASSERT_FALSE(hub_.requests().empty());
  for (const TestRequest& request : hub_.requests())
    EXPECT_EQ(request.header("authorization"), "Bearer secret-token") << request.path;
  ASSERT_FALSE(cdn_.requests().empty());
  for (const TestRequest& request : cdn_.requests()) EXPECT_EQ(request.header("authorization"), "") << request.path;
}

TEST_F(PullTest, AllPartsOfASplitModelAreFetched) {
  const auto pulled = pull("org/model:BF16", options_);
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_TRUE(pulled->model.path.ends_with("model-BF16-00001-of-00002.gguf"));
  EXPECT_EQ(pulled->model.size_bytes, 500'000u);
  EXPECT_EQ(shown_, 500'000u);
  EXPECT_EQ(checked_, 500'000u);
}

// The store goes by the first part, and by config.json, so these come last.
TEST_F(PullTest, AnUnfinishedModelIsNotListed) {
  const std::string missing = "big/model-BF16-00002-of-00002.gguf";
  hub_reply_ = [&](const TestRequest& request) {
    return request.path.find("/resolve/") != std::string::npos && request.path.ends_with(missing)
               ? TestReply{404, {}, ""}
               : TestReply{0, {}, ""};
  };
  EXPECT_NE(error_of("org/model:BF16"), "pulled");
  EXPECT_TRUE(Store(options_.folders).list().empty());
  hub_reply_ = nullptr;
  shown_ = checked_ = 0;
  EXPECT_EQ(error_of("org/model:BF16"), "pulled");
}

TEST_F(PullTest, AShortNameOfAModelThatIsHereIsNotAskedFor) {
  ASSERT_TRUE(pull("org/model:Q8_0", options_));
  options_.hub.offline = true;
  const auto pulled = pull("model:q8_0", options_);
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_TRUE(pulled->was_here);
}

TEST_F(PullTest, AFolderIsFetchedWhereThereIsNoGguf) {
  files_ = {{"config.json", "{}"},
            {"model.safetensors", noise(100'000)},
            {"tokenizer.json", "{\"a\": 1}"},
            {"pytorch_model.bin", "x"}};
  const auto pulled = pull("org/model", options_);
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(pulled->model.name, "org/model");
  EXPECT_EQ(*read_file(pulled->model.path + "/model.safetensors"), files_["model.safetensors"]);
  EXPECT_EQ(*read_file(pulled->model.path + "/tokenizer.json"), files_["tokenizer.json"]);
  EXPECT_FALSE(fs::exists(pulled->model.path + "/pytorch_model.bin"));
}

TEST_F(PullTest, AFileOfTheHuggingFaceCacheIsUsedInPlace) {
  const fs::path snapshot = root_ / "hf/models--org--model/snapshots/abc";
  fs::create_directories(snapshot);
  std::ofstream(snapshot / "model-Q8_0.gguf", std::ios::binary) << files_["model-Q8_0.gguf"];
  const auto pulled = pull("org/model:Q8_0", options_);
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_TRUE(pulled->was_here);
  EXPECT_EQ(pulled->model.path, (snapshot / "model-Q8_0.gguf").string());
  EXPECT_TRUE(cdn_.requests().empty());
  EXPECT_FALSE(fs::exists(options_.folders.own));
}

TEST_F(PullTest, ADamagedFileIsNotInstalled) {
  hub_reply_ = [this](const TestRequest& request) -> TestReply {
    if (!request.path.starts_with("/api/models/org/model")) return {0, {}, ""};
    std::string text = listing();
    files_["model-Q4_K_M.gguf"][1000] ^= 1;  // after the sum was told
    return {200, {}, text};
  };
  EXPECT_NE(error_of("org/model").find("damaged"), std::string::npos);
  EXPECT_TRUE(Store(options_.folders).list().empty());
}

TEST_F(PullTest, ErrorsSayWhatToDo) {
  EXPECT_EQ(error_of("org/model:Q5_K_M"),
            "org/model: there is no 'Q5_K_M' in this repository; expected one of: BF16, Q4_K_M, Q8_0");
  const std::string unknown = error_of("org/modle");
  EXPECT_NE(unknown.find("not found"), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("did you mean: org/model, other/modelo-GGUF"), std::string::npos) << unknown;
  const std::string short_name = error_of("model");
  EXPECT_NE(short_name.find("org/model"), std::string::npos) << short_name;
  EXPECT_NE(error_of("../x").find("is not the name of a model"), std::string::npos);
}

TEST_F(PullTest, AGatedRepositoryIsExplained) {
  hub_reply_ = [](const TestRequest& request) {
    return request.path.starts_with("/api/models/") ? TestReply{403, {}, "gated"} : TestReply{0, {}, ""};
  };
  options_.hub.token = "";
  const std::string message = error_of("org/model");
  EXPECT_NE(message.find("HF_TOKEN"), std::string::npos) << message;
  EXPECT_NE(message.find(hub_.url("/org/model")), std::string::npos) << message;
}

TEST_F(PullTest, ALimitOfRequestsIsWaitedFor) {
  std::atomic<int> n = 0;
  hub_reply_ = [&](const TestRequest&) {
    return n++ == 0 ? TestReply{429, {"Retry-After: 1"}, ""} : TestReply{0, {}, ""};
  };
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of("org/model:Q8_0"), "pulled");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(950));
}

TEST_F(PullTest, ARenamedRepositoryIsFollowed) {
  hub_reply_ = [&](const TestRequest& request) {
    if (!request.path.starts_with("/api/models/old/name")) return TestReply{0, {}, ""};
    return TestReply{307, {"Location: /api/models/org/model/revision/main?blobs=true"}, ""};
  };
  EXPECT_EQ(error_of("old/name:Q8_0"), "pulled");
}

TEST_F(PullTest, WithoutANetworkThereIsAClearError) {
  options_.hub.endpoint = "http://127.0.0.1:1";
  EXPECT_NE(error_of("org/model").find("cannot be reached"), std::string::npos);
  options_.hub.offline = true;
  EXPECT_NE(error_of("org/model").find("HF_HUB_OFFLINE"), std::string::npos);
}

TEST_F(PullTest, AFullDiskIsNoticedBefore) {
  options_.download.free_bytes = [](const std::string&) { return Result<uint64_t>(uint64_t{1000}); };
  EXPECT_NE(error_of("org/model").find("not enough space"), std::string::npos);
  EXPECT_TRUE(cdn_.requests().empty());
}

TEST_F(PullTest, StoppingLeavesWhatCanBeContinued) {
  std::atomic<bool> cancel = false;
  options_.cancel = &cancel;
  options_.download.n_connections = 1;
  options_.progress = [&](const PullProgress& progress) { cancel = cancel || progress.done_bytes > 0; };
  const auto stopped = pull("org/model", options_);
  if (!stopped) {  // a fast machine may be done before it notices
    EXPECT_NE(stopped.error().message().find("stopped"), std::string::npos) << stopped.error().message();
    EXPECT_TRUE(Store(options_.folders).list().empty());
  }
  cancel = false;
  options_.progress = nullptr;
  EXPECT_EQ(error_of("org/model"), "pulled");
}

TEST(HubOptionsFromEnvironment, ReadsTokensAndEndpoint) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("ondol-token-{}", ::getpid());
  fs::create_directories(folder);
  std::ofstream(folder / "token") << "from-file\n";
  ::setenv("HF_HOME", folder.c_str(), 1);
  ::unsetenv("HF_TOKEN");
  ::unsetenv("HF_TOKEN_PATH");
  EXPECT_EQ(HubOptions::from_environment().token, "from-file");
  ::setenv("HF_TOKEN", "from-variable", 1);
  ::setenv("HF_ENDPOINT", "https://mirror.example/", 1);
  EXPECT_EQ(HubOptions::from_environment().token, "from-variable");
  EXPECT_EQ(HubOptions::from_environment().endpoint, "https://mirror.example");
  for (const char* name : {"HF_HOME", "HF_TOKEN", "HF_ENDPOINT"}) ::unsetenv(name);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace ondol
