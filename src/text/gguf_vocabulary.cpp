#include "text/gguf_vocabulary.h"

#include <fmt/format.h>

#include <cmath>

#include "text/named_pre_tokenizers.h"

namespace ondol {
namespace {

constexpr std::string_view kMetaspace = "\xE2\x96\x81";

TokenType token_type(int32_t gguf_type) {
  switch (gguf_type) {
    case 2:
      return TokenType::kUnknown;
    case 3:
      return TokenType::kControl;
    case 4:
      return TokenType::kUserDefined;
    case 5:
      return TokenType::kUnused;
    case 6:
      return TokenType::kByte;
    default:
      return TokenType::kNormal;
  }
}

NormalizerStep replace_step(std::string_view pattern, std::string_view content) {
  NormalizerStep step;
  step.kind = NormalizerStep::Kind::kReplace;
  step.pattern = pattern;
  step.content = content;
  return step;
}

DecoderStep decoder_step(DecoderStep::Kind kind) {
  DecoderStep step;
  step.kind = kind;
  return step;
}

class Builder {
 public:
  explicit Builder(GgufVocabulary vocabulary) : in_(std::move(vocabulary)) {}

  Result<TokenizerSpec> run() {
    ONDOL_TRY(entries());
    if (in_.model == "llama") {
      sentencepiece_bpe();
    } else if (in_.model == "t5") {
      unigram();
    } else if (in_.model == "bert") {
      word_piece();
    } else if (in_.model == "gpt2" || in_.model == "gemma4" || in_.model == "whitespace") {
      ONDOL_TRY(bpe());
    } else {
      return Error(fmt::format(
          "tokenizer.ggml.model: expected one of llama, gpt2, t5, bert, gemma4, whitespace, got '{}'", in_.model));
    }
    added_tokens();
    return std::move(spec_);
  }

 private:
  Result<void> entries() {
    const size_t n = in_.tokens.size();
    if (n == 0) return Error("tokenizer.ggml.tokens: the vocabulary is empty");
    if (!in_.scores.empty() && in_.scores.size() != n) {
      return Error(fmt::format("tokenizer.ggml.scores: expected {} numbers, got {}", n, in_.scores.size()));
    }
    if (!in_.token_types.empty() && in_.token_types.size() != n) {
      return Error(fmt::format("tokenizer.ggml.token_type: expected {} numbers, got {}", n, in_.token_types.size()));
    }
    spec_.vocabulary.resize(n);
    for (size_t i = 0; i < n; ++i) {
      VocabularyEntry& entry = spec_.vocabulary[i];
      entry.text = std::move(in_.tokens[i]);
      if (!in_.scores.empty() && std::isfinite(in_.scores[i])) entry.score = in_.scores[i];
      if (!in_.token_types.empty()) entry.type = token_type(in_.token_types[i]);
    }
    return {};
  }

  TokenId id(const char* name, TokenId given, TokenId fallback) {
    const auto n = static_cast<TokenId>(spec_.vocabulary.size());
    if (given >= 0 && given < n) return given;
    if (given != kNoToken) spec_.notes.push_back(fmt::format("{}: id {} is not in the vocabulary", name, given));
    return fallback < n ? fallback : kNoToken;
  }

  struct Defaults {
    TokenId bos = kNoToken;
    TokenId eos = kNoToken;
    TokenId unk = kNoToken;
    TokenId sep = kNoToken;
    TokenId pad = kNoToken;
    bool add_bos = false;
    bool add_eos = false;
  };

