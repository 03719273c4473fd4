#include "text/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "text/added_tokens.h"
#include "text/byte_level.h"
#include "text/end_of_generation.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/token_model.h"
#include "text/token_pieces.h"
#include "text/tokenizer_spec.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr size_t kMaxVocabulary = size_t{1} << 26;
// Longer texts are encoded part by part, so that offsets fit 32 bits and scratch memory stays in proportion.
constexpr size_t kMaxPartBytes = size_t{1} << 24;
// Scratch memory that served a longer text is not kept.
constexpr size_t kMaxKeptTextBytes = size_t{1} << 22;

/// Working memory of one encode call, kept for the next one.
struct Scratch {
  std::string text;
  std::vector<TextSpan> words;
  std::vector<AddedTokenMatcher::Part> raw_parts;
  std::vector<AddedTokenMatcher::Part> normalized_parts;
  std::unique_ptr<ModelScratch> model;
};

class PipelineTokenizer : public Tokenizer {
 public:
  static Result<std::shared_ptr<const Tokenizer>> create(TokenizerSpec spec);

  std::vector<TokenId> encode(std::string_view text, bool add_special, SpecialTokens special) const override {
    return encode_with(text, add_special, special, {});
  }
  std::vector<TokenId> encode_prompt(std::string_view text, std::span<const size_t> plain) const override {
    return encode_with(text, false, SpecialTokens::kParse, plain);
  }
  std::string piece(TokenId id, bool show_special) const override {
    return std::string(pieces_.running(id, show_special));
  }
  std::string decode(std::span<const TokenId> ids, bool show_special) const override;
  std::string_view token_text(TokenId id) const override { return in_range(id) ? entry(id).text : std::string_view(); }
  TokenId find(std::string_view token_text) const override { return all_texts_.find(token_text); }
  int vocabulary_size() const override { return static_cast<int>(vocabulary_.entries.size()); }
  bool is_control(TokenId id) const override { return in_range(id) && entry(id).type == TokenType::kControl; }
  bool is_unused(TokenId id) const override { return in_range(id) && entry(id).type == TokenType::kUnused; }
  TokenId bos() const override { return bos_; }
  TokenId eos() const override { return eos_; }
  bool adds_bos() const override { return adds_bos_; }
  bool ends_generation(TokenId id) const override { return in_range(id) && ends_[static_cast<size_t>(id)]; }

 private:
  bool in_range(TokenId id) const { return id >= 0 && static_cast<size_t>(id) < vocabulary_.entries.size(); }
  const VocabularyEntry& entry(TokenId id) const { return vocabulary_.entries[static_cast<size_t>(id)]; }

  static Result<void> check(const TokenizerSpec& spec);
  Result<void> build(TokenizerSpec spec);
  void build_vocabulary(TokenizerSpec& spec);
  void build_added_tokens(const TokenizerSpec& spec);
  Result<void> build_model(const TokenizerSpec& spec);

  std::vector<TokenId> encode_with(std::string_view text, bool add_special, SpecialTokens special,
                                   std::span<const size_t> plain) const;
  void encode_plain(std::string_view text, bool at_start, SpecialTokens special, Scratch& scratch,
                    std::vector<TokenId>& out) const;
  void encode_valid(std::string_view text, bool at_start, SpecialTokens special, Scratch& scratch,
                    std::vector<TokenId>& out) const;
  void encode_normalized(bool at_start, Scratch& scratch, std::vector<TokenId>& out) const;
  void encode_invalid(std::string_view bytes, Scratch& scratch, std::vector<TokenId>& out) const;

  std::unique_ptr<Scratch> take_scratch() const;
  void give_scratch(std::unique_ptr<Scratch> scratch) const;

  Vocabulary vocabulary_;
  StringIndex all_texts_;
  AddedTokenMatcher raw_matcher_;
  AddedTokenMatcher normalized_matcher_;
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  std::unique_ptr<const TokenModel> model_;
  TokenPieces pieces_;
  std::vector<bool> ends_;
  std::vector<TokenId> prefix_;
  std::vector<TokenId> suffix_;
  TokenId bos_ = kNoToken;
  TokenId eos_ = kNoToken;
  bool adds_bos_ = false;
  bool bytes_as_words_ = false;     // kBpeBytes
  bool bytes_as_alphabet_ = false;  // the pipeline writes bytes in GPT-2's alphabet before the model sees them

