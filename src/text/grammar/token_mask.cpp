#include "text/grammar/token_mask.h"

#include <algorithm>
#include <array>
#include <optional>

#include "text/grammar/mask_engine.h"
#include "text/grammar/repetition.h"

namespace ondol {
namespace {

using grammar::ConfigId;
using grammar::MaskEngine;
using grammar::Matcher;
using grammar::Repetition;
using grammar::VocabularyWithMasks;

/// Of any script.
bool has_letters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<uint8_t>(c) >= 0x80;
  });
}

class GrammarConstraint : public TokenConstraint {
 public:
  GrammarConstraint(GrammarPtr grammar, std::shared_ptr<const VocabularyWithMasks> vocabulary)
      : grammar_(std::move(grammar)), vocabulary_(std::move(vocabulary)), engine_(vocabulary_->engine(grammar_)) {
    const std::lock_guard lock(engine_->mutex);
    config_ = engine_->matcher().start();
  }

  const TokenSet* allowed() override {
    if (ended_) return &vocabulary_->ends();
    const std::lock_guard lock(engine_->mutex);
    if (leads_out()) return &way_out();
    mask_ = engine_->mask(config_);
    return mask_->everything ? nullptr : &mask_->tokens;
  }

  bool allows(TokenId token) override {
    if (token < 0 || token >= vocabulary_->size()) return false;
    if (ended_) return vocabulary_->ends().contains(token);
    const std::lock_guard lock(engine_->mutex);
    if (leads_out()) return way_out().contains(token);
    if (engine_->step(config_, token) != Matcher::kDead) return true;
    if (vocabulary_->trie().is_text(token)) return false;
    if (vocabulary_->ends().contains(token) && engine_->matcher().may_end(config_)) return true;
    // Tokens that are no text are everywhere but here decided without a mask.
    const auto mask = engine_->mask(config_);
    return mask->everything || mask->tokens.contains(token);
  }

  void accept(TokenId token) override {
    if (ended_ || token < 0 || token >= vocabulary_->size()) return;
    move_from_full_engine();
    const std::lock_guard lock(engine_->mutex);
    const ConfigId next = engine_->step(config_, token);
    way_out_.reset();
    if (next != Matcher::kDead) {
      config_ = next;
      repetition_.accept(token, has_letters(vocabulary_->trie().text(token)), next);
    } else if (vocabulary_->ends().contains(token) || vocabulary_->trie().is_text(token)) {
      ended_ = true;
    }
  }

  bool is_finished() override {
    if (ended_) return true;
    const std::lock_guard lock(engine_->mutex);
    return engine_->matcher().must_end(config_);
  }

 private:
  void move_from_full_engine() {
    {
      const std::lock_guard lock(engine_->mutex);
      if (!engine_->is_full()) return;
    }
    const std::shared_ptr<MaskEngine> next = vocabulary_->engine(grammar_, engine_.get());
    const std::scoped_lock locks(engine_->mutex, next->mutex);
    config_ = next->matcher().import(engine_->matcher(), config_);
    engine_ = next;
    repetition_ = Repetition();  // it knew the other matcher's configurations
  }

  /// A text that may end does so when its tokens are spent; one that goes round inside a string of a call would be lost.
  bool leads_out() const { return repetition_.goes_round() && !engine_->matcher().may_end(config_); }

  /// The tokens that leave what the text goes round in: those that close the string, say, and behind which it does not
  /// stand where it stood in the round before. Where there are none, those that do the latter, or all.
  const TokenSet& way_out() {
    if (way_out_) return *way_out_;
    const TokenSet& all = engine_->mask(config_)->tokens;
    const TokenSet inside = engine_->inside(config_);
    std::array<TokenSet, 3> ways = {TokenSet(vocabulary_->size()), TokenSet(vocabulary_->size()), all};
    std::array<bool, 3> exists = {false, false, true};
    for (TokenId token = 0; token < vocabulary_->size(); ++token) {
      if (!all.contains(token) || repetition_.met(engine_->step(config_, token))) continue;
      const size_t way = inside.contains(token) ? 1 : 0;
      ways[way].insert(token);
      exists[way] = true;
    }
    const auto best = std::find(exists.begin(), exists.end(), true) - exists.begin();
    way_out_ = std::move(ways[static_cast<size_t>(best)]);
    return *way_out_;
  }

  GrammarPtr grammar_;
  std::shared_ptr<const VocabularyWithMasks> vocabulary_;
  std::shared_ptr<MaskEngine> engine_;
  ConfigId config_ = Matcher::kDead;
  std::shared_ptr<const MaskEngine::Mask> mask_;
  Repetition repetition_;
  std::optional<TokenSet> way_out_;  // of config_, once asked for
  bool ended_ = false;
};

/// Computes what nearly all JSON has in common: the insides of strings and keys.
void warm_up(const std::shared_ptr<const VocabularyWithMasks>& vocabulary) {
  const json::value schema = json::object{{"properties", json::object{{"a", json::object{{"maxLength", 1000}}}}}};
  for (const GrammarPtr& grammar : {grammar_of_json_objects(), *grammar_from_json_schema(schema)}) {
    MaskEngine engine(grammar, *vocabulary);
    for (const std::string_view text : {R"({"bc": "de"})", R"({"a": "de"})"}) {
      ConfigId config = engine.matcher().start();
      for (const char byte : text) {
        (void)engine.mask(config);
        config = engine.matcher().step(config, static_cast<uint8_t>(byte));
      }
    }
  }
}

}  // namespace

std::shared_ptr<const MaskVocabulary> MaskVocabulary::create(std::shared_ptr<const Tokenizer> tokenizer) {
  const auto vocabulary = std::make_shared<const VocabularyWithMasks>(std::move(tokenizer));
  warm_up(vocabulary);
  return vocabulary;
}

std::unique_ptr<TokenConstraint> constrain(GrammarPtr grammar, std::shared_ptr<const MaskVocabulary> vocabulary) {
  // There is no other kind of vocabulary.
  auto with_masks = std::static_pointer_cast<const VocabularyWithMasks>(std::move(vocabulary));
  return std::make_unique<GrammarConstraint>(std::move(grammar), std::move(with_masks));
}

}  // namespace ondol
