// Byte-pair encoding in its three forms (Sennrich et al. 2016; GPT-2's on bytes; SentencePiece's by score): they differ
// in what the first symbols are and in where the order of merges comes from, and share the loop that merges.
#include <fmt/format.h>

#include <algorithm>

#include "text/byte_level.h"
#include "text/byte_trie.h"
#include "text/merge_table.h"
#include "text/token_model.h"
#include "text/unicode.h"
#include "text/word_cache.h"

namespace ondol {
namespace {

constexpr std::string_view kMetaspace = "\xE2\x96\x81";
constexpr size_t kMaxScoredTextBytes = 512;  // longer texts of kBpeScores are reached by no merge

struct BpeScratch : ModelScratch {
  WordCache cache;
  std::vector<MergeSymbol> symbols;
  MergeTable::Scratch merging;
};

class BpeModel : public TokenModel {
 public:
  BpeModel(const TokenizerSpec& spec, const Vocabulary& vocabulary, MergeTable merges, StringIndex stand_ins)
      : vocabulary_(vocabulary),
        algorithm_(spec.algorithm),
        ignore_merges_(spec.ignore_merges),
        whole_newline_runs_(spec.whole_newline_runs),
        continuing_prefix_(spec.continuing_prefix),
        end_of_word_suffix_(spec.end_of_word_suffix),
        merges_(std::move(merges)),
        stand_ins_(std::move(stand_ins)) {
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      byte_symbols_[byte] = vocabulary.find(to_byte_alphabet({&c, 1}));
    }
    if (algorithm_ == TokenAlgorithm::kBpeScores) protect_user_defined();
    cut_at_metaspace_ = algorithm_ != TokenAlgorithm::kBpeBytes && continuing_prefix_.empty() &&
                        end_of_word_suffix_.empty() && no_token_crosses_metaspace();
  }

  std::unique_ptr<ModelScratch> make_scratch() const override { return std::make_unique<BpeScratch>(); }

  void encode(std::string_view word, ModelScratch& scratch, std::vector<TokenId>& out) const override {
    auto& own = static_cast<BpeScratch&>(scratch);
    if (!cut_at_metaspace_) return encode_cached(word, own, out);
    const TokenId whole = ignore_merges_ ? vocabulary_.find(word) : kNoToken;
    if (whole != kNoToken) {
      out.push_back(whole);
      return;
    }
    // No merge joins across the place before a U+2581 that follows something else: cutting there changes nothing.
    size_t begin = 0;
    for (size_t at = word.find(kMetaspace); at != std::string_view::npos;
         at = word.find(kMetaspace, at + kMetaspace.size())) {
      if (at == begin || word.substr(0, at).ends_with(kMetaspace)) continue;
      encode_cached(word.substr(begin, at - begin), own, out);
      begin = at;
    }
    if (begin < word.size()) encode_cached(word.substr(begin), own, out);
  }

 private:
  void protect_user_defined() {
    for (const VocabularyEntry& entry : vocabulary_.entries) {
      if (entry.type == TokenType::kUserDefined && entry.in_model) user_defined_.insert(entry.text, 0);
    }
  }

  bool no_token_crosses_metaspace() const {
    if (vocabulary_.find(kMetaspace) == kNoToken) return false;
    for (const VocabularyEntry& entry : vocabulary_.entries) {
      if (!entry.in_model || entry.type == TokenType::kControl) continue;
      for (size_t at = entry.text.find(kMetaspace, 1); at != std::string::npos;
           at = entry.text.find(kMetaspace, at + 1)) {
        if (!std::string_view(entry.text).substr(0, at).ends_with(kMetaspace)) return false;
      }
    }
    return true;
  }

  void encode_cached(std::string_view word, BpeScratch& scratch, std::vector<TokenId>& out) const {
    if (word.size() > WordCache::kMaxWordBytes || word.empty()) return encode_word(word, scratch, out);
    bool found = false;
    WordCache::Slot& slot = scratch.cache.look_up(word, found);
    if (found && slot.n_tokens >= 0) {
      out.insert(out.end(), slot.tokens.begin(), slot.tokens.begin() + slot.n_tokens);
      return;
    }
    const size_t before = out.size();
    encode_word(word, scratch, out);
    const size_t n_tokens = out.size() - before;
    slot.n_tokens = n_tokens <= WordCache::kMaxTokens ? static_cast<int32_t>(n_tokens) : -1;
    for (size_t i = 0; slot.n_tokens > 0 && i < n_tokens; ++i) slot.tokens[i] = out[before + i];
  }

