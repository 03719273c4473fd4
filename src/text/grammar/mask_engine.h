// MaskEngine: a matcher of one grammar over one vocabulary, with the masks of the configurations that texts came
// through. Shared by the texts that are held to the grammar.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "text/grammar/lexeme_mask.h"
#include "text/grammar/matcher.h"
#include "text/grammar/token_mask.h"
#include "text/token_constraint.h"

namespace ondol::grammar {

class VocabularyWithMasks;

/// Not safe to share by itself: hold `mutex`.
class MaskEngine {
 public:
  MaskEngine(GrammarPtr grammar, const VocabularyWithMasks& vocabulary);

  struct Mask {
    TokenSet tokens;
    bool everything = false;  // every text token, and the end
  };

  std::mutex mutex;

  Matcher& matcher() { return matcher_; }
  std::shared_ptr<const Mask> mask(ConfigId config);
  /// Text tokens that only go on with a lexeme that has begun: that lie inside a string, say, and do not close it.
  TokenSet inside(ConfigId config);
  /// Behind the token; kDead if it may not come. `token` is in range.
  ConfigId step(ConfigId config, TokenId token);
  /// Too large to go on with: texts move to a new engine. Needs no lock.
  bool is_full() const { return is_full_; }

 private:
  std::shared_ptr<const LexemeMask> lexeme_mask(TermId term, uint32_t node);
  ConfigId step_bytes(ConfigId config, std::string_view bytes);
  void add_named(const Matcher::Item& item, TokenSet& tokens);
  void add_below(uint32_t node, ConfigId config, TokenSet& tokens);
  void walk(uint32_t node, ConfigId config, TokenSet& tokens);
  bool gave_up() { return matcher_.size_bytes() > give_up_bytes_; }

  const VocabularyWithMasks& vocabulary_;
  Matcher matcher_;
  std::map<std::pair<TermId, uint32_t>, std::shared_ptr<const LexemeMask>> lexeme_masks_;
  std::unordered_map<ConfigId, std::shared_ptr<const Mask>> masks_;
  size_t masks_bytes_ = 0;
  size_t lexeme_mask_bytes_ = 0;
  size_t give_up_bytes_ = 0;
  size_t max_bytes_ = 0;
  std::atomic<bool> is_full_ = false;
};

class VocabularyWithMasks : public MaskVocabulary {
 public:
  explicit VocabularyWithMasks(std::shared_ptr<const Tokenizer> tokenizer);

  int size() const { return size_; }
  const TokenTrie& trie() const { return trie_; }
  const TokenSet& ends() const { return ends_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  LexemeMaskCache& lexeme_masks() const { return lexeme_masks_; }

  /// The engine for `grammar`, another than `full`.
  std::shared_ptr<MaskEngine> engine(const GrammarPtr& grammar, const MaskEngine* full = nullptr) const;

 private:
  struct Entry {
    GrammarPtr grammar;
    std::shared_ptr<MaskEngine> engine;
  };

  std::shared_ptr<const Tokenizer> tokenizer_;
  int size_ = 0;
  TokenTrie trie_;
  TokenSet ends_;
  mutable LexemeMaskCache lexeme_masks_;
  mutable std::mutex mutex_;
  mutable std::vector<Entry> engines_;  // the latest last
};

}  // namespace ondol::grammar
