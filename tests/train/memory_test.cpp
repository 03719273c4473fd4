// Memory decides how much is computed again, not what is learnt: the same bits with recordings and turned weights that
// are kept and without, for any number of threads.
#include "tests/train/lesson.h"
#include "train/lora.h"

namespace ondol::train {
namespace {

struct Course {
  int n_threads = 2;
  size_t turned_bytes = 0;
  size_t recorded_bytes = 0;
  ProductTypes types = {DType::Q8_0, DType::BF16};
};

Segment all_of(std::vector<int32_t> tokens) {
  std::vector<uint8_t> is_target(tokens.size(), 1);
  is_target[0] = 0;
  return {std::move(tokens), std::move(is_target)};
}

/// Texts of 40 tokens, of which later ones begin with what earlier ones ended with.
std::vector<PackedSequence> texts(size_t n) {
  std::vector<int32_t> tokens = read_golden("llama").tokens;
  std::vector<PackedSequence> all;
  for (size_t i = 0; i < n; ++i) {
    std::rotate(tokens.begin(), tokens.begin() + 7, tokens.end());
    all.push_back({{all_of(tokens)}});
  }
  return all;
}

/// The gradients of an adapter, and of all weights, after two passes.
class Classroom {
 public:
  explicit Classroom(const Course& course, bool everything)
      : backend_(create_cpu_backend({course.n_threads, ""}).value()),
        file_(in_floats(*open_gguf(golden_path("llama.gguf")).value()).value()),
        model_(load_model(file_).value()) {
    backend_->derivatives()->keep_turned(course.turned_bytes);
    std::optional<AdapterUse> use;
    if (everything) {
      add_all(*file_, parameters_);
    } else {
      lora_.emplace(LoraAdapter::create(*model_, {}, parameters_).value());
      for (Parameter& parameter : parameters_.all()) {
        for (int64_t i = 0; i < parameter.value.shape().elements(); ++i) {
          parameter.value.f32()[i] += 0.01f * static_cast<float>(i % 5 - 2);
        }
      }
      use = lora_->use();
    }
    student_.emplace(*model_, *backend_, parameters_, course.types, use);
    student_->set_recording_budget(course.recorded_bytes);
  }

  std::vector<std::vector<float>> gradients(const std::vector<PackedSequence>& sequences, bool at_once) {
    for (int pass = 0; pass < 2; ++pass) {
      parameters_.clear_gradients();
      if (at_once) {
        EXPECT_TRUE(student_->learn(std::span<const PackedSequence>(sequences), 1.0f).has_value());
      } else {
        for (const PackedSequence& sequence : sequences) EXPECT_TRUE(student_->learn(sequence, 1.0f).has_value());
      }
    }
    std::vector<std::vector<float>> all;
    for (const Parameter& parameter : parameters_.all()) {
      const float* values = parameter.gradient.f32();
      all.emplace_back(values, values + parameter.gradient.shape().elements());
    }
    return all;
  }

 private:
  std::unique_ptr<Backend> backend_;
  std::shared_ptr<const ModelFile> file_;
  std::unique_ptr<Model> model_;
  Parameters parameters_;
  std::optional<LoraAdapter> lora_;
  std::optional<Student> student_;
};

std::vector<std::vector<float>> gradients(const Course& course, bool everything, bool at_once = true) {
  return Classroom(course, everything).gradients(texts(3), at_once);
}

TEST(LearningMemory, ChangesNoBits) {
  for (const bool everything : {false, true}) {
    for (const ProductTypes& types :
         {ProductTypes{}, ProductTypes{DType::BF16, DType::BF16}, ProductTypes{DType::Q8_0, DType::BF16}}) {
      const auto plain = gradients({.types = types}, everything);
      EXPECT_EQ(gradients({.turned_bytes = size_t{1} << 30, .types = types}, everything), plain);
      // Not enough for all of them.
      EXPECT_EQ(gradients({.turned_bytes = 20000, .types = types}, everything), plain);
      EXPECT_EQ(gradients({.recorded_bytes = size_t{1} << 30, .types = types}, everything), plain);
      EXPECT_EQ(
          gradients({.n_threads = 1, .turned_bytes = 20000, .recorded_bytes = 100000, .types = types}, everything),
          plain);
      EXPECT_EQ(gradients({.n_threads = 3, .types = types}, everything), plain);
    }
  }
}

TEST(LearningMemory, SequencesTogetherAreSequencesApart) {
  const auto apart = gradients({.types = {}}, true, false);
  const auto together = gradients({.types = {}}, true, true);
  for (size_t i = 0; i < apart.size(); ++i) {
    double difference = 0;
    double length = 0;
    for (size_t j = 0; j < apart[i].size(); ++j) {
      const double expected = apart[i][j];
      difference += (together[i][j] - expected) * (together[i][j] - expected);
      length += expected * expected;
    }
    EXPECT_LE(difference, 1e-10 * length) << i;
  }
}

}  // namespace
}  // namespace ondol::train
