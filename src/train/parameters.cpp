#include "train/parameters.h"

#include <algorithm>
#include <cmath>

#include "train/parts.h"

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

void Parameters::clear_gradients(ThreadPool* threads) {
  for (Parameter& parameter : all_) {
    float* values = parameter.gradient.f32();
    for_parts(threads, parameter.value.shape().elements(),
              [&](int64_t begin, int64_t end) { std::fill(values + begin, values + end, 0.0f); });
  }
}

namespace {

/// In several sums, whose additions need not wait for one another.
double sum_of_squares(const float* values, int64_t n) {
  constexpr int64_t kSums = 16;
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (int64_t j = 0; j < kSums; ++j) sums[j] += static_cast<double>(values[i + j]) * static_cast<double>(values[i + j]);
  }
  double total = 0;
  for (; i < n; ++i) total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

double Parameters::gradient_norm(ThreadPool* threads) const {
  double total = 0;
  std::vector<double> sums;
  for (const Parameter& parameter : all_) {
    const float* values = parameter.gradient.f32();
    const int64_t n = parameter.value.shape().elements();
    sums.assign(static_cast<size_t>((n + kPart - 1) / kPart), 0);
    for_parts(threads, n, [&](int64_t begin, int64_t end) {
      for (; begin < end; begin += kPart) {
        sums[static_cast<size_t>(begin / kPart)] = sum_of_squares(values + begin, std::min(kPart, end - begin));
      }
    });
    for (const double sum : sums) total += sum;
  }
  return std::sqrt(total);
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
