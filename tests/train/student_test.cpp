// What must not change what is learnt: packing, and going forward only; and low-rank adapters that are taught a text.
#include <unistd.h>

#include <filesystem>

#include "models/adapter.h"
#include "tests/train/lesson.h"
#include "train/lora.h"
#include "train/optimizer.h"

namespace ondol::train {
namespace {

Segment all_of(std::vector<int32_t> tokens) {
  std::vector<uint8_t> is_target(tokens.size(), 1);
  is_target[0] = 0;
  return {std::move(tokens), std::move(is_target)};
}

class StudentTest : public testing::Test {
 protected:
  std::vector<int32_t> tokens() const { return read_golden("llama").tokens; }
  std::vector<int32_t> part(size_t begin, size_t end) const {
    const std::vector<int32_t> all = tokens();
    return {all.begin() + static_cast<long>(begin), all.begin() + static_cast<long>(end)};
  }

  /// What the lesson learns with, once it uses it.
  static LoraAdapter adapter_of(Lesson& lesson, int rank) {
    LoraOptions options;
    options.rank = rank;
    return LoraAdapter::create(lesson.model(), options, lesson.parameters()).value();
  }
};

TEST_F(StudentTest, PackingChangesNothing) {
  const Segment first = all_of(part(0, 11));
  const Segment second = all_of(part(11, 40));
  Lesson apart("llama", {2, ""});
  Lesson together("llama", {2, ""});
  const double loss = apart.learn({{first}}) + apart.learn({{second}});
  EXPECT_NEAR(together.learn({{first, second}}), loss, 1e-5 * loss);
  for (size_t i = 0; i < apart.parameters().all().size(); ++i) {
    const Parameter& parameter = apart.parameters().all()[i];
    EXPECT_LE(distance(together.parameters().all()[i].gradient, parameter.gradient), 1e-5) << parameter.name;
  }
}

TEST_F(StudentTest, OnlyTargetsCount) {
  Segment segment = all_of(tokens());
  for (size_t i = 0; i < 20; ++i) segment.is_target[i] = 0;
  Lesson lesson("llama", {2, ""});
  const double some = lesson.evaluate({{segment}});
  const double all = lesson.evaluate({{all_of(tokens())}});
  Segment rest = all_of(tokens());
  for (size_t i = 20; i < rest.is_target.size(); ++i) rest.is_target[i] = 0;
  EXPECT_NEAR(some + lesson.evaluate({{rest}}), all, 1e-5 * all);
  segment.is_target.assign(segment.is_target.size(), 0);
  EXPECT_EQ(lesson.learn({{segment}}), 0.0);
}

TEST_F(StudentTest, EvaluatesWhatItLearns) {
  Lesson lesson("qwen3", {2, ""});
  const PackedSequence sequence{{all_of(tokens())}};
  const double loss = lesson.evaluate(sequence);
  EXPECT_EQ(lesson.parameters().gradient_norm(), 0.0);
  EXPECT_NEAR(lesson.learn(sequence), loss, 1e-6 * loss);
  EXPECT_NEAR(lesson.evaluate(sequence), loss, 1e-6 * loss);
}

/// Rounded products point the same way as exact ones.
TEST_F(StudentTest, LowPrecision) {
  for (const char* name : {"llama", "qwen3", "gpt2"}) {
    Lesson exact(name, {2, ""});
    const PackedSequence sequence{{all_of(tokens())}};
    exact.learn(sequence);
    for (const DType type : {DType::BF16, DType::Q8_0}) {
      Lesson rounded(name, {2, ""}, {type, type});
      rounded.learn(sequence);
      double sum = 0;
      for (size_t i = 0; i < exact.parameters().all().size(); ++i) {
        const double cosine = cosine_of(rounded.parameters().all()[i].gradient, exact.parameters().all()[i].gradient);
        EXPECT_GE(cosine, 0.98) << name << " " << exact.parameters().all()[i].name;
        sum += cosine;
      }
      EXPECT_GE(sum / static_cast<double>(exact.parameters().all().size()), 0.998) << name;
    }
  }
}

TEST_F(StudentTest, AnAdapterLearnsAText) {
  Lesson lesson("llama", {2, ""}, {}, Lesson::Learns::kNothing);
  LoraOptions options;
  options.rank = 4;
  auto lora = LoraAdapter::create(lesson.model(), options, lesson.parameters());
  ASSERT_TRUE(lora.has_value()) << lora.error().message();
  lesson.use(lora->use());
  const PackedSequence sequence{{all_of(tokens())}};
  const double before = lesson.evaluate(sequence);
  const auto optimizer = create_optimizer(lesson.parameters(), {});
  for (int step = 0; step < 60; ++step) {
    lesson.parameters().clear_gradients();
    lesson.learn(sequence);
    optimizer->step(lesson.parameters(), 1e-2);
  }
  EXPECT_LT(lesson.evaluate(sequence), 0.2 * before);
}

TEST_F(StudentTest, AnAdapterThatBeginsAddsNothing) {
  Lesson plain("llama", {2, ""});
  Lesson adapted("llama", {2, ""}, {}, Lesson::Learns::kNothing);
  auto lora = LoraAdapter::create(adapted.model(), {}, adapted.parameters());
  ASSERT_TRUE(lora.has_value());
  adapted.use(lora->use());
  const PackedSequence sequence{{all_of(tokens())}};
  EXPECT_NEAR(adapted.evaluate(sequence), plain.evaluate(sequence), 1e-5);
}

/// What a text is to say stays, however much the adapter learns of another: the slope is that of the divergence, which
/// is nothing before anything was learned.
TEST_F(StudentTest, WhatIsToStayHasTheSlopeOfItsDivergence) {
  Lesson lesson("llama", {2, ""}, {}, Lesson::Learns::kNothing);
  const LoraAdapter lora = adapter_of(lesson, 4);
  lesson.use(lora.use());
  const auto student = lesson.make_student();
  const PackedSequence kept{{all_of(part(20, 40))}};
  EXPECT_NEAR(student->stay(kept, 1.0f).value(), 0.0, 1e-5);
  EXPECT_LT(lesson.parameters().gradient_norm(), 1e-4);

  const auto optimizer = create_optimizer(lesson.parameters(), {});
  for (int step = 0; step < 5; ++step) {
    lesson.parameters().clear_gradients();
    lesson.learn({{all_of(part(0, 20))}});
    optimizer->step(lesson.parameters(), 1e-2);
  }
  lesson.parameters().clear_gradients();
  EXPECT_GT(student->stay(kept, 1.0f).value(), 1e-2);
  for (size_t i = 0; i < lesson.parameters().all().size(); i += 5) {
    Parameter& parameter = lesson.parameters().all()[i];
    float& number = parameter.value.f32()[3];
    const double slope = parameter.gradient.f32()[3];
    const float at = number;
    constexpr float kStep = 2e-3f;
    number = at + kStep;
    const double above = student->stay(kept, 0.0f).value();
    number = at - kStep;
    const double below = student->stay(kept, 0.0f).value();
    number = at;
    EXPECT_NEAR((above - below) / (2.0 * static_cast<double>(kStep)), slope, 0.02 * std::abs(slope) + 2e-3)
        << parameter.name;
  }
}

TEST_F(StudentTest, WhatIsKeptStaysNearer) {
  const PackedSequence learned{{all_of(part(0, 20))}};
  const PackedSequence kept{{all_of(part(20, 40))}};
  double away[2];
  for (const bool keeps : {false, true}) {
    Lesson lesson("llama", {2, ""}, {}, Lesson::Learns::kNothing);
    const LoraAdapter lora = adapter_of(lesson, 8);
    lesson.use(lora.use());
    const auto student = lesson.make_student();
    const auto optimizer = create_optimizer(lesson.parameters(), {});
    const double before = lesson.evaluate(learned);
    for (int step = 0; step < 60; ++step) {
      lesson.parameters().clear_gradients();
      lesson.learn(learned);
      if (keeps) student->stay(kept, 1.0f).value();
      optimizer->step(lesson.parameters(), 1e-2);
    }
    EXPECT_LT(lesson.evaluate(learned), 0.3 * before);
    away[keeps ? 1 : 0] = student->stay(kept, 0.0f).value();
  }
  EXPECT_LT(away[1], 0.2 * away[0]);
}

TEST_F(StudentTest, AnAdapterIsReadAsItWasWritten) {
  for (const bool stabilised : {false, true}) {
    Lesson lesson("llama", {1, ""}, {}, Lesson::Learns::kNothing);
    LoraOptions options;
    options.rank = 4;
    options.rank_stabilised = stabilised;
    auto lora = LoraAdapter::create(lesson.model(), options, lesson.parameters());
    ASSERT_TRUE(lora.has_value());
    for (Parameter& parameter : lesson.parameters().all()) {
      for (int64_t i = 0; i < parameter.value.shape().elements(); ++i) {
        parameter.value.f32()[i] += 0.05f * static_cast<float>(i % 3);
      }
    }
    lesson.use(lora->use());
    const PackedSequence sequence{{all_of(tokens())}};
    const double expected = lesson.evaluate(sequence);
    const auto path = std::filesystem::temp_directory_path() / fmt::format("ondol_lora_{}.gguf", getpid());
    ASSERT_TRUE(lora->write_gguf(path.string(), "llama").has_value());
    const auto read = load_adapter(path.string(), lesson.model(), lesson.file());
    std::filesystem::remove(path);
    ASSERT_TRUE(read.has_value()) << read.error().message();
    lesson.use({read->get(), 1.0f});
    EXPECT_NEAR(lesson.evaluate(sequence), expected, 1e-4);
  }
}

TEST_F(StudentTest, RefusesWhatHasNoGradients) {
  for (const char* name : {"deepseek-v2", "bert"}) {
    const std::string folder = std::string(ONDOL_SOURCE_DIR "/tests/golden/hugging_face/") + name;
    const auto model = load_model(open_model_file(folder).value());
    ASSERT_TRUE(model.has_value()) << model.error().message();
    const auto allowed = check_can_learn(**model);
    ASSERT_FALSE(allowed.has_value()) << name;
    EXPECT_NE(allowed.error().message().find("cannot learn yet"), std::string::npos);
  }
  EXPECT_TRUE(check_can_learn(*load_golden_model("qwen3moe")).has_value());
}

TEST_F(StudentTest, NamesTargetsThatAModelLacks) {
  Lesson lesson("llama", {1, ""}, {}, Lesson::Learns::kNothing);
  LoraOptions options;
  options.targets = {"attn_q", "attn_qkv"};
  const auto lora = LoraAdapter::create(lesson.model(), options, lesson.parameters());
  ASSERT_FALSE(lora.has_value());
  EXPECT_NE(lora.error().message().find("attn_qkv"), std::string::npos) << lora.error().message();
}

}  // namespace
}  // namespace ondol::train
