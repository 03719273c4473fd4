#include "train/parameters.h"

#include <cmath>
#include <cstring>

namespace ondol::train {

void Parameters::add(std::string name, const Tensor& value) {
  add(std::move(name), value, value);
}

void Parameters::add(std::string name, const Tensor& value, const Tensor& seen) {
  ONDOL_CHECK(value.type() == DType::F32 && seen.size_bytes() == value.size_bytes());
  const Buffer& memory = memory_.emplace_back(value.size_bytes());
  by_address_[seen.bytes()] = all_.size();
  all_.push_back({std::move(name), value, Tensor(DType::F32, value.shape(), memory.data())});
}

int64_t Parameters::n_elements() const {
  int64_t n = 0;
  for (const Parameter& parameter : all_) n += parameter.value.shape().elements();
  return n;
}

void Parameters::clear_gradients() {
  for (Parameter& parameter : all_) std::memset(parameter.gradient.bytes(), 0, parameter.gradient.size_bytes());
}

double Parameters::gradient_norm() const {
  double sum = 0;
  for (const Parameter& parameter : all_) {
    const float* values = parameter.gradient.f32();
    for (int64_t i = 0; i < parameter.value.shape().elements(); ++i) {
      sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    }
  }
  return std::sqrt(sum);
}

void Parameters::scale_gradients(float factor) {
  for (Parameter& parameter : all_) {
    float* values = parameter.gradient.f32();
    for (int64_t i = 0; i < parameter.value.shape().elements(); ++i) values[i] *= factor;
  }
}

Tensor Parameters::of(const Tensor& weight) {
  auto next = by_address_.upper_bound(weight.bytes());
  if (next == by_address_.begin()) return {};
  Parameter& parameter = all_[std::prev(next)->second];
  const auto skipped = static_cast<size_t>(weight.bytes() - std::prev(next)->first);
  if (skipped >= parameter.value.size_bytes()) return {};
  if (weight.shape() == parameter.value.shape()) return parameter.gradient;
  ONDOL_CHECK(skipped + weight.size_bytes() <= parameter.value.size_bytes());
  return Tensor(DType::F32, weight.shape(), parameter.gradient.bytes() + skipped);
}

}  // namespace ondol::train
