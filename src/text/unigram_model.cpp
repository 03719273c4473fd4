// Unigram segmentation (Kudo 2018): the sequence of tokens with the best sum of log probabilities, found by Viterbi's
// algorithm over the ends of characters.
#include <algorithm>
#include <limits>

#include "text/byte_trie.h"
#include "text/token_model.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr double kUnknownPenalty = 10.0;

/// The best way to reach a byte offset.
struct Arrival {
  double score = 0;
  uint32_t from = 0;
  TokenId id = kNoToken;  // kNoToken: unknown text
  bool reached = false;
};

struct UnigramScratch : ModelScratch {
  std::vector<Arrival> arrivals;
  std::vector<uint32_t> ends;
};

class UnigramModel : public TokenModel {
 public:
  UnigramModel(const TokenizerSpec& spec, const Vocabulary& vocabulary)
      : vocabulary_(vocabulary), sentencepiece_(spec.sentencepiece_scores) {
    double lowest = std::numeric_limits<double>::max();
    double highest = std::numeric_limits<double>::lowest();
    for (size_t id = 0; id < vocabulary.entries.size(); ++id) {
      const VocabularyEntry& entry = vocabulary.entries[id];
      if (entry.type == TokenType::kNormal && entry.in_model) {
        lowest = std::min(lowest, entry.score);
        highest = std::max(highest, entry.score);
      }
      if (vocabulary.find(entry.text) == static_cast<TokenId>(id)) {
        trie_.insert(entry.text, static_cast<TokenId>(id));
      }
    }
    if (lowest > highest) lowest = highest = 0;
    highest_ = highest;
    unknown_score_ = lowest - kUnknownPenalty;
  }

  std::unique_ptr<ModelScratch> make_scratch() const override { return std::make_unique<UnigramScratch>(); }

  void encode(std::string_view word, ModelScratch& scratch, std::vector<TokenId>& out) const override {
    auto& own = static_cast<UnigramScratch&>(scratch);
    sentencepiece_ ? find_best<float>(word, own) : find_best<double>(word, own);
    emit(word, own, out);
  }

 private:
  /// A user-defined token always wins, the longer the surer: its score is above that of any split of it.
  double score_of(TokenId id, size_t size) const {
    const VocabularyEntry& entry = vocabulary_.entries[static_cast<size_t>(id)];
    if (entry.type != TokenType::kUserDefined || !sentencepiece_) return entry.score;
    return static_cast<double>(size) * highest_ - 0.1;
  }

  template <typename Real>
  void find_best(std::string_view word, UnigramScratch& scratch) const {
    std::vector<Arrival>& arrivals = scratch.arrivals;
    arrivals.assign(word.size() + 1, {});
    arrivals[0].reached = true;
    for (size_t at = 0; at < word.size();) {
      const size_t character = decode_utf8(word, at).size;
      const auto here = static_cast<Real>(arrivals[at].score);
      const auto arrive = [&](size_t end, Real score, TokenId id) {
        Arrival& arrival = arrivals[end];
        if (arrival.reached && !(score > static_cast<Real>(arrival.score))) return;
        arrival = {static_cast<double>(score), static_cast<uint32_t>(at), id, true};
      };
      bool has_character = false;
      trie_.visit(word.substr(at), [&](TokenId id, size_t size) {
        if (vocabulary_.is_unused(id)) return;
        arrive(at + size, static_cast<Real>(score_of(id, size)) + here, id);
        has_character = has_character || size == character;
      });
      if (!has_character) arrive(at + character, static_cast<Real>(unknown_score_) + here, kNoToken);
      at += character;
    }
  }

  void emit(std::string_view word, UnigramScratch& scratch, std::vector<TokenId>& out) const {
    scratch.ends.clear();
    for (size_t end = word.size(); end > 0; end = scratch.arrivals[end].from) {
      scratch.ends.push_back(static_cast<uint32_t>(end));
    }
    TokenSink sink(vocabulary_, out);
    for (size_t i = scratch.ends.size(); i-- > 0;) {
      const Arrival& arrival = scratch.arrivals[scratch.ends[i]];
      if (arrival.id != kNoToken) {
        sink.push(arrival.id);
      } else {
        sink.push_unknown(word.substr(arrival.from, scratch.ends[i] - arrival.from));
      }
    }
  }

  const Vocabulary& vocabulary_;
  const bool sentencepiece_;
  ByteTrie trie_;
  double highest_ = 0;
  double unknown_score_ = 0;
};

}  // namespace

Result<std::unique_ptr<const TokenModel>> make_unigram_model(const TokenizerSpec& spec, const Vocabulary& vocabulary) {
  return std::unique_ptr<const TokenModel>(std::make_unique<UnigramModel>(spec, vocabulary));
}

}  // namespace ondol
