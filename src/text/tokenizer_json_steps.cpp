#include "text/tokenizer_json_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>

namespace ondol {
namespace {

constexpr std::string_view kMetaspace = "\xE2\x96\x81";
constexpr size_t kMaxSteps = 64;

using Normal = NormalizerStep::Kind;
using Pre = PreTokenizerStep::Kind;
using Decode = DecoderStep::Kind;
using Behavior = PreTokenizerStep::Behavior;

std::string type_of(const json::value& value) {
  return string_or(value, "type", "");
}

/// {"String": "..."} or {"Regex": "..."}
struct Pattern {
  std::string text;
  bool is_regex = false;
};

Result<Pattern> read_pattern(const json::value& owner) {
  const json::value* pattern = find_member(owner, "pattern");
  if (pattern != nullptr) {
    if (pattern->is_string()) return Pattern{std::string(pattern->get_string()), false};
    for (const bool is_regex : {false, true}) {
      const json::value* text = find_member(*pattern, is_regex ? "Regex" : "String");
      if (text != nullptr && text->is_string()) return Pattern{std::string(text->get_string()), is_regex};
    }
  }
  return Error(fmt::format("{}: expected a pattern with String or Regex", type_of(owner)));
}

/// Calls `read` for each member of the list `key` of a Sequence.
template <typename Read>
Result<void> read_sequence(const json::value& value, const char* key, TokenizerSpec& spec, Read read) {
  const json::value* list = find_member(value, key);
  if (list == nullptr || !list->is_array()) return Error(fmt::format("Sequence: expected a list '{}'", key));
  if (list->get_array().size() > kMaxSteps) return Error(fmt::format("Sequence: more than {} steps", kMaxSteps));
  for (const json::value& member : list->get_array()) ONDOL_TRY(read(member, spec));
  return {};
}

template <typename Steps>
Result<void> limit(const Steps& steps) {
  if (steps.size() > kMaxSteps) return Error(fmt::format("more than {} steps", kMaxSteps));
  return {};
}

Result<std::string> decode_base64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : text) {
    uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      digit = c == '+' ? 62 : 63;
    } else if (c == '=' || c == '\n') {
      continue;
    } else {
      return Error("precompiled_charsmap: not base64");
    }
    bits = (bits << 6) | digit;
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    out.push_back(static_cast<char>((bits >> n_bits) & 0xFF));
  }
  return out;
}

Result<NormalizerStep> normalizer_step(const json::value& value, const std::string& type) {
  NormalizerStep step;
  if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD") {
    step.form = type == "NFC"    ? NormalizerStep::Form::kNfc
                : type == "NFD"  ? NormalizerStep::Form::kNfd
                : type == "NFKC" ? NormalizerStep::Form::kNfkc
                                 : NormalizerStep::Form::kNfkd;
  } else if (type == "Lowercase") {
    step.kind = Normal::kLowercase;
  } else if (type == "StripAccents") {
    step.kind = Normal::kStripAccents;
  } else if (type == "Replace") {
    Pattern pattern = ONDOL_TRY(read_pattern(value));
    step.kind = Normal::kReplace;
    step.pattern = std::move(pattern.text);
    step.is_regex = pattern.is_regex;
    step.content = string_or(value, "content", "");
  } else if (type == "Prepend") {
    step.kind = Normal::kPrepend;
    step.content = string_or(value, "prepend", "");
  } else if (type == "Strip" || type == "StripNormalizer") {
    step.kind = Normal::kStrip;
    step.left = bool_or(value, "strip_left", true);
    step.right = bool_or(value, "strip_right", true);
  } else if (type == "BertNormalizer") {
    step.kind = Normal::kBert;
    step.clean_text = bool_or(value, "clean_text", true);
    step.split_cjk = bool_or(value, "handle_chinese_chars", true);
    step.lowercase = bool_or(value, "lowercase", true);
    step.strip_accents = bool_or(value, "strip_accents", step.lowercase);
  } else if (type == "Nmt") {
    step.kind = Normal::kNmt;
  } else if (type == "Precompiled") {
    step.kind = Normal::kCharsmap;
    step.blob = ONDOL_TRY(decode_base64(string_or(value, "precompiled_charsmap", "")));
  } else if (type == "ByteLevel") {
    step.kind = Normal::kByteLevel;
  } else {
    return Error(fmt::format("type '{}' is not known", type));
  }
  return step;
}

