#include "train/memory_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "train/keeping.h"
#include "train/learning_pass.h"
#include "train/student.h"

namespace ondol::train {
namespace {

constexpr double kFloat = 4;

/// The rows of this kind of weight in the first layer; 0 where there is none.
double rows_of(const Model& model, std::string_view kind) {
  const auto found = model.matrices().find(fmt::format("blk.0.{}", kind));
  return found == model.matrices().end() ? 0.0 : static_cast<double>(found->second.rows());
}

double bytes_per_weight(DType type) {
  return static_cast<double>(info_of(type).block_bytes) / static_cast<double>(info_of(type).block_size);
}

/// Bytes that a block's operations keep for each row, as the tape does: inputs of norms, queries, keys and values; inputs
/// of products and the two halves of the gated unit, which are rounded unless products are not.
double recorded_per_row(const Model& model, const TrainingOptions& options) {
  const auto width = static_cast<double>(model.config().width);
  const double qkv = rows_of(model, "attn_qkv");
  const double q = qkv > 0 ? qkv : rows_of(model, "attn_q");
  const double kv = rows_of(model, "attn_k") + rows_of(model, "attn_v");
  const double up = rows_of(model, "ffn_up");
  const double rounded = options.precision == "fp32" ? kFloat : kFloat / 2;
  if (options.method == Method::kFull) {
    return kFloat * (2 * width + q + kv) + rounded * (2 * width + q + 2 * up);
  }
  // What is between an adapter's two matrices, as it is and as it counts.
  const double inner = 2 * 7.0 * options.lora.rank;
  return kFloat * (2 * width + q + kv) + rounded * (2 * width + q + 3 * up + inner);
}

}  // namespace

TrainingMemory plan_training(const ModelFile& file, const Model& model, const TrainingOptions& options,
                             int64_t n_learning, double turned_budget, double recording_budget) {
  TrainingMemory memory;
  for (const TensorEntry& entry : file.tensors()) memory.model += static_cast<double>(entry.tensor.size_bytes());
  const double state = state_bytes_per_number(options.trainer.optimizer.kind);
  // Where all weights learn, they are the model's own, and none stays to be turned over.
  const bool is_full = options.method == Method::kFull;
  memory.learning = static_cast<double>(n_learning) * ((is_full ? 1 : 2) * kFloat + state);
  const auto types = product_types(options.precision);
  const double turned_type = types ? bytes_per_weight(types->inputs) : kFloat;
  for (const auto& [stem, matrix] : model.matrices()) {
    memory.turned += static_cast<double>(matrix.shape().elements()) * turned_type;
  }
  memory.turned = is_full ? 0 : std::min(memory.turned, turned_budget);

  const ModelConfig& config = model.config();
  const auto length = static_cast<double>(options.data.encoder.sequence_length);
  const double in_step = length * static_cast<double>(options.trainer.sequences_per_step);
  const double rows = std::max(length, std::min(in_step, static_cast<double>(kRowsAtOnce)));
  const double per_row = recorded_per_row(model, options);
  memory.recorded = std::min(std::max(per_row * rows, recording_budget), per_row * rows * config.n_layers);
  const double width = static_cast<double>(config.width);
  double cache = 0;
  for (const KvLayerShape& layer : config.kv_layers) {
    cache += static_cast<double>(layer.n_heads) * static_cast<double>(layer.k_dim + layer.v_dim);
  }
  // A block's activations and, as far as they are there at the same time, their gradients; keys and values; logits, in
  // whose place gradients come.
  const double block = (is_full ? 1 : 2) * (3 * width + 2 * rows_of(model, "attn_q") + 2 * rows_of(model, "ffn_up"));
  const double logits = std::min(rows * static_cast<double>(config.vocabulary_size), static_cast<double>(kLogitsAtOnce));
  // The logits of what is to stay as it was, while the others are found.
  const double kept = options.keep.paths.empty()
                          ? 0.0
                          : static_cast<double>(Keeping::kWindow) * static_cast<double>(config.vocabulary_size);
  memory.passing = kFloat * (rows * (block + cache) + logits + kept);
  constexpr double kProgram = 40 << 20;
  memory.program = kProgram + 200 * static_cast<double>(config.vocabulary_size);
  return memory;
}

}  // namespace ondol::train
