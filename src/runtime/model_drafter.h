// ModelDrafter: guesses the next tokens with a small model that has the same vocabulary.
//
// The model has an engine and a session of its own. It reads the text when a guess is first wanted, afterwards only
// what is new, and takes back its own guesses where the text went on differently. It reads the end of a long text only:
// to guess a few tokens, that is mostly enough.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtime/drafter.h"
#include "runtime/session.h"

namespace ondol {

class ModelDrafter : public Drafter {
 public:
  /// Tokens that it reads at most of a new text, and of an old one when it has not guessed for long.
  static constexpr size_t kMostToRead = 2048;
  static constexpr size_t kMostMissed = 256;
  /// More new tokens than this are read without guessing anything, a batch at a time, so that no token waits long.
  static constexpr size_t kMostBeforeGuess = 16;

  /// What the draft model at `path` needs beside a target, for EngineOptions::beside.
  static Result<CompanionMemory> memory_needs(const std::string& path, const EngineOptions& options);

  /// `options` are those that `target` was opened with; the context is as long as the target's, or as
  /// the draft model and memory allow.
  /// Fails when the model cannot be opened, generates no text, or has another vocabulary than `target`: ids must mean
  /// the same texts, the text must begin and end with the same tokens; unused tokens at the end may differ.
  static Result<std::unique_ptr<ModelDrafter>> open(const std::string& path, const Engine& target,
                                                    EngineOptions options);

  void begin(std::span<const TokenId> text) override;
  void accept(TokenId token) override { text_.push_back(token); }

  /// What the sampler would choose from this model's logits, with the same chances and the same random numbers: where
  /// both models think alike, so do their samples. None when there was much to read, or the model cannot read the text
  /// (a token beyond its vocabulary).
  std::vector<Guess> guess(int n, const Sampler* sampler, const AnotherPays& another_pays) override;

  const Engine& engine() const { return *engine_; }
  /// What it has read, its latest guesses among it.
  const Session& session() const { return session_; }

 private:
  ModelDrafter(std::unique_ptr<Engine> engine, int64_t n_tokens)
      : engine_(std::move(engine)), session_(*engine_), n_tokens_(n_tokens) {}
  bool catch_up(size_t n_free);
  Guess choose();

  std::unique_ptr<Engine> engine_;
  Session session_;
  int64_t n_tokens_;                // that both models know
  std::optional<Sampler> sampler_;  // a copy of the caller's, which runs ahead of it
  std::vector<TokenId> text_;
  size_t first_ = 0;    // of text_, where the session begins
  bool is_new_ = true;  // the text, which was not read as a whole yet
  bool failed_ = false;
};

}  // namespace ondol