Result<Behavior> behavior_of(const json::value& value, Behavior fallback) {
  const std::string name = string_or(value, "behavior", "");
  if (name.empty()) return fallback;
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "MergedWithPrevious") return Behavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::kMergedWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  return Error(fmt::format("behavior '{}' is not known", name));
}

/// always, first or never; older files say add_prefix_space.
std::string prepend_scheme(const json::value& value) {
  const std::string given = string_or(value, "prepend_scheme", "");
  if (!given.empty()) return given;
  return bool_or(value, "add_prefix_space", true) ? "always" : "never";
}

Result<PreTokenizerStep> pre_tokenizer_step(const json::value& value, const std::string& type) {
  PreTokenizerStep step;
  if (type == "Split") {
    Pattern pattern = ONDOL_TRY(read_pattern(value));
    step.kind = Pre::kSplit;
    step.pattern = std::move(pattern.text);
    step.is_regex = pattern.is_regex;
    step.behavior = ONDOL_TRY(behavior_of(value, Behavior::kIsolated));
    step.invert = bool_or(value, "invert", false);
  } else if (type == "CharDelimiterSplit") {
    step.kind = Pre::kSplit;
    step.pattern = string_or(value, "delimiter", " ");
    step.behavior = Behavior::kRemoved;
  } else if (type == "ByteLevel") {
    step.kind = Pre::kByteLevel;
    step.add_prefix_space = bool_or(value, "add_prefix_space", true);
    step.use_regex = bool_or(value, "use_regex", true);
  } else if (type == "Metaspace") {
    const std::string scheme = prepend_scheme(value);
    step.kind = Pre::kMetaspace;
    step.content = string_or(value, "replacement", kMetaspace);
    step.prepend = scheme == "always"  ? PreTokenizerStep::Prepend::kAlways
                   : scheme == "first" ? PreTokenizerStep::Prepend::kFirst
                                       : PreTokenizerStep::Prepend::kNever;
    step.split = bool_or(value, "split", true);
  } else if (type == "Digits") {
    step.kind = Pre::kDigits;
    step.behavior = bool_or(value, "individual_digits", false) ? Behavior::kIsolated : Behavior::kContiguous;
  } else if (type == "Punctuation") {
    step.kind = Pre::kPunctuation;
    step.behavior = ONDOL_TRY(behavior_of(value, Behavior::kIsolated));
  } else if (type == "Whitespace") {
    step.kind = Pre::kWhitespace;
  } else if (type == "WhitespaceSplit") {
    step.kind = Pre::kWhitespaceSplit;
  } else if (type == "BertPreTokenizer") {
    step.kind = Pre::kBert;
  } else if (type == "FixedLength") {
    step.kind = Pre::kFixedLength;
    step.length = static_cast<int>(std::clamp<int64_t>(int_or(value, "length", 5), 0, INT_MAX));
  } else {
    return Error(fmt::format("type '{}' is not known", type));
  }
  return step;
}

Result<DecoderStep> decoder_step(const json::value& value, const std::string& type) {
  DecoderStep step;
  if (type == "ByteLevel") {
    step.kind = Decode::kByteLevel;
  } else if (type == "ByteFallback") {
    step.kind = Decode::kByteFallback;
  } else if (type == "Fuse") {
    step.kind = Decode::kFuse;
  } else if (type == "Replace") {
    Pattern pattern = ONDOL_TRY(read_pattern(value));
    if (pattern.is_regex) return Error("Replace: expected a String pattern, got a Regex");
    step.kind = Decode::kReplace;
    step.pattern = std::move(pattern.text);
    step.content = string_or(value, "content", "");
  } else if (type == "Strip") {
    step.kind = Decode::kStrip;
    step.content = string_or(value, "content", " ");
    step.left = static_cast<int>(std::clamp<int64_t>(int_or(value, "start", 0), 0, 1 << 16));
    step.right = static_cast<int>(std::clamp<int64_t>(int_or(value, "stop", 0), 0, 1 << 16));
  } else if (type == "Metaspace") {
    step.kind = Decode::kMetaspace;
    step.pattern = string_or(value, "replacement", kMetaspace);
    step.trim_first = prepend_scheme(value) != "never";
  } else if (type == "WordPiece") {
    step.kind = Decode::kWordPiece;
    step.pattern = string_or(value, "prefix", "##");
    step.cleanup = bool_or(value, "cleanup", true);
  } else if (type == "BPEDecoder") {
    step.kind = Decode::kSuffix;
    step.pattern = string_or(value, "suffix", "</w>");
  } else {
    return Error(fmt::format("type '{}' is not known", type));
  }
  return step;
}