  mutable std::mutex scratch_mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> idle_scratch_;
};

Result<std::shared_ptr<const Tokenizer>> PipelineTokenizer::create(TokenizerSpec spec) {
  ONDOL_TRY(check(spec));
  auto tokenizer = std::make_shared<PipelineTokenizer>();
  ONDOL_TRY(tokenizer->build(std::move(spec)));
  return std::shared_ptr<const Tokenizer>(std::move(tokenizer));
}

Result<void> PipelineTokenizer::check(const TokenizerSpec& spec) {
  const size_t n = spec.vocabulary.size();
  if (n == 0) return Error("tokenizer: the vocabulary is empty");
  if (n > kMaxVocabulary) return Error(fmt::format("tokenizer: {} tokens are more than {}", n, kMaxVocabulary));
  const auto valid = [&](TokenId id) { return id == kNoToken || (id >= 0 && static_cast<size_t>(id) < n); };
  const std::pair<const char*, TokenId> named[] = {{"bos", spec.bos},   {"eos", spec.eos}, {"unk", spec.unk},
                                                   {"sep", spec.sep},   {"cls", spec.cls}, {"pad", spec.pad},
                                                   {"mask", spec.mask}, {"eot", spec.eot}, {"eom", spec.eom}};
  for (const auto& [name, id] : named) {
    if (!valid(id)) return Error(fmt::format("tokenizer: {} token: expected an id below {}, got {}", name, n, id));
  }
  for (const auto* ids : {&spec.prefix, &spec.suffix}) {
    for (const TokenId id : *ids) {
      if (id < 0 || !valid(id)) {
        return Error(fmt::format("tokenizer: token around the text: expected an id below {}, got {}", n, id));
      }
    }
  }
  for (const AddedToken& token : spec.added_tokens) {
    if (token.id < 0 || !valid(token.id)) {
      return Error(
          fmt::format("tokenizer: added token '{}': expected an id below {}, got {}", token.content, n, token.id));
    }
  }
  return {};
}

Result<void> PipelineTokenizer::build(TokenizerSpec spec) {
  ends_ = find_end_of_generation(spec);
  pieces_ = TokenPieces::create(spec);
  prefix_ = spec.prefix;
  suffix_ = spec.suffix;
  bos_ = spec.bos;
  eos_ = spec.eos;
  adds_bos_ = bos_ != kNoToken && !prefix_.empty() && prefix_.front() == bos_;
  bytes_as_words_ = spec.algorithm == TokenAlgorithm::kBpeBytes;
  for (const PreTokenizerStep& step : spec.pre_tokenizer) {
    bytes_as_alphabet_ = bytes_as_alphabet_ || step.kind == PreTokenizerStep::Kind::kByteLevel;
  }
  for (const NormalizerStep& step : spec.normalizer) {
    bytes_as_alphabet_ = bytes_as_alphabet_ || step.kind == NormalizerStep::Kind::kByteLevel;
  }
  build_vocabulary(spec);
  std::vector<std::string> protected_texts;
  for (const VocabularyEntry& entry : vocabulary_.entries) {
    if (entry.type == TokenType::kUserDefined && entry.in_model) protected_texts.push_back(entry.text);
  }
  normalizer_ = ONDOL_TRY(Normalizer::create(spec.normalizer, protected_texts));
  pre_tokenizer_ = ONDOL_TRY(PreTokenizer::create(spec.pre_tokenizer, bytes_as_words_));
  build_added_tokens(spec);
  return build_model(spec);
}

