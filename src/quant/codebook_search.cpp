#include "quant/codebook_search.h"

#include <algorithm>
#include <cmath>

#include "quant/iq_grids.h"

namespace ondol {
namespace {

constexpr int kRounds = 2;

// What multiple of the codebook's largest number the largest magnitude falls on in the first round of fit_sub_block,
// and where the second looks around the best scale of the first.
constexpr float kReaches[] = {0.3f, 0.44f, 0.6f, 0.72f, 0.86f, 1.04f, 1.24f, 1.5f, 1.8f, 2.3f, 3.0f};
constexpr float kShifts[] = {-0.12f, -0.06f, 0.06f, 0.12f};

// Takes the signs of 8 elements off them. If the number of minuses has to be even and is not, the element that seems to
// suffer least changes sides and is negative afterwards.
uint8_t take_signs(float* x, const float* w, bool even) {
  uint32_t signs = 0;
  float sum = 0.0f;
  for (int i = 0; i < 8; ++i) {
    signs |= std::signbit(x[i]) ? 1u << i : 0u;
    sum += std::fabs(x[i]);
  }
  if (even && __builtin_parity(signs)) {
    const auto cost = [&](int i) { return w[i] * std::fabs(x[i]) * (std::fabs(x[i]) + sum / 8); };
    int weakest = 0;
    for (int i = 1; i < 8; ++i) weakest = cost(i) < cost(weakest) ? i : weakest;
    signs ^= 1u << weakest;
  }
  for (int i = 0; i < 8; ++i) x[i] = (signs >> i) & 1 ? -x[i] : x[i];
  return static_cast<uint8_t>(signs);
}

struct GroupCode {
  int index;
  float ee, eq, qq;
};

GroupCode code_group(const float* x, const float* w, const Codebook& codebook, float scale, float offset) {
  const Lanes inverse = lanes(scale > 0.0f ? 1.0f / scale : 0.0f);
  float v[8];
  for (int i = 0; i < codebook.width(); i += 4) {
    const Lanes scaled = lanes_load(x + i) * inverse - lanes(offset);
    __builtin_memcpy(v + i, &scaled, sizeof(scaled));
  }
  const int index = codebook.nearest(v, w);
  Lanes ee{}, eq{}, qq{};
  for (int i = 0; i < codebook.width(); i += 4) {
    const Lanes q = lanes_load(codebook.entry(index) + i) + lanes(offset);
    const Lanes e = lanes_load(x + i) - lanes(scale) * q;
    const Lanes wq = lanes_load(w + i) * q;
    ee += lanes_load(w + i) * e * e;
    eq += wq * e;
    qq += wq * q;
  }
  return {index, lanes_sum(ee), lanes_sum(eq), lanes_sum(qq)};
}

void add(SubBlockCode& code, int group, const GroupCode& part, bool minus) {
  code.index[group] = static_cast<uint16_t>(part.index);
  code.minus[group] = minus;
  code.error += part.ee;
  code.eq += part.eq;
  code.qq += part.qq;
}

SubBlockCode code_with_offset(const Weighted& values, const Codebook& codebook, float scale, float offset) {
  SubBlockCode code{};
  for (int i = 0; i < values.n; i += codebook.width()) {
    const GroupCode part = code_group(values.x + i, values.w + i, codebook, scale, offset);
    add(code, i / codebook.width(), part, offset < 0.0f);
  }
  return code;
}

SubBlockCode code_sub_block(const Weighted& values, const CodebookLayout& layout, float scale) {
  const Codebook& codebook = layout.codebook;
  if (layout.offsets == Offsets::None) return code_with_offset(values, codebook, scale, 0.0f);
  if (layout.offsets == Offsets::PerSubBlock) {
    const SubBlockCode plus = code_with_offset(values, codebook, scale, kIq1Delta);
    const SubBlockCode minus = code_with_offset(values, codebook, scale, -kIq1Delta);
    return plus.error <= minus.error ? plus : minus;
  }
  SubBlockCode code{};
  for (int i = 0; i < values.n; i += codebook.width()) {
    const GroupCode plus = code_group(values.x + i, values.w + i, codebook, scale, kIq1Delta);
    const GroupCode minus = code_group(values.x + i, values.w + i, codebook, scale, -kIq1Delta);
    const bool is_minus = minus.ee < plus.ee;
    add(code, i / codebook.width(), is_minus ? minus : plus, is_minus);
  }
  return code;
}

// The scale that suits a sub-block best.
float fit_sub_block(const Weighted& values, const CodebookLayout& layout) {
  float largest = 0.0f;
  for (int i = 0; i < values.n; ++i) largest = std::max(largest, std::fabs(values.x[i]));
  if (largest == 0.0f) return 0.0f;
  float best = 0.0f;
  float best_error = INFINITY;
  const auto consider = [&](float scale) {
    const SubBlockCode code = code_sub_block(values, layout, scale);
    const float step = code.eq / code.qq;
    const float error = code.error - step * code.eq;
    if (error >= best_error) return;
    best_error = error;
    best = scale + step;
  };
  // Equal magnitudes are met exactly by the entry of equal smallest numbers.
  if (layout.codebook.smallest() > 0.0f) consider(largest / layout.codebook.smallest());
  for (const float reach : kReaches) consider(largest / (reach * layout.codebook.largest()));
  const float coarse = best;
  for (const float shift : kShifts) consider(coarse + shift * coarse);
  consider(best);
  return std::max(best, 0.0f);
}

class CodebookSearch {
 public:
  CodebookSearch(BlockInput& input, const CodebookLayout& layout) : input_(input), layout_(layout) {}

