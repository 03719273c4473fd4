#include "backend/cpu/cpu_backend.h"

#include <algorithm>

#include <fmt/format.h>

#include "backend/cpu/dispatch.h"
#include "backend/cpu/route.h"
#include "backend/cpu/spread.h"
#include "quant/format.h"

namespace ondol::cpu {
namespace {

/// Encodes a head's key or value, turned if `order` says so. Where it is turned, `scratch` holds n floats.
void store_head(const CpuKernels& kernels, KvType type, int order, const float* values, int n, float* scratch,
                uint8_t* out) {
  if (order > 0) {
    std::copy(values, values + n, scratch);
    kernels.hadamard(scratch, order, n);
    values = scratch;
  }
  kernels.kv_encode(type, values, out, n);
}

}  // namespace

std::string CpuBackend::description() const {
  return fmt::format("cpu ({}, {} thread{})", kernels_.name, pool_.size(), pool_.size() == 1 ? "" : "s");
}

void CpuBackend::embed(const Tensor& table, std::span<const int32_t> ids, Tensor out) {
  ONDOL_CHECK(out.rows() == static_cast<int64_t>(ids.size()) && out.columns() == table.columns());
  const QuantFormat& format = format_of(table.type());
  for_rows(out.rows(), 2 * out.columns(), [&](int64_t row, int) {
    const int32_t id = ids[static_cast<size_t>(row)];
    ONDOL_CHECK(id >= 0 && id < table.rows());
    format.decode(table.row_bytes(id), out.f32(row), out.columns());
  });
}

void CpuBackend::linear(const Tensor& x, std::span<const LinearJob> jobs) {
  jobs_.clear();
  for (const LinearJob& job : jobs) {
    jobs_.push_back({x, job.weight->matrix, job.weight->bias, job.out, job.accumulate, rounds_floats_});
  }
  multiply(kernels_, pool_, matmul_scratch_, jobs_);
}

void CpuBackend::linear_heads(const Tensor& x, std::span<const Tensor> weights, Tensor out) {
  jobs_.clear();
  int64_t x_column = 0;
  int64_t out_column = 0;
  for (const Tensor& weight : weights) {
    const Tensor x_head = x.slice_columns(x_column, weight.columns());
    jobs_.push_back({x_head, weight, {}, out.slice_columns(out_column, weight.rows()), false});
    x_column += weight.columns();
    out_column += weight.rows();
  }
  ONDOL_CHECK(x_column == x.columns() && out_column == out.columns());
  multiply(kernels_, pool_, matmul_scratch_, jobs_);
}

void CpuBackend::gated_mlp(const Tensor& x, const Weight& gate, const Weight& up, const Weight& down,
                           const GatedUnit& unit, Tensor out, bool accumulate) {
  const Tensor gate_out = hidden_[0].matrix(x.rows(), gate.matrix.rows());
  const Tensor up_out = hidden_[1].matrix(x.rows(), up.matrix.rows());
  const LinearJob both[] = {{&gate, gate_out}, {&up, up_out}};
  linear(x, both);
  gated_unit(gate_out, up_out, unit, gate_out);
  const LinearJob last[] = {{&down, out, accumulate}};
  linear(gate_out, last);
}

void CpuBackend::route(const Tensor& logits, const RouteParams& params, std::span<int32_t> ids,
                       std::span<float> weights) {
  const auto n_experts = static_cast<int>(logits.columns());
  const auto n_used = static_cast<size_t>(params.n_used);
  ONDOL_CHECK(params.n_used >= 1 && params.n_used <= n_experts);
  ONDOL_CHECK(ids.size() == static_cast<size_t>(logits.rows()) * n_used && weights.size() == ids.size());
  ONDOL_CHECK(params.selection_bias.empty() || params.selection_bias.columns() == n_experts);
  if (params.n_groups > 1) {
    ONDOL_CHECK(n_experts % params.n_groups == 0 && params.n_groups_used >= 1);
    ONDOL_CHECK(params.n_used <= n_experts / params.n_groups * std::min(params.n_groups_used, params.n_groups));
  }
  const size_t of_thread = route_scratch_floats(n_experts);
  float* scratch = per_thread_.floats(of_thread * static_cast<size_t>(pool_.size()));
  for_rows(logits.rows(), int64_t{n_experts} * (params.n_used + 4), [&](int64_t row, int thread) {
    const size_t first = static_cast<size_t>(row) * n_used;
    route_row(kernels_, logits.f32(row), n_experts, params, scratch + of_thread * static_cast<size_t>(thread),
              ids.data() + first, weights.data() + first);
  });
}

void CpuBackend::rms_norm(const Tensor& x, int width, const Tensor& weight, float epsilon, Tensor out) {
  ONDOL_CHECK(width > 0 && x.columns() % width == 0 && out.shape().elements() == x.shape().elements());
  ONDOL_CHECK(weight.empty() || weight.shape().elements() == width);
  ONDOL_CHECK(out.columns() == x.columns());
  const float* factors = weight.empty() ? nullptr : weight.f32();
  const int64_t per_row = x.columns() / width;
  for_rows(x.rows() * per_row, 2 * width, [&](int64_t i, int) {
    const int64_t first = i % per_row * width;
    kernels_.rms_norm(x.f32(i / per_row) + first, factors, epsilon, out.f32(i / per_row) + first, width);
  });
}

void CpuBackend::layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float epsilon, Tensor out) {
  ONDOL_CHECK(out.rows() == x.rows() && out.columns() == x.columns());
  ONDOL_CHECK(weight.empty() || weight.shape().elements() == x.columns());
  ONDOL_CHECK(bias.empty() || bias.shape().elements() == x.columns());
  const float* factors = weight.empty() ? nullptr : weight.f32();
  const float* terms = bias.empty() ? nullptr : bias.f32();
  for_rows(x.rows(), 3 * x.columns(), [&](int64_t row, int) {
    kernels_.layer_norm(x.f32(row), factors, terms, epsilon, out.f32(row), x.columns());
  });
}