/// An id below the size of the vocabulary.
Result<TokenId> id_of(const json::value& value, const TokenizerSpec& spec) {
  const auto n = static_cast<int64_t>(spec.vocabulary.size());
  if (!value.is_int64() || value.get_int64() < 0 || value.get_int64() >= n) {
    return Error(fmt::format("expected an id below {}", n));
  }
  return static_cast<TokenId>(value.get_int64());
}

/// ["[SEP]", 102]
Result<TokenId> named_id(const json::value& owner, const char* key, const TokenizerSpec& spec) {
  const json::value* pair = find_member(owner, key);
  if (pair == nullptr || !pair->is_array() || pair->get_array().size() != 2) {
    return Error(fmt::format("{}: expected '{}' to be a text and an id", type_of(owner), key));
  }
  return id_of(pair->get_array()[1], spec).in(type_of(owner));
}

Result<void> read_template(const json::value& value, TokenizerSpec& spec) {
  const json::value* single = find_member(value, "single");
  const json::value* special = find_member(value, "special_tokens");
  if (single == nullptr || !single->is_array() || special == nullptr) {
    return Error("TemplateProcessing: expected 'single' and 'special_tokens'");
  }
  bool before = true;
  std::vector<TokenId> suffix;
  for (const json::value& part : single->get_array()) {
    const json::value* token = find_member(part, "SpecialToken");
    if (token == nullptr) {
      before = false;
      continue;
    }
    const json::value* known = find_member(*special, string_or(*token, "id", ""));
    const json::value* ids = known == nullptr ? nullptr : find_member(*known, "ids");
    if (ids == nullptr || !ids->is_array()) return Error("TemplateProcessing: a special token has no ids");
    for (const json::value& id : ids->get_array()) {
      const TokenId checked = ONDOL_TRY(id_of(id, spec).in("TemplateProcessing"));
      (before ? spec.prefix : suffix).push_back(checked);
    }
  }
  spec.suffix.insert(spec.suffix.begin(), suffix.begin(), suffix.end());
  return limit(spec.prefix);
}

}  // namespace

Result<void> read_json_normalizer(const json::value& value, TokenizerSpec& spec) {
  if (value.is_null()) return {};
  const std::string type = type_of(value);
  if (type == "Sequence") return read_sequence(value, "normalizers", spec, read_json_normalizer);
  spec.normalizer.push_back(ONDOL_TRY(normalizer_step(value, type).in("normalizer")));
  return limit(spec.normalizer).in("normalizer");
}

Result<void> read_json_pre_tokenizer(const json::value& value, TokenizerSpec& spec) {
  if (value.is_null()) return {};
  const std::string type = type_of(value);
  if (type == "Sequence") return read_sequence(value, "pretokenizers", spec, read_json_pre_tokenizer);
  spec.pre_tokenizer.push_back(ONDOL_TRY(pre_tokenizer_step(value, type).in("pre_tokenizer")));
  return limit(spec.pre_tokenizer).in("pre_tokenizer");
}

Result<void> read_json_decoder(const json::value& value, TokenizerSpec& spec) {
  if (value.is_null()) return {};
  const std::string type = type_of(value);
  if (type == "Sequence") return read_sequence(value, "decoders", spec, read_json_decoder);
  spec.decoder.push_back(ONDOL_TRY(decoder_step(value, type).in("decoder")));
  return limit(spec.decoder).in("decoder");
}

Result<void> read_json_post_processor(const json::value& value, TokenizerSpec& spec) {
  if (value.is_null()) return {};
  const std::string type = type_of(value);
  if (type == "Sequence") return read_sequence(value, "processors", spec, read_json_post_processor);
  if (type == "ByteLevel") return {};  // concerns offsets only
  if (type == "TemplateProcessing") return read_template(value, spec).in("post_processor");
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    spec.prefix.insert(spec.prefix.begin(), ONDOL_TRY(named_id(value, "cls", spec).in("post_processor")));
    spec.suffix.push_back(ONDOL_TRY(named_id(value, "sep", spec).in("post_processor")));
    return limit(spec.prefix);
  }
  return Error(fmt::format("post_processor: type '{}' is not known", type));
}

}  // namespace ondol
