#include "server/model_pool.h"

#include <filesystem>
#include <future>
#include <thread>

#include <gtest/gtest.h>

namespace ondol::server {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr int64_t kMiB = int64_t{1} << 20;

/// A store with models a, b and c, all of them the sample, and a pool whose memory the test decides.
class ModelPoolTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fmt::format("ondol-{}-{}", info->name(), ::getpid());
    for (const char* name : {"a", "b", "c"}) {
      fs::create_directories(folder_ / "org" / name);
      fs::copy_file(sample(), folder_ / "org" / name / "model-q8_0.gguf");
    }
    options_.store = {folder_.string(), "/nonexistent", "/nonexistent"};
    options_.load.engine.cpu.n_threads = 1;
    options_.keep_alive = -1s;
    options_.free_memory = [this] { return free_bytes_ - bytes_of_each_ * n_loaded(); };
  }
  void TearDown() override {
    pool_.reset();
    fs::remove_all(folder_);
  }

  static std::string sample() { return std::string(ONDOL_SOURCE_DIR) + "/examples/sample.gguf"; }

  void start() {
    auto pool = ModelPool::create(options_);
    ASSERT_TRUE(pool.has_value()) << pool.error().message();
    pool_ = std::move(*pool);
  }

  std::future<ModelPool::Outcome> ask(const std::string& name) {
    auto promise = std::make_shared<std::promise<ModelPool::Outcome>>();
    auto future = promise->get_future();
    pool_->use(name, [promise](ModelPool::Outcome outcome) { promise->set_value(std::move(outcome)); });
    return future;
  }

  int n_loaded() const { return pool_ ? static_cast<int>(pool_->loaded().size()) : 0; }

  std::vector<std::string> loaded_names() const {
    std::vector<std::string> names;
    for (const auto& loaded : pool_->loaded()) names.push_back(loaded.model->id());
    return names;
  }

  bool becomes(const std::vector<std::string>& names) const {
    for (int i = 0; i < 500 && loaded_names() != names; ++i) std::this_thread::sleep_for(10ms);
    return loaded_names() == names;
  }

  // One model needs about 16 MiB, and the plan leaves 256 MiB to others.
  void have_room_for(int n_models) {
    free_bytes_ = 280 * kMiB + (n_models - 1) * 15 * kMiB;
    bytes_of_each_ = 15 * kMiB;
  }

  fs::path folder_;
  PoolOptions options_;
  std::atomic<int64_t> free_bytes_{int64_t{8} << 30};
  std::atomic<int64_t> bytes_of_each_{0};
  std::unique_ptr<ModelPool> pool_;
};

TEST_F(ModelPoolTest, LoadsWhatIsAskedForOnce) {
  start();
  auto first = ask("a"), second = ask("org/a"), third = ask("org/a:q8_0");
  const auto a = first.get();
  ASSERT_FALSE(a.error) << a.error->message;
  EXPECT_EQ(a.model->id(), "org/a:Q8_0");
  EXPECT_EQ(second.get().model.get(), a.model.get());
  EXPECT_EQ(third.get().model.get(), a.model.get());
  EXPECT_EQ(n_loaded(), 1);
  // Names that were resolved are answered at once, on the caller's thread.
  std::thread::id thread;
  pool_->use("a", [&](const ModelPool::Outcome&) { thread = std::this_thread::get_id(); });
  EXPECT_EQ(thread, std::this_thread::get_id());
}

TEST_F(ModelPoolTest, NamesWhatThereIsForUnknownNames) {
  start();
  const auto outcome = ask("gpt-4o").get();
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->status, 404);
  EXPECT_EQ(outcome.error->code, "model_not_found");
  EXPECT_NE(outcome.error->message.find("org/b:Q8_0"), std::string::npos);
  // A file that was not offered is not served.
  EXPECT_EQ(ask(sample()).get().error->status, 404);
}

TEST_F(ModelPoolTest, TheFirstIsTheDefaultAndStays) {
  options_.models = {sample(), "b"};
  options_.keep_alive = 0s;
  start();
  ASSERT_TRUE(pool_->load_all().has_value());
  EXPECT_EQ(ask("").get().model->id(), "sample");
  EXPECT_EQ(ask(sample()).get().model->id(), "sample");
  EXPECT_EQ(ask("a").get().model->id(), "org/a:Q8_0");
  EXPECT_TRUE(becomes({"sample", "org/b:Q8_0"})) << "a is not used any more";
  EXPECT_FALSE(pool_->loaded()[0].expires_in);
}

