#include "text/gguf_vocabulary_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "text/named_pre_tokenizers.h"
#include "text/pre_tokenizer.h"

namespace ondol {
namespace {

constexpr std::string_view kMetaspace = "\xE2\x96\x81";

// Each shows a difference between some pre-tokenisers: runs of digits, contractions in both cases, capitals inside
// words, spaces before and after newlines, symbols with newlines and slashes, marks, scripts without spaces, beside
// others too.
constexpr std::string_view kProbes[] = {
    "Hello world 12345 3.14159 2024-01-15",
    "I'm you're WE'VE they'LL she'd 'tis IT'S",
    "camelCase HTTPServer getXMLHttp iPhone",
    "  two  three   spaces\tand\ttabs ",
    "line\n\nline \n  indented\r\n\r\nend\n",
    "a/b//c ... !!! ?!\n --> (x)[y]{z} $100 50% #tag @me _under_score",
    "\xC3\xA9t\xC3\xA9 na\xC3\xAFve Stra\xC3\x9F"
    "e \xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82 \xCE\xB1\xCE\xB2\xCE\xB3",
    "\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7\x95\x8C 123 \xED\x95\x9C\xEA\xB5\xAD\xEC\x96\xB4 "
    "\xE3\x81\x93\xE3\x82\x93\xE3\x81\xAB\xE3\x81\xA1\xE3\x81\xAF",
    "\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\xA8\xE0\xA5\x8D\xE0\xA4\xA6\xE0\xA5\x80 "
    "\xD8\xA7\xD9\x84\xD8\xB9\xD8\xB1\xD8\xA8\xD9\x8A\xD8\xA9 \xE0\xB9\x84\xE0\xB8\x97\xE0\xB8\xA2",
    "e\xCC\x81 \xF0\x9F\x98\x80\xF0\x9F\x91\x8D \xE2\x80\x94\xE2\x80\xA6 \xEF\xBC\x81 \xC2\xA0x \xC2\xBD \xE2\x85\xA7",
    "abc\xE6\xBC\xA2\xE5\xAD\x97\xE3\x81\xA8kanji\xED\x95\x9C\xE8\xAA\x9E",
    "for (int i=0;i<10;i++) {\n\treturn a->b[i];\n}\n",
    "1234567 12 345 6,789 0x1F 1st 2nd"};

/// The words that each probe is cut into.
std::vector<std::vector<std::string>> cut_probes(const PreTokenizer& pre_tokenizer) {
  std::vector<std::vector<std::string>> cuts;
  for (const std::string_view probe : kProbes) {
    std::string text(probe);
    std::vector<TextSpan> spans;
    pre_tokenizer.cut(text, true, spans);
    std::vector<std::string>& words = cuts.emplace_back();
    for (const TextSpan& span : spans) words.push_back(text.substr(span.begin, span.end - span.begin));
  }
  return cuts;
}

bool has_nfc(const std::vector<NormalizerStep>& steps) {
  return std::any_of(steps.begin(), steps.end(), [](const NormalizerStep& step) {
    return step.kind == NormalizerStep::Kind::kUnicodeForm && step.form == NormalizerStep::Form::kNfc;
  });
}

int32_t gguf_type(TokenType type) {
  switch (type) {
    case TokenType::kUnknown:
      return 2;
    case TokenType::kControl:
      return 3;
    case TokenType::kUserDefined:
      return 4;
    case TokenType::kUnused:
      return 5;
    case TokenType::kByte:
      return 6;
    default:
      return 1;
  }
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

class Writer {
 public:
  explicit Writer(const TokenizerSpec& spec) : spec_(spec) {}

  Result<GgufVocabularyWithNotes> run(int64_t n_rows) {
    if (n_rows > 0 && static_cast<int64_t>(spec_.vocabulary.size()) > n_rows) {
      return Error(
          fmt::format("the tokenizer has {} tokens, and the model rows for {}", spec_.vocabulary.size(), n_rows));
    }
    tokens();
    ids();
    switch (spec_.algorithm) {
      case TokenAlgorithm::kBpeBytes:
        ONDOL_TRY(bpe_bytes());
        break;
      case TokenAlgorithm::kBpeCharacters:
        if (!spec_.byte_fallback) return Error("GGUF has no byte-pair encoding of characters without byte fallback");
        scores_from_merges();
        sentencepiece();
        break;
      case TokenAlgorithm::kBpeScores:
        scores();
        sentencepiece();
        break;
      case TokenAlgorithm::kUnigram:
        scores();
        unigram();
        break;
      case TokenAlgorithm::kWordPiece:
        word_piece();
        break;
    }
    for (auto i = static_cast<int64_t>(out_.tokens.size()); i < n_rows; ++i) {
      out_.tokens.push_back(fmt::format("[PAD{}]", i));
      out_.token_types.push_back(5);
      if (!out_.scores.empty()) out_.scores.push_back(-10000.0f);
    }
    return GgufVocabularyWithNotes{std::move(out_), std::move(notes_)};
  }

 private:
  void tokens() {
    for (size_t i = 0; i < spec_.vocabulary.size(); ++i) {
      const VocabularyEntry& entry = spec_.vocabulary[i];
      out_.tokens.push_back(entry.text.empty() ? fmt::format("[PAD{}]", i) : entry.text);
      out_.token_types.push_back(entry.text.empty() ? 5 : gguf_type(entry.type));
    }
    for (const AddedToken& token : spec_.added_tokens) {
      int32_t& type = out_.token_types[static_cast<size_t>(token.id)];
      if (type != 2 && type != 6) type = token.special ? 3 : 4;
    }
    if (spec_.unk != kNoToken && spec_.algorithm != TokenAlgorithm::kBpeBytes) {
      out_.token_types[static_cast<size_t>(spec_.unk)] = 2;
    }
  }

  static bool contains(const std::vector<TokenId>& ids, TokenId id) {
    return id != kNoToken && std::find(ids.begin(), ids.end(), id) != ids.end();
  }

  void ids() {
    out_.bos = spec_.bos;
    out_.eos = spec_.eos;
    out_.unk = spec_.unk;
    out_.sep = spec_.sep;
    out_.cls = spec_.cls;
    out_.pad = spec_.pad;
    out_.mask = spec_.mask;
    out_.eot = spec_.eot;
    out_.eom = spec_.eom;
    for (const TokenId id : spec_.end_of_generation) {
      if (out_.eot == kNoToken && id != spec_.eos) out_.eot = id;
    }
    out_.add_bos = contains(spec_.prefix, spec_.bos);
    out_.add_eos = contains(spec_.suffix, spec_.eos);
  }

  Result<void> bpe_bytes() {
    out_.model = "gpt2";
    out_.pre = ONDOL_TRY(pre_tokenizer_name(spec_, notes_));
    for (const TokenMerge& merge : spec_.merges) out_.merges.push_back(merge.left + " " + merge.right);
    // Files need merges, though a vocabulary of single bytes has none.
    if (out_.merges.empty()) return Error("a GGUF file of this kind needs merges, and the tokenizer has none");
    return {};
  }

  void scores() {
    for (const VocabularyEntry& entry : spec_.vocabulary) out_.scores.push_back(static_cast<float>(entry.score));
  }

  /// What is merged earlier gets the better score. Every pair that gives a token has its own rank; the best counts.
  void scores_from_merges() {
    std::unordered_map<std::string, size_t> ranks;
    for (size_t rank = 0; rank < spec_.merges.size(); ++rank) {
      ranks.try_emplace(spec_.merges[rank].left + spec_.merges[rank].right, rank);
    }
    for (const VocabularyEntry& entry : spec_.vocabulary) {
      const auto found = ranks.find(entry.text);
      const size_t rank = found == ranks.end() ? spec_.merges.size() : found->second;
      out_.scores.push_back(-static_cast<float>(rank));
    }
  }

  bool prepends_space() const {
    for (const NormalizerStep& step : spec_.normalizer) {
      if (step.kind == NormalizerStep::Kind::kPrepend) return true;
      if (step.kind == NormalizerStep::Kind::kSentencePiece && step.add_dummy_prefix) return true;
    }
    return std::any_of(spec_.pre_tokenizer.begin(), spec_.pre_tokenizer.end(), [](const PreTokenizerStep& step) {
      return step.kind == PreTokenizerStep::Kind::kMetaspace && step.prepend != PreTokenizerStep::Prepend::kNever;
    });
  }

  void sentencepiece() {
    out_.model = "llama";
    out_.pre = "default";
    out_.add_space_prefix = prepends_space();
    for (size_t i = 0; i < out_.tokens.size(); ++i) {
      // Tokens that are looked for in the text itself are written as they appear there.
      if (out_.token_types[i] == 4) out_.tokens[i] = replaced(out_.tokens[i], kMetaspace, " ");
    }
  }

  void unigram() {
    out_.model = "t5";
    out_.pre = "default";
    out_.add_space_prefix = prepends_space();
    bool squeezes = false;
    for (const NormalizerStep& step : spec_.normalizer) {
      if (!step.blob.empty()) out_.precompiled_charsmap = step.blob;
      squeezes |= step.remove_extra_whitespaces || (step.kind == NormalizerStep::Kind::kReplace && step.is_regex);
    }
    for (const PreTokenizerStep& step : spec_.pre_tokenizer) {
      squeezes |= step.kind == PreTokenizerStep::Kind::kWhitespaceSplit;
    }
    out_.remove_extra_whitespaces = squeezes;
  }

  void word_piece() {
    out_.model = "bert";
    out_.pre = "default";
    const std::string& prefix = spec_.continuing_prefix;
    for (size_t i = 0; i < out_.tokens.size(); ++i) {
      std::string& text = out_.tokens[i];
      const bool plain = out_.token_types[i] == 1;
      if (!plain || !spec_.word_start_prefix.empty()) continue;
      const bool continues = !prefix.empty() && text.starts_with(prefix) && text.size() > prefix.size();
      text = continues ? text.substr(prefix.size()) : std::string(kMetaspace) + text;
    }
    if (out_.bos == kNoToken) out_.bos = spec_.cls;
    if (out_.eos == kNoToken) out_.eos = spec_.sep;
    out_.add_bos = !spec_.prefix.empty();
    out_.add_sep = !spec_.suffix.empty();
    out_.add_eos = std::nullopt;
    for (const NormalizerStep& step : spec_.normalizer) {
      if (step.kind != NormalizerStep::Kind::kBert) continue;
      out_.lowercase = step.lowercase;
      out_.strip_accents = step.strip_accents;
    }
  }

  const TokenizerSpec& spec_;
  GgufVocabulary out_;
  std::vector<std::string> notes_;
};

}  // namespace

Result<std::string> pre_tokenizer_name(const TokenizerSpec& spec, std::vector<std::string>& notes) {
  const bool as_bytes = spec.algorithm == TokenAlgorithm::kBpeBytes;
  const auto wanted = cut_probes(ONDOL_TRY(PreTokenizer::create(spec.pre_tokenizer, as_bytes)));
  const bool nfc = has_nfc(spec.normalizer);
  std::string_view best = "default";
  int best_score = -1;
  for (const std::string_view name : named_pre_tokenizers()) {
    const NamedPreTokenizer named = ONDOL_TRY(find_named_pre_tokenizer(name));
    if (named.on_characters == as_bytes) continue;
    const auto got = cut_probes(ONDOL_TRY(PreTokenizer::create(named.steps, as_bytes)));
    int score = 0;
    for (size_t i = 0; i < wanted.size(); ++i) score += wanted[i] == got[i] ? 4 : 0;
    // Among those that cut alike, the rest of what a name stands for decides.
    score += named.ignore_merges == spec.ignore_merges ? 2 : 0;
    score += has_nfc(named.normalizer) == nfc ? 1 : 0;
    if (score <= best_score) continue;
    best = name;
    best_score = score;
  }
  const int n_alike = best_score / 4;
  if (n_alike < static_cast<int>(wanted.size())) {
    notes.push_back(fmt::format(
        "no pre-tokeniser that GGUF has a name for cuts text as this model's does; the closest is '{}', which agrees "
        "on {} of {} texts",
        best, n_alike, wanted.size()));
  }
  return std::string(best);
}

Result<GgufVocabularyWithNotes> make_gguf_vocabulary(const TokenizerSpec& spec, int64_t n_rows) {
  return Writer(spec).run(n_rows);
}

}  // namespace ondol