  CodebookCode run() {
    CodebookCode code{};
    if (layout_.signs != Signs::InCodebook) {
      const bool even = layout_.signs == Signs::Even;
      for (int k = 0; k < input_.n / 8; ++k) code.signs[k] = take_signs(input_.x + 8 * k, input_.w + 8 * k, even);
    }
    float d = 0.0f;
    for (int j = 0; j < count(); ++j) {
      ideal_[j] = fit_sub_block(part(j), layout_);
      d = std::max(d, ideal_[j] / (layout_.unit * static_cast<float>(2 * layout_.n_scales - 1)));
    }
    CodebookCode best = code;
    float best_error = INFINITY;
    for (int round = 0; round < kRounds; ++round) {
      code.d = half_of(input_, d);
      float error = 0.0f;
      for (int j = 0; j < count(); ++j) error += choose_scale(code, j);
      if (error < best_error) {
        best = code;
        best_error = error;
      }
      d = refit(code);
    }
    return best;
  }

 private:
  int count() const { return input_.n / layout_.sub_block; }
  Weighted part(int j) const { return input_.part(j * layout_.sub_block, layout_.sub_block); }

  // Sets the code of sub-block j and returns its error.
  float choose_scale(CodebookCode& code, int j) const {
    const float unit = scale_of(input_, code.d) * layout_.unit;
    const int last = layout_.n_scales - 1;
    const int center =
        unit > 0.0f ? static_cast<int>(std::min(ideal_[j] / (2.0f * unit), static_cast<float>(last))) : 0;
    code.sub[j].error = INFINITY;
    for (int s = std::max(center - 1, 0); s <= std::min(center + 1, last); ++s) {
      const SubBlockCode sub = code_sub_block(part(j), layout_, unit * static_cast<float>(2 * s + 1));
      if (sub.error >= code.sub[j].error) continue;
      code.sub[j] = sub;
      code.scale[j] = static_cast<uint8_t>(s);
    }
    return code.sub[j].error;
  }

  // The best super-scale for the entries and multiples of `code`.
  float refit(const CodebookCode& code) const {
    double eq = 0.0;
    double qq = 0.0;
    for (int j = 0; j < count(); ++j) {
      const double multiple = layout_.unit * static_cast<double>(2 * code.scale[j] + 1);
      eq += multiple * code.sub[j].eq;
      qq += multiple * multiple * code.sub[j].qq;
    }
    return scale_of(input_, code.d) + (qq > 0.0 ? static_cast<float>(eq / qq) : 0.0f);
  }

  BlockInput& input_;
  const CodebookLayout& layout_;
  float ideal_[kMaxBlockSize / 16];
};

}  // namespace

CodebookCode fit_codebook(BlockInput& input, const CodebookLayout& layout) {
  return CodebookSearch(input, layout).run();
}

}  // namespace ondol
