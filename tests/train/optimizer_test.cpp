// Optimizers against PyTorch and the papers (tools/make_optimizer_goldens.py), for any number of threads.
#include "train/optimizer.h"

#include <bit>
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"

namespace ondol::train {
namespace {

/// The golden's parameters. `scale` makes them larger than what one thread gets at a time.
class Course {
 public:
  explicit Course(int64_t scale = 1)
      : golden_(parse_json(read_file(ONDOL_SOURCE_DIR "/tests/golden/train/optimizers.json").value()).value()) {
    values_.reserve(8);
    for (const auto& [name, shape] : golden_.at("parameters").as_object()) {
      const json::array& dims = shape.as_array();
      const Shape made =
          dims.size() == 1 ? Shape{dims[0].as_int64()} : Shape{dims[0].as_int64(), scale * dims[1].as_int64()};
      Tensor value = values_.emplace_back(DType::F32, made).tensor;
      const auto p = static_cast<double>(values_.size() - 1);
      for (int64_t i = 0; i < made.elements(); ++i) {
        value.f32()[i] = static_cast<float>(std::sin(0.7 * static_cast<double>(i) + p));
      }
      parameters_.add(std::string(name), value);
    }
  }

  /// Gradients are `times` times what they are in the golden, and count `factor` times.
  void step(Optimizer& optimizer, int64_t step, float times = 1.0f, float factor = 1.0f) {
    double p = 0;
    for (Parameter& parameter : parameters_.all()) {
      for (int64_t i = 0; i < parameter.value.shape().elements(); ++i) {
        const double size = 0.01 + 0.05 * static_cast<double>(i % 11);
        const double wave = std::sin(0.37 * static_cast<double>(i) + 1.3 * static_cast<double>(step) + p);
        parameter.gradient.f32()[i] = times * static_cast<float>(wave * size);
      }
      ++p;
    }
    optimizer.step(parameters_, golden_.at("rate").as_double(), factor);
  }

  void run(Optimizer& optimizer) {
    for (int64_t i = 0; i < golden_.at("steps").as_int64(); ++i) step(optimizer, i);
  }

  double largest_error(std::string_view name) const {
    double largest = 0;
    for (size_t p = 0; p < parameters_.all().size(); ++p) {
      const json::array& expected = golden_.at(name).as_array()[p].as_array();
      const float* got = parameters_.all()[p].value.f32();
      for (size_t i = 0; i < expected.size(); ++i) {
        largest = std::max(largest, std::abs(expected[i].to_number<double>() - static_cast<double>(got[i])));
      }
    }
    return largest;
  }

  Parameters& parameters() { return parameters_; }
  std::vector<float> numbers() const {
    std::vector<float> all;
    for (const Parameter& parameter : parameters_.all()) {
      all.insert(all.end(), parameter.value.f32(), parameter.value.f32() + parameter.value.shape().elements());
    }
    return all;
  }

