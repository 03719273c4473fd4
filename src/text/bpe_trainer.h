// BPE trainer: a byte-level tokenizer from texts.
//
// Texts are cut into words by the pre-tokeniser, words are counted, and the pair of neighbouring tokens that occurs
// most often becomes a token, again and again (Sennrich, Haddow and Birch, arXiv 1508.07909, on bytes as in GPT-2). Of
// pairs that occur equally often, the one with the smaller ids comes first. The result depends on the texts alone, not
// on their order and not on the number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "text/tokenizer_spec.h"

namespace ondol {

struct BpeTrainerOptions {
  int vocabulary_size = 32000;              // with the 256 bytes and the special tokens
  uint64_t min_count = 2;                   // of a pair that becomes a token
  std::string pre_tokenizer = "llama-bpe";  // named_pre_tokenizers.h; one that works on bytes
  std::vector<std::string> special_tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};  // ids behind all others
  std::string eos = "<|im_end|>";  // of the special tokens; empty: none
  std::string pad = "<|endoftext|>";
};

class BpeTrainer {
 public:
  /// Errors: a vocabulary with no room for merges, a pre-tokeniser that is not known or not for bytes, special tokens
  /// that are empty or come twice.
  static Result<BpeTrainer> create(const BpeTrainerOptions& options, ThreadPool& pool);
  BpeTrainer(BpeTrainer&&) noexcept;
  BpeTrainer& operator=(BpeTrainer&&) noexcept;
  ~BpeTrainer();

  /// Counts the words of `texts`, in parallel. Invalid UTF-8 is read as U+FFFD.
  void add(std::span<const std::string> texts);

  uint64_t n_bytes() const;  // of the texts so far
  size_t n_different_words() const;

  /// Learns the merges. Fewer tokens than wanted come out where no pair is left that occurs often enough.
  /// `progress` gets the number of tokens so far, and stops the training by false, which is an error.
  Result<TokenizerSpec> train(const std::function<bool(int n_tokens)>& progress = {});

 private:
  struct State;
  explicit BpeTrainer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// ChatML with the default special tokens, for tokenizer_config.json.
std::string_view chatml_template();

}  // namespace ondol
