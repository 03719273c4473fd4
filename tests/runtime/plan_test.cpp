// Plans with a second model beside the first.
#include "runtime/plan.h"

#include <gtest/gtest.h>

#include "models/model.h"

namespace ondol {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

struct Fixture {
  Fixture() : file(open_model_file(ONDOL_SOURCE_DIR "/examples/sample.gguf").value()) {
    model = load_model(file).value();
  }
  MemoryPlan plan(const ContextWish& wish, int64_t available, const CompanionMemory& companion = {}) const {
    return plan_memory(*file, model->config(), DType::F16, wish, 512, available, companion);
  }

  std::shared_ptr<const ModelFile> file;
  std::unique_ptr<Model> model;
};

TEST(MemoryPlan, ACompanionTakesItsShare) {
  const Fixture fixture;
  const int64_t per_token = fixture.plan({}, 1000 * kMiB).kv_bytes_per_token;
  const CompanionMemory companion{100 * kMiB, 6 * per_token, 4096};
  EXPECT_TRUE(fixture.plan({.length = 1024}, 400 * kMiB).fits);
  EXPECT_TRUE(fixture.plan({.length = 1024}, 400 * kMiB, companion).fits);
  EXPECT_TRUE(fixture.plan({.length = 1024}, 300 * kMiB).fits);
  const MemoryPlan without_room = fixture.plan({.length = 1024}, 300 * kMiB, companion);
  EXPECT_FALSE(without_room.fits);
  EXPECT_NE(without_room.explain().find("0.11 GiB for the draft model"), std::string::npos) << without_room.explain();
  EXPECT_EQ(fixture.plan({.length = 1024}, 300 * kMiB).explain().find("draft"), std::string::npos);
}

TEST(MemoryPlan, BothContextsShrinkTogether) {
  const Fixture fixture;
  const int64_t per_token = fixture.plan({}, 1000 * kMiB).kv_bytes_per_token;
  const MemoryPlan alone = fixture.plan({.at_least = 1 << 20}, 1000 * kMiB);
  const MemoryPlan together = fixture.plan({.at_least = 1 << 20}, 1000 * kMiB, {0, 3 * per_token, 1 << 20});
  ASSERT_TRUE(alone.fits);
  ASSERT_TRUE(together.fits);
  EXPECT_LT(alone.context_length, 1 << 20);
  EXPECT_NEAR(static_cast<double>(together.context_length), static_cast<double>(alone.context_length) / 4, 1.0);
}

TEST(MemoryPlan, ACompanionsContextMayEndEarlier) {
  const Fixture fixture;
  const int64_t per_token = fixture.plan({}, 1000 * kMiB).kv_bytes_per_token;
  const MemoryPlan alone = fixture.plan({.at_least = 1 << 20}, 1000 * kMiB);
  const MemoryPlan together = fixture.plan({.at_least = 1 << 20}, 1000 * kMiB, {0, 3 * per_token, 1000});
  EXPECT_NEAR(static_cast<double>(together.context_length), static_cast<double>(alone.context_length) - 3000, 1.0);
  EXPECT_TRUE(fixture.plan({.length = together.context_length}, 1000 * kMiB, together.companion).fits);
  EXPECT_FALSE(fixture.plan({.length = together.context_length + 1}, 1000 * kMiB, together.companion).fits);
}

TEST(MemoryPlan, NoMoreContextThanOfUse) {
  const Fixture fixture;
  EXPECT_EQ(fixture.plan({.at_most = 100}, 1000 * kMiB).context_length, 100);
  EXPECT_EQ(fixture.plan({.at_most = 5000}, 1000 * kMiB).context_length, 1024);  // what it was trained for
  EXPECT_EQ(fixture.plan({.at_least = 3000, .at_most = 5000}, 1000 * kMiB).context_length, 3000);
}

}  // namespace
}  // namespace ondol
