#include "text/hugging_face_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <unordered_set>

#include "base/json.h"
#include "text/string_index.h"

namespace ondol {
namespace {

// Vocabularies have holes, but not large ones: a file cannot make us allocate for ids that it does not fill.
constexpr int64_t kMaxHole = 1 << 20;

/// "text", or {"content": "text", ...}.
std::string token_content(const json::value* value) {
  if (value == nullptr) return {};
  if (value->is_string()) return std::string(value->get_string());
  return string_or(*value, "content", "");
}

class Config {
 public:
  explicit Config(TokenizerSpec& spec) : spec_(spec) {
    for (size_t i = 0; i < spec.added_tokens.size(); ++i) {
      by_id_.emplace(spec.added_tokens[i].id, i);
      contents_.insert(spec.added_tokens[i].content);
    }
  }

  Result<void> run(const HuggingFaceTexts& texts) {
    const json::value config = ONDOL_TRY(parse(texts.tokenizer_config).in("tokenizer_config.json"));
    const json::value map = ONDOL_TRY(parse(texts.special_tokens_map).in("special_tokens_map.json"));
    const json::value added = ONDOL_TRY(parse(texts.added_tokens).in("added_tokens.json"));
    const json::value generation = ONDOL_TRY(parse(texts.generation_config).in("generation_config.json"));
    ONDOL_TRY(added_tokens_decoder(config).in("tokenizer_config.json"));
    ONDOL_TRY(added_tokens_file(added).in("added_tokens.json"));
    index_texts();
    for (const json::value* source : {&config, &map}) special_tokens(*source);
    generation_ids(generation);
    surroundings(config);
    return {};
  }

 private:
  static Result<json::value> parse(const std::string& text) {
    return text.empty() ? Result<json::value>(json::value(json::object())) : parse_json(text);
  }

  Result<void> added_tokens_decoder(const json::value& config) {
    const json::value* decoder = find_member(config, "added_tokens_decoder");
    if (decoder == nullptr || !decoder->is_object()) return {};
    for (const auto& [key, value] : decoder->get_object()) {
      AddedToken token;
      const auto parsed = std::from_chars(key.data(), key.data() + key.size(), token.id);
      if (parsed.ec != std::errc() || parsed.ptr != key.data() + key.size() || token.id < 0) {
        return Error(fmt::format("added_tokens_decoder: expected an id, got '{}'", std::string_view(key)));
      }
      token.content = string_or(value, "content", "");
      token.special = bool_or(value, "special", false);
      token.normalized = bool_or(value, "normalized", false);
      token.lstrip = bool_or(value, "lstrip", false);
      token.rstrip = bool_or(value, "rstrip", false);
      token.single_word = bool_or(value, "single_word", false);
      ONDOL_TRY(add_if_missing(token));
    }
    return {};
  }

  Result<void> added_tokens_file(const json::value& added) {
    if (!added.is_object()) return Error("expected an object of texts and ids");
    for (const auto& [key, value] : added.get_object()) {
      if (!value.is_int64() || value.get_int64() < 0 || value.get_int64() > INT32_MAX) {
        return Error(fmt::format("'{}': expected an id", std::string_view(key)));
      }
      AddedToken token;
      token.id = static_cast<TokenId>(value.get_int64());
      token.content = std::string(key);
      ONDOL_TRY(add_if_missing(token));
    }
    return {};
  }

  Result<void> add_if_missing(const AddedToken& token) {
    if (token.content.empty() || by_id_.contains(token.id) || !contents_.insert(token.content).second) return {};
    by_id_.emplace(token.id, spec_.added_tokens.size());
    return set_added_token(token, spec_);
  }

  void index_texts() {
    texts_ = StringIndex(spec_.vocabulary.size());
    for (size_t id = 0; id < spec_.vocabulary.size(); ++id) {
      texts_.insert(spec_.vocabulary[id].text, static_cast<TokenId>(id));
    }
  }

  TokenId make_special(const std::string& content) {
    const TokenId id = content.empty() ? kNoToken : texts_.find(content);
    if (id == kNoToken) return id;
    spec_.vocabulary[static_cast<size_t>(id)].type = TokenType::kControl;
    if (const auto known = by_id_.find(id); known != by_id_.end()) {
      spec_.added_tokens[known->second].special = true;
      return id;
    }
    by_id_.emplace(id, spec_.added_tokens.size());
    AddedToken token;
    token.id = id;
    token.content = content;
    token.special = true;
    spec_.added_tokens.push_back(std::move(token));
    return id;
  }

