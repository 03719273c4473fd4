#include "text/bpe_trainer.h"

#include <algorithm>
#include <array>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "text/byte_level.h"
#include "text/named_pre_tokenizers.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"

namespace ondol {
namespace {

// A text is cut into words in parts of about this size.
constexpr size_t kPartBytes = size_t{1} << 22;
constexpr uint32_t kNothing = UINT32_MAX;

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using WordCounts = std::unordered_map<std::string, uint64_t, TextHash, std::equal_to<>>;

void count(WordCounts& counts, std::string_view word, uint64_t n) {
  const auto found = counts.find(word);
  if (found != counts.end()) {
    found->second += n;
  } else {
    counts.emplace(word, n);
  }
}

/// The byte values in the order of their characters in GPT-2's alphabet, which is the order of their ids.
std::array<uint8_t, 256> bytes_by_id() {
  std::array<std::pair<std::string, uint8_t>, 256> letters;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    letters[static_cast<size_t>(byte)] = {to_byte_alphabet(std::string_view(&c, 1)), static_cast<uint8_t>(byte)};
  }
  // The order of UTF-8 texts is that of their code points.
  std::sort(letters.begin(), letters.end());
  std::array<uint8_t, 256> bytes{};
  for (size_t id = 0; id < 256; ++id) bytes[id] = letters[id].second;
  return bytes;
}

uint64_t pair_key(uint32_t left, uint32_t right) {
  return uint64_t{left} << 32 | right;
}

/// Words as rows of tokens that become fewer, and how often each pair of neighbours occurs in all of them.
class Merger {
 public:
  Merger(const std::vector<std::pair<std::string_view, uint64_t>>& words, const std::array<uint8_t, 256>& bytes) {
    std::array<uint32_t, 256> id_of{};
    for (uint32_t id = 0; id < 256; ++id) id_of[bytes[id]] = id;
    for (uint32_t id = 0; id < 256; ++id) {
      texts_.emplace_back(1, static_cast<char>(bytes[id]));
      ids_.emplace(texts_.back(), id);
    }
    for (const auto& [text, n] : words) {
      const auto word = static_cast<uint32_t>(words_.size());
      words_.push_back({tokens_.size(), static_cast<uint32_t>(text.size()), static_cast<int64_t>(n)});
      for (const char c : text) tokens_.push_back(id_of[static_cast<uint8_t>(c)]);
      for (size_t i = 0; i + 1 < text.size(); ++i) {
        const uint32_t* at = tokens_.data() + words_.back().begin + i;
        add(pair_key(at[0], at[1]), static_cast<int64_t>(n), word);
      }
    }
    for (const auto& [key, pair] : pairs_) queue_.push({pair.count, key});
    touched_.clear();
  }

  const std::vector<std::string>& texts() const { return texts_; }

  /// The best pair, if it occurs at least `min_count` times.
  bool find_best(uint64_t min_count, uint64_t& key) {
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      const auto found = pairs_.find(best.key);
      const int64_t now = found == pairs_.end() ? 0 : found->second.count;
      if (now != best.count) {
        if (now > 0) queue_.push({now, best.key});
        continue;
      }
      if (now <= 0 || static_cast<uint64_t>(now) < min_count) return false;
      key = best.key;
      return true;
    }
    return false;
  }