void PipelineTokenizer::build_vocabulary(TokenizerSpec& spec) {
  vocabulary_.entries = std::move(spec.vocabulary);
  if (spec.unk != kNoToken) {
    // Where a token that begins or ends a text doubles as the unknown one, unknown text gives nothing. A token that is
    // only there for unknown text (BERT's [UNK]) is one, even where a file lists it among the control tokens.
    TokenType& type = vocabulary_.entries[static_cast<size_t>(spec.unk)].type;
    const bool doubles =
        spec.unk == spec.bos || spec.unk == spec.sep || spec.unk == spec.cls || ends_[static_cast<size_t>(spec.unk)];
    if (!doubles && type == TokenType::kControl) type = TokenType::kUnknown;
    vocabulary_.unk = doubles ? kNoToken : spec.unk;
  }
  vocabulary_.byte_fallback = spec.byte_fallback;
  vocabulary_.fuse_unknown = spec.fuse_unknown;
  std::fill(std::begin(vocabulary_.byte_tokens), std::end(vocabulary_.byte_tokens), kNoToken);
  vocabulary_.index = StringIndex(vocabulary_.entries.size());
  all_texts_ = StringIndex(vocabulary_.entries.size());
  for (size_t i = 0; i < vocabulary_.entries.size(); ++i) {
    const VocabularyEntry& entry = vocabulary_.entries[i];
    const auto id = static_cast<TokenId>(i);
    all_texts_.insert(entry.text, id);
    if (entry.type == TokenType::kByte) {
      const int byte = byte_of_fallback_token(entry.text);
      if (byte >= 0 && vocabulary_.byte_tokens[byte] == kNoToken) vocabulary_.byte_tokens[byte] = id;
      continue;
    }
    const bool special = entry.type == TokenType::kControl || entry.type == TokenType::kUnknown;
    if (!special && entry.in_model && !entry.text.empty()) vocabulary_.index.insert(entry.text, id);
  }
}

void PipelineTokenizer::build_added_tokens(const TokenizerSpec& spec) {
  for (AddedToken token : spec.added_tokens) {
    const TokenType type = entry(token.id).type;
    token.special = token.special || type == TokenType::kControl || type == TokenType::kUnknown;
    if (token.normalized) {
      if (!is_valid_utf8(token.content)) continue;
      normalizer_.apply(token.content);
      normalized_matcher_.add(token);
    } else {
      raw_matcher_.add(token);
    }
  }
}

Result<void> PipelineTokenizer::build_model(const TokenizerSpec& spec) {
  switch (spec.algorithm) {
    case TokenAlgorithm::kBpeBytes:
    case TokenAlgorithm::kBpeCharacters:
    case TokenAlgorithm::kBpeScores:
      model_ = ONDOL_TRY(make_bpe_model(spec, vocabulary_));
      break;
    case TokenAlgorithm::kUnigram:
      model_ = ONDOL_TRY(make_unigram_model(spec, vocabulary_));
      break;
    case TokenAlgorithm::kWordPiece:
      model_ = ONDOL_TRY(make_word_piece_model(spec, vocabulary_));
      break;
  }
  return {};
}

std::unique_ptr<Scratch> PipelineTokenizer::take_scratch() const {
  {
    const std::lock_guard lock(scratch_mutex_);
    if (!idle_scratch_.empty()) {
      std::unique_ptr<Scratch> scratch = std::move(idle_scratch_.back());
      idle_scratch_.pop_back();
      return scratch;
    }
  }
  auto scratch = std::make_unique<Scratch>();
  scratch->model = model_->make_scratch();
  return scratch;
}

void PipelineTokenizer::give_scratch(std::unique_ptr<Scratch> scratch) const {
  const std::lock_guard lock(scratch_mutex_);
  idle_scratch_.push_back(std::move(scratch));
}

