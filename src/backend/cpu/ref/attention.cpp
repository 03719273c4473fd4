// Attention, one query and one position at a time.
#include <algorithm>
#include <cmath>

#include "backend/cpu/ref/ref.h"

namespace ondol::cpu::ref {
namespace {

const uint8_t* row_at(const uint8_t* base, size_t row_bytes, size_t page_bytes, const KvHead& kv, int position) {
  if (kv.pages == nullptr) return base + static_cast<size_t>(position) * row_bytes;
  const auto page = static_cast<size_t>(kv.pages[position / kv.page_tokens]);
  return base + page * page_bytes + static_cast<size_t>(position % kv.page_tokens) * row_bytes;
}

double logit_of(const AttentionTask& task, const float* q, const float* k) {
  double sum = 0;
  for (int i = 0; i < task.kv.k_dim; ++i) sum += static_cast<double>(q[i]) * static_cast<double>(k[i]);
  sum *= static_cast<double>(task.scale);
  if (task.softcap > 0) sum = static_cast<double>(task.softcap) * std::tanh(sum / static_cast<double>(task.softcap));
  return sum;
}

/// One query over [begin, end). `value` holds a decoded key and value, `total` the weighted sum.
void attend(const AttentionTask& task, const float* q, int begin, int end, float* key, float* value, double* total,
            float* out, float* max_and_sum) {
  const KvHead& kv = task.kv;
  double largest = -INFINITY;
  double sum = 0;
  std::fill(total, total + kv.v_dim, 0.0);
  for (int position = begin; position < end; ++position) {
    kv_decode(kv.k_type, row_at(kv.k, kv.k_row_bytes, kv.k_page_bytes, kv, position), key, kv.k_dim);
    const float* v = key;
    if (!kv.v_in_k) {
      kv_decode(kv.v_type, row_at(kv.v, kv.v_row_bytes, kv.v_page_bytes, kv, position), value, kv.v_dim);
      v = value;
    }
    const double logit = logit_of(task, q, key);
    const double new_largest = std::fmax(largest, logit);
    const double keep = std::exp(largest - new_largest);
    const double weight = std::exp(logit - new_largest);
    for (int i = 0; i < kv.v_dim; ++i) total[i] = total[i] * keep + weight * static_cast<double>(v[i]);
    sum = sum * keep + weight;
    largest = new_largest;
  }
  for (int i = 0; i < kv.v_dim; ++i) out[i] = static_cast<float>(total[i]);
  max_and_sum[0] = static_cast<float>(largest);
  max_and_sum[1] = static_cast<float>(sum);
}

}  // namespace

void attention(const AttentionTask* task) {
  auto* total = reinterpret_cast<double*>(task->scratch);
  float* value = task->scratch + 2 * task->kv.v_dim;
  float* key = value + task->kv.v_dim;
  for (int row = 0; row < task->n_rows; ++row) {
    const int position = task->first_position + row;
    const int reach = !task->both_ways ? 1 : task->window > 0 ? task->window : task->end;
    const int end = std::min(task->end, position + reach);
    const int begin = task->window > 0 ? std::max(task->begin, position - task->window + 1) : task->begin;
    for (int g = 0; g < task->group; ++g) {
      const float* q = task->q + static_cast<size_t>(row) * task->q_stride + static_cast<size_t>(g * task->kv.k_dim);
      float* out = task->out + static_cast<size_t>(row) * task->out_stride + static_cast<size_t>(g * task->kv.v_dim);
      attend(*task, q, begin, end, key, value, total, out, task->max_and_sum + 2 * (row * task->group + g));
    }
  }
}

}  // namespace ondol::cpu::ref
