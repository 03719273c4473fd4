// Model: an architecture with its weights. Immutable after loading; one forward serves inference and training.
//
// Each architecture is one file (llama.cpp, qwen3.cpp, ...) and a line in registry.cpp. It reads the canonical
// metadata and tensor names (formats/model_file.h) through a WeightLoader, which checks shapes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "formats/model_file.h"
#include "nn/context.h"
#include "nn/kv_cache.h"

namespace ondol {

/// Rows of one sequence in a batch: tokens for its positions [position, position + n_rows).
struct BatchSlice {
  KvSequence* sequence = nullptr;  // already extended to position + n_rows; nullptr for encoders
  int first_row = 0;
  int n_rows = 0;
  int position = 0;
  /// How long the sequence is meant to get, as far as that is known (the prompt when it is evaluated in parts, plus
  /// what may be generated). Position embeddings that depend on the length (LongRoPE, dynamic NTK) only give the same
  /// results in parts as at once when this stays the same. 0: position + n_rows.
  int planned_length = 0;
  std::optional<std::span<const AdapterUse>> adapters = {};  // that these rows use; nothing: the engine's own
};

/// The input of one forward pass: the rows of all slices, one after another.
struct Batch {
  std::vector<int32_t> tokens;  // each in [0, vocabulary_size)
  std::vector<BatchSlice> slices;
  std::vector<int32_t> output_rows;  // rows whose result is wanted, ascending; none: forward only fills the cache
  enum class Output { kLogits, kHidden, kScores } output = Output::kLogits;
  /// Which of two texts each token is of, 0 or 1, for encoders that tell them apart; none: all are 0.
  std::vector<int32_t> token_types = {};
};

/// kRank: of nothing; the model scores pairs of texts (a cross-encoder).
enum class Pooling { kNone, kMean, kCls, kLast, kRank };

struct ModelConfig {
  std::string architecture;  // GGUF's name: "llama", "qwen3moe", ...
  int64_t vocabulary_size = 0;
  int64_t width = 0;  // D of the residual stream
  int n_layers = 0;
  int64_t context_length = 0;           // positions seen in training
  int64_t rotation_changes_after = 0;   // a sequence that grows or shrinks past this must be evaluated again; 0: never
  bool learned_positions = false;       // context_length is a hard limit: there is no embedding for later positions
  std::vector<KvLayerShape> kv_layers;  // empty for encoders
  Pooling pooling = Pooling::kNone;     // what an embedding of a text is made from
  bool causal = true;                   // false: an encoder, which has no logits
};

class Model {
 public:
  virtual ~Model() = default;
  const ModelConfig& config() const { return config_; }

  /// [output_rows, vocabulary_size] logits, or [output_rows, width] final hidden states (after the last norm), or
  /// [output_rows, 1] scores (Pooling::kRank only; of the rows with which slices begin), in context.arena. Writes the
  /// keys and values of all rows to `cache` (unused by encoders).
  virtual Tensor forward(const Batch& batch, KvCache& cache, Context& context) const = 0;

  /// Holds the memory that the weights point into as long as the model lives.
  void keep_alive(std::shared_ptr<const void> memory) { weight_memory_ = std::move(memory); }

  /// The matrices that products use, by the stems of their names ("blk.0.attn_q"), as they lie in memory.
  const std::map<std::string, Tensor, std::less<>>& matrices() const { return matrices_; }
  void set_matrices(std::map<std::string, Tensor, std::less<>> matrices) { matrices_ = std::move(matrices); }

 protected:
  ModelConfig config_;

 private:
  std::shared_ptr<const void> weight_memory_;
  std::map<std::string, Tensor, std::less<>> matrices_;
};

/// Loads the architecture that `file` names. The model keeps `file` alive, whose weights it uses in place.
/// Errors name the tensor or key at fault; an unknown architecture lists the known ones.
Result<std::unique_ptr<Model>> load_model(std::shared_ptr<const ModelFile> file);

/// Opens whatever `path` is, a GGUF file, a .safetensors file in a Hugging Face folder or the folder itself, in the
/// canonical form.
Result<std::shared_ptr<const ModelFile>> open_model_file(const std::string& path);

}  // namespace ondol
