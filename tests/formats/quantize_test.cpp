#include "formats/quantize.h"

#include <cstring>
#include <limits>

#include "quant/format.h"
#include "tests/formats/temporary_folder.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kWidth = 512;

/// A small model whose numbers are made from their place, and the memory that holds them.
struct SmallModel {
  std::vector<std::vector<float>> memory;
  std::vector<TensorEntry> tensors;

  SmallModel() {
    add("token_embd.weight", {40, kWidth});
    add("blk.0.attn_norm.weight", {kWidth});
    add("blk.0.attn_v.weight", {16, kWidth});
    add("blk.0.ffn_up_exps.weight", {3, 5, kWidth});
  }

  void add(const std::string& name, const Shape& shape) {
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    uint32_t state = static_cast<uint32_t>(memory.size()) + 1;
    for (float& value : values) {
      state = state * 1664525U + 1013904223U;
      value = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31F;
    }
    memory.push_back(std::move(values));
    tensors.push_back({name, Tensor(DType::F32, shape, memory.back().data())});
  }

  AssembledModelFile file() const {
    Metadata metadata = {{"general.architecture", MetaValue{std::string("llama")}},
                         {"general.file_type", MetaValue{uint32_t{0}}},
                         {"note", MetaValue{std::string("kept")}}};
    return AssembledModelFile("in.gguf", std::move(metadata), tensors, {});
  }
};

class Quantize : public TemporaryFolder {
 protected:
  Result<QuantizeReport> run(const ModelFile& file, const std::string& type, int n_threads = 2) {
    return run_with(file, QuantizeOptions{.plan = {.file_type = type}}, n_threads);
  }
  Result<QuantizeReport> run_with(const ModelFile& file, const QuantizeOptions& options, int n_threads = 2) {
    ThreadPool threads(n_threads);
    return quantize_file(file, path("out.gguf"), options, threads);
  }

  std::shared_ptr<const ModelFile> open(const std::string& name) {
    auto opened = open_gguf(path(name));
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
    return opened ? *opened : nullptr;
  }
};

std::string error_of(const Result<QuantizeReport>& report) {
  return report ? "no error" : report.error().message();
}

void expect_contains(const std::string& message, std::string_view part) {
  EXPECT_NE(message.find(part), std::string::npos) << message << "\n  lacks: " << part;
}

/// The tensor's rows, encoded one by one.
std::vector<uint8_t> encoded(const Tensor& tensor, DType type, const float* importance = nullptr) {
  const size_t n_bytes = row_bytes(type, tensor.columns());
  std::vector<uint8_t> out(n_bytes * static_cast<size_t>(tensor.rows()));
  for (int64_t row = 0; row < tensor.rows(); ++row) {
    format_of(type).encode(tensor.f32(row), importance, out.data() + static_cast<size_t>(row) * n_bytes,
                           tensor.columns());
  }
  return out;
}

bool same_bytes(const Tensor& tensor, const std::vector<uint8_t>& expected) {
  return tensor.size_bytes() == expected.size() && std::memcmp(tensor.bytes(), expected.data(), expected.size()) == 0;
}

TEST_F(Quantize, EncodesEveryRowAsPlannedAndCopiesTheRest) {
  const SmallModel model;
  const auto report = run(model.file(), "Q4_K_M");
  ASSERT_TRUE(report) << error_of(report);
  const auto out = open("out.gguf");
  ASSERT_NE(out, nullptr);
  const DType expected[] = {DType::Q6_K, DType::F32, DType::Q6_K, DType::Q4_K};
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    EXPECT_EQ(out->tensors()[i].name, model.tensors[i].name);
    EXPECT_EQ(out->tensors()[i].tensor.shape(), model.tensors[i].tensor.shape());
    EXPECT_EQ(out->tensors()[i].tensor.type(), expected[i]) << model.tensors[i].name;
    EXPECT_TRUE(same_bytes(out->tensors()[i].tensor, encoded(model.tensors[i].tensor, expected[i])));
  }
  EXPECT_EQ(*out->meta_int("general.file_type"), 15);
  EXPECT_EQ(*out->meta_int("general.quantization_version"), 2);
  EXPECT_EQ(*out->meta_string("note"), "kept");
  EXPECT_EQ(out->metadata().size(), 4u);
}

TEST_F(Quantize, ReportsSizesAndErrors) {
  const SmallModel model;
  const auto report = run(model.file(), "Q8_0");
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->file_type, "Q8_0");
  EXPECT_EQ(report->paths, std::vector<std::string>{path("out.gguf")});
  ASSERT_EQ(report->tensors.size(), 4u);
  EXPECT_EQ(report->tensors[1].rmse, 0.0);
  const QuantizedTensor& embedding = report->tensors[0];
  EXPECT_EQ(embedding.from_bytes, 40 * kWidth * 4u);
  EXPECT_EQ(embedding.to_bytes, 40 * kWidth / 32 * 34u);
  const auto out = open("out.gguf");
  ASSERT_NE(out, nullptr);
  std::vector<float> row(kWidth);
  double squared = 0;
  for (int64_t r = 0; r < 40; ++r) {
    format_of(DType::Q8_0).decode(out->tensors()[0].tensor.row_bytes(r), row.data(), kWidth);
    for (int64_t i = 0; i < kWidth; ++i) squared += std::pow(row[i] - model.tensors[0].tensor.f32(r)[i], 2);
  }
  EXPECT_GT(embedding.rmse, 0.001);
  EXPECT_NEAR(embedding.rmse, std::sqrt(squared / (40 * kWidth)), 1e-9);
  EXPECT_EQ(report->from_bytes, (40 + 1 + 16 + 15) * kWidth * 4u);
}

