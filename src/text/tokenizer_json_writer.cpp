#include "text/tokenizer_json_writer.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "base/json.h"
#include "text/tokenizer_json_steps_writer.h"
#include "text/unicode.h"

namespace ondol {
namespace {

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

class Writer {
 public:
  explicit Writer(const TokenizerSpec& spec) : spec_(spec) {
    for (const VocabularyEntry& entry : spec.vocabulary) texts_.push_back(text_of(entry));
  }

  Result<std::string> run() {
    json::object root;
    root["version"] = "1.0";
    root["truncation"] = nullptr;
    root["padding"] = nullptr;
    root["added_tokens"] = added_tokens();
    root["normalizer"] = ONDOL_TRY(normalizer_json(spec_));
    root["pre_tokenizer"] = ONDOL_TRY(pre_tokenizer_json(spec_));
    root["post_processor"] = post_processor();
    root["decoder"] = ONDOL_TRY(decoder_json(spec_));
    root["model"] = model();
    return json::serialize(root);
  }

 private:
  /// A vocabulary that marks the starts of words is turned round: continuations get "##".
  std::string text_of(const VocabularyEntry& entry) const {
    const std::string& start = spec_.word_start_prefix;
    if (start.empty() || entry.type != TokenType::kNormal) return entry.text;
    return entry.text.starts_with(start) ? entry.text.substr(start.size()) : "##" + entry.text;
  }

  /// SentencePiece keeps user-defined pieces whole by itself; here they have to be added tokens.
  std::vector<AddedToken> with_user_defined() const {
    std::vector<AddedToken> tokens = spec_.added_tokens;
    std::unordered_set<TokenId> listed;
    for (const AddedToken& token : tokens) listed.insert(token.id);
    for (size_t i = 0; i < spec_.vocabulary.size(); ++i) {
      const VocabularyEntry& entry = spec_.vocabulary[i];
      const auto id = static_cast<TokenId>(i);
      if (entry.type != TokenType::kUserDefined || entry.text.empty() || listed.contains(id)) continue;
      AddedToken token;
      token.id = id;
      token.content = entry.text;
      tokens.push_back(std::move(token));
    }
    return tokens;
  }

  json::array added_tokens() const {
    json::array tokens;
    for (const AddedToken& token : with_user_defined()) {
      tokens.push_back(json::object{{"id", token.id},
                                    {"content", token.content},
                                    {"single_word", token.single_word},
                                    {"lstrip", token.lstrip},
                                    {"rstrip", token.rstrip},
                                    {"normalized", token.normalized},
                                    {"special", token.special}});
    }
    return tokens;
  }

  json::value model() const {
    switch (spec_.algorithm) {
      case TokenAlgorithm::kUnigram:
        return unigram();
      case TokenAlgorithm::kWordPiece:
        return word_piece();
      case TokenAlgorithm::kBpeScores:
        return bpe(merges_from_scores());
      default:
        break;
    }
    return bpe(spec_.merges);
  }

  /// The texts and ids that the algorithm knows. Texts that occur twice belong to the first of their ids.
  json::object vocabulary() const {
    json::object entries;
    for (size_t id = 0; id < texts_.size(); ++id) {
      if (texts_[id].empty() || spec_.vocabulary[id].type == TokenType::kUnused) continue;
      entries.emplace(texts_[id], static_cast<int64_t>(id));
    }
    // Added tokens need their ids here, or the library would hand out new ones.
    for (const AddedToken& token : spec_.added_tokens) entries.emplace(token.content, token.id);
    return entries;
  }

  std::string unknown() const { return spec_.unk == kNoToken ? "" : texts_[static_cast<size_t>(spec_.unk)]; }

  json::object bpe(const std::vector<TokenMerge>& merges) const {
    json::array pairs;
    pairs.reserve(merges.size());
    for (const TokenMerge& merge : merges) pairs.push_back(json::array{merge.left, merge.right});
    return {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", text_or_null(unknown())},
            {"continuing_subword_prefix", text_or_null(spec_.continuing_prefix)},
            {"end_of_word_suffix", text_or_null(spec_.end_of_word_suffix)},
            {"fuse_unk", spec_.fuse_unknown},
            {"byte_fallback", spec_.byte_fallback},
            {"ignore_merges", spec_.ignore_merges},
            {"vocab", vocabulary()},
            {"merges", std::move(pairs)}};
  }

