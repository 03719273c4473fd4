#include "nn/tape.h"

#include <algorithm>

namespace ondol {
namespace {

Derivatives& derivatives_of(Backend& backend) {
  ONDOL_CHECK(backend.derivatives() != nullptr);
  return *backend.derivatives();
}

bool is_same(const Tensor& a, const Tensor& b) {
  return a.bytes() == b.bytes();
}

bool overlap(const Tensor& a, const Tensor& b) {
  return a.bytes() < b.bytes() + b.size_bytes() && b.bytes() < a.bytes() + a.size_bytes();
}

}  // namespace

Tape::Tape(Backend& inner, Arena& arena, WeightGradients& weights, ProductTypes types)
    : inner_(inner), arena_(arena), weights_(weights), types_(types), derivatives_(derivatives_of(inner)) {}

void Tape::backward(Position begin) {
  ONDOL_CHECK(begin.length <= entries_.size());
  const bool was_recording = std::exchange(is_recording_, false);
  while (entries_.size() > begin.length) {
    entries_.back()();
    entries_.pop_back();
  }
  shared_ = nullptr;
  kept_memory_.release(begin.kept);
  kept_bytes_ = begin.kept_bytes;
  kept_.clear();
  is_recording_ = was_recording;
}

Tensor Tape::gradient(const Tensor& activation) {
  if (activation.bytes() == shared_) return activation;
  const std::span<uint8_t> chunk = arena_.chunk_of(activation.bytes());
  ONDOL_CHECK(!chunk.empty());
  Buffer& shadow = shadow_[chunk.data()];
  if (shadow.size_bytes() < chunk.size()) shadow = Buffer(chunk.size());
  return Tensor(DType::F32, activation.shape(), shadow.data() + (activation.bytes() - chunk.data()));
}

Tensor Tape::keep(const Tensor& x, DType type) {
  for (const Kept& kept : kept_) {
    if (is_same(kept.original, x) && kept.original.shape() == x.shape() && kept.copy.type() == type) return kept.copy;
  }
  Tensor copy;
  if (type == DType::F32) {
    copy = kept_memory_.f32(x.shape());
  } else {
    ONDOL_CHECK(type == DType::BF16);
    copy = Tensor(type, x.shape(), kept_memory_.f32({x.rows(), (x.columns() + 1) / 2}).bytes());
  }
  derivatives_.copy(x, copy);
  kept_bytes_ += copy.size_bytes();
  kept_.push_back({x, copy});
  return copy;
}

void Tape::forget(const Tensor& out) {
  std::erase_if(kept_, [&](const Kept& kept) { return overlap(kept.original, out); });
}

void Tape::embed(const Tensor& table, std::span<const int32_t> ids, Tensor out) {
  inner_.embed(table, ids, out);
  if (!is_recording_) return;
  forget(out);
  entries_.push_back([this, table, ids = std::vector<int32_t>(ids.begin(), ids.end()), dy = gradient(out)] {
    if (const Tensor dtable = weights_.of(table); !dtable.empty()) derivatives_.embed(dy, ids, dtable);
    derivatives_.set_zero(dy);
  });
}

bool Tape::learns(const Weight& weight) {
  return !weights_.of(weight.matrix).empty();
}

void Tape::linear(const Tensor& x, std::span<const LinearJob> jobs) {
  if (std::any_of(jobs.begin(), jobs.end(), [&](const LinearJob& job) { return learns(*job.weight); })) {
    derivatives_.linear(x, jobs, types_.inputs);
  } else {
    inner_.linear(x, jobs);
  }
  if (!is_recording_) return;
  for (const LinearJob& job : jobs) record_linear(x, job);
  for (const LinearJob& job : jobs) forget(job.out);
}

void Tape::record_linear(const Tensor& x, const LinearJob& job) {
  const Weight weight = *job.weight;
  const Tensor input = learns(weight) ? keep_rounded(x) : Tensor();
  const bool is_shared = shared_columns_ > 0 && job.out.columns() == shared_columns_ && !job.accumulate;
  if (is_shared) shared_ = job.out.bytes();
  const bool stays = job.accumulate || is_shared;
  entries_.push_back([this, weight, input, dx = gradient(x), dy = gradient(job.out), stays, logits = makes_logits_] {
    learn_linear(weight, input, dy, dx, logits);
    if (!stays) derivatives_.set_zero(dy);
  });
}

void Tape::learn_linear(const Weight& weight, const Tensor& x, const Tensor& dy, Tensor dx, bool makes_logits) {
  const Tensor dmatrix = weights_.of(weight.matrix);
  const DType type = makes_logits && types_.weights == DType::Q8_0 ? DType::BF16 : types_.weights;
  if (!dmatrix.empty()) derivatives_.linear_weight(dy, x, type, dmatrix);
  if (!weight.bias.empty()) {
    if (const Tensor dbias = weights_.of(weight.bias); !dbias.empty()) derivatives_.sum_rows(dy, dbias);
  }
  derivatives_.linear_input(dy, weight.matrix, types_.inputs, dx,
                            {.is_frozen = dmatrix.empty(), .makes_logits = makes_logits});
}

void Tape::linear_heads(const Tensor& x, std::span<const Tensor> weights, Tensor out) {
  ONDOL_CHECK(!is_recording_);
  inner_.linear_heads(x, weights, out);
}

void Tape::gated_mlp(const Tensor& x, const Weight& gate, const Weight& up, const Weight& down, const GatedUnit& unit,
                     Tensor out, bool accumulate) {
  if (!is_recording_ && !learns(gate)) return inner_.gated_mlp(x, gate, up, down, unit, out, accumulate);
  ArenaScope scope(arena_);
  const Tensor gate_out = arena_.f32({x.rows(), gate.matrix.rows()});
  const Tensor up_out = arena_.f32({x.rows(), up.matrix.rows()});
  const LinearJob both[] = {{&gate, gate_out}, {&up, up_out}};
  linear(x, both);
  gated_unit(gate_out, up_out, unit, gate_out);
  const LinearJob last[] = {{&down, out, accumulate}};
  linear(gate_out, last);
}

void Tape::rms_norm(const Tensor& x, int width, const Tensor& weight, float epsilon, Tensor out) {
  const Tensor input = is_recording_ ? keep(x) : Tensor();
  inner_.rms_norm(x, width, weight, epsilon, out);
  if (!is_recording_) return;
  entries_.push_back([=, this, dx = gradient(x), dy = gradient(out), in_place = is_same(x, out)] {
    derivatives_.rms_norm(input, width, weight, epsilon, dy, weight.empty() ? Tensor() : weights_.of(weight));
    if (in_place) return;
    inner_.add(dx, dy);
    derivatives_.set_zero(dy);
  });
  forget(out);
}

void Tape::layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float epsilon, Tensor out) {
  const Tensor input = is_recording_ ? keep(x) : Tensor();
  inner_.layer_norm(x, weight, bias, epsilon, out);
  if (!is_recording_) return;
  entries_.push_back([=, this, dx = gradient(x), dy = gradient(out), in_place = is_same(x, out)] {
    derivatives_.layer_norm(input, weight, epsilon, dy, weight.empty() ? Tensor() : weights_.of(weight),
                            bias.empty() ? Tensor() : weights_.of(bias));
    if (in_place) return;
    inner_.add(dx, dy);
    derivatives_.set_zero(dy);
  });
  forget(out);
}