  /// Makes a token of the pair, everywhere; the same text may have been a token before.
  void merge(uint64_t key) {
    const auto left = static_cast<uint32_t>(key >> 32), right = static_cast<uint32_t>(key);
    std::string text = texts_[left] + texts_[right];
    const auto [found, is_new] = ids_.try_emplace(text, static_cast<uint32_t>(texts_.size()));
    const uint32_t merged = found->second;
    if (is_new) texts_.push_back(std::move(text));
    const std::vector<uint32_t> where = std::move(pairs_.at(key).words);
    pairs_.erase(key);
    touched_.clear();
    for (const uint32_t word : where) merge_in_word(word, left, right, merged);
    pairs_.erase(key);  // what neighbours of its own occurrences took away
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const uint64_t grown : touched_) {
      const auto pair = pairs_.find(grown);
      if (pair != pairs_.end() && pair->second.count > 0) queue_.push({pair->second.count, grown});
    }
  }

 private:
  struct Word {
    size_t begin;
    uint32_t size;
    int64_t count;
  };
  struct Pair {
    int64_t count = 0;
    std::vector<uint32_t> words;  // that have it, or had it once
  };
  struct Candidate {
    int64_t count;
    uint64_t key;
    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : key > other.key;
    }
  };

  void add(uint64_t key, int64_t change, uint32_t word) {
    Pair& pair = pairs_[key];
    pair.count += change;
    if (change < 0) return;
    if (pair.words.empty() || pair.words.back() != word) pair.words.push_back(word);
    touched_.push_back(key);
  }

  void merge_in_word(uint32_t number, uint32_t left, uint32_t right, uint32_t merged) {
    Word& word = words_[number];
    uint32_t* tokens = tokens_.data() + word.begin;
    uint32_t out = 0;
    for (uint32_t in = 0; in < word.size; ++in) {
      if (in + 1 == word.size || tokens[in] != left || tokens[in + 1] != right) {
        tokens[out++] = tokens[in];
        continue;
      }
      const uint32_t before = out > 0 ? tokens[out - 1] : kNothing;
      const uint32_t after = in + 2 < word.size ? tokens[in + 2] : kNothing;
      if (before != kNothing) {
        add(pair_key(before, left), -word.count, number);
        add(pair_key(before, merged), word.count, number);
      }
      if (after != kNothing) {
        add(pair_key(right, after), -word.count, number);
        add(pair_key(merged, after), word.count, number);
      }
      tokens[out++] = merged;
      ++in;
    }
    word.size = out;
  }

  std::vector<uint32_t> tokens_;
  std::vector<Word> words_;
  std::vector<std::string> texts_;  // of the tokens, as bytes
  std::unordered_map<std::string, uint32_t> ids_;
  std::unordered_map<uint64_t, Pair> pairs_;
  std::priority_queue<Candidate> queue_;
  std::vector<uint64_t> touched_;  // pairs that were added to by this merge
};

}  // namespace

struct BpeTrainer::State {
  BpeTrainerOptions options;
  NamedPreTokenizer named;
  PreTokenizer pre_tokenizer;
  ThreadPool* pool = nullptr;
  std::vector<WordCounts> counts;  // of each thread
  uint64_t n_bytes = 0;

  void count_words(std::string_view part, WordCounts& into, std::string& text, std::vector<TextSpan>& words) const {
    text = replace_invalid_utf8(part);
    if (text.empty()) return;
    pre_tokenizer.cut(text, true, words);
    const std::string_view view = text;
    for (const TextSpan& word : words) count(into, view.substr(word.begin, word.end - word.begin), 1);
  }

  void join_counts() {
    for (size_t i = 1; i < counts.size(); ++i) {
      for (const auto& [word, n] : counts[i]) count(counts[0], word, n);
      counts[i] = {};
    }
  }

  TokenizerSpec make_spec(const std::vector<std::string>& texts, const std::vector<uint64_t>& merges) const;
};

BpeTrainer::BpeTrainer(std::unique_ptr<State> state) : state_(std::move(state)) {}
BpeTrainer::BpeTrainer(BpeTrainer&&) noexcept = default;
BpeTrainer& BpeTrainer::operator=(BpeTrainer&&) noexcept = default;
BpeTrainer::~BpeTrainer() = default;

Result<BpeTrainer> BpeTrainer::create(const BpeTrainerOptions& options, ThreadPool& pool) {
  const std::vector<std::string>& specials = options.special_tokens;
  const size_t smallest = 256 + specials.size() + 1;
  if (options.vocabulary_size < 0 || static_cast<size_t>(options.vocabulary_size) < smallest) {
    return Error(fmt::format("vocabulary size: expected at least {} (the bytes, {} special tokens and a merge), got {}",
                             smallest, specials.size(), options.vocabulary_size));
  }
  if (options.vocabulary_size > 1 << 24) {
    return Error(fmt::format("vocabulary size: expected at most {}, got {}", 1 << 24, options.vocabulary_size));
  }
  const std::unordered_set<std::string> different(specials.begin(), specials.end());
  if (different.size() < specials.size() || different.contains("")) {
    return Error("special tokens: expected different texts that are not empty");
  }
  for (const std::string& role : {options.eos, options.pad}) {
    if (!role.empty() && !different.contains(role)) {
      return Error(fmt::format("special tokens: expected '{}' among them", role));
    }
  }
  auto state = std::make_unique<State>();
  state->options = options;
  state->named = ONDOL_TRY(find_named_pre_tokenizer(options.pre_tokenizer));
  if (state->named.on_characters || !state->named.normalizer.empty()) {
    return Error(
        fmt::format("pre-tokeniser '{}': expected one that works on bytes and changes no text; hint: llama-bpe "
                    "or gpt-2",
                    options.pre_tokenizer));
  }
  state->pre_tokenizer = ONDOL_TRY(PreTokenizer::create(state->named.steps, true));
  state->pool = &pool;
  state->counts.resize(static_cast<size_t>(pool.size()));
  return BpeTrainer(std::move(state));
}

