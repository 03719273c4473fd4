// AdamW with both moments as 8-bit codes, and a scale for each block of 256 numbers: their largest magnitude.
//
// A code stands for a number of the dynamic map of Dettmers et al. (2022): seven decades, the larger ones divided more
// finely. Rounding is to the nearest; of two equally near, the smaller. A square that is not 0 never becomes 0, or the
// next step would divide by it.
#include <algorithm>
#include <array>
#include <bit>

#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

using Map = std::array<float, 256>;

/// Decade i below 1, from the smallest, holds the middles of as many equal parts of [0.1, 1] times 10^(i - 6): 2^i of
/// them for numbers with a sign, twice as many for others. Beside them stand 0 and 1.
Map dynamic_map(bool is_signed) {
  constexpr int kDecades = 7;
  std::vector<float> numbers = {0.0f, 1.0f};
  for (int decade = 0; decade < kDecades; ++decade) {
    const int parts = (is_signed ? 1 : 2) << decade;
    const double size = std::pow(10.0, decade - (kDecades - 1));
    for (int part = 0; part < parts; ++part) {
      const double middle = 0.1 + 0.9 * (part + 0.5) / parts;
      numbers.push_back(static_cast<float>(size * middle));
      if (is_signed) numbers.push_back(static_cast<float>(-size * middle));
    }
  }
  std::sort(numbers.begin(), numbers.end());
  Map map{};
  ONDOL_CHECK(numbers.size() == map.size());
  std::copy(numbers.begin(), numbers.end(), map.begin());
  return map;
}

/// Numbers of [-1, 1] to the codes of a map.
class Coder {
 public:
  explicit Coder(bool is_signed) : map_(dynamic_map(is_signed)) {
    for (uint32_t cell = 0; cell < starts_.size(); ++cell) {
      const auto x = std::bit_cast<float>(cell << 16);
      starts_[cell] = search(std::isfinite(x) ? std::clamp(x, -1.0f, 1.0f) : 0.0f);
    }
  }

  float operator[](uint8_t code) const { return map_[code]; }

  /// The same as search, from the code for the number cut off after 7 bits, which is at most a few codes away.
  uint8_t nearest(float x) const {
    size_t code = starts_[std::bit_cast<uint32_t>(x) >> 16];
    while (code < 255 && map_[code + 1] - x < x - map_[code]) ++code;
    while (code > 0 && x - map_[code - 1] <= map_[code] - x) --code;
    return static_cast<uint8_t>(code);
  }

 private:
  uint8_t search(float x) const {
    const auto above = std::lower_bound(map_.begin(), map_.end(), x);
    if (above == map_.begin()) return 0;
    if (above == map_.end()) return 255;
    const auto at = static_cast<size_t>(above - map_.begin());
    return static_cast<uint8_t>(x - map_[at - 1] <= map_[at] - x ? at - 1 : at);
  }

  Map map_;
  std::array<uint8_t, 65536> starts_;  // by the upper half of a float's bits
};

/// The codes and scales of one moment of a parameter.
struct Coded {
  explicit Coded(int64_t n) : codes(DType::I8, {n}), scales(DType::F32, {(n + kStateBlock - 1) / kStateBlock}) {}
  OwnedTensor codes;
  OwnedTensor scales;
};

class AdamW8Bit final : public Optimizer {
 public:
  AdamW8Bit(const Parameters& parameters, const OptimizerOptions& options, OptimizerTools tools)
      : options_(options), tools_(tools) {
    for (const Parameter& parameter : parameters.all()) {
      const int64_t n = parameter.value.shape().elements();
      CodedMoments& moments = moments_.emplace_back(CodedMoments{parameter.name, Coded(n), Coded(n)});
      // Codes of zero: the signed map's lies in its middle.
      std::fill_n(moments.mean.codes.tensor.bytes(), n, signed_.nearest(0.0f));
    }
  }

  std::vector<TensorEntry> states() override {
    std::vector<TensorEntry> entries;
    for (const CodedMoments& moments : moments_) {
      entries.push_back({moments.name + ".mean", moments.mean.codes.tensor});
      entries.push_back({moments.name + ".mean_scale", moments.mean.scales.tensor});
      entries.push_back({moments.name + ".square", moments.square.codes.tensor});
      entries.push_back({moments.name + ".square_scale", moments.square.scales.tensor});
    }
    return entries;
  }

 private:
  struct CodedMoments {
    std::string name;
    Coded mean;
    Coded square;
  };

  void update(Parameters& parameters, double rate) override {
    ONDOL_CHECK(parameters.all().size() == moments_.size());
    for (size_t p = 0; p < moments_.size(); ++p) {
      Parameter& parameter = parameters.all()[p];
      const AdamWStep step(options_, parameter, rate, n_steps(), gradient_factor());
      for_parts(tools_.threads, parameter.value.shape().elements(), [&](int64_t begin, int64_t end) {
        for (; begin < end; begin += kStateBlock) {
          update_block(step, parameter, moments_[p], begin, std::min(kStateBlock, end - begin));
        }
      });
    }
  }

  void update_block(const AdamWStep& step, Parameter& parameter, CodedMoments& moments, int64_t begin,
                    int64_t n) const {
    const int64_t block = begin / kStateBlock;
    uint8_t* mean_codes = moments.mean.codes.tensor.bytes() + begin;
    uint8_t* square_codes = moments.square.codes.tensor.bytes() + begin;
    float& mean_scale = moments.mean.scales.tensor.f32()[block];
    float& square_scale = moments.square.scales.tensor.f32()[block];
    std::array<float, kStateBlock> means;
    std::array<float, kStateBlock> squares;
    float largest_mean = 0;
    float largest_square = 0;
    for (int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<size_t>(i);
      means[at] = signed_[mean_codes[i]] * mean_scale;
      squares[at] = unsigned_[square_codes[i]] * square_scale;
    }
    step.apply(parameter.gradient.f32() + begin, means.data(), squares.data(), parameter.value.f32() + begin, n);
    for (int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<size_t>(i);
      largest_mean = std::max(largest_mean, std::abs(means[at]));
      largest_square = std::max(largest_square, squares[at]);
    }
    mean_scale = largest_mean;
    square_scale = largest_square;
    const float to_mean = largest_mean > 0 ? 1.0f / largest_mean : 0.0f;
    const float to_square = largest_square > 0 ? 1.0f / largest_square : 0.0f;
    for (int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<size_t>(i);
      mean_codes[i] = signed_.nearest(means[at] * to_mean);
      square_codes[i] = unsigned_.nearest(squares[at] * to_square);
      if (square_codes[i] == 0 && squares[at] > 0) square_codes[i] = 1;
    }
  }

  const Coder signed_{true};
  const Coder unsigned_{false};
  OptimizerOptions options_;
  OptimizerTools tools_;
  std::vector<CodedMoments> moments_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw_8bit(const Parameters& parameters, const OptimizerOptions& options,
                                           OptimizerTools tools) {
  return std::make_unique<AdamW8Bit>(parameters, options, tools);
}

}  // namespace ondol::train
