// Low-rank adapters against PEFT, and in batches where only some rows use one.
#include "models/adapter.h"

#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "base/json.h"
#include "models/batch.h"
#include "models/gguf_form.h"
#include "tests/models/hf_golden.h"

namespace ondol {
namespace {

constexpr float kTight = 2e-5f;

std::string adapter_folder(const std::string& name) {
  return std::string(ONDOL_SOURCE_DIR "/tests/golden/adapters/") + name;
}

/// "llama-dora" is an adapter for "llama".
std::string model_of(const std::string& name) {
  return name.substr(0, name.find("-dora"));
}

struct Expected {
  std::vector<int32_t> tokens;
  Rows logits;
};

Expected read_expected(const std::string& name) {
  const json::value document = parse_json(read_file(adapter_folder(name) + "/expected.json").value()).value();
  Expected expected;
  for (const json::value& token : document.at("tokens").as_array()) {
    expected.tokens.push_back(static_cast<int32_t>(token.as_int64()));
  }
  for (const json::value& row : document.at("logits").as_array()) {
    auto& numbers = expected.logits.emplace_back();
    for (const json::value& number : row.as_array()) numbers.push_back(number.to_number<float>());
  }
  return expected;
}

/// A model with a cache, for batches of any form.
struct Bench {
  explicit Bench(std::shared_ptr<const ModelFile> base, const std::string& isa = "")
      : file(std::move(base)),
        model(load_model(file).value()),
        backend(create_cpu_backend({2, isa}).value()),
        cache(KvCache::create(model->config().kv_layers, DType::F32, 512).value()) {}

  Rows forward(const Batch& batch) {
    Arena arena;
    Context context{*backend, arena, adapter_rows(batch)};
    const Tensor logits = model->forward(batch, cache, context);
    Rows rows;
    for (int64_t i = 0; i < logits.rows(); ++i) rows.emplace_back(logits.f32(i), logits.f32(i) + logits.columns());
    return rows;
  }

  /// One sequence; the logits of its last `n_outputs` tokens.
  Rows run(std::span<const int32_t> tokens, std::span<const AdapterUse> uses, size_t n_outputs) {
    KvSequence sequence(cache);
    EXPECT_TRUE(sequence.append(static_cast<int>(tokens.size())).has_value());
    Batch batch;
    batch.tokens.assign(tokens.begin(), tokens.end());
    batch.slices.push_back({&sequence, 0, static_cast<int>(tokens.size()), 0, 0, uses});
    for (size_t i = tokens.size() - n_outputs; i < tokens.size(); ++i) batch.output_rows.push_back(static_cast<int>(i));
    return forward(batch);
  }

