// /v1/files: files come, are listed, read and removed, outlive the server, and stay within their limits.
#include <fstream>

#include <gtest/gtest.h>

#include "test_client.h"
#include "tests/runtime/adapter_sample.h"
#include "upload_sample.h"

namespace ondol::server {
namespace {

namespace fs = std::filesystem;

class FilesApi : public testing::Test {
 protected:
  FilesApi() : folder_("files-api") { start(); }

  void start() {
    server_.reset();
    server_ = std::make_unique<ApiServer>(ApiServer::sample_options(), folder_ / "data");
  }
  ApiClient client() const { return server_->client(); }
  std::string uploaded(const std::string& name, const std::string& content, const std::string& purpose = "fine-tune") {
    const ApiAnswer answer = upload(client(), name, content, purpose);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return string_or(answer.document(), "id", "");
  }
  size_t files_on_disk() const {
    size_t n = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder_ / "data/files")) ++n;
    return n;
  }

  TestFolder folder_;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(FilesApi, ComeAreReadAndGo) {
  const std::string content = "{\"text\": \"\xed\x95\x9c\"}\r\n\r\n--\n";
  const ApiAnswer answer = upload(client(), "/home/me/lessons.jsonl", content);
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::value file = answer.document();
  const std::string id = string_or(file, "id", "");
  EXPECT_TRUE(id.starts_with("file-"));
  EXPECT_EQ(member(file, "/object"), "file");
  EXPECT_EQ(member(file, "/bytes"), content.size());
  EXPECT_EQ(member(file, "/filename"), "lessons.jsonl") << "no path";
  EXPECT_EQ(member(file, "/purpose"), "fine-tune");
  EXPECT_EQ(member(file, "/status"), "processed");
  EXPECT_EQ(client().get("/v1/files/" + id).document(), file);
  EXPECT_EQ(client().get("/v1/files/" + id + "/content").body, content);
  const ApiAnswer gone = client().ask("DELETE", "/v1/files/" + id);
  EXPECT_EQ(member(gone.document(), "/deleted"), true);
  EXPECT_EQ(client().get("/v1/files/" + id).status, 404);
  EXPECT_EQ(client().ask("DELETE", "/v1/files/" + id).status, 404);
  EXPECT_EQ(files_on_disk(), 0u);
}

TEST_F(FilesApi, AreListedInPages) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(uploaded(fmt::format("{}.txt", i), "text", i == 2 ? "user_data" : "fine-tune"));
  const json::value all = client().get("/v1/files").document();
  EXPECT_EQ(member(all, "/data").as_array().size(), 5u);
  EXPECT_EQ(member(all, "/has_more"), false);
  const json::value own = client().get("/v1/files?purpose=user_data").document();
  ASSERT_EQ(member(own, "/data").as_array().size(), 1u);
  EXPECT_EQ(member(own, "/data/0/id"), json::value(ids[2]));
  const json::value first = client().get("/v1/files?limit=3").document();
  EXPECT_EQ(member(first, "/has_more"), true);
  const std::string last = string_or(first, "last_id", "");
  const json::value second = client().get("/v1/files?limit=3&after=" + last).document();
  EXPECT_EQ(member(second, "/data").as_array().size(), 2u);
  EXPECT_EQ(member(second, "/data/0/id"), member(all, "/data/3/id"));
  EXPECT_EQ(client().get("/v1/files?limit=0").status, 400);
  EXPECT_EQ(client().get("/v1/files?order=up").status, 400);
}

TEST_F(FilesApi, OutliveTheServer) {
  const std::string content(3 << 20, 'x');
  const std::string id = uploaded("big.jsonl", content);
  const json::value file = client().get("/v1/files/" + id).document();
  // What crashes leave: an upload that was cut off, content without its document, a document without content.
  std::ofstream(folder_ / "data/files/file-upload-abc") << "half";
  std::ofstream(folder_ / "data/files/file-abc.jsonl") << "alone";
  std::ofstream(folder_ / "data/files/file-def.about") << R"({"id": "file-def", "path": "../../secret"})";
  start();
  EXPECT_EQ(client().get("/v1/files/" + id).document(), file);
  EXPECT_EQ(client().get("/v1/files/" + id + "/content").body, content);
  EXPECT_EQ(client().get("/v1/files").document().at("data").as_array().size(), 1u);
  EXPECT_FALSE(fs::exists(folder_ / "data/files/file-upload-abc"));
  EXPECT_FALSE(fs::exists(folder_ / "data/files/file-abc.jsonl"));
}

TEST_F(FilesApi, RefuseWhatIsNoUpload) {
  const auto error_of = [&](const std::string& parts) {
    const ApiAnswer answer = post_form(client(), parts);
    EXPECT_EQ(answer.status, 400) << answer.body;
    return answer.status == 400 ? member(answer.document(), "/error/param") : json::value();
  };
  EXPECT_EQ(error_of(form_field("purpose", "fine-tune")), "file");
  EXPECT_EQ(error_of(form_field("purpose", "mischief") + form_file("a", "b")), "purpose");
  EXPECT_EQ(error_of(form_file("a", "b")), "purpose");
  EXPECT_EQ(error_of(form_field("purpose", "fine-tune") + form_file("a", "")), "file");
  EXPECT_EQ(error_of(form_field("purpose", "fine-tune") + form_file("a", "b") + form_file("a", "b")), "file");
  EXPECT_EQ(error_of(form_field("purpose", std::string(5000, 'a')) + form_file("a", "b")), nullptr);
  EXPECT_EQ(client().post("/v1/files", json::object()).status, 400) << "JSON is no form";
  const ApiAnswer cut =
      client().ask("POST", "/v1/files", form_file("a", "b"), std::string("multipart/form-data; boundary=") + kBoundary);
  EXPECT_EQ(cut.status, 400) << "without the last boundary";
  EXPECT_TRUE(becomes_true([&] { return files_on_disk() == 0; })) << "nothing of all that is left";
}

TEST_F(FilesApi, OneServerHasAFolder) {
  uploaded("a.txt", "text");
  EXPECT_THROW(ApiServer(ApiServer::sample_options(), folder_ / "data"), std::runtime_error);
  ApiServer without(ApiServer::sample_options());
  EXPECT_EQ(upload(without.client(), "a.txt", "text").status, 503);
  EXPECT_EQ(without.client().get("/v1/files").status, 200);
}

TEST(FileStore, KeepsItsLimits) {
  const TestFolder folder("file-store");
  DataFolder data(folder / "data");
  FileStore store(data, {100, 150, 2});
  EXPECT_TRUE(store.reserve(100));
  EXPECT_FALSE(store.reserve(51));
  EXPECT_TRUE(store.reserve(50));
  store.give_back(150);
  for (int i = 0; i < 3; ++i) {
    const std::string path = store.new_upload().value();
    std::ofstream(path) << "x";
    EXPECT_TRUE(store.reserve(1));
    EXPECT_EQ(store.keep(path, {"", i == 0 ? "me" : "", "x", "fine-tune", 1, 0, ""}).has_value(), i < 2);
  }
  EXPECT_EQ(store.list("me").size(), 2u);
  EXPECT_EQ(store.list("you").size(), 1u) << "the other is mine";
  EXPECT_FALSE(store.remove(store.list("me")[1].id, "you") && store.remove(store.list("me")[0].id, "you"));
}

}  // namespace
}  // namespace ondol::server
