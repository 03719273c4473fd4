// Whole models against PyTorch: every gradient, and ten steps of AdamW (tools/make_gradient_goldens.py).
#include <algorithm>
#include <filesystem>

#include "tests/models/golden_model.h"
#include "train/float_file.h"
#include "train/learning_pass.h"
#include "train/optimizer.h"

namespace ondol::train {
namespace {

std::filesystem::path gradients_folder() {
  return std::filesystem::path(ONDOL_SOURCE_DIR) / "tests/golden/gradients";
}

std::string gradients_path(const std::string& name) {
  return (gradients_folder() / name).string() + ".gguf";
}

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(gradients_folder())) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// A model in floats that learns one text.
class Lesson {
 public:
  Lesson(const std::string& name, const CpuOptions& options, ProductTypes types = {})
      : backend_(create_cpu_backend(options).value()), tokens_(read_golden(name).tokens) {
    file_ = in_floats(*open_gguf(golden_path(name + ".gguf")).value()).value();
    model_ = load_model(file_).value();
    add_all(*file_, parameters_);
    tape_ = std::make_unique<Tape>(*backend_, arena_, parameters_, types);
  }

  Parameters& parameters() { return parameters_; }

  /// Adds gradients of the mean loss, which is returned.
  double learn() {
    const ArenaScope scope(arena_);
    KvCache cache = KvCache::create(model_->config().kv_layers, DType::F32, 256).value();
    KvSequence sequence(cache);
    const auto n = static_cast<int>(tokens_.size());
    EXPECT_TRUE(sequence.append(n).has_value());
    Batch batch;
    batch.tokens = tokens_;
    batch.slices.push_back({&sequence, 0, n, 0, n});
    std::vector<Target> targets;
    for (int32_t row = 0; row + 1 < n; ++row) targets.push_back({row, tokens_[static_cast<size_t>(row) + 1]});
    LearningPass pass(*tape_, targets, 1.0f / static_cast<float>(targets.size()));
    Context context{*tape_, arena_};
    context.learner = &pass;
    const Tape::Position start = tape_->position();
    tape_->record(true);
    model_->forward(batch, cache, context);
    tape_->backward(start);
    tape_->record(false);
    return pass.loss() / static_cast<double>(targets.size());
  }

 private:
  std::unique_ptr<Backend> backend_;
  Arena arena_;
  std::vector<int32_t> tokens_;
  std::shared_ptr<const ModelFile> file_;
  std::unique_ptr<Model> model_;
  Parameters parameters_;
  std::unique_ptr<Tape> tape_;
};

/// The length of the difference as a share of the expected length.
double distance(const Tensor& got, const Tensor& expected) {
  double difference = 0;
  double length = 0;
  for (int64_t i = 0; i < expected.shape().elements(); ++i) {
    const double e = expected.f32()[i];
    difference += (got.f32()[i] - e) * (got.f32()[i] - e);
    length += e * e;
  }
  return std::sqrt(difference / std::max(length, 1e-30));
}

class GradientGolden : public testing::TestWithParam<std::string> {};

TEST_P(GradientGolden, EveryTensor) {
  const auto golden = open_gguf(gradients_path(GetParam())).value();
  const double expected_loss = golden->meta_floats("gradients.losses").value()[0];
  for (const std::string& isa : available_instruction_sets()) {
    Lesson lesson(GetParam(), {2, isa});
    EXPECT_NEAR(lesson.learn(), expected_loss, 1e-5 * expected_loss) << isa;
    for (const Parameter& parameter : lesson.parameters().all()) {
      const Tensor* expected = golden->find_tensor(parameter.name);
      ASSERT_NE(expected, nullptr) << parameter.name;
      EXPECT_LE(distance(parameter.gradient, *expected), 1e-4) << isa << " " << parameter.name;
    }
  }
}

TEST_P(GradientGolden, TenSteps) {
  const auto golden = open_gguf(gradients_path(GetParam())).value();
  const std::vector<float> expected = golden->meta_floats("gradients.losses").value();
  Lesson lesson(GetParam(), {2, ""});
  AdamW optimizer(lesson.parameters(), {});
  for (const float loss : expected) {
    lesson.parameters().clear_gradients();
    EXPECT_NEAR(lesson.learn(), loss, 1e-4 * loss);
    const double norm = lesson.parameters().gradient_norm();
    if (norm > 1.0) lesson.parameters().scale_gradients(static_cast<float>(1.0 / norm));
    optimizer.step(lesson.parameters(), 1e-3);
  }
}

TEST_P(GradientGolden, ThreadsChangeNothing) {
  Lesson one(GetParam(), {1, ""});
  Lesson two(GetParam(), {2, ""});
  EXPECT_EQ(one.learn(), two.learn());
  for (size_t i = 0; i < one.parameters().all().size(); ++i) {
    const Parameter& a = one.parameters().all()[i];
    const Parameter& b = two.parameters().all()[i];
    EXPECT_EQ(std::memcmp(a.gradient.bytes(), b.gradient.bytes(), a.gradient.size_bytes()), 0) << a.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GradientGolden, testing::ValuesIn(golden_names()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace ondol::train
