// Mixtures of experts on the tape. Nothing is kept of what happens inside the experts: they are computed once more on
// the way back, one expert after another.
#include <algorithm>
#include <cstring>

#include "nn/tape.h"

namespace ondol {
namespace {

/// A choice that a row made: which of its experts, and the row.
struct Choice {
  int64_t row;
  size_t index;  // in ids and weights
};

Tensor zeros(Arena& arena, int64_t rows, int64_t columns) {
  Tensor x = arena.f32({rows, columns});
  std::memset(x.bytes(), 0, x.size_bytes());
  return x;
}

}  // namespace

void Tape::route(const Tensor& logits, const RouteParams& params, std::span<int32_t> ids, std::span<float> weights) {
  const Tensor input = is_recording_ ? keep(logits) : Tensor();
  inner_.route(logits, params, ids, weights);
  if (!is_recording_) return;
  const Tensor chosen(DType::F32, {logits.rows(), params.n_used}, weights.data());
  entries_.push_back([this, input, params, ids = std::vector<int32_t>(ids.begin(), ids.end()),
                      dlogits = gradient(logits), dweights = gradient(chosen)]() mutable {
    derivatives_.route(input, params, ids, dweights, dlogits);
    std::memset(dweights.bytes(), 0, dweights.size_bytes());
  });
}

void Tape::experts_mlp(const Tensor& x, const Experts& experts, std::span<const int32_t> ids,
                       std::span<const float> weights, const GatedUnit& unit, Tensor out) {
  inner_.experts_mlp(x, experts, ids, weights, unit, out);
  if (!is_recording_) return;
  const auto n_used = static_cast<int64_t>(ids.size()) / x.rows();
  const Tensor chosen(DType::F32, {x.rows(), n_used}, const_cast<float*>(weights.data()));
  ExpertsRecord record{keep(x), &experts,    {ids.begin(), ids.end()}, keep(chosen),
                       unit,    gradient(x), gradient(chosen),         gradient(out)};
  entries_.push_back([this, record = std::move(record)] {
    for (size_t e = 0; e < record.experts->down.size(); ++e) expert_backward(record, e);
  });
  forget(out);
}

void Tape::expert_backward(const ExpertsRecord& record, size_t e) {
  const auto n_used = record.ids.size() / static_cast<size_t>(record.x.rows());
  std::vector<Choice> choices;
  for (size_t i = 0; i < record.ids.size(); ++i) {
    if (record.ids[i] == static_cast<int32_t>(e)) choices.push_back({static_cast<int64_t>(i / n_used), i});
  }
  if (choices.empty()) return;
  ArenaScope scope(kept_memory_);
  const auto n = static_cast<int64_t>(choices.size());
  const int64_t width = record.x.columns();
  const Weight& gate = record.experts->gate[e];
  const Weight& up = record.experts->up[e];
  const Weight& down = record.experts->down[e];
  Tensor x = kept_memory_.f32({n, width});
  for (int64_t i = 0; i < n; ++i) {
    std::memcpy(x.f32(i), record.x.f32(choices[static_cast<size_t>(i)].row), x.row_stride_bytes());
  }
  const Tensor gate_out = kept_memory_.f32({n, gate.matrix.rows()});
  const Tensor up_out = kept_memory_.f32({n, up.matrix.rows()});
  const Tensor inner = kept_memory_.f32({n, gate.matrix.rows()});
  const Tensor result = kept_memory_.f32({n, width});
  const LinearJob both[] = {{&gate, gate_out}, {&up, up_out}};
  inner_.linear(x, both);
  inner_.gated_unit(gate_out, up_out, record.unit, inner);
  const LinearJob last[] = {{&down, result}};
  inner_.linear(inner, last);

  Tensor dresult = kept_memory_.f32({n, width});
  for (int64_t i = 0; i < n; ++i) {
    const Choice& choice = choices[static_cast<size_t>(i)];
    const float weight = record.weights.f32()[choice.index];
    const float* dout = record.dout.f32(choice.row);
    double share = 0;
    for (int64_t c = 0; c < width; ++c) {
      share += static_cast<double>(dout[c]) * static_cast<double>(result.f32(i)[c]);
      dresult.f32(i)[c] = weight * dout[c];
    }
    Tensor dweights = record.dweights;
    dweights.f32()[choice.index] += static_cast<float>(share);
  }
  const Tensor dinner = zeros(kept_memory_, n, inner.columns());
  const Tensor dup = zeros(kept_memory_, n, inner.columns());
  const Tensor dx = zeros(kept_memory_, n, width);
  learn_linear(down, inner, dresult, dinner);
  derivatives_.gated_unit(gate_out, up_out, record.unit, dinner, dup);
  learn_linear(gate, x, dinner, dx);
  learn_linear(up, x, dup, dx);
  for (int64_t i = 0; i < n; ++i) {
    Tensor to = record.dx;
    float* sums = to.f32(choices[static_cast<size_t>(i)].row);
    for (int64_t c = 0; c < width; ++c) sums[c] += dx.f32(i)[c];
  }
}

}  // namespace ondol
