// Options that several commands share: which model, how to load it, how to sample.
#pragma once

#include <optional>
#include <string>

#include <CLI/App.hpp>

#include "base/result.h"
#include "runtime/engine.h"
#include "runtime/generate.h"
#include "runtime/recommended_sampling.h"

namespace ondol::cli {

struct ModelOptions {
  std::string model;
  int64_t context_length = 0;
  int64_t context_at_least = 0;  // set by commands that know how much they need
  int n_threads = 0;
  bool needs_tokenizer = true;  // likewise
  bool rounds_floats = false;   // likewise
  std::string kv_types = "f16";
  int batch_rows = 512;
  std::vector<std::string> adapters;  // PATH or PATH=FACTOR

  /// Adds -t, --ctx, --kv, --batch-size and --adapter; the model itself is each command's positional argument.
  void add_to(CLI::App& command);
  Result<EngineOptions> engine_options() const;
};

struct SamplingOptions {
  SamplerOptions sampler;  // as the command line has them, or usual
  std::optional<uint64_t> seed;
  std::string chain;
  std::vector<std::string> logit_bias;

  void add_to(CLI::App& command);
  /// The sampler's options: what the command line does not say is as the model's file recommends. Without --seed, the
  /// seed is taken from the clock.
  Result<SamplerOptions> resolved(const ModelFile& file) const;

 private:
  std::vector<std::function<void(SamplingWish&)>> given_;  // puts those of the command line into a wish
};

struct SpeculationOptions {
  std::string wish = "auto";
  std::string draft_model;

  void add_to(CLI::App& command);
  /// Speculation's wish. Fails when it is none of auto, off and a number, or a draft model is named for nothing.
  Result<int> resolved() const;
};

/// "PATH" or "PATH=FACTOR".
Result<AdapterWish> parse_adapter(const std::string& text);

/// ", 12 of 20 guesses right" for statistics; empty when nothing was guessed.
std::string guesses_in_words(const Generated& result);

/// A path, or the file of a name in the local store, a Hugging Face cache or an Ollama store. Empty gives the default
/// model: ONDOL_MODEL, or the newest one in the store.
Result<std::string> resolve_model(const std::string& model);

/// Whether `model` names something that exists, so that `run X` can tell a model from a question.
bool names_model(const std::string& model);

/// Opens the model that `options` name, with a note on standard error when the context had to be shortened.
Result<std::unique_ptr<Engine>> open_engine(const ModelOptions& options);

struct EngineWithDraft {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Drafter> draft;  // null where no draft model is wanted
};

/// Likewise, with the draft model that `speculation` names, if any.
Result<EngineWithDraft> open_engine_and_draft(const ModelOptions& options, const SpeculationOptions& speculation);

/// All of standard input. Fails on a terminal-less closed stream only if it cannot be read.
Result<std::string> read_standard_input();

}  // namespace ondol::cli
