// Adapters learn as the weights would that they add to: with W' = W + B A, dB = dW' A^T and dA = B^T dW'.
#include <random>

#include "tests/train/lesson.h"
#include "train/lora.h"

namespace ondol::train {
namespace {

constexpr int64_t kRank = 3;

/// Low-rank parts for every matrix of the layers, and the model's file with what they add in its weights.
struct AdaptedModel {
  explicit AdaptedModel(const std::string& name) {
    const auto file = in_floats(*open_gguf(golden_path(name + ".gguf")).value()).value();
    std::mt19937 generator(1);
    std::normal_distribution<float> normal(0.0f, 0.05f);
    for (const TensorEntry& entry : file->tensors()) {
      if (!entry.name.starts_with("blk.") || entry.tensor.rows() == 1) continue;
      Parts& made = parts[entry.name];
      made.a = OwnedTensor(DType::F32, {kRank, entry.tensor.columns()});
      made.b = OwnedTensor(DType::F32, {entry.tensor.rows(), kRank});
      for (OwnedTensor* part : {&made.a, &made.b}) {
        for (int64_t i = 0; i < part->tensor.shape().elements(); ++i) part->tensor.f32()[i] = normal(generator);
      }
    }
  }

  struct Parts {
    OwnedTensor a;
    OwnedTensor b;
  };
  std::map<std::string, Parts> parts;
};

class AdapterGradient : public testing::TestWithParam<const char*> {};

TEST_P(AdapterGradient, IsThatOfTheMergedWeights) {
  const AdaptedModel adapted(GetParam());
  Lesson merged(GetParam(), {2, ""});
  for (Parameter& parameter : merged.parameters().all()) {
    const auto found = adapted.parts.find(parameter.name);
    if (found == adapted.parts.end()) continue;
    for (int64_t r = 0; r < parameter.value.rows(); ++r) {
      for (int64_t c = 0; c < parameter.value.columns(); ++c) {
        for (int64_t i = 0; i < kRank; ++i) {
          parameter.value.f32(r)[c] += found->second.b.tensor.f32(r)[i] * found->second.a.tensor.f32(i)[c];
        }
      }
    }
  }
  Adapter adapter("test");
  Lesson frozen(GetParam(), {2, ""}, {}, Lesson::Learns::kNothing);
  std::map<std::string, LowRank> learnt;
  for (const auto& [name, parts] : adapted.parts) {
    const Tensor& matrix = *frozen.file().find_tensor(name);
    adapter.add(name, matrix, parts.a.tensor, parts.b.tensor, 1.0f);
    const LowRank low_rank = adapter.find(matrix).value();
    frozen.parameters().add(name + ".a", low_rank.a);
    frozen.parameters().add(name + ".b", low_rank.b);
  }
  frozen.use({&adapter, 1.0f});
  EXPECT_NEAR(frozen.learn(), merged.learn(), 1e-5);
  for (const Parameter& parameter : frozen.parameters().all()) {
    const std::string name = parameter.name.substr(0, parameter.name.size() - 2);
    const Tensor gradient = merged.parameters().of(*merged.file().find_tensor(name));
    const auto& parts = adapted.parts.at(name);
    const bool is_a = parameter.name.ends_with(".a");
    OwnedTensor expected(DType::F32, parameter.value.shape());
    for (int64_t r = 0; r < gradient.rows(); ++r) {
      for (int64_t c = 0; c < gradient.columns(); ++c) {
        for (int64_t i = 0; i < kRank; ++i) {
          if (is_a) {
            expected.tensor.f32(i)[c] += parts.b.tensor.f32(r)[i] * gradient.f32(r)[c];
          } else {
            expected.tensor.f32(r)[i] += gradient.f32(r)[c] * parts.a.tensor.f32(i)[c];
          }
        }
      }
    }
    EXPECT_LE(distance(parameter.gradient, expected.tensor), 1e-4) << parameter.name;
  }
}

/// DoRA: along a direction, the loss changes as the gradients say, with the lengths of rows held as they are.
TEST_P(AdapterGradient, MagnitudesLearn) {
  Lesson lesson(GetParam(), {2, ""}, {}, Lesson::Learns::kNothing);
  LoraOptions options;
  options.rank = 3;
  options.magnitudes = true;
  auto lora = LoraAdapter::create(lesson.model(), options, lesson.parameters());
  ASSERT_TRUE(lora.has_value()) << lora.error().message();
  lesson.use(lora->use());
  std::mt19937 generator(3);
  std::normal_distribution<float> normal(0.0f, 1.0f);
  for (Parameter& parameter : lesson.parameters().all()) {
    const bool is_magnitude = parameter.name.ends_with("magnitude");
    for (int64_t i = 0; i < parameter.value.shape().elements(); ++i) {
      float& value = parameter.value.f32()[i];
      value = is_magnitude ? value * (1.0f + 0.1f * normal(generator)) : value + 0.05f * normal(generator);
    }
  }
  lora->refresh();
  lesson.learn();
  lora->finish_gradients(lesson.parameters());
  // Magnitudes alone: the loss with them moved, against their gradients.
  double slope = 0;
  std::vector<std::vector<float>> directions;
  for (const Parameter& parameter : lesson.parameters().all()) {
    auto& direction = directions.emplace_back(static_cast<size_t>(parameter.value.shape().elements()), 0.0f);
    if (!parameter.name.ends_with("magnitude")) continue;
    EXPECT_EQ(parameter.value.rows(), 1) << "a vector does not decay";
    for (size_t i = 0; i < direction.size(); ++i) {
      direction[i] = parameter.value.f32()[i] * normal(generator);
      slope += static_cast<double>(direction[i]) * static_cast<double>(parameter.gradient.f32()[i]);
    }
  }
  const auto loss_at = [&](float distance) {
    for (size_t p = 0; p < directions.size(); ++p) {
      Tensor value = lesson.parameters().all()[p].value;
      for (size_t i = 0; i < directions[p].size(); ++i) value.f32()[i] += distance * directions[p][i];
    }
    lora->refresh();
    lesson.parameters().clear_gradients();
    return lesson.learn();
  };
  constexpr float kStep = 2e-3f;
  const double above = loss_at(kStep);
  const double below = loss_at(-2 * kStep);
  EXPECT_NEAR((above - below) / (2 * static_cast<double>(kStep)), slope, 0.01 * std::abs(slope) + 2e-4);
}

INSTANTIATE_TEST_SUITE_P(Models, AdapterGradient, testing::Values("llama", "qwen3", "gpt2"));

}  // namespace
}  // namespace ondol::train