  void encode_word(std::string_view word, BpeScratch& scratch, std::vector<TokenId>& out) const {
    const bool newlines = whole_newline_runs_ && word.find_first_not_of('\n') == std::string_view::npos;
    if (ignore_merges_ || newlines) {
      const TokenId whole = find_whole(word);
      if (whole != kNoToken) {
        out.push_back(whole);
        return;
      }
    }
    TokenSink sink(vocabulary_, out);
    first_symbols(word, scratch.symbols);
    merges_.run(scratch.symbols, kNoToken, scratch.merging);
    if (scratch.symbols.empty()) return;
    for (int32_t at = 0; at >= 0; at = scratch.symbols[static_cast<size_t>(at)].next) {
      const MergeSymbol& symbol = scratch.symbols[static_cast<size_t>(at)];
      const std::string_view text = word.substr(symbol.begin, symbol.size);
      if (symbol.id >= 0 && symbol.id < n_tokens()) {
        vocabulary_.is_unused(symbol.id) ? push_unused(text, symbol.id, sink) : sink.push(symbol.id);
      } else {
        const TokenId id = user_defined_.empty() ? kNoToken : vocabulary_.find(text);
        id != kNoToken ? sink.push(id) : sink.push_unknown(text);
      }
    }
  }

  TokenId n_tokens() const { return static_cast<TokenId>(vocabulary_.entries.size()); }

  TokenId find_whole(std::string_view word) const {
    return algorithm_ == TokenAlgorithm::kBpeBytes ? vocabulary_.find(to_byte_alphabet(word)) : vocabulary_.find(word);
  }

  /// An unused token helps merging but is not emitted: the two symbols that it was made of are.
  void push_unused(std::string_view text, TokenId id, TokenSink& sink) const {
    std::vector<MergeSymbol> symbols;
    MergeTable::Scratch merging;
    first_symbols(text, symbols);
    merges_.run(symbols, id, merging);
    for (int32_t at = 0; at >= 0; at = symbols[static_cast<size_t>(at)].next) {
      const MergeSymbol& symbol = symbols[static_cast<size_t>(at)];
      const std::string_view part = text.substr(symbol.begin, symbol.size);
      if (symbol.id < 0 || symbol.id >= n_tokens()) {
        sink.push_unknown(part);
      } else if (part.size() < text.size() && vocabulary_.is_unused(symbol.id)) {
        push_unused(part, symbol.id, sink);
      } else {
        sink.push(symbol.id);
      }
    }
  }

  void first_symbols(std::string_view word, std::vector<MergeSymbol>& symbols) const {
    symbols.clear();
    for (size_t at = 0; at < word.size();) {
      MergeSymbol symbol;
      symbol.begin = static_cast<uint32_t>(at);
      symbol.size = 1;
      if (algorithm_ == TokenAlgorithm::kBpeBytes) {
        symbol.id = byte_symbols_[static_cast<unsigned char>(word[at])];
      } else {
        const size_t frozen = user_defined_.longest(word.substr(at)).size;
        symbol.size = frozen != 0 ? static_cast<uint32_t>(frozen) : decode_utf8(word, at).size;
        if (frozen == 0) symbol.id = symbol_of(word.substr(at, symbol.size), at == 0, at + symbol.size == word.size());
      }
      at += symbol.size;
      symbol.previous = static_cast<int32_t>(symbols.size()) - 1;
      symbol.next = at < word.size() ? static_cast<int32_t>(symbols.size()) + 1 : -1;
      symbols.push_back(symbol);
    }
  }

  TokenId symbol_of(std::string_view character, bool first, bool last) const {
    if (continuing_prefix_.empty() && end_of_word_suffix_.empty()) {
      const TokenId id = vocabulary_.find(character);
      return id != kNoToken ? id : stand_ins_.find(character);
    }
    std::string text = first ? "" : continuing_prefix_;
    text += character;
    if (last) text += end_of_word_suffix_;
    return vocabulary_.find(text);
  }