 private:
  json::value golden_;
  std::vector<OwnedTensor> values_;
  Parameters parameters_;
};

constexpr OptimizerKind kKinds[] = {OptimizerKind::kAdamW, OptimizerKind::kAdamW8Bit, OptimizerKind::kAdamWBf16,
                                    OptimizerKind::kMuon, OptimizerKind::kLion};

class OptimizerTest : public testing::TestWithParam<OptimizerKind> {
 protected:
  OptimizerOptions options() const {
    OptimizerOptions options;
    options.kind = GetParam();
    options.seed = 11;
    return options;
  }
  std::unique_ptr<Backend> backend_ = create_cpu_backend({2, ""}).value();
};

TEST_P(OptimizerTest, FollowsTheReference) {
  Course course;
  const auto optimizer = create_optimizer(course.parameters(), options(), {nullptr, backend_.get()});
  course.run(*optimizer);
  const bool is_rounded = GetParam() == OptimizerKind::kAdamWBf16;
  // Six steps move a number by at most 0.06; BF16 keeps 8 bits of the moments.
  EXPECT_LE(course.largest_error(is_rounded ? "adamw" : optimizer_name(GetParam())), is_rounded ? 1e-3 : 2e-6);
}

TEST_P(OptimizerTest, ThreadsChangeNothing) {
  std::vector<float> expected;
  for (const int n_threads : {1, 3}) {
    Course course(1000);
    ThreadPool threads(n_threads);
    const auto optimizer = create_optimizer(course.parameters(), options(), {&threads, backend_.get()});
    course.step(*optimizer, 0);
    if (GetParam() != OptimizerKind::kMuon) course.step(*optimizer, 1);
    if (expected.empty()) expected = course.numbers();
    EXPECT_EQ(course.numbers(), expected);
  }
}

/// States that are copied into another optimizer of the kind, with the number of steps, are all that it remembers.
TEST_P(OptimizerTest, GoesOnFromItsStates) {
  Course whole;
  const auto first = create_optimizer(whole.parameters(), options(), {nullptr, backend_.get()});
  for (int64_t i = 0; i < 3; ++i) whole.step(*first, i);
  Course resumed;
  const auto second = create_optimizer(resumed.parameters(), options(), {nullptr, backend_.get()});
  for (size_t p = 0; p < whole.parameters().all().size(); ++p) {
    Tensor to = resumed.parameters().all()[p].value;
    std::memcpy(to.bytes(), whole.parameters().all()[p].value.bytes(), to.size_bytes());
  }
  std::vector<TensorEntry> states = second->states();
  const std::vector<TensorEntry> saved = first->states();
  ASSERT_EQ(states.size(), saved.size());
  double n_bytes = 0;
  for (size_t i = 0; i < states.size(); ++i) {
    EXPECT_EQ(states[i].name, saved[i].name);
    std::memcpy(states[i].tensor.bytes(), saved[i].tensor.bytes(), saved[i].tensor.size_bytes());
    n_bytes += static_cast<double>(saved[i].tensor.size_bytes());
  }
  second->resume_at(first->n_steps());
  for (int64_t i = 3; i < 6; ++i) {
    whole.step(*first, i);
    resumed.step(*second, i);
  }
  EXPECT_EQ(whole.numbers(), resumed.numbers());
  const double n = static_cast<double>(whole.numbers().size());
  EXPECT_NEAR(n_bytes / n, state_bytes_per_number(GetParam()), 0.15 * state_bytes_per_number(GetParam()));
}

TEST_P(OptimizerTest, RateFactorsCount) {
  Course plain;
  Course faster;
  for (Parameter& parameter : faster.parameters().all()) parameter.rate_factor = 4.0;
  const std::vector<float> before = plain.numbers();
  const auto optimizer = create_optimizer(plain.parameters(), options(), {nullptr, backend_.get()});
  const auto other = create_optimizer(faster.parameters(), options(), {nullptr, backend_.get()});
  plain.step(*optimizer, 0);
  faster.step(*other, 0);
  const std::vector<float> slow = plain.numbers();
  const std::vector<float> fast = faster.numbers();
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(fast[i] - before[i], 4 * (slow[i] - before[i]), 1e-5) << i;
  }
}

/// The factors are powers of two, so that multiplying beforehand rounds nothing.
TEST_P(OptimizerTest, GradientFactorsCount) {
  Course scaled;
  Course counted;
  Course plain;
  const auto first = create_optimizer(scaled.parameters(), options(), {nullptr, backend_.get()});
  const auto second = create_optimizer(counted.parameters(), options(), {nullptr, backend_.get()});
  const auto third = create_optimizer(plain.parameters(), options(), {nullptr, backend_.get()});
  for (int64_t i = 0; i < 4; ++i) {
    const float factor = i % 2 == 0 ? 1.0f : 0.0625f;
    scaled.step(*first, i, factor);
    counted.step(*second, i, 1.0f, factor);
    plain.step(*third, i);
  }
  EXPECT_EQ(counted.numbers(), scaled.numbers());
  EXPECT_NE(counted.numbers(), plain.numbers());
}

INSTANTIATE_TEST_SUITE_P(Kinds, OptimizerTest, testing::ValuesIn(kKinds), [](const auto& test) {
  std::string name(optimizer_name(test.param));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

/// What BF16 holds after one step is the exact moment on average over seeds, not its nearest neighbour.
TEST(AdamWBf16, RoundsWithoutBias) {
  constexpr int kSeeds = 400;
  double sum = 0;
  double squares = 0;
  double exact = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Course course;
    OptimizerOptions options;
    options.kind = OptimizerKind::kAdamWBf16;
    options.seed = static_cast<uint64_t>(seed);
    const auto optimizer = create_optimizer(course.parameters(), options);
    course.step(*optimizer, 0);
    uint16_t bits = 0;
    std::memcpy(&bits, optimizer->states()[0].tensor.bytes() + 2 * 5, 2);
    const double got = std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
    exact = 0.1 * static_cast<double>(course.parameters().all()[0].gradient.f32()[5]);
    sum += got - exact;
    squares += (got - exact) * (got - exact);
  }
  const double deviation = std::sqrt(squares / kSeeds);
  EXPECT_GT(deviation, 0.0);
  EXPECT_LE(std::abs(sum / kSeeds), 4 * deviation / std::sqrt(kSeeds));
}

}  // namespace
}  // namespace ondol::train
