#include "text/tokenizer_json_steps_writer.h"

namespace ondol {
namespace {

constexpr std::string_view kMetaspace = "\xE2\x96\x81";

using Normal = NormalizerStep::Kind;
using Pre = PreTokenizerStep::Kind;
using Decode = DecoderStep::Kind;

json::object pattern_json(const std::string& text, bool is_regex) {
  return {{is_regex ? "Regex" : "String", text}};
}

json::object replace_json(const std::string& pattern, bool is_regex, std::string_view content) {
  return {{"type", "Replace"}, {"pattern", pattern_json(pattern, is_regex)}, {"content", json::string(content)}};
}

/// One step as it is, several as a Sequence.
json::value sequence(json::array steps, const char* key) {
  if (steps.empty()) return nullptr;
  if (steps.size() == 1) return steps.front();
  return json::object{{"type", "Sequence"}, {key, std::move(steps)}};
}

std::string encode_base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) {
      bits = (bits << 8) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      const bool is_there = i + j <= bytes.size();
      text += is_there ? kDigits[(bits >> (18 - 6 * j)) & 63] : '=';
    }
  }
  return text;
}

const char* form_name(NormalizerStep::Form form) {
  switch (form) {
    case NormalizerStep::Form::kNfd:
      return "NFD";
    case NormalizerStep::Form::kNfkc:
      return "NFKC";
    case NormalizerStep::Form::kNfkd:
      return "NFKD";
    default:
      return "NFC";
  }
}

/// SentencePiece's own normaliser in steps. A Metaspace pre-tokeniser (below) does the rest for Unigram models.
void add_sentencepiece(const NormalizerStep& step, bool is_unigram, json::array& steps) {
  if (!step.blob.empty()) {
    steps.push_back(json::object{{"type", "Precompiled"}, {"precompiled_charsmap", encode_base64(step.blob)}});
  }
  if (step.remove_extra_whitespaces) {
    steps.push_back(json::object{{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}});
    steps.push_back(replace_json(" {2,}", true, " "));
  }
  if (is_unigram) return;
  if (step.add_dummy_prefix) steps.push_back(json::object{{"type", "Prepend"}, {"prepend", json::string(kMetaspace)}});
  if (step.escape_whitespaces) steps.push_back(replace_json(" ", false, kMetaspace));
}

json::object bert_json(const NormalizerStep& step) {
  return {{"type", "BertNormalizer"},
          {"clean_text", step.clean_text},
          {"handle_chinese_chars", step.split_cjk},
          {"strip_accents", step.strip_accents},
          {"lowercase", step.lowercase}};
}

const char* behavior_name(PreTokenizerStep::Behavior behavior) {
  using Behavior = PreTokenizerStep::Behavior;
  switch (behavior) {
    case Behavior::kRemoved:
      return "Removed";
    case Behavior::kMergedWithPrevious:
      return "MergedWithPrevious";
    case Behavior::kMergedWithNext:
      return "MergedWithNext";
    case Behavior::kContiguous:
      return "Contiguous";
    default:
      return "Isolated";
  }
}

json::object metaspace_json(std::string_view replacement, const char* scheme, bool split) {
  return {
      {"type", "Metaspace"}, {"replacement", json::string(replacement)}, {"prepend_scheme", scheme}, {"split", split}};
}

json::object pre_tokenizer_step(const PreTokenizerStep& step) {
  using Prepend = PreTokenizerStep::Prepend;
  switch (step.kind) {
    case Pre::kSplit:
      return {{"type", "Split"},
              {"pattern", pattern_json(step.pattern, step.is_regex)},
              {"behavior", behavior_name(step.behavior)},
              {"invert", step.invert}};
    case Pre::kByteLevel:
      return {{"type", "ByteLevel"},
              {"add_prefix_space", step.add_prefix_space},
              {"trim_offsets", true},
              {"use_regex", step.use_regex}};
    case Pre::kMetaspace:
      return metaspace_json(step.content,
                            step.prepend == Prepend::kAlways  ? "always"
                            : step.prepend == Prepend::kFirst ? "first"
                                                              : "never",
                            step.split);
    case Pre::kDigits:
      return {{"type", "Digits"}, {"individual_digits", step.behavior == PreTokenizerStep::Behavior::kIsolated}};
    case Pre::kPunctuation:
      return {{"type", "Punctuation"}, {"behavior", behavior_name(step.behavior)}};
    case Pre::kWhitespace:
      return {{"type", "Whitespace"}};
    case Pre::kWhitespaceSplit:
      return {{"type", "WhitespaceSplit"}};
    case Pre::kBert:
      return {{"type", "BertPreTokenizer"}};
    case Pre::kFixedLength:
      break;
  }
  return {{"type", "FixedLength"}, {"length", step.length}};
}

