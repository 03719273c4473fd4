#include "text/vocab_merges.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "text/named_pre_tokenizers.h"

namespace ondol {
namespace {

constexpr int64_t kMaxHoles = 1 << 20;
// The smallest vocabularies of OpenAI's two later encodings, and hardly any others of these sizes.
constexpr size_t kCl100kSize = 100'000;
constexpr size_t kQwenSize = 151643;
constexpr size_t kO200kSize = 199'000;

/// Calls `visit(line)` for each line without its end; stops at the first error.
template <typename Visit>
Result<void> for_each_line(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ONDOL_TRY(visit(line));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return {};
}

Result<void> read_vocab(std::string_view vocab_json, TokenizerSpec& spec) {
  const json::value root = ONDOL_TRY(parse_json(vocab_json));
  if (!root.is_object()) return Error("expected an object of texts and ids");
  int64_t highest = -1;
  for (const auto& [text, id] : root.get_object()) {
    if (!id.is_int64() || id.get_int64() < 0) {
      return Error(fmt::format("'{}': expected an id", std::string_view(text)));
    }
    highest = std::max(highest, id.get_int64());
  }
  const auto n_entries = static_cast<int64_t>(root.get_object().size());
  if (highest >= n_entries + kMaxHoles) return Error(fmt::format("id {} with only {} entries", highest, n_entries));
  VocabularyEntry hole;
  hole.type = TokenType::kUnused;
  hole.in_model = false;
  spec.vocabulary.assign(static_cast<size_t>(highest + 1), hole);
  for (const auto& [text, id] : root.get_object()) {
    VocabularyEntry& entry = spec.vocabulary[static_cast<size_t>(id.get_int64())];
    entry = {};
    entry.text = std::string(text);
  }
  return {};
}

Result<void> read_merges(std::string_view merges_txt, TokenizerSpec& spec) {
  bool first = true;
  return for_each_line(merges_txt, [&](std::string_view line) -> Result<void> {
    const bool header = first && line.starts_with("#version");
    first = false;
    if (header || line.empty()) return {};
    const size_t space = line.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == line.size()) {
      return Error(fmt::format("merge {}: expected two texts, got '{}'", spec.merges.size(), line));
    }
    spec.merges.push_back({std::string(line.substr(0, space)), std::string(line.substr(space + 1))});
    return {};
  });
}

std::string guess_pre_tokenizer(const std::string& tokenizer_class, TokenizerSpec& spec) {
  if (tokenizer_class.starts_with("Qwen2")) return "qwen2";
  std::string name = "gpt-2";
  if (spec.vocabulary.size() >= kQwenSize && spec.vocabulary.size() < kQwenSize + 500) {
    name = "qwen2";
  } else if (spec.vocabulary.size() >= kO200kSize) {
    name = "o200k";
  } else if (spec.vocabulary.size() >= kCl100kSize && spec.vocabulary.size() < kCl100kSize + 500) {
    name = "cl100k";
  }
  spec.notes.push_back(fmt::format("text is cut as '{}' does, judging by class '{}' and {} tokens", name,
                                   tokenizer_class, spec.vocabulary.size()));
  return name;
}

Result<json::value> parse_config(const HuggingFaceTexts& beside) {
  if (beside.tokenizer_config.empty()) return json::value(json::object());
  return parse_json(beside.tokenizer_config).in("tokenizer_config.json");
}

}  // namespace

Result<TokenizerSpec> read_vocab_merges(std::string_view vocab_json, std::string_view merges_txt,
                                        const HuggingFaceTexts& beside, std::string_view pre) {
  TokenizerSpec spec;
  spec.algorithm = TokenAlgorithm::kBpeBytes;
  ONDOL_TRY(read_vocab(vocab_json, spec).in("vocab.json"));
  ONDOL_TRY(read_merges(merges_txt, spec).in("merges.txt"));
  const json::value config = ONDOL_TRY(parse_config(beside));
  const std::string tokenizer_class = string_or(config, "tokenizer_class", "");
  const std::string name = pre.empty() ? guess_pre_tokenizer(tokenizer_class, spec) : std::string(pre);
  NamedPreTokenizer named = ONDOL_TRY(find_named_pre_tokenizer(name));
  if (named.on_characters) return Error(fmt::format("pre-tokeniser '{}' does not work on bytes", name));
  spec.normalizer = std::move(named.normalizer);
  spec.pre_tokenizer = std::move(named.steps);
  spec.pre_tokenizer.back().add_prefix_space = bool_or(config, "add_prefix_space", false);
  spec.ignore_merges = named.ignore_merges;
  DecoderStep decoder;
  decoder.kind = DecoderStep::Kind::kByteLevel;
  spec.decoder = {decoder};
  ONDOL_TRY(apply_hugging_face_config(beside, spec));
  const bool surrounded = tokenizer_class.starts_with("Roberta") || tokenizer_class.starts_with("Bart");
  if (surrounded && spec.bos != kNoToken && spec.eos != kNoToken) {
    spec.prefix = {spec.bos};
    spec.suffix = {spec.eos};
  }
  return spec;
}

Result<TokenizerSpec> read_bert_vocabulary(std::string_view vocab_txt, const HuggingFaceTexts& beside) {
  TokenizerSpec spec;
  spec.algorithm = TokenAlgorithm::kWordPiece;
  spec.continuing_prefix = "##";
  spec.max_word_characters = 100;
  ONDOL_TRY(for_each_line(vocab_txt, [&](std::string_view line) -> Result<void> {
    spec.vocabulary.push_back({});
    spec.vocabulary.back().text = std::string(line);
    return {};
  }));
  const json::value config = ONDOL_TRY(parse_config(beside));
  NormalizerStep normalizer;
  normalizer.kind = NormalizerStep::Kind::kBert;
  normalizer.clean_text = true;
  normalizer.split_cjk = bool_or(config, "tokenize_chinese_chars", true);
  normalizer.lowercase = bool_or(config, "do_lower_case", true);
  normalizer.strip_accents = bool_or(config, "strip_accents", normalizer.lowercase);
  spec.normalizer = {normalizer};
  PreTokenizerStep words;
  words.kind = PreTokenizerStep::Kind::kBert;
  spec.pre_tokenizer = {words};
  DecoderStep decoder;
  decoder.kind = DecoderStep::Kind::kWordPiece;
  decoder.pattern = "##";
  decoder.cleanup = true;
  spec.decoder = {decoder};
  // What BERT's tokenizer takes these to be where no file says otherwise.
  HuggingFaceTexts texts = beside;
  if (texts.special_tokens_map.empty()) {
    texts.special_tokens_map = R"({"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]",)"
                               R"( "cls_token": "[CLS]", "mask_token": "[MASK]"})";
  }
  ONDOL_TRY(apply_hugging_face_config(texts, spec));
  if (spec.cls != kNoToken) spec.prefix = {spec.cls};
  if (spec.sep != kNoToken) spec.suffix = {spec.sep};
  return spec;
}

}  // namespace ondol