  /// Every way to put a token together from two others, best score first; of one token, by the ids of its parts.
  std::vector<TokenMerge> merges_from_scores() const {
    std::unordered_map<std::string_view, TokenId> ids;
    for (size_t id = 0; id < texts_.size(); ++id) {
      const TokenType type = spec_.vocabulary[id].type;
      if (type == TokenType::kNormal || type == TokenType::kUserDefined) {
        ids.try_emplace(texts_[id], static_cast<TokenId>(id));
      }
    }
    struct Candidate {
      double score;
      TokenId id, left, right;
    };
    std::vector<Candidate> candidates;
    for (const auto& [text, id] : ids) {
      for (size_t cut = 1; cut < text.size(); ++cut) {
        if ((static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) continue;  // inside a character
        const auto left = ids.find(text.substr(0, cut));
        const auto right = ids.find(text.substr(cut));
        if (left == ids.end() || right == ids.end()) continue;
        candidates.push_back({spec_.vocabulary[static_cast<size_t>(id)].score, id, left->second, right->second});
      }
    }
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      return std::tuple(-a.score, a.id, a.left, a.right) < std::tuple(-b.score, b.id, b.left, b.right);
    });
    std::vector<TokenMerge> merges;
    merges.reserve(candidates.size());
    for (const Candidate& candidate : candidates) {
      merges.push_back({texts_[static_cast<size_t>(candidate.left)], texts_[static_cast<size_t>(candidate.right)]});
    }
    return merges;
  }

  json::object unigram() const {
    json::array pieces;
    pieces.reserve(texts_.size());
    for (size_t id = 0; id < texts_.size(); ++id) {
      pieces.push_back(json::array{texts_[id], spec_.vocabulary[id].score});
    }
    return {{"type", "Unigram"},
            {"unk_id", spec_.unk == kNoToken ? json::value(nullptr) : json::value(spec_.unk)},
            {"vocab", std::move(pieces)},
            {"byte_fallback", spec_.byte_fallback}};
  }

  json::object word_piece() const {
    const std::string& own = spec_.continuing_prefix;
    return {{"type", "WordPiece"},
            {"unk_token", unknown()},
            {"continuing_subword_prefix", own.empty() ? "##" : own},
            {"max_input_chars_per_word", spec_.max_word_characters > 0 ? spec_.max_word_characters : 100},
            {"vocab", vocabulary()}};
  }

  json::value post_processor() const {
    if (spec_.prefix.empty() && spec_.suffix.empty()) return nullptr;
    json::object special;
    const auto part = [&](TokenId id) {
      const std::string& text = texts_[static_cast<size_t>(id)];
      special[text] = json::object{{"id", text}, {"ids", json::array{id}}, {"tokens", json::array{text}}};
      return json::object{{"SpecialToken", {{"id", text}, {"type_id", 0}}}};
    };
    json::array single, pair;
    for (const TokenId id : spec_.prefix) single.push_back(part(id));
    single.push_back(json::object{{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
    for (const TokenId id : spec_.suffix) single.push_back(part(id));
    pair = single;
    pair.push_back(json::object{{"Sequence", {{"id", "B"}, {"type_id", 1}}}});
    for (const TokenId id : spec_.suffix) pair.push_back(part(id));
    return json::object{{"type", "TemplateProcessing"},
                        {"single", std::move(single)},
                        {"pair", std::move(pair)},
                        {"special_tokens", std::move(special)}};
  }

  const TokenizerSpec& spec_;
  std::vector<std::string> texts_;
};

}  // namespace

Result<std::string> write_tokenizer_json(const TokenizerSpec& spec) {
  for (const VocabularyEntry& entry : spec.vocabulary) {
    if (!is_valid_utf8(entry.text)) return Error("tokenizer: a token is not valid UTF-8, which JSON cannot hold");
  }
  return Writer(spec).run();
}

std::string write_tokenizer_config(const TokenizerSpec& spec, std::string_view chat_template) {
  json::object config;
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  const std::pair<const char*, TokenId> names[] = {
      {"bos_token", spec.bos}, {"eos_token", spec.eos}, {"unk_token", spec.unk},  {"sep_token", spec.sep},
      {"cls_token", spec.cls}, {"pad_token", spec.pad}, {"mask_token", spec.mask}};
  for (const auto& [name, id] : names) {
    if (id != kNoToken) config[name] = spec.vocabulary[static_cast<size_t>(id)].text;
  }
  config["clean_up_tokenization_spaces"] = false;
  config["model_input_names"] = json::array{"input_ids", "attention_mask"};
  if (!chat_template.empty()) config["chat_template"] = json::string(chat_template);
  return json::serialize(config);
}

}  // namespace ondol