void BpeTrainer::add(std::span<const std::string> texts) {
  std::vector<std::string_view> parts;
  for (const std::string& text : texts) {
    state_->n_bytes += text.size();
    for (std::string_view rest = text; !rest.empty();) {
      // Where a line ends, so that no word is cut.
      const size_t line = rest.size() <= kPartBytes ? std::string_view::npos : rest.find('\n', kPartBytes);
      const size_t n = line == std::string_view::npos ? rest.size() : line + 1;
      parts.push_back(rest.substr(0, std::min(n, size_t{1} << 30)));
      rest.remove_prefix(parts.back().size());
    }
  }
  state_->pool->run(static_cast<int64_t>(parts.size()), 16, [&](int64_t begin, int64_t end, int thread) {
    std::string text;
    std::vector<TextSpan> words;
    WordCounts& into = state_->counts[static_cast<size_t>(thread)];
    for (int64_t i = begin; i < end; ++i) state_->count_words(parts[static_cast<size_t>(i)], into, text, words);
  });
}

uint64_t BpeTrainer::n_bytes() const {
  return state_->n_bytes;
}

size_t BpeTrainer::n_different_words() const {
  state_->join_counts();
  return state_->counts[0].size();
}

TokenizerSpec BpeTrainer::State::make_spec(const std::vector<std::string>& texts,
                                           const std::vector<uint64_t>& merges) const {
  TokenizerSpec spec;
  spec.algorithm = TokenAlgorithm::kBpeBytes;
  spec.pre_tokenizer = named.steps;
  spec.ignore_merges = named.ignore_merges;
  DecoderStep decoder;
  decoder.kind = DecoderStep::Kind::kByteLevel;
  spec.decoder.push_back(decoder);
  for (const std::string& text : texts) {
    VocabularyEntry entry;
    entry.text = to_byte_alphabet(text);
    spec.vocabulary.push_back(std::move(entry));
  }
  for (const uint64_t key : merges) {
    spec.merges.push_back({spec.vocabulary[key >> 32].text, spec.vocabulary[static_cast<uint32_t>(key)].text});
  }
  for (const std::string& text : options.special_tokens) {
    AddedToken token;
    token.id = static_cast<TokenId>(spec.vocabulary.size());
    token.content = text;
    token.special = true;
    if (text == options.eos) spec.eos = token.id;
    if (text == options.pad) spec.pad = token.id;
    spec.added_tokens.push_back(token);
    VocabularyEntry entry;
    entry.text = text;
    entry.type = TokenType::kControl;
    entry.in_model = false;
    spec.vocabulary.push_back(std::move(entry));
  }
  return spec;
}

Result<TokenizerSpec> BpeTrainer::train(const std::function<bool(int n_tokens)>& progress) {
  state_->join_counts();
  std::vector<std::pair<std::string_view, uint64_t>> words(state_->counts[0].begin(), state_->counts[0].end());
  std::sort(words.begin(), words.end());
  Merger merger(words, bytes_by_id());
  std::vector<uint64_t> merges;
  const size_t wanted = static_cast<size_t>(state_->options.vocabulary_size) - state_->options.special_tokens.size();
  while (merger.texts().size() < wanted) {
    uint64_t key = 0;
    if (!merger.find_best(state_->options.min_count, key)) break;
    merger.merge(key);
    merges.push_back(key);
    if (progress && merges.size() % 256 == 0 && !progress(static_cast<int>(merger.texts().size()))) {
      return Error("the training of the tokenizer was stopped");
    }
  }
  return state_->make_spec(merger.texts(), merges);
}

std::string_view chatml_template() {
  return "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
         "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
}

}  // namespace ondol