std::vector<TokenId> PipelineTokenizer::encode_with(std::string_view text, bool add_special, SpecialTokens special,
                                                    std::span<const size_t> plain) const {
  std::vector<TokenId> out;
  out.reserve(text.size() / 3 + 8);
  std::unique_ptr<Scratch> scratch = take_scratch();
  if (add_special) out.insert(out.end(), prefix_.begin(), prefix_.end());
  scratch->raw_parts.clear();
  raw_matcher_.split(text, special == SpecialTokens::kParse, plain, scratch->raw_parts);
  for (const AddedTokenMatcher::Part& part : scratch->raw_parts) {
    if (part.id != kNoToken) {
      out.push_back(part.id);
      continue;
    }
    // Offsets are lost when a text is normalized, so that tokens in it are all taken or none.
    const auto first_plain = std::lower_bound(plain.begin(), plain.end(), part.begin);
    const bool has_plain = first_plain != plain.end() && *first_plain < part.end;
    encode_plain(text.substr(part.begin, part.end - part.begin), part.begin == 0,
                 has_plain ? SpecialTokens::kAsPlainText : special, *scratch, out);
  }
  if (add_special) out.insert(out.end(), suffix_.begin(), suffix_.end());
  if (text.size() <= kMaxKeptTextBytes) give_scratch(std::move(scratch));
  return out;
}

/// Cuts into valid UTF-8 and runs of invalid bytes.
void PipelineTokenizer::encode_plain(std::string_view text, bool at_start, SpecialTokens special, Scratch& scratch,
                                     std::vector<TokenId>& out) const {
  while (!text.empty()) {
    size_t valid = valid_utf8_prefix(text.substr(0, kMaxPartBytes));
    if (valid > 0) encode_valid(text.substr(0, valid), at_start, special, scratch, out);
    at_start = false;
    text.remove_prefix(valid);
    size_t invalid = 0;
    if (valid + 4 > kMaxPartBytes) continue;  // a part ended inside a character
    while (invalid < text.size()) {
      const DecodedCharacter character = decode_utf8(text, invalid);
      if (character.valid) break;
      invalid += character.size;
    }
    if (invalid > 0) encode_invalid(text.substr(0, invalid), scratch, out);
    text.remove_prefix(invalid);
  }
}

void PipelineTokenizer::encode_valid(std::string_view text, bool at_start, SpecialTokens special, Scratch& scratch,
                                     std::vector<TokenId>& out) const {
  scratch.text.assign(text);
  normalizer_.apply(scratch.text);
  if (normalized_matcher_.empty()) return encode_normalized(at_start, scratch, out);
  const std::string normalized = scratch.text;
  scratch.normalized_parts.clear();
  normalized_matcher_.split(normalized, special == SpecialTokens::kParse, {}, scratch.normalized_parts);
  for (const AddedTokenMatcher::Part& part : scratch.normalized_parts) {
    if (part.id != kNoToken) {
      out.push_back(part.id);
      continue;
    }
    scratch.text.assign(normalized, part.begin, part.end - part.begin);
    encode_normalized(at_start && part.begin == 0, scratch, out);
  }
}

void PipelineTokenizer::encode_normalized(bool at_start, Scratch& scratch, std::vector<TokenId>& out) const {
  if (scratch.text.empty()) return;
  pre_tokenizer_.cut(scratch.text, at_start, scratch.words);
  const std::string_view text = scratch.text;
  for (const TextSpan& word : scratch.words) {
    model_->encode(text.substr(word.begin, word.end - word.begin), *scratch.model, out);
  }
}

void PipelineTokenizer::encode_invalid(std::string_view bytes, Scratch& scratch, std::vector<TokenId>& out) const {
  if (bytes_as_words_) {
    model_->encode(bytes, *scratch.model, out);
  } else if (bytes_as_alphabet_) {
    model_->encode(to_byte_alphabet(bytes), *scratch.model, out);
  } else {
    TokenSink(vocabulary_, out).push_unknown(bytes);
  }
}

std::string PipelineTokenizer::decode(std::span<const TokenId> ids, bool show_special) const {
  std::string out;
  TokenPieces::Start start;
  for (const TokenId id : ids) {
    start.done ? out.append(pieces_.running(id, show_special)) : out.append(pieces_.leading(id, show_special, start));
  }
  pieces_.finish(out);
  return out;
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> Tokenizer::create(TokenizerSpec spec) {
  return PipelineTokenizer::create(std::move(spec));
}

}  // namespace ondol