json::object decoder_step(const DecoderStep& step) {
  switch (step.kind) {
    case Decode::kByteLevel:
      return {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
    case Decode::kByteFallback:
      return {{"type", "ByteFallback"}};
    case Decode::kFuse:
      return {{"type", "Fuse"}};
    case Decode::kReplace:
      return replace_json(step.pattern, false, step.content);
    case Decode::kStrip:
      return {{"type", "Strip"}, {"content", step.content}, {"start", step.left}, {"stop", step.right}};
    case Decode::kMetaspace:
      return metaspace_json(step.pattern, step.trim_first ? "always" : "never", true);
    case Decode::kWordPiece:
      return {{"type", "WordPiece"}, {"prefix", step.pattern}, {"cleanup", step.cleanup}};
    case Decode::kWordStart:
      return {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", step.cleanup}};
    case Decode::kSuffix:
      break;
  }
  return {{"type", "BPEDecoder"}, {"suffix", step.pattern}};
}

const NormalizerStep* sentencepiece_step(const TokenizerSpec& spec) {
  for (const NormalizerStep& step : spec.normalizer) {
    if (step.kind == Normal::kSentencePiece) return &step;
  }
  return nullptr;
}

}  // namespace

Result<json::value> normalizer_json(const TokenizerSpec& spec) {
  json::array steps;
  for (const NormalizerStep& step : spec.normalizer) {
    switch (step.kind) {
      case Normal::kUnicodeForm:
        steps.push_back(json::object{{"type", form_name(step.form)}});
        break;
      case Normal::kLowercase:
        steps.push_back(json::object{{"type", "Lowercase"}});
        break;
      case Normal::kStripAccents:
        steps.push_back(json::object{{"type", "StripAccents"}});
        break;
      case Normal::kReplace:
        steps.push_back(replace_json(step.pattern, step.is_regex, step.content));
        break;
      case Normal::kPrepend:
        steps.push_back(json::object{{"type", "Prepend"}, {"prepend", step.content}});
        break;
      case Normal::kStrip:
        steps.push_back(json::object{{"type", "Strip"}, {"strip_left", step.left}, {"strip_right", step.right}});
        break;
      case Normal::kBert:
        steps.push_back(bert_json(step));
        break;
      case Normal::kNmt:
        steps.push_back(json::object{{"type", "Nmt"}});
        break;
      case Normal::kCharsmap:
        steps.push_back(json::object{{"type", "Precompiled"}, {"precompiled_charsmap", encode_base64(step.blob)}});
        break;
      case Normal::kSentencePiece:
        if (step.whitespace_as_suffix) return Error("tokenizer.json cannot put the marks of spaces behind words");
        add_sentencepiece(step, spec.algorithm == TokenAlgorithm::kUnigram, steps);
        break;
      case Normal::kByteLevel:
        steps.push_back(json::object{{"type", "ByteLevel"}});
        break;
    }
  }
  return sequence(std::move(steps), "normalizers");
}

Result<json::value> pre_tokenizer_json(const TokenizerSpec& spec) {
  json::array steps;
  const NormalizerStep* sentencepiece = sentencepiece_step(spec);
  if (spec.algorithm == TokenAlgorithm::kUnigram && sentencepiece != nullptr && sentencepiece->escape_whitespaces) {
    steps.push_back(metaspace_json(kMetaspace, sentencepiece->add_dummy_prefix ? "always" : "never", true));
  }
  for (const PreTokenizerStep& step : spec.pre_tokenizer) steps.push_back(pre_tokenizer_step(step));
  return sequence(std::move(steps), "pretokenizers");
}

Result<json::value> decoder_json(const TokenizerSpec& spec) {
  json::array steps;
  for (const DecoderStep& step : spec.decoder) steps.push_back(decoder_step(step));
  return sequence(std::move(steps), "decoders");
}

}  // namespace ondol