  void special_ids(const Defaults& defaults) {
    spec_.bos = id("bos_token_id", in_.bos, defaults.bos);
    spec_.eos = id("eos_token_id", in_.eos, defaults.eos);
    spec_.unk = id("unknown_token_id", in_.unk, defaults.unk);
    spec_.sep = id("seperator_token_id", in_.sep, defaults.sep);
    spec_.cls = id("cls_token_id", in_.cls, kNoToken);
    spec_.pad = id("padding_token_id", in_.pad, defaults.pad);
    spec_.mask = id("mask_token_id", in_.mask, kNoToken);
    spec_.eot = id("eot_token_id", in_.eot, kNoToken);
    spec_.eom = id("eom_token_id", in_.eom, kNoToken);
    if (in_.add_bos.value_or(defaults.add_bos) && spec_.bos != kNoToken) spec_.prefix = {spec_.bos};
    if (in_.add_eos.value_or(defaults.add_eos) && spec_.eos != kNoToken) spec_.suffix = {spec_.eos};
  }

  void decode_metaspace(bool strip_first) {
    DecoderStep spaces = decoder_step(DecoderStep::Kind::kReplace);
    spaces.pattern = kMetaspace;
    spaces.content = " ";
    spec_.decoder = {spaces, decoder_step(DecoderStep::Kind::kByteFallback), decoder_step(DecoderStep::Kind::kFuse)};
    if (!strip_first) return;
    DecoderStep strip = decoder_step(DecoderStep::Kind::kStrip);
    strip.content = " ";
    strip.left = 1;
    spec_.decoder.push_back(strip);
  }

  void sentencepiece_bpe() {
    Defaults defaults;
    defaults.bos = 1;
    defaults.eos = 2;
    defaults.unk = 0;
    defaults.add_bos = true;
    special_ids(defaults);
    spec_.algorithm = TokenAlgorithm::kBpeScores;
    spec_.byte_fallback = true;
    spec_.fuse_unknown = true;
    const bool prefix = in_.add_space_prefix.value_or(true);
    if (prefix) {
      NormalizerStep prepend;
      prepend.kind = NormalizerStep::Kind::kPrepend;
      prepend.content = " ";
      spec_.normalizer.push_back(prepend);
    }
    spec_.normalizer.push_back(replace_step(" ", kMetaspace));
    decode_metaspace(prefix);
  }

  void unigram() {
    Defaults defaults;
    defaults.eos = 1;
    defaults.unk = 2;
    defaults.pad = 0;
    defaults.add_eos = true;
    special_ids(defaults);
    spec_.algorithm = TokenAlgorithm::kUnigram;
    spec_.sentencepiece_scores = true;
    spec_.fuse_unknown = true;
    for (const VocabularyEntry& entry : spec_.vocabulary) {
      spec_.byte_fallback = spec_.byte_fallback || entry.type == TokenType::kByte;
    }
    NormalizerStep step;
    step.kind = NormalizerStep::Kind::kSentencePiece;
    step.blob = std::move(in_.precompiled_charsmap);
    step.add_dummy_prefix = in_.add_space_prefix.value_or(true);
    step.remove_extra_whitespaces = in_.remove_extra_whitespaces.value_or(false);
    step.escape_whitespaces = true;
    decode_metaspace(step.add_dummy_prefix);
    spec_.normalizer.push_back(std::move(step));
  }

  void word_piece() {
    Defaults defaults;
    defaults.bos = 101;
    defaults.unk = 100;
    defaults.sep = 102;
    defaults.pad = 0;
    defaults.add_bos = true;
    special_ids(defaults);
    if (in_.bos == kNoToken && spec_.cls != kNoToken) spec_.bos = spec_.cls;
    spec_.prefix.clear();
    spec_.suffix.clear();
    if (in_.add_bos.value_or(true) && spec_.bos != kNoToken) spec_.prefix = {spec_.bos};
    if (in_.add_sep.value_or(true) && spec_.sep != kNoToken) spec_.suffix = {spec_.sep};
    spec_.algorithm = TokenAlgorithm::kWordPiece;
    spec_.word_start_prefix = kMetaspace;
    NormalizerStep normalizer;
    normalizer.kind = NormalizerStep::Kind::kBert;
    normalizer.clean_text = true;
    normalizer.split_cjk = true;
    normalizer.lowercase = in_.lowercase.value_or(true);
    normalizer.strip_accents = in_.strip_accents.value_or(normalizer.lowercase);
    spec_.normalizer = {normalizer};
    PreTokenizerStep words;
    words.kind = PreTokenizerStep::Kind::kBert;
    spec_.pre_tokenizer = {words};
    DecoderStep decoder = decoder_step(DecoderStep::Kind::kWordStart);
    decoder.pattern = kMetaspace;
    decoder.cleanup = true;
    spec_.decoder = {decoder};
  }