void Tape::rope(Tensor x, int head_dim, int offset, const Tensor& angles, RopePairs pairs) {
  inner_.rope(x, head_dim, offset, angles, pairs);
  if (!is_recording_) return;
  entries_.push_back([=, this, dy = gradient(x)] { derivatives_.rope(dy, head_dim, offset, angles, pairs); });
  forget(x);
}

void Tape::kv_store(const Tensor& k, const Tensor& v, const KvLayer& layer, std::span<const KvSlice> slices) {
  inner_.kv_store(k, v, layer, slices);
  if (!is_recording_) return;
  ONDOL_CHECK(!layer.v_in_k);
  stored_[layer.k] = {k, v, keep(k), keep(v)};
}

void Tape::attention(const AttentionArgs& args, const KvLayer& layer, std::span<const KvSlice> slices) {
  inner_.attention(args, layer, slices);
  if (!is_recording_) return;
  const Stored& stored = stored_.at(layer.k);
  AttentionRecord record{args, stored.k_kept, stored.v_kept, layer.n_heads, types_.inputs};
  record.args.q = keep(args.q);
  entries_.push_back([this, record, slices = std::vector<KvSlice>(slices.begin(), slices.end()), dq = gradient(args.q),
                      dk = gradient(stored.k), dv = gradient(stored.v), dout = gradient(args.out)] {
    const Tensor dsinks = record.args.sinks.empty() ? Tensor() : weights_.of(record.args.sinks);
    derivatives_.attention(record, slices, dout, dq, dk, dv, dsinks);
    derivatives_.set_zero(dout);
  });
  forget(args.out);
}

