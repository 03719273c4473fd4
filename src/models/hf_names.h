// The names of weights: Hugging Face's beside GGUF's, per architecture, and what it takes to get from one to the other.
//
// Tables only; hugging_face.cpp and convert.cpp walk them, in both directions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ondol {

enum class HfTransform : uint8_t {
  kNone,
  kPlusOne,       // Gemma's norm weights: GGUF has 1 added
  kTranspose,     // GPT-2's Conv1D: [inputs, outputs]
  kRopeRowsQ,     // rows of a query head: halves (Hugging Face) or interleaved pairs (GGUF's llama)
  kRopeRowsK,     // likewise, for the heads of keys
  kPositions,     // position embeddings whose first rows are never used (RoBERTa)
  kGptOssGateUp,  // [E, D, 2 F]: columns of gate and up in turn
  kGptOssDown,    // [E, F, D]
  kGptOssBias,    // [E, 2 F]: gate and up in turn
  kMxfp4GateUp,   // blocks [E, 2 F, D / 32, 16] with scales beside them; rows of gate and up in turn
  kMxfp4Down,     // blocks [E, D, F / 32, 16] with scales beside them
  kMxfp4Scales,   // read together with the blocks
  kDrop,          // known, and not needed
};

/// `{l}` stands for the layer, `{e}` for the expert and `{s}` for "weight" or "bias".
struct HfName {
  std::string_view canonical;
  std::string_view hf;  // without the prefix of the model ("model.")
  HfTransform transform = HfTransform::kNone;
};

/// What the placeholders of a pattern stood for.
struct HfNameParts {
  int layer = -1;
  int expert = -1;
  std::string_view suffix;
};

/// Matches a whole name against a pattern.
std::optional<HfNameParts> match_name(std::string_view pattern, std::string_view name);

/// The name that a pattern stands for.
std::string fill_name(std::string_view pattern, const HfNameParts& parts);

/// One family of Hugging Face models and the GGUF architecture that runs it.
struct HfArchitecture {
  std::string_view model_type;                      // config.json's "model_type"
  std::string_view architecture;                    // GGUF's "general.architecture"
  std::string_view hf_class;                        // for config.json's "architectures", when writing a folder
  std::string_view prefix;                          // of the names in a folder that is written ("model.")
  std::span<const std::span<const HfName>> tables;  // searched in order
};

const HfArchitecture* find_hf_architecture(std::string_view model_type);
std::span<const HfArchitecture> hf_architectures();
/// What a cross-encoder is written as: BERT's classifier over its pooler is the same as RoBERTa's over its dense layer.
const HfArchitecture& hf_scorer();

/// The name without the prefix that wraps the text model: "model.layers.0.x" and "model.language_model.layers.0.x" are
/// both "layers.0.x".
std::string_view without_model_prefix(std::string_view name);

struct HfMatch {
  const HfName* name;
  HfNameParts parts;
};

/// The entry for a tensor of a folder (its name without prefix), or for a canonical tensor; nothing when unknown.
std::optional<HfMatch> find_by_hf_name(const HfArchitecture& architecture, std::string_view name);
std::optional<HfMatch> find_by_canonical_name(const HfArchitecture& architecture, std::string_view name);

}  // namespace ondol