  Result<void> bpe() {
    std::string name = in_.pre.empty() ? "default" : in_.pre;
    if (in_.model != "gpt2") name = in_.model;
    if (in_.pre.empty() && in_.model == "gpt2") {
      spec_.notes.push_back("tokenizer.ggml.pre is missing: text may be cut in other places than in training");
    }
    NamedPreTokenizer named = ONDOL_TRY(find_named_pre_tokenizer(name).in("tokenizer.ggml.pre"));
    Defaults defaults;
    defaults.add_bos = named.adds_bos;
    special_ids(defaults);
    // Gemma 4's files say add_bos_token = false, but the model needs it.
    if (name == "gemma4" && spec_.bos != kNoToken) spec_.prefix = {spec_.bos};
    spec_.normalizer = std::move(named.normalizer);
    spec_.pre_tokenizer = std::move(named.steps);
    spec_.ignore_merges = named.ignore_merges;
    if (named.on_characters) {
      spec_.algorithm = TokenAlgorithm::kBpeCharacters;
      spec_.byte_fallback = true;
      spec_.fuse_unknown = true;
      spec_.whole_newline_runs = true;
      for (VocabularyEntry& entry : spec_.vocabulary) {
        const bool byte = entry.text.size() == 6 && entry.text.starts_with("<0x") && entry.text.back() == '>';
        if (byte && entry.type == TokenType::kNormal) entry.type = TokenType::kByte;
      }
      decode_metaspace(false);
    } else {
      spec_.algorithm = TokenAlgorithm::kBpeBytes;
      spec_.decoder = {decoder_step(DecoderStep::Kind::kByteLevel)};
    }
    for (const std::string& merge : in_.merges) {
      // The left part has at least one byte, which may be a space where merges run on characters.
      const size_t space = merge.find(' ', 1);
      if (space == std::string::npos || space + 1 == merge.size()) {
        return Error(fmt::format("tokenizer.ggml.merges: expected 'left right', got '{}'", merge));
      }
      spec_.merges.push_back({merge.substr(0, space), merge.substr(space + 1)});
    }
    if (spec_.merges.empty()) return Error("tokenizer.ggml.merges: there are none");
    return {};
  }

  void added_tokens() {
    std::string name = in_.model_name;
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const bool phi3 = name.find("phi-3") != std::string::npos || name.find("phi3") != std::string::npos;
    const bool mask_takes_space =
        in_.pre.find("jina-v2-") != std::string::npos || name.find("modern-bert") != std::string::npos;
    for (size_t i = 0; i < spec_.vocabulary.size(); ++i) {
      const VocabularyEntry& entry = spec_.vocabulary[i];
      const bool user_defined = entry.type == TokenType::kUserDefined;
      const bool special = entry.type == TokenType::kControl || entry.type == TokenType::kUnknown;
      if ((!special && !user_defined) || entry.text.empty()) continue;
      AddedToken token;
      token.id = static_cast<TokenId>(i);
      token.content = entry.text;
      token.special = special;
      token.rstrip = phi3 && entry.text != "<unk>" && entry.text != "<s>" && entry.text != "<|endoftext|>";
      token.lstrip = mask_takes_space && (entry.text == "<mask>" || entry.text == "[MASK]");
      spec_.added_tokens.push_back(std::move(token));
    }
  }

  GgufVocabulary in_;
  TokenizerSpec spec_;
};

}  // namespace

Result<TokenizerSpec> make_tokenizer_spec(GgufVocabulary vocabulary) {
  return Builder(std::move(vocabulary)).run().in("tokenizer");
}

}  // namespace ondol