  const Vocabulary& vocabulary_;
  const TokenAlgorithm algorithm_;
  const bool ignore_merges_;
  const bool whole_newline_runs_;
  const std::string continuing_prefix_;
  const std::string end_of_word_suffix_;
  const MergeTable merges_;
  const StringIndex stand_ins_;  // ids above the vocabulary for characters that only occur inside tokens
  TokenId byte_symbols_[256];
  ByteTrie user_defined_;  // kBpeScores: symbols of their own that never merge
  bool cut_at_metaspace_ = false;
};

/// Merges whose parts or result are no tokens can never apply and are left out.
MergeTable ranked_merges(const TokenizerSpec& spec, const Vocabulary& vocabulary) {
  MergeTable table(spec.merges.size());
  for (size_t rank = 0; rank < spec.merges.size(); ++rank) {
    const TokenMerge& merge = spec.merges[rank];
    const TokenId left = vocabulary.find(merge.left);
    const TokenId right = vocabulary.find(merge.right);
    std::string_view tail = merge.right;
    if (!spec.continuing_prefix.empty() && tail.starts_with(spec.continuing_prefix)) {
      tail.remove_prefix(spec.continuing_prefix.size());
    }
    const TokenId joined = vocabulary.find(merge.left + std::string(tail));
    if (left == kNoToken || right == kNoToken || joined == kNoToken) continue;
    table.add(left, right, {static_cast<uint32_t>(rank), joined});
  }
  return table;
}

/// Every way to make a token of two others; the better its score, the lower its rank.
class ScoredMerges {
 public:
  explicit ScoredMerges(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  MergeTable build() {
    std::vector<double> scores;
    for (const VocabularyEntry& entry : vocabulary_.entries) scores.push_back(entry.score);
    std::sort(scores.begin(), scores.end(), std::greater<>());
    scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
    std::vector<Pair> pairs;
    for (size_t id = 0; id < vocabulary_.entries.size(); ++id) {
      const VocabularyEntry& entry = vocabulary_.entries[id];
      const std::string_view text = entry.text;
      if (text.size() > kMaxScoredTextBytes || vocabulary_.find(text) != static_cast<TokenId>(id)) continue;
      const auto better = std::lower_bound(scores.begin(), scores.end(), entry.score, std::greater<>());
      const auto rank = static_cast<uint32_t>(better - scores.begin());
      for (size_t at = decode_utf8(text, 0).size; at < text.size(); at += decode_utf8(text, at).size) {
        const TokenId left = symbol_of(text.substr(0, at));
        const TokenId right = left == kNoToken ? kNoToken : symbol_of(text.substr(at));
        if (right != kNoToken) pairs.push_back({left, right, {rank, static_cast<TokenId>(id)}});
      }
    }
    MergeTable table(pairs.size());
    for (const Pair& pair : pairs) table.add(pair.left, pair.right, pair.merge);
    return table;
  }

  StringIndex take_stand_ins() { return std::move(stand_ins_); }

 private:
  struct Pair {
    TokenId left;
    TokenId right;
    MergeTable::Merge merge;
  };

  TokenId symbol_of(std::string_view text) {
    const TokenId id = vocabulary_.find(text);
    if (id != kNoToken || decode_utf8(text, 0).size != text.size()) return id;
    const TokenId known = stand_ins_.find(text);
    if (known != kNoToken) return known;
    const auto fresh = static_cast<TokenId>(vocabulary_.entries.size() + n_stand_ins_++);
    stand_ins_.insert(text, fresh);  // the text is part of an entry, which outlives the index
    return fresh;
  }

  const Vocabulary& vocabulary_;
  StringIndex stand_ins_;
  size_t n_stand_ins_ = 0;
};

}  // namespace

Result<std::unique_ptr<const TokenModel>> make_bpe_model(const TokenizerSpec& spec, const Vocabulary& vocabulary) {
  if (spec.algorithm == TokenAlgorithm::kBpeScores) {
    ScoredMerges scored(vocabulary);
    MergeTable merges = scored.build();
    return std::unique_ptr<const TokenModel>(
        std::make_unique<BpeModel>(spec, vocabulary, std::move(merges), scored.take_stand_ins()));
  }
  MergeTable merges = ranked_merges(spec, vocabulary);
  return std::unique_ptr<const TokenModel>(
      std::make_unique<BpeModel>(spec, vocabulary, std::move(merges), StringIndex()));
}

}  // namespace ondol