TEST_F(Quantize, GivesTheSameFileForAnyNumberOfThreads) {
  const SmallModel model;
  ASSERT_TRUE(run(model.file(), "Q4_K_M", 1));
  const auto alone = bytes_of_file(path("out.gguf"));
  ASSERT_TRUE(run(model.file(), "Q4_K_M", 5));
  EXPECT_EQ(bytes_of_file(path("out.gguf")), alone);
}

TEST_F(Quantize, UsesTheImportanceOfEachExpert) {
  const SmallModel model;
  ImportanceMatrix importance;
  std::vector<float>& values = importance.columns["blk.0.ffn_up_exps.weight"];
  for (int64_t i = 0; i < 3 * kWidth; ++i) values.push_back(static_cast<float>(i * i % 37));
  const auto report = run_with(model.file(), {.plan = {.file_type = "Q4_K_S"}, .importance = &importance});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_TRUE(report->tensors[3].has_importance);
  EXPECT_FALSE(report->tensors[2].has_importance);
  const auto out = open("out.gguf");
  ASSERT_NE(out, nullptr);
  for (int64_t expert = 0; expert < 3; ++expert) {
    const auto expected = encoded(model.tensors[3].tensor[expert], DType::Q4_K, values.data() + expert * kWidth);
    EXPECT_TRUE(same_bytes(out->tensors()[3].tensor[expert], expected)) << expert;
  }
  importance.columns["blk.0.attn_v.weight"] = {1, 2, 3};
  const auto bad = run_with(model.file(), {.plan = {.file_type = "Q4_K_S"}, .importance = &importance});
  expect_contains(error_of(bad),
                  "in.gguf: tensor 'blk.0.attn_v.weight': the importance matrix has 3 values for [16, 512]");
}

TEST_F(Quantize, RequantizesOnlyWhenAllowed) {
  const SmallModel model;
  ASSERT_TRUE(run(model.file(), "Q8_0"));
  const auto q8 = open("out.gguf");
  ASSERT_NE(q8, nullptr);
  expect_contains(error_of(run(*q8, "Q4_0")), "tensor 'token_embd.weight' is quantised already (Q8_0)");
  EXPECT_TRUE(run(*q8, "Q8_0"));  // a copy
  const auto report =
      run_with(*q8, {.plan = {.file_type = "Q4_0"}, .allow_requantize = true});  // over the file that is read
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(open("out.gguf")->find_tensor("blk.0.attn_v.weight")->type(), DType::Q4_0);
}

TEST_F(Quantize, RefusesNumbersThatAreNotFiniteOrTooLarge) {
  SmallModel model;
  model.memory[2][3 * kWidth + 7] = std::numeric_limits<float>::quiet_NaN();
  expect_contains(error_of(run(model.file(), "Q4_K_M")),
                  "tensor 'blk.0.attn_v.weight': row 3: has numbers that are not");
  model.memory[2][3 * kWidth + 7] = 1e30F;
  expect_contains(error_of(run(model.file(), "F16")), "too large for F16");
  EXPECT_TRUE(run(model.file(), "BF16"));
  fs::remove(path("out.gguf"));
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Quantize, ReportsProgressAndCanBeCancelled) {
  const SmallModel model;
  const auto file = model.file();
  ThreadPool threads(2);
  std::atomic<bool> cancel = false;
  uint64_t done = 0;
  uint64_t total = 0;
  const auto watch = [&](const QuantizeProgress& progress) {
    EXPECT_GT(progress.done_bytes, done);
    done = progress.done_bytes;
    total = progress.total_bytes;
  };
  const QuantizeOptions options{.plan = {.file_type = "Q8_0"}};
  ASSERT_TRUE(quantize_file(file, path("out.gguf"), options, threads, watch, &cancel));
  EXPECT_EQ(done, total);
  fs::remove(path("out.gguf"));
  const auto stop = [&](const QuantizeProgress&) { cancel = true; };
  expect_contains(error_of(quantize_file(file, path("out.gguf"), options, threads, stop, &cancel)), "cancelled");
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Quantize, SplitsTheOutput) {
  const SmallModel model;
  const auto report = run_with(model.file(), {.plan = {.file_type = "F16"}, .split_max_bytes = 30000});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->paths.size(), 3u);
  EXPECT_EQ(open("out-00001-of-00003.gguf")->tensors().size(), 4u);
}

TEST_F(Quantize, WritesEveryFileType) {
  const SmallModel model;
  for (const std::string& type : quantize_file_types()) {
    const auto report = run(model.file(), type);
    ASSERT_TRUE(report) << error_of(report);
    for (const QuantizedTensor& tensor : report->tensors) EXPECT_LT(tensor.rmse, 0.35) << type << " " << tensor.name;
  }
}

}  // namespace
}  // namespace ondol