TEST_F(ModelPoolTest, MakesRoomForAnotherByLeastRecentUse) {
  have_room_for(2);
  start();
  ask("a").get();
  ask("b").get();
  ask("a").get();
  ASSERT_FALSE(ask("c").get().error);
  EXPECT_EQ(loaded_names(), (std::vector<std::string>{"org/a:Q8_0", "org/c:Q8_0"}));
}

TEST_F(ModelPoolTest, NobodyFailsBecauseAModelHasToGo) {
  have_room_for(1);
  start();
  auto a = ask("a").get();
  ASSERT_FALSE(a.error);
  auto b = ask("b");
  EXPECT_EQ(b.wait_for(200ms), std::future_status::timeout) << "a is still used";
  auto a_again = ask("a");  // after b was asked for, so it comes after b
  EXPECT_EQ(a.model->id(), "org/a:Q8_0") << "as long as it is used";
  a.model.reset();
  auto second = b.get();
  ASSERT_FALSE(second.error) << second.error->message;
  EXPECT_EQ(a_again.wait_for(200ms), std::future_status::timeout);
  second.model.reset();
  EXPECT_FALSE(a_again.get().error);
}

TEST_F(ModelPoolTest, SaysWhatDoesNotFitAndKeepsTheOthers) {
  have_room_for(1);
  start();
  auto a = ask("a").get();
  a.model.reset();
  free_bytes_ = 100 * kMiB;
  const auto outcome = ask("b").get();
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->status, 503);
  EXPECT_EQ(outcome.error->code, "model_does_not_fit");
  EXPECT_NE(outcome.error->message.find("Does not fit"), std::string::npos);
  EXPECT_EQ(loaded_names(), (std::vector<std::string>{"org/a:Q8_0"})) << "it would have gone for nothing";
}

TEST_F(ModelPoolTest, ModelsThatStayMakeNoRoom) {
  options_.models = {"a"};
  have_room_for(1);
  start();
  ASSERT_TRUE(pool_->load_all().has_value());
  EXPECT_EQ(ask("b").get().error->code, "model_does_not_fit");
  EXPECT_EQ(ask("a").get().model->id(), "org/a:Q8_0");
}

TEST_F(ModelPoolTest, KeepAliveCountsFromTheLastUse) {
  options_.keep_alive = 1s;
  start();
  auto a = ask("a").get();
  std::this_thread::sleep_for(1200ms);
  EXPECT_EQ(n_loaded(), 1) << "in use";
  a.model.reset();
  EXPECT_EQ(n_loaded(), 1) << "used a moment ago";
  EXPECT_TRUE(becomes({}));
  ask("b").get();
  pool_->set_keep_alive("org/b:Q8_0", -1s);
  std::this_thread::sleep_for(1200ms);
  EXPECT_EQ(n_loaded(), 1);
  pool_->set_keep_alive("org/b:Q8_0", 0s);
  EXPECT_TRUE(becomes({}));
}

TEST_F(ModelPoolTest, LoadsNothingForNobody) {
  start();
  std::promise<ModelPool::Outcome> promise;
  pool_->use(
      "a", [&](ModelPool::Outcome outcome) { promise.set_value(std::move(outcome)); }, [] { return false; });
  EXPECT_TRUE(promise.get_future().get().error);
  EXPECT_EQ(n_loaded(), 0);
}

TEST_F(ModelPoolTest, TellsWhatIsBroken) {
  fs::resize_file(folder_ / "org" / "a" / "model-q8_0.gguf", 1000);
  start();
  const auto outcome = ask("a").get();
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->status, 500);
  EXPECT_NE(outcome.error->message.find("model-q8_0.gguf"), std::string::npos);
  EXPECT_FALSE(ask("b").get().error);
}

TEST_F(ModelPoolTest, EndsWhileSomebodyWaits) {
  have_room_for(1);
  start();
  auto a = ask("a").get();
  auto b = ask("b");
  std::this_thread::sleep_for(50ms);
  std::thread end([&] { pool_.reset(); });
  EXPECT_TRUE(b.get().error);
  a.model.reset();
  end.join();
}

}  // namespace
}  // namespace ondol::server
