// Generating with and without speculation, for tests: all that a caller sees must be the same.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/conversation.h"
#include "runtime/generate.h"

namespace ondol {

constexpr const char* kRepetitive = "The cat sat. The dog sat. The cat sat. The dog sat. The cat sat. The dog";
constexpr const char* kPlain = "Once upon a time there was a little girl who";

inline std::string sample_model() {
  return ONDOL_SOURCE_DIR "/examples/sample.gguf";
}

inline std::unique_ptr<Engine> open(const std::string& path, int64_t context, EngineOptions options = {}) {
  options.context.length = context;
  auto opened = Engine::open(path, options);
  if (!opened) throw std::runtime_error(opened.error().message());
  return std::move(opened).value();
}

/// All that a caller sees of a generation.
struct Outcome {
  std::vector<std::string> pieces;
  std::vector<TokenId> tokens;
  std::vector<TokenId> timeline;  // of the session afterwards
  StopReason reason{};
  int n_shifts = 0;
  bool operator==(const Outcome&) const = default;
};

struct Request {
  Request() {
    sampler.temperature = 0;
    generation.max_tokens = 80;
    generation.ignore_end = true;
  }

  std::string prompt = kRepetitive;
  SamplerOptions sampler;
  GenerateOptions generation;
  int stop_after = -1;  // pieces
};

/// Generates twice, the second time from what the first left in the session. `counts` are those of the first.
inline Outcome run(Engine& engine, const Request& request, int speculate, Generated* counts = nullptr,
                   std::unique_ptr<Drafter> model = nullptr) {
  Sampler sampler = Sampler::create(request.sampler, engine.tokenizer()).value();
  Session session(engine);
  Speculation speculation(session, speculate, std::move(model));
  Outcome outcome;
  GenerateOptions options = request.generation;
  const auto sink = [&](std::string_view text) {
    outcome.pieces.emplace_back(text);
    return static_cast<int>(outcome.pieces.size()) != request.stop_after;
  };
  std::vector<TokenId> prompt = raw_tokens(engine.tokenizer(), request.prompt);
  for (int turn = 0; turn < 2; ++turn) {
    auto result = generate(speculation, engine, sampler, prompt, options, sink);
    if (!result) throw std::runtime_error(result.error().message());
    outcome.tokens.insert(outcome.tokens.end(), result->tokens.begin(), result->tokens.end());
    outcome.reason = result->reason;
    outcome.n_shifts += result->n_shifts;
    if (counts != nullptr && turn == 0) *counts = *result;
    prompt.assign(session.tokens().begin(), session.tokens().end());
    options.max_tokens = 10;
  }
  outcome.timeline = prompt;
  return outcome;
}

inline std::vector<SamplerOptions> samplers() {
  std::vector<SamplerOptions> list(4);
  list[0].temperature = 0;
  list[1].seed = 1;
  list[2].temperature = 0.3f;
  list[2].repeat_penalty = 1.1f;
  list[2].dry_multiplier = 0.5f;
  list[2].xtc_probability = 0.3f;
  list[3].temperature = 1;
  list[3].mirostat = true;
  return list;
}

}  // namespace ondol