void CpuBackend::rope(Tensor x, int head_dim, int offset, const Tensor& angles, RopePairs pairs) {
  const auto n_pairs = static_cast<int>(angles.columns() / 2);
  ONDOL_CHECK(head_dim > 0 && x.columns() % head_dim == 0 && angles.rows() == x.rows());
  ONDOL_CHECK(angles.columns() % 2 == 0 && offset >= 0 && offset + 2 * n_pairs <= head_dim);
  for_rows(x.rows(), 2 * x.columns(), [&](int64_t row, int) {
    const float* cosines = angles.f32(row);
    const float* sines = cosines + n_pairs;
    float* end = x.f32(row) + x.columns();
    for (float* head = x.f32(row); head < end; head += head_dim) {
      if (pairs == RopePairs::kHalves) {
        kernels_.rope_halves(head + offset, head + offset + n_pairs, cosines, sines, n_pairs);
      } else {
        kernels_.rope_interleaved(head + offset, cosines, sines, n_pairs);
      }
    }
  });
}

void CpuBackend::kv_store(const Tensor& k, const Tensor& v, const KvLayer& layer, std::span<const KvSlice> slices) {
  ONDOL_CHECK(k.columns() == int64_t{layer.n_heads} * layer.k_dim);
  ONDOL_CHECK(layer.v_in_k || v.columns() == int64_t{layer.n_heads} * layer.v_dim);
  const size_t of_thread = static_cast<size_t>(std::max(layer.k_dim, layer.v_dim));
  float* scratch_of_threads = per_thread_.floats(of_thread * static_cast<size_t>(pool_.size()));
  for (const KvSlice& slice : slices) {
    for_rows(slice.n_rows, 2 * k.columns(), [&](int64_t i, int thread) {
      const int position = slice.first_position + static_cast<int>(i);
      const auto page = static_cast<size_t>(slice.pages[position / layer.page_tokens]);
      const auto slot = static_cast<size_t>(position % layer.page_tokens);
      const auto page_tokens = static_cast<size_t>(layer.page_tokens);
      const int64_t row = slice.first_row + i;
      float* scratch = scratch_of_threads + of_thread * static_cast<size_t>(thread);
      for (int head = 0; head < layer.n_heads; ++head) {
        const size_t place = static_cast<size_t>(head) * page_tokens + slot;
        store_head(kernels_, kv_type_of(layer.k_type), layer.k_order, k.f32(row) + head * layer.k_dim, layer.k_dim,
                   scratch, layer.k + page * layer.k_page_bytes + place * layer.k_row_bytes);
        if (layer.v_in_k) continue;
        store_head(kernels_, kv_type_of(layer.v_type), layer.v_order, v.f32(row) + head * layer.v_dim, layer.v_dim,
                   scratch, layer.v + page * layer.v_page_bytes + place * layer.v_row_bytes);
      }
    });
  }
}

