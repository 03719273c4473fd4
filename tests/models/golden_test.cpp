// Every architecture against the logits that transformers computes from the same weights.
#include <algorithm>
#include <filesystem>

#include "models/registry.h"
#include "tests/models/golden_model.h"

namespace ondol {
namespace {

// F32 weights and cache: what is left is the order of sums, and transformers' angles in F32.
constexpr double kTight = 1e-5;
// Keys and values rounded to 11 and 8 bits.
constexpr double kHalfCache = 2e-3;
constexpr double kByteCache = 5e-2;

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(golden_path(""))) {
    if (entry.path().extension() == ".gguf") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class GoldenTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    golden_ = read_golden(GetParam());
    model_ = load_golden_model(GetParam());
    ASSERT_NE(model_, nullptr);
    ASSERT_EQ(model_->config().vocabulary_size, golden_.vocabulary);
  }

  Golden golden_;
  std::unique_ptr<Model> model_;
};

TEST_P(GoldenTest, LogitsAtOnce) {
  for (const std::string& isa : available_instruction_sets()) {
    Runner runner(*model_, {1, isa});
    const double error = relative_error(runner.in_chunks(golden_.tokens, golden_.tokens.size()), golden_.logits);
    EXPECT_LE(error, kTight) << isa;
    RecordProperty(isa, fmt::format("{:.1e}", error));
  }
}

TEST_P(GoldenTest, LogitsTokenByTokenAndInChunks) {
  for (const std::string& isa : available_instruction_sets()) {
    for (const size_t chunk : {1, 3, 17}) {
      Runner runner(*model_, {1, isa});
      EXPECT_LE(relative_error(runner.in_chunks(golden_.tokens, chunk), golden_.logits), kTight)
          << isa << ", chunks of " << chunk;
    }
  }
}

TEST_P(GoldenTest, CompressedCaches) {
  for (const std::string& isa : available_instruction_sets()) {
    Runner half(*model_, {1, isa}, DType::F16);
    EXPECT_LE(relative_error(half.in_chunks(golden_.tokens, 16), golden_.logits), kHalfCache) << isa;
    Runner byte(*model_, {1, isa}, DType::Q8_0);
    EXPECT_LE(relative_error(byte.in_chunks(golden_.tokens, 16), golden_.logits), kByteCache) << isa;
  }
}

TEST_P(GoldenTest, ThreadsChangeNothing) {
  for (const std::string& isa : available_instruction_sets()) {
    Runner one(*model_, {1, isa});
    Runner two(*model_, {2, isa});
    for (const size_t chunk : {size_t{1}, golden_.tokens.size()}) {
      EXPECT_EQ(one.in_chunks(golden_.tokens, chunk), two.in_chunks(golden_.tokens, chunk)) << isa;
    }
  }
}

/// One sequence at its beginning and one further on share a batch; each must come out as it does alone.
TEST_P(GoldenTest, TwoSequencesInABatch) {
  const std::vector<int32_t>& a = golden_.tokens;
  const std::vector<int32_t> b(a.rbegin(), a.rend());
  const auto n = static_cast<int>(a.size());
  const auto vocabulary = static_cast<size_t>(golden_.vocabulary);
  for (const std::string& isa : available_instruction_sets()) {
    Runner runner(*model_, {1, isa});
    const std::vector<float> b_alone = runner.in_chunks(b, b.size());
    KvSequence first(runner.cache());
    KvSequence second(runner.cache());
    const int head = 5;  // positions of b that are evaluated before the shared batch
    ASSERT_TRUE(second.append(head).has_value());
    runner.forward({{b.begin(), b.begin() + head}, {{&second, 0, head, 0, n}}, {}, Batch::Output::kLogits});
    ASSERT_TRUE(first.append(n).has_value());
    ASSERT_TRUE(second.append(n - head).has_value());
    Batch both;
    both.tokens = a;
    both.tokens.insert(both.tokens.end(), b.begin() + head, b.end());
    both.slices = {{&first, 0, n, 0, n}, {&second, n, n - head, head, n}};
    const std::vector<float> logits = runner.forward(both);
    const auto split = static_cast<long>(a.size() * vocabulary);
    EXPECT_LE(relative_error({logits.begin(), logits.begin() + split}, golden_.logits), kTight) << isa;
    EXPECT_LE(relative_error({logits.begin() + split, logits.end()},
                             {b_alone.begin() + static_cast<long>(head * vocabulary), b_alone.end()}),
              kTight)
        << isa;
  }
}

TEST_P(GoldenTest, SomeOutputRowsOrNone) {
  const auto n = static_cast<int>(golden_.tokens.size());
  const auto vocabulary = static_cast<long>(golden_.vocabulary);
  Runner runner(*model_, {1, "ref"});
  KvSequence sequence(runner.cache());
  ASSERT_TRUE(sequence.append(n).has_value());
  Batch batch;
  batch.tokens = golden_.tokens;
  batch.slices = {{&sequence, 0, n, 0, n}};
  batch.output_rows = {2, n - 1};
  const std::vector<float> logits = runner.forward_some(batch);
  std::vector<float> expected;
  for (const int row : batch.output_rows) {
    const auto begin = golden_.logits.begin() + row * vocabulary;
    expected.insert(expected.end(), begin, begin + vocabulary);
  }
  EXPECT_LE(relative_error(logits, expected), kTight);
  batch.output_rows = {};
  EXPECT_TRUE(runner.forward_some(batch).empty());
  batch.output_rows = {0, n - 1};
  batch.output = Batch::Output::kHidden;
  EXPECT_EQ(runner.forward_some(batch).size(), static_cast<size_t>(2 * model_->config().width));
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenTest, testing::ValuesIn(golden_names()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace ondol