void Tape::attention_both_ways(const AttentionArgs& args, const Tensor& k, const Tensor& v,
                               std::span<const KvSlice> slices) {
  ONDOL_CHECK(!is_recording_);
  inner_.attention_both_ways(args, k, v, slices);
}

void Tape::activate(Tensor x, Activation activation) {
  const Tensor input = is_recording_ ? keep(x) : Tensor();
  inner_.activate(x, activation);
  if (!is_recording_) return;
  entries_.push_back([=, this, dy = gradient(x)] { derivatives_.activate(input, activation, dy); });
  forget(x);
}

void Tape::gated_unit(const Tensor& gate, const Tensor& up, const GatedUnit& unit, Tensor out) {
  const Tensor gate_kept = is_recording_ ? keep_rounded(gate) : Tensor();
  const Tensor up_kept = is_recording_ ? keep_rounded(up) : Tensor();
  inner_.gated_unit(gate, up, unit, out);
  if (!is_recording_) return;
  ONDOL_CHECK(!is_same(up, out));
  entries_.push_back(
      [=, this, dgate = gradient(gate), dup = gradient(up), dy = gradient(out), in_place = is_same(gate, out)] {
        derivatives_.gated_unit(gate_kept, up_kept, unit, dy, dup);
        if (in_place) return;
        inner_.add(dgate, dy);
        derivatives_.set_zero(dy);
      });
  forget(out);
}

void Tape::add(Tensor x, const Tensor& y) {
  inner_.add(x, y);
  if (!is_recording_) return;
  forget(x);
  if (arena_.chunk_of(y.bytes()).empty()) {
    entries_.push_back([this, y, dx = gradient(x)] {
      if (const Tensor dy = weights_.of(y); !dy.empty()) derivatives_.sum_rows(dx, dy);
    });
    return;
  }
  ONDOL_CHECK(y.rows() == x.rows());
  entries_.push_back([this, dx = gradient(x), dy = gradient(y)] { inner_.add(dy, dx); });
}

void Tape::scale(Tensor x, float factor) {
  inner_.scale(x, factor);
  if (!is_recording_) return;
  entries_.push_back([this, factor, dy = gradient(x)] { inner_.scale(dy, factor); });
  forget(x);
}

void Tape::scale_columns(Tensor x, const Tensor& factors) {
  const bool learns = is_recording_ && !weights_.of(factors).empty();
  const Tensor input = learns ? keep(x) : Tensor();
  inner_.scale_columns(x, factors);
  if (!is_recording_) return;
  entries_.push_back([=, this, dy = gradient(x)] {
    derivatives_.scale_columns(input, factors, dy, learns ? weights_.of(factors) : Tensor());
  });
  forget(x);
}

void Tape::softcap(Tensor x, float cap) {
  inner_.softcap(x, cap);
  if (!is_recording_) return;
  forget(x);
  entries_.push_back([this, cap, y = keep(x), dy = gradient(x)] { derivatives_.softcap(y, cap, dy); });
}

}  // namespace ondol