void CpuBackend::attention(const AttentionArgs& args, const KvLayer& layer, std::span<const KvSlice> slices) {
  ONDOL_CHECK(layer.n_heads > 0 && args.n_heads % layer.n_heads == 0);
  ONDOL_CHECK(args.q.columns() == int64_t{args.n_heads} * layer.k_dim);
  ONDOL_CHECK(args.out.columns() == int64_t{args.n_heads} * layer.v_dim);
  ONDOL_CHECK(args.sinks.empty() || args.sinks.shape().elements() == args.n_heads);
  attention_.run(kernels_, pool_, args, layer, slices);
}

void CpuBackend::attention_both_ways(const AttentionArgs& args, const Tensor& k, const Tensor& v,
                                     std::span<const KvSlice> slices) {
  ONDOL_CHECK(args.n_heads > 0 && k.columns() == args.q.columns() && v.columns() == args.out.columns());
  ONDOL_CHECK(args.q.columns() % args.n_heads == 0 && v.columns() % args.n_heads == 0);
  ONDOL_CHECK(args.sinks.empty() || args.sinks.shape().elements() == args.n_heads);
  attention_.run_both_ways(kernels_, pool_, args, k, v, slices);
}

void CpuBackend::activate(Tensor x, Activation activation) {
  for_parts(x.rows(), x.columns(),
            [&](int64_t row, int64_t column, int64_t n) { kernels_.activate(x.f32(row) + column, activation, n); });
}

void CpuBackend::gated_unit(const Tensor& gate, const Tensor& up, const GatedUnit& unit, Tensor out) {
  ONDOL_CHECK(gate.rows() == up.rows() && gate.columns() == up.columns());
  ONDOL_CHECK(gate.rows() == out.rows() && gate.columns() == out.columns());
  for_parts(gate.rows(), gate.columns(), [&](int64_t row, int64_t column, int64_t n) {
    kernels_.gated_unit(gate.f32(row) + column, up.f32(row) + column, &unit, out.f32(row) + column, n);
  });
}

void CpuBackend::add(Tensor x, const Tensor& y) {
  ONDOL_CHECK(x.columns() == y.columns() && (y.rows() == x.rows() || y.rows() == 1));
  for_parts(x.rows(), x.columns(), [&](int64_t row, int64_t column, int64_t n) {
    kernels_.add(x.f32(row) + column, y.f32(y.rows() == 1 ? 0 : row) + column, n);
  });
}

void CpuBackend::scale(Tensor x, float factor) {
  for_parts(x.rows(), x.columns(),
            [&](int64_t row, int64_t column, int64_t n) { kernels_.scale(x.f32(row) + column, factor, n); });
}

void CpuBackend::scale_columns(Tensor x, const Tensor& factors) {
  ONDOL_CHECK(factors.shape().elements() == x.columns());
  for_parts(x.rows(), x.columns(), [&](int64_t row, int64_t column, int64_t n) {
    float* values = x.f32(row) + column;
    const float* by = factors.f32() + column;
    for (int64_t i = 0; i < n; ++i) values[i] *= by[i];
  });
}

void CpuBackend::softcap(Tensor x, float cap) {
  ONDOL_CHECK(cap > 0);
  for_parts(x.rows(), x.columns(),
            [&](int64_t row, int64_t column, int64_t n) { kernels_.softcap(x.f32(row) + column, cap, n); });
}

}  // namespace ondol::cpu

namespace ondol {

Result<std::unique_ptr<Backend>> create_cpu_backend(const CpuOptions& options) {
  const cpu::CpuKernels kernels = ONDOL_TRY(cpu::select_kernels(options.instruction_set, cpu::detect_features()));
  return std::unique_ptr<Backend>(std::make_unique<cpu::CpuBackend>(kernels, options));
}

}  // namespace ondol
