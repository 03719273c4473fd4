// Sessions over a model whose keys depend on the length of the sequence (LongRoPE): whatever way a timeline came about,
// its logits are those of evaluating it at once.
#include <fstream>

#include "runtime/engine.h"
#include "runtime/session.h"

namespace ondol {
namespace {

struct Fixture {
  Fixture() {
    const std::string stem = fmt::format("{}/tests/golden/models/phi3-longrope", ONDOL_SOURCE_DIR);
    EngineOptions options;
    options.cpu = {1, "ref"};
    options.context = {.length = 128};
    options.kv_types = DType::F32;
    options.batch_rows = 7;
    auto opened = Engine::open(stem + ".gguf", options);
    if (!opened) throw std::runtime_error(opened.error().message());
    engine = std::move(opened).value();
    std::ifstream file(stem + ".logits", std::ios::binary);
    int32_t sizes[2];
    file.read(reinterpret_cast<char*>(sizes), sizeof(sizes));
    tokens.resize(static_cast<size_t>(sizes[0]));
    expected.resize(tokens.size() * static_cast<size_t>(sizes[1]));
    file.read(reinterpret_cast<char*>(tokens.data()), sizes[0] * 4);
    file.read(reinterpret_cast<char*>(expected.data()), static_cast<std::streamsize>(expected.size() * 4));
  }

  /// The largest difference from transformers' logits of the whole prompt's last token.
  double error(const Session& session) const {
    const size_t n = session.logits().size();
    double worst = 0.0;
    for (size_t i = 0; i < n; ++i) {
      worst = std::max(worst, std::abs(double{session.logits()[i]} - expected[expected.size() - n + i]));
    }
    return worst;
  }

  std::span<const TokenId> first(size_t n) const { return std::span(tokens).first(n); }

  std::unique_ptr<Engine> engine;
  std::vector<TokenId> tokens;
  std::vector<float> expected;
};

TEST(Session, LongRopeInPartsIsAsAtOnce) {
  const Fixture fixture;
  Session session(*fixture.engine);
  ASSERT_TRUE(session.sync(fixture.tokens));
  EXPECT_LT(fixture.error(session), 1e-3);
}

TEST(Session, GrowingPastTheOriginalContextEvaluatesAgain) {
  const Fixture fixture;  // whose original context is 16
  Session session(*fixture.engine);
  ASSERT_TRUE(session.sync(fixture.first(12)));
  for (const TokenId token : std::span(fixture.tokens).subspan(12)) ASSERT_TRUE(session.append(token));
  EXPECT_LT(fixture.error(session), 1e-3);
}

TEST(Session, ShrinkingBelowItEvaluatesAgain) {
  const Fixture fixture;
  Session fresh(*fixture.engine);
  ASSERT_TRUE(fresh.sync(fixture.first(14)));
  const std::vector<float> expected(fresh.logits().begin(), fresh.logits().end());
  Session session(*fixture.engine);
  ASSERT_TRUE(session.sync(fixture.tokens));
  ASSERT_TRUE(session.sync(fixture.first(14)));
  EXPECT_EQ(std::vector<float>(session.logits().begin(), session.logits().end()), expected);
  EXPECT_EQ(session.n_reused(), 0);
}

/// Whatever was taken back or forked, keys and values that were rounded and turned are those of the timeline.
TEST(Session, ForksAndRollsBackWithACoarseCache) {
  EngineOptions options;
  options.context.length = 1024;  // of all sessions together
  for (const KvTypes types : {KvTypes(DType::Q4_0), KvTypes(DType::Q8_0, DType::Q4_0)}) {
    options.kv_types = types;
    const auto engine = Engine::open(fmt::format("{}/examples/sample.gguf", ONDOL_SOURCE_DIR), options).value();
    const auto logits_of = [](const Session& session) {
      return std::vector<float>(session.logits().begin(), session.logits().end());
    };
    const std::vector<TokenId> start = {11, 12, 13, 14, 15};
    // Token by token, so that every row is alone and has the same bits each time.
    const auto grow = [](Session& session, TokenId first, int n) {
      for (int i = 0; i < n; ++i) ASSERT_TRUE(session.append(first + i));
    };
    Session session(*engine);
    ASSERT_TRUE(session.sync(start));
    grow(session, 20, 40);
    Session fork = session.fork();
    session.roll_back(17);
    grow(session, 100, 30);
    grow(fork, 200, 30);

    Session rolled(*engine);
    ASSERT_TRUE(rolled.sync(start));
    grow(rolled, 20, 23);
    grow(rolled, 100, 30);
    EXPECT_EQ(logits_of(session), logits_of(rolled));
    Session straight(*engine);
    ASSERT_TRUE(straight.sync(start));
    grow(straight, 20, 40);
    grow(straight, 200, 30);
    EXPECT_EQ(logits_of(fork), logits_of(straight));
  }
}

}  // namespace
}  // namespace ondol