  std::shared_ptr<const ModelFile> file;
  std::unique_ptr<Model> model;
  std::unique_ptr<Backend> backend;
  KvCache cache;
};

std::shared_ptr<const Adapter> load(const std::string& path, const Bench& bench) {
  auto adapter = load_adapter(path, *bench.model, *bench.file);
  if (!adapter) throw std::runtime_error(adapter.error().message());
  return *adapter;
}

class AdapterTest : public testing::TestWithParam<std::string> {};

TEST_P(AdapterTest, EqualsPeftOnAFolderAndOnGguf) {
  const Expected expected = read_expected(GetParam());
  const auto folder = open_model_file(hf_golden_folder(model_of(GetParam()))).value();
  for (const auto& base : {folder, in_gguf_form(folder).value()}) {
    Bench bench(base);
    const auto adapter = load(adapter_folder(GetParam()), bench);
    EXPECT_GT(adapter->size_bytes(), 0u);
    const AdapterUse use{adapter.get(), 1.0f};
    const Rows logits = bench.run(expected.tokens, {&use, 1}, expected.tokens.size());
    EXPECT_LE(largest_difference(logits, expected.logits), kTight);
    // Without the adapter they are others, or the test would prove nothing.
    EXPECT_GT(largest_difference(bench.run(expected.tokens, {}, expected.tokens.size()), expected.logits), 0.05f);
  }
}

INSTANTIATE_TEST_SUITE_P(Peft, AdapterTest,
                         testing::Values("llama", "qwen3", "phi3", "gpt2", "llama-dora", "qwen2-dora"),
                         [](const auto& test) {
                           return test.param.substr(0, 5) + (test.param.size() > 6 ? "_dora" : "");
                         });

TEST(Adapter, GgufFileEqualsPeft) {
  const Expected expected = read_expected("llama");
  Bench bench(in_gguf_form(open_model_file(hf_golden_folder("llama")).value()).value());
  const auto adapter = load(adapter_folder("llama") + "/adapter.gguf", bench);
  const AdapterUse use{adapter.get(), 1.0f};
  EXPECT_LE(largest_difference(bench.run(expected.tokens, {&use, 1}, expected.tokens.size()), expected.logits), kTight);
}

TEST(Adapter, FactorScalesAndSeveralAddUp) {
  const Expected expected = read_expected("llama");
  Bench bench(open_model_file(hf_golden_folder("llama")).value());
  const auto adapter = load(adapter_folder("llama"), bench);
  const AdapterUse halves[] = {{adapter.get(), 0.25f}, {adapter.get(), 0.75f}};
  EXPECT_LE(largest_difference(bench.run(expected.tokens, halves, expected.tokens.size()), expected.logits), kTight);
  const AdapterUse none{adapter.get(), 0.0f};
  EXPECT_LE(largest_difference(bench.run(expected.tokens, {&none, 1}, 3), bench.run(expected.tokens, {}, 3)), 1e-7f);
}

TEST(Adapter, RowsOfABatchUseTheirOwn) {
  const Expected expected = read_expected("llama");
  Bench bench(open_model_file(hf_golden_folder("llama")).value());
  const auto adapter = load(adapter_folder("llama"), bench);
  const AdapterUse use{adapter.get(), 1.0f};
  const auto n = static_cast<int>(expected.tokens.size());
  const Rows plain = bench.run(expected.tokens, {}, 2);
  // Three texts in one pass: plain, adapted, plain; the last two rows of each are wanted.
  std::vector<KvSequence> sequences;
  Batch batch;
  for (int i = 0; i < 3; ++i) sequences.emplace_back(bench.cache);
  for (int i = 0; i < 3; ++i) {
    KvSequence& sequence = sequences[static_cast<size_t>(i)];
    ASSERT_TRUE(sequence.append(n).has_value());
    batch.tokens.insert(batch.tokens.end(), expected.tokens.begin(), expected.tokens.end());
    batch.slices.push_back({&sequence, i * n, n, 0, 0, {}});
    if (i == 1) batch.slices.back().adapters = std::span(&use, 1);
    batch.output_rows.push_back(i * n + n - 2);
    batch.output_rows.push_back(i * n + n - 1);
  }
  const Rows rows = bench.forward(batch);
  const Rows adapted(expected.logits.end() - 2, expected.logits.end());
  EXPECT_LE(largest_difference(Rows(rows.begin(), rows.begin() + 2), plain), kTight);
  EXPECT_LE(largest_difference(Rows(rows.begin() + 2, rows.begin() + 4), adapted), kTight);
  EXPECT_LE(largest_difference(Rows(rows.begin() + 4, rows.end()), plain), kTight);
}

TEST(Adapter, ForAnotherModelIsRefusedWithTheReason) {
  Bench qwen(open_model_file(hf_golden_folder("qwen3")).value());
  const auto gguf = load_adapter(adapter_folder("llama") + "/adapter.gguf", *qwen.model, *qwen.file);
  ASSERT_FALSE(gguf.has_value());
  EXPECT_NE(gguf.error().message().find("expected 'qwen3' as in the model, got 'llama'"), std::string::npos)
      << gguf.error().message();
  const auto peft = load_adapter(adapter_folder("gpt2"), *qwen.model, *qwen.file);
  ASSERT_FALSE(peft.has_value());
  EXPECT_NE(peft.error().message().find("qwen3 models have no such weight"), std::string::npos)
      << peft.error().message();
}

TEST(Adapter, DamageIsNamed) {
  Bench bench(open_model_file(hf_golden_folder("llama")).value());
  const auto folder = std::filesystem::temp_directory_path() / "ondol_adapter_test";
  std::filesystem::create_directories(folder);
  std::filesystem::copy(adapter_folder("llama"), folder,
                        std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  const auto message = [&] {
    const auto adapter = load_adapter(folder.string(), *bench.model, *bench.file);
    return adapter.has_value() ? std::string() : adapter.error().message();
  };
  EXPECT_EQ(message(), "");
  std::ofstream(folder / "adapter_config.json") << R"({"peft_type": "LORA", "use_dora": true})";
  EXPECT_NE(message().find("no magnitudes"), std::string::npos) << message();
  std::ofstream(folder / "adapter_config.json") << R"({"peft_type": "PROMPT_TUNING"})";
  EXPECT_NE(message().find("expected \"LORA\", got \"PROMPT_TUNING\""), std::string::npos) << message();
  std::filesystem::remove(folder / "adapter_config.json");
  EXPECT_NE(message().find("adapter_config.json"), std::string::npos) << message();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ondol
