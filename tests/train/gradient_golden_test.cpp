// Whole models against PyTorch: every gradient, and ten steps of AdamW (tools/make_gradient_goldens.py).
#include <algorithm>
#include <filesystem>

#include "tests/train/lesson.h"
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
  const auto optimizer = create_optimizer(lesson.parameters(), {});
  for (const float loss : expected) {
    lesson.parameters().clear_gradients();
    EXPECT_NEAR(lesson.learn(), loss, 1e-4 * loss);
    const double norm = lesson.parameters().gradient_norm();
    optimizer->step(lesson.parameters(), 1e-3, norm > 1.0 ? static_cast<float>(1.0 / norm) : 1.0f);
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