  void special_tokens(const json::value& source) {
    const std::pair<const char*, TokenId*> names[] = {
        {"bos_token", &spec_.bos}, {"eos_token", &spec_.eos}, {"unk_token", &spec_.unk},  {"sep_token", &spec_.sep},
        {"cls_token", &spec_.cls}, {"pad_token", &spec_.pad}, {"mask_token", &spec_.mask}};
    for (const auto& [name, id] : names) {
      const std::string content = token_content(find_member(source, name));
      const TokenId found = make_special(content);
      if (found == kNoToken && !content.empty()) {
        spec_.notes.push_back(fmt::format("{} '{}' is not in the vocabulary", name, content));
      }
      if (*id == kNoToken) *id = found;
    }
    const json::value* more = find_member(source, "additional_special_tokens");
    if (more == nullptr || !more->is_array()) return;
    for (const json::value& token : more->get_array()) make_special(token_content(&token));
  }

  TokenId checked_id(const json::value& value) const {
    const bool valid =
        value.is_int64() && value.get_int64() >= 0 && value.get_int64() < static_cast<int64_t>(spec_.vocabulary.size());
    return valid ? static_cast<TokenId>(value.get_int64()) : kNoToken;
  }

  void generation_ids(const json::value& generation) {
    if (const json::value* bos = find_member(generation, "bos_token_id"); bos != nullptr && spec_.bos == kNoToken) {
      spec_.bos = checked_id(*bos);
    }
    const json::value* eos = find_member(generation, "eos_token_id");
    if (eos == nullptr) return;
    const json::array one = {*eos};
    for (const json::value& value : eos->is_array() ? eos->get_array() : one) {
      const TokenId id = checked_id(value);
      if (id == kNoToken) continue;
      spec_.end_of_generation.push_back(id);
      if (spec_.eos == kNoToken) spec_.eos = id;
    }
  }

  /// add_bos_token and add_eos_token count for the classes that read them.
  void surroundings(const json::value& config) {
    const std::string name = string_or(config, "tokenizer_class", "");
    bool reads_them = false;
    for (const std::string_view part : {"Llama", "Gemma", "Cohere", "GPT2", "Seed"}) {
      reads_them = reads_them || name.find(part) != std::string::npos;
    }
    if (!reads_them) return;
    surround(config, "add_bos_token", spec_.bos, spec_.prefix);
    surround(config, "add_eos_token", spec_.eos, spec_.suffix);
  }

  static void surround(const json::value& config, const char* key, TokenId id, std::vector<TokenId>& around) {
    const json::value* wanted = find_member(config, key);
    if (wanted == nullptr || !wanted->is_bool() || id == kNoToken) return;
    const auto at = std::find(around.begin(), around.end(), id);
    if (wanted->get_bool() && at == around.end()) around.insert(around.begin(), id);
    if (!wanted->get_bool() && at != around.end()) around.erase(at);
  }

  TokenizerSpec& spec_;
  StringIndex texts_;
  std::unordered_map<TokenId, size_t> by_id_;  // index of spec_.added_tokens
  std::unordered_set<std::string> contents_;
};

}  // namespace

Result<void> set_added_token(const AddedToken& token, TokenizerSpec& spec) {
  const auto size = static_cast<int64_t>(spec.vocabulary.size());
  if (token.id < 0 || token.id > size + kMaxHole) {
    return Error(fmt::format("added token '{}': expected an id near the {} of the vocabulary, got {}", token.content,
                             size, token.id));
  }
  if (token.id >= size) {
    VocabularyEntry hole;
    hole.type = TokenType::kUnused;
    hole.in_model = false;
    spec.vocabulary.resize(static_cast<size_t>(token.id) + 1, hole);
  }
  VocabularyEntry& entry = spec.vocabulary[static_cast<size_t>(token.id)];
  if (entry.text != token.content) {
    entry.text = token.content;
    entry.in_model = false;
  }
  entry.type = token.special ? TokenType::kControl : TokenType::kUserDefined;
  spec.added_tokens.push_back(token);
  return {};
}

Result<void> apply_hugging_face_config(const HuggingFaceTexts& texts, TokenizerSpec& spec) {
  ONDOL_TRY(Config(spec).run(texts));
  const TokenId unk = spec.unk;
  const bool is_unknown = unk >= 0 && static_cast<size_t>(unk) < spec.vocabulary.size();
  if (is_unknown && unk != spec.eos && unk != spec.bos) {
    TokenType& type = spec.vocabulary[static_cast<size_t>(unk)].type;
    if (type == TokenType::kControl) type = TokenType::kUnknown;
  }
  return {};
}

}  // namespace ondol
