#include "text/grammar/mask_engine.h"

#include <algorithm>
#include <array>
#include <bit>

namespace ondol::grammar {
namespace {

constexpr size_t kMaxEngines = 32;
constexpr size_t kMaxEngineBytes = size_t{64} << 20;
constexpr size_t kMaxMaskBytes = size_t{32} << 20;
// What one mask may add to the matcher; tokens that are not found until then are left out.
constexpr size_t kMaxBytesPerMask = size_t{16} << 20;
// Subtrees of more nodes than this have lexeme masks of their own.
constexpr uint32_t kLargeSubtree = 100;
// Where more nodes than this lie behind lexemes in smaller subtrees, one walk over the trie finds the tokens sooner.
constexpr size_t kManyNodes = 50'000;

}  // namespace

MaskEngine::MaskEngine(GrammarPtr grammar, const VocabularyWithMasks& vocabulary)
    : vocabulary_(vocabulary), matcher_(std::move(grammar), [&](const std::string& text) {
        const TokenId token = vocabulary.tokenizer().find(text);
        const bool usable = token != kNoToken && vocabulary.tokenizer().piece(token, true) == text;
        return usable ? token : kNoToken;
      }) {
  max_bytes_ = matcher_.size_bytes() + kMaxEngineBytes;
}

std::shared_ptr<const LexemeMask> MaskEngine::lexeme_mask(TermId term, uint32_t node) {
  TermStore& terms = matcher_.terms();
  const TermId state = terms.without_large_counts(term, TokenTrie::kMaxDepth);
  const auto known = lexeme_masks_.find({state, node});
  if (known != lexeme_masks_.end()) return known->second;
  std::shared_ptr<const LexemeMask> mask = vocabulary_.lexeme_masks().find(terms.hash(state), node);
  if (mask == nullptr) {
    const TermId similar = similar_state(terms, state);
    const auto similar_mask = similar == TermStore::kNothing || node != 0 ? nullptr : lexeme_mask(similar, node);
    const bool usable = similar_mask != nullptr && !similar_mask->incomplete;
    mask = std::make_shared<LexemeMask>(make_lexeme_mask(terms, state, vocabulary_.trie(), node, vocabulary_.size(),
                                                         similar, usable ? similar_mask.get() : nullptr));
    if (!mask->incomplete) vocabulary_.lexeme_masks().insert(terms.hash(state), node, mask);
  }
  lexeme_mask_bytes_ += mask->size_bytes();
  if (lexeme_mask_bytes_ > kMaxMaskBytes) {
    lexeme_masks_.clear();
    lexeme_mask_bytes_ = mask->size_bytes();
  }
  lexeme_masks_[{state, node}] = mask;
  return mask;
}

/// Adds the tokens at `node`, which the configuration has just read, and those below it.
void MaskEngine::walk(uint32_t start, ConfigId config, TokenSet& tokens) {
  const TokenTrie& trie = vocabulary_.trie();
  std::array<ConfigId, TokenTrie::kMaxDepth + 1> configs{};
  configs[trie.depth[start]] = config;
  uint32_t node = start;
  while (true) {
    for (uint32_t i = trie.first_token[node]; i < trie.first_token[node + 1]; ++i) tokens.insert(trie.tokens[i]);
    ++node;
    while (node < trie.end[start]) {
      const size_t depth = trie.depth[node];
      configs[depth] = matcher_.step(configs[depth - 1], trie.byte[node]);
      if (configs[depth] != Matcher::kDead) break;
      node = trie.end[node];
    }
    if (node >= trie.end[start] || gave_up()) return;
  }
}

void MaskEngine::add_named(const Matcher::Item& item, TokenSet& tokens) {
  const Matcher::NamedToken named = matcher_.named_token(item);
  const Tokenizer& tokenizer = vocabulary_.tokenizer();
  if (!named.except) {
    if (named.token >= 0 && named.token < vocabulary_.size()) tokens.insert(named.token);
    return;
  }
  for (TokenId id = 0; id < vocabulary_.size(); ++id) {
    if (id != named.token && !tokenizer.is_unused(id) && !tokenizer.ends_generation(id)) tokens.insert(id);
  }
}

/// Adds the tokens below `node`, where the configuration has read what leads to the node: those inside an item's
/// lexeme, and from where a lexeme may end those that go on behind it.
void MaskEngine::add_below(uint32_t node, ConfigId config, TokenSet& tokens) {
  const TokenTrie& trie = vocabulary_.trie();
  std::vector<std::pair<uint32_t, ConfigId>> starts;
  size_t n_small = 0;
  for (const Matcher::Item& item : matcher_.items_of(config)) {
    if (item.names_token() || gave_up()) continue;
    const std::shared_ptr<const LexemeMask> mask = lexeme_mask(item.what, node);
    mask->add_inside_to(tokens);
    if (mask->behind.empty()) continue;
    const ConfigId behind = matcher_.config_behind(item.then);
    for (size_t byte = 0; byte < 256; ++byte) {
      if (mask->starts[byte] == mask->starts[byte + 1]) continue;
      const ConfigId next = matcher_.step(behind, static_cast<uint8_t>(byte));
      if (next == Matcher::kDead) continue;
      for (uint32_t i = mask->starts[byte]; i < mask->starts[byte + 1]; ++i) {
        const uint32_t start = mask->behind[i];
        starts.emplace_back(start, next);
        if (trie.end[start] - start <= kLargeSubtree) n_small += trie.end[start] - start;
      }
    }
  }
  if (n_small > kManyNodes) return walk(node, config, tokens);
  for (const auto& [start, next] : starts) {
    if (gave_up()) return;
    if (trie.end[start] - start <= kLargeSubtree) {
      walk(start, next, tokens);
      continue;
    }
    for (uint32_t i = trie.first_token[start]; i < trie.first_token[start + 1]; ++i) tokens.insert(trie.tokens[i]);
    add_below(start, next, tokens);
  }
}

std::shared_ptr<const MaskEngine::Mask> MaskEngine::mask(ConfigId config) {
  const auto known = masks_.find(config);
  if (known != masks_.end()) return known->second;
  const TokenTrie& trie = vocabulary_.trie();
  auto mask = std::make_shared<Mask>(Mask{.tokens = TokenSet(vocabulary_.size())});
  TokenSet& tokens = mask->tokens;
  give_up_bytes_ = matcher_.size_bytes() + kMaxBytesPerMask;
  for (const Matcher::Item& item : matcher_.items_of(config)) {
    if (item.names_token()) add_named(item, tokens);
  }
  add_below(0, config, tokens);
  for (const TokenId token : trie.long_tokens) {
    if (!gave_up() && step_bytes(config, trie.text(token)) != Matcher::kDead) tokens.insert(token);
  }
  if (gave_up()) {
    // One byte at a time the text can always go on.
    for (uint32_t node = 1; node < trie.size(); node = trie.end[node]) {
      if (matcher_.step(config, trie.byte[node]) == Matcher::kDead) continue;
      for (uint32_t i = trie.first_token[node]; i < trie.first_token[node + 1]; ++i) tokens.insert(trie.tokens[i]);
    }
  }
  int n_tokens = 0;
  for (const uint64_t word : tokens.words()) n_tokens += std::popcount(word);
  if (matcher_.may_end(config) || n_tokens == 0) {
    for (size_t i = 0; i < tokens.words().size(); ++i) tokens.words()[i] |= vocabulary_.ends().words()[i];
  }
  mask->everything = matcher_.may_end(config) && n_tokens >= trie.n_text_tokens;
  masks_bytes_ += tokens.words().size() * 8;
  if (masks_bytes_ > kMaxMaskBytes) {
    masks_.clear();
    masks_bytes_ = tokens.words().size() * 8;
  }
  masks_[config] = mask;
  return mask;
}

TokenSet MaskEngine::inside(ConfigId config) {
  TokenSet tokens(vocabulary_.size());
  for (const Matcher::Item& item : matcher_.items_of(config)) {
    if (!item.names_token()) lexeme_mask(item.what, 0)->add_inside_to(tokens);
  }
  return tokens;
}

ConfigId MaskEngine::step_bytes(ConfigId config, std::string_view bytes) {
  for (const char byte : bytes) {
    config = matcher_.step(config, static_cast<uint8_t>(byte));
    if (config == Matcher::kDead) break;
  }
  return config;
}

ConfigId MaskEngine::step(ConfigId config, TokenId token) {
  const std::string_view text = vocabulary_.trie().text(token);
  const ConfigId by_name = matcher_.step_token(config, token);
  if (matcher_.size_bytes() > max_bytes_) is_full_ = true;
  if (text.empty()) return by_name;
  return matcher_.merged(step_bytes(config, text), by_name);
}

VocabularyWithMasks::VocabularyWithMasks(std::shared_ptr<const Tokenizer> tokenizer)
    : tokenizer_(std::move(tokenizer)),
      size_(tokenizer_->vocabulary_size()),
      trie_(TokenTrie::create(*tokenizer_)),
      ends_(size_) {
  for (TokenId id = 0; id < size_; ++id) {
    if (tokenizer_->ends_generation(id)) ends_.insert(id);
  }
}

std::shared_ptr<MaskEngine> VocabularyWithMasks::engine(const GrammarPtr& grammar, const MaskEngine* full) const {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(engines_.begin(), engines_.end(), [&](const Entry& entry) { return entry.grammar == grammar; });
  Entry entry{grammar, nullptr};
  if (found != engines_.end()) {
    if (found->engine.get() != full && !found->engine->is_full()) entry = *found;
    engines_.erase(found);
  }
  if (entry.engine == nullptr) entry.engine = std::make_shared<MaskEngine>(grammar, *this);
  if (engines_.size() >= kMaxEngines) engines_.erase(engines_.begin());
  engines_.push_back(entry);
  return entry.engine;
}

}  // namespace ondol::grammar
