// Merged models against adapters that are added while running, and exported adapters read back.
#include "models/merge.h"

#include <filesystem>

#include "base/files.h"
#include "models/adapter.h"
#include "models/adapter_export.h"
#include "models/adapter_parts.h"
#include "models/gguf_form.h"
#include "tests/models/hf_golden.h"

namespace ondol {
namespace {

const std::vector<int32_t> kTokens = {1, 17, 42, 5, 63, 9, 8, 33, 21, 7, 12, 50};

Rows forward(const Model& model, std::vector<AdapterRows> adapters) {
  const auto backend = create_cpu_backend({2, ""}).value();
  KvCache cache = KvCache::create(model.config().kv_layers, DType::F32, 64).value();
  KvSequence sequence(cache);
  const auto n = static_cast<int>(kTokens.size());
  EXPECT_TRUE(sequence.append(n).has_value());
  Batch batch;
  batch.tokens = kTokens;
  batch.slices.push_back({&sequence, 0, n, 0, 0, {}});
  for (int i = 0; i < n; ++i) batch.output_rows.push_back(i);
  Arena arena;
  Context context{*backend, arena, std::move(adapters)};
  const Tensor logits = model.forward(batch, cache, context);
  Rows rows;
  for (int64_t i = 0; i < logits.rows(); ++i) rows.emplace_back(logits.f32(i), logits.f32(i) + logits.columns());
  return rows;
}

Rows logits_of(std::shared_ptr<const ModelFile> file) {
  return forward(*load_model(std::move(file)).value(), {});
}

struct Case {
  std::string model;
  std::string adapter;
};

class MergeTest : public testing::TestWithParam<Case> {
 protected:
  std::string adapter_path() const { return ONDOL_SOURCE_DIR "/tests/golden/adapters/" + GetParam().adapter; }
  std::string temporary(const std::string& name) const {
    const auto folder = std::filesystem::temp_directory_path() / ("ondol_merge_" + GetParam().adapter);
    std::filesystem::create_directories(folder);
    return (folder / name).string();
  }
  void TearDown() override { std::filesystem::remove_all(std::filesystem::path(temporary("x")).parent_path()); }

  ThreadPool threads_{2};
};

TEST_P(MergeTest, EqualsTheAdapterInUse) {
  const auto folder = open_model_file(hf_golden_folder(GetParam().model)).value();
  for (const auto& file : {folder, in_gguf_form(folder).value()}) {
    const auto model = load_model(file).value();
    const auto adapter = load_adapter(adapter_path(), *model, *file).value();
    const Rows expected = forward(*model, {{{adapter.get(), 1.0f}, 0, static_cast<int>(kTokens.size())}});
    const auto merged = merge_adapter(file, *model, *adapter, threads_).value();
    EXPECT_LE(largest_difference(logits_of(merged), expected), 2e-4f);
    EXPECT_GT(largest_difference(logits_of(file), expected), 0.05f);
  }
}

TEST_P(MergeTest, IsWrittenInTheTypesThatWereThere) {
  const auto file = in_gguf_form(open_model_file(hf_golden_folder(GetParam().model)).value()).value();
  const auto model = load_model(file).value();
  const auto adapter = load_adapter(adapter_path(), *model, *file).value();
  const auto merged = merge_adapter(file, *model, *adapter, threads_).value();
  ASSERT_TRUE(write_in_types_of(*file, *merged, temporary("merged.gguf"), threads_).has_value());
  const auto read = open_gguf(temporary("merged.gguf")).value();
  ASSERT_EQ(read->tensors().size(), file->tensors().size());
  for (const TensorEntry& entry : read->tensors())
    EXPECT_EQ(entry.tensor.type(), file->find_tensor(entry.name)->type());
  EXPECT_LE(largest_difference(logits_of(read), logits_of(merged)), 0.05f);
}

/// What PEFT wrote, read, exported and read again adds the same.
TEST_P(MergeTest, ExportedAdaptersAddTheSame) {
  const auto folder = open_model_file(hf_golden_folder(GetParam().model)).value();
  for (const auto& file : {folder, in_gguf_form(folder).value()}) {
    const auto model = load_model(file).value();
    const auto adapter = load_adapter(adapter_path(), *model, *file).value();
    std::vector<AdapterExportPart> parts;
    std::vector<OwnedTensor> magnitudes;
    for (const auto& [stem, matrix] : model->matrices()) {
      const auto found = adapter->find(matrix);
      if (!found) continue;
      AdapterExportPart& part = parts.emplace_back(AdapterExportPart{stem, found->a, found->b, {}});
      if (found->stretch.empty()) continue;
      part.magnitude = magnitudes.emplace_back(DType::F32, Shape{matrix.rows()}).tensor;
      row_lengths(matrix, found->a, found->b, 1.0f, {part.magnitude.f32(), static_cast<size_t>(matrix.rows())});
      for (int64_t h = 0; h < matrix.rows(); ++h) part.magnitude.f32()[h] *= found->stretch.f32()[h];
    }
    // b has its scale in it: alpha is the rank.
    const auto rank = static_cast<int>(parts.front().a.rows());
    const auto written =
        write_peft_adapter(temporary("peft"), parts, {rank, static_cast<double>(rank), false}, *model, *file);
    ASSERT_TRUE(written.has_value()) << written.error().message();
    const auto again = load_adapter(temporary("peft"), *model, *file);
    ASSERT_TRUE(again.has_value()) << again.error().message();
    for (const auto& [stem, matrix] : model->matrices()) {
      const auto before = adapter->find(matrix);
      const auto after = (*again)->find(matrix);
      ASSERT_EQ(before.has_value(), after.has_value()) << stem;
      if (!before) continue;
      for (int64_t i = 0; i < before->b.shape().elements(); ++i) {
        ASSERT_NEAR(before->b.f32()[i], after->b.f32()[i], 1e-6) << stem;
      }
      ASSERT_EQ(before->stretch.empty(), after->stretch.empty());
      for (int64_t h = 0; !before->stretch.empty() && h < matrix.rows(); ++h) {
        ASSERT_NEAR(before->stretch.f32()[h], after->stretch.f32()[h], 1e-5) << stem;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Adapters, MergeTest,
                         testing::Values(Case{"llama", "llama"}, Case{"gpt2", "gpt2"}, Case{"llama", "llama-dora"},
                                         Case{"qwen2", "qwen2-dora"}),
                         [](const auto& test) {
                           std::string name = test.param.adapter;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace ondol
