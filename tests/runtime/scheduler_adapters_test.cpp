// Texts with different adapters beside each other: each is what it is alone, and none takes over what another computed.
#include <atomic>

#include <gtest/gtest.h>

#include "runtime/adapter_set.h"
#include "runtime/embedder.h"
#include "runtime/prefix_cache.h"
#include "tests/runtime/adapter_sample.h"
#include "tests/runtime/scheduling.h"

namespace ondol {
namespace {

constexpr const char* kTiny = ONDOL_SOURCE_DIR "/tests/golden/models/qwen3.gguf";
constexpr int kVocabulary = 80;

EngineOptions plain() {
  EngineOptions options;
  options.cpu = {1, "ref"};
  options.kv_types = DType::F32;
  return options;
}

GenerationRequest request_with(const AdapterSet& adapters, size_t n_prompt) {
  GenerationRequest request = request_of(random_prompt(7, n_prompt, kVocabulary), 24);
  request.adapters = adapters;
  return request;
}

class SchedulerAdapters : public testing::Test {
 protected:
  SchedulerAdapters() : folder_("scheduler-adapters") {}

  /// Of this engine: an adapter knows the weights by where they lie.
  std::shared_ptr<const Adapter> load(const Engine& engine, uint64_t seed) {
    const std::string path = folder_ / fmt::format("{}.gguf", seed);
    write_random_adapter(path, engine.file().path(), seed);
    auto adapter = engine.load_adapter(path);
    if (!adapter) throw std::runtime_error(adapter.error().message());
    return *adapter;
  }

  /// None, one, another, both, one at half strength.
  std::vector<AdapterSet> sets_for(const Engine& engine) {
    const auto a = load(engine, 1), b = load(engine, 2);
    return {AdapterSet(), AdapterSet({{a, 1.0f}}), AdapterSet({{b, 1.0f}}), AdapterSet({{b, 0.5f}, {a, 1.0f}}),
            AdapterSet({{a, 0.5f}})};
  }

  /// What an engine of its own makes of each set alone.
  std::vector<std::vector<TokenId>> expected_alone(const std::string& model, const EngineOptions& options,
                                                   size_t n_prompt) {
    const auto engine = open(model, 2048, options);
    std::vector<std::vector<TokenId>> expected;
    for (const AdapterSet& set : sets_for(*engine)) expected.push_back(alone(*engine, request_with(set, n_prompt)));
    for (size_t i = 1; i < expected.size(); ++i) EXPECT_NE(expected[i], expected[0]) << "the adapter changes nothing";
    return expected;
  }

  static std::vector<std::shared_ptr<Collector>> run_together(Scheduler& scheduler, const std::vector<AdapterSet>& sets,
                                                              size_t n_prompt) {
    std::vector<std::shared_ptr<Collector>> sinks;
    {
      const Hold hold(scheduler);
      for (const AdapterSet& set : sets) {
        sinks.push_back(std::make_shared<Collector>());
        EXPECT_TRUE(scheduler.submit(request_with(set, n_prompt), sinks.back()));
      }
    }
    for (const auto& sink : sinks) sink->wait();
    return sinks;
  }

