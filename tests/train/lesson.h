// What the tests of training share: a tiny model that learns one text, and how far gradients are apart.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tests/models/golden_model.h"
#include "train/float_file.h"
#include "train/student.h"

namespace ondol::train {

/// A model in floats that learns one text.
class Lesson {
 public:
  enum class Learns { kEverything, kNothing };

  Lesson(const std::string& name, const CpuOptions& options, ProductTypes types = {},
         Learns learns = Learns::kEverything)
      : backend_(create_cpu_backend(options).value()), tokens_(read_golden(name).tokens), types_(types) {
    file_ = in_floats(*open_gguf(golden_path(name + ".gguf")).value()).value();
    model_ = load_model(file_).value();
    if (learns == Learns::kEverything) add_all(*file_, parameters_);
  }

  Parameters& parameters() { return parameters_; }
  const ModelFile& file() const { return *file_; }
  const Model& model() const { return *model_; }
  /// All rows use this adapter from now on.
  void use(AdapterUse adapter) { adapter_ = adapter; }

  /// Adds gradients of the mean loss of the golden's tokens, which is returned.
  double learn() {
    const auto n = static_cast<double>(tokens_.size() - 1);
    return student()
               .learn({{{tokens_, std::vector<uint8_t>(tokens_.size(), 1)}}}, static_cast<float>(1.0 / n))
               .value() /
           n;
  }
  /// Adds gradients of the sum of the losses, which is returned.
  double learn(const PackedSequence& sequence) { return student().learn(sequence, 1.0f).value(); }
  double evaluate(const PackedSequence& sequence) { return student().evaluate(sequence).value(); }

  std::unique_ptr<Student> make_student() {
    return std::make_unique<Student>(*model_, *backend_, parameters_, types_, adapter_);
  }

 private:
  Student student() { return Student(*model_, *backend_, parameters_, types_, adapter_); }

  std::unique_ptr<Backend> backend_;
  std::vector<int32_t> tokens_;
  std::shared_ptr<const ModelFile> file_;
  std::unique_ptr<Model> model_;
  Parameters parameters_;
  std::optional<AdapterUse> adapter_;
  ProductTypes types_;
};

/// The length of the difference as a share of the expected length.
inline double distance(const Tensor& got, const Tensor& expected) {
  double difference = 0;
  double length = 0;
  for (int64_t i = 0; i < expected.shape().elements(); ++i) {
    const double e = expected.f32()[i];
    difference += (got.f32()[i] - e) * (got.f32()[i] - e);
    length += e * e;
  }
  return std::sqrt(difference / std::max(length, 1e-30));
}

inline double cosine_of(const Tensor& a, const Tensor& b) {
  double product = 0;
  double a_squares = 0;
  double b_squares = 0;
  for (int64_t i = 0; i < b.shape().elements(); ++i) {
    product += static_cast<double>(a.f32()[i]) * static_cast<double>(b.f32()[i]);
    a_squares += static_cast<double>(a.f32()[i]) * static_cast<double>(a.f32()[i]);
    b_squares += static_cast<double>(b.f32()[i]) * static_cast<double>(b.f32()[i]);
  }
  return product / std::sqrt(a_squares * b_squares);
}

}  // namespace ondol::train