  TestFolder folder_;
};

TEST_F(SchedulerAdapters, EachTextIsAsItIsAlone) {
  const auto expected = expected_alone(kTiny, plain(), 70);
  auto engine = open(kTiny, 2048, plain());
  const auto sets = sets_for(*engine);
  const auto scheduler = Scheduler::start(std::move(engine), {});
  for (const int n_cached : {0, 69}) {
    const auto sinks = run_together(*scheduler, sets, 70);
    for (size_t i = 0; i < sinks.size(); ++i) {
      EXPECT_EQ(sinks[i]->tokens, expected[i]) << "set " << i << " with " << n_cached;
      EXPECT_EQ(sinks[i]->end.n_cached, n_cached) << "set " << i << ": its own is found, another's is not";
    }
  }
}

TEST_F(SchedulerAdapters, SoItIsWithTheBestKernelsAndWithSpeculation) {
  const auto expected = expected_alone(sample_model(), {}, 1);
  auto engine = open(sample_model(), 2048);
  const auto sets = sets_for(*engine);
  const auto scheduler = Scheduler::start(std::move(engine), {.speculate = 3});
  const auto sinks = run_together(*scheduler, sets, 1);
  for (size_t i = 0; i < sinks.size(); ++i) EXPECT_EQ(sinks[i]->tokens, expected[i]) << i;
  for (size_t i = 0; i < sets.size(); ++i) {
    EXPECT_EQ(run_together(*scheduler, {sets[i]}, 1)[0]->tokens, expected[i]) << i << " alone";
  }
}

TEST_F(SchedulerAdapters, SoItIsInATinyCache) {
  const auto expected = expected_alone(kTiny, plain(), 70);
  auto engine = open(kTiny, 192, plain());
  const auto sets = sets_for(*engine);
  const auto scheduler = Scheduler::start(std::move(engine), {});
  const auto sinks = run_together(*scheduler, sets, 70);
  for (size_t i = 0; i < sinks.size(); ++i) EXPECT_EQ(sinks[i]->tokens, expected[i]) << i;
}

TEST_F(SchedulerAdapters, AnAdapterLivesAsLongAsItsTexts) {
  const auto expected = expected_alone(kTiny, plain(), 5);
  auto engine = open(kTiny, 2048, plain());
  auto adapter = load(*engine, 1);
  const std::weak_ptr<const Adapter> weak = adapter;
  const auto scheduler = Scheduler::start(std::move(engine), {});
  const auto sink = std::make_shared<Collector>();
  std::atomic<int> n_alive = 0;
  sink->at_token = [&](size_t) {
    n_alive += weak.expired() ? 0 : 1;
    return true;
  };
  ASSERT_TRUE(scheduler->submit(request_with(AdapterSet({{std::move(adapter), 1.0f}}), 5), sink));
  sink->wait();
  EXPECT_EQ(sink->tokens, expected[1]);
  EXPECT_EQ(n_alive, 24);
  EXPECT_TRUE(scheduler->drain(300));
  EXPECT_TRUE(weak.expired()) << "nobody else keeps it";
}

TEST_F(SchedulerAdapters, TheEnginesOwnAreForTextsThatNameNone) {
  const auto expected = expected_alone(kTiny, plain(), 70);
  EngineOptions options = plain();
  options.adapters = {{folder_ / "1.gguf", 1.0f}};
  auto engine = open(kTiny, 2048, options);
  const auto sets = sets_for(*engine);
  const auto scheduler = Scheduler::start(std::move(engine), {});
  const auto usual = std::make_shared<Collector>();
  ASSERT_TRUE(scheduler->submit(request_of(random_prompt(7, 70, kVocabulary), 24), usual));
  usual->wait();
  EXPECT_EQ(usual->tokens, expected[1]);
  const auto sinks = run_together(*scheduler, {sets[0], sets[1], sets[2]}, 70);
  for (size_t i = 0; i < sinks.size(); ++i) EXPECT_EQ(sinks[i]->tokens, expected[i]) << i;
  EXPECT_EQ(sinks[0]->end.n_cached, 0);
  EXPECT_EQ(sinks[1]->end.n_cached, 69) << "the same adapter from another file";
}

TEST_F(SchedulerAdapters, EmbeddingsUseThem) {
  const auto engine = open(sample_model(), 512);
  const auto adapter = load(*engine, 1);
  const std::vector<std::string> texts = {"Once upon a time"};
  EmbedOptions options;
  const auto plain_vectors = embed_texts(*engine, texts, options).value();
  options.adapters = AdapterSet({{adapter, 1.0f}});
  EXPECT_NE(embed_texts(*engine, texts, options).value(), plain_vectors);
  options.adapters = AdapterSet();
  EXPECT_EQ(embed_texts(*engine, texts, options).value(), plain_vectors);
}

TEST_F(SchedulerAdapters, SetsAreEqualWhateverTheirOrder) {
  const auto engine = open(kTiny, 512, plain());
  const auto a = load(*engine, 1), b = load(*engine, 2), again = load(*engine, 1);
  const AdapterSet both({{a, 1.0f}, {b, 0.5f}});
  EXPECT_EQ(both, AdapterSet({{b, 0.5f}, {again, 1.0f}}));
  EXPECT_EQ(both, AdapterSet({{b, 0.25f}, {a, 1.0f}, {b, 0.25f}}));
  EXPECT_FALSE(both == AdapterSet({{a, 0.5f}, {b, 1.0f}}));
  EXPECT_FALSE(both == AdapterSet({{a, 1.0f}}));
  EXPECT_TRUE(AdapterSet({{a, 0.0f}}).empty());
  EXPECT_TRUE(AdapterSet({{a, 1.0f}, {a, -1.0f}}).empty());
  EXPECT_EQ(AdapterSet().key(), Hash128());
  EXPECT_EQ(both.uses().size(), 2u);
}

}  // namespace
}  // namespace ondol
