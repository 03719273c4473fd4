#include "server/fill_in.h"

#include <array>

namespace ondol::server {
namespace {

TokenId from_metadata(const ModelFile& file, const Tokenizer& tokenizer, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const auto id = file.meta_int_or(std::string("tokenizer.ggml.") + key, kNoToken);
    if (id && *id >= 0 && *id < tokenizer.vocabulary_size()) return static_cast<TokenId>(*id);
  }
  return kNoToken;
}

struct Names {
  const char* prefix;
  const char* suffix;
  const char* middle;
  bool suffix_first;
};

// Qwen and CodeGemma, StarCoder and Granite, DeepSeek, CodeLlama (with and without SentencePiece's mark), GLM,
// Codestral.
constexpr std::array<Names, 8> kNames = {{
    {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", false},
    {"<fim_prefix>", "<fim_suffix>", "<fim_middle>", false},
    {"<fim-prefix>", "<fim-suffix>", "<fim-middle>", false},
    {"<\xEF\xBD\x9C"
     "fim\xE2\x96\x81"
     "begin\xEF\xBD\x9C>",
     "<\xEF\xBD\x9C"
     "fim\xE2\x96\x81"
     "hole\xEF\xBD\x9C>",
     "<\xEF\xBD\x9C"
     "fim\xE2\x96\x81"
     "end\xEF\xBD\x9C>",
     false},
    {"\xE2\x96\x81<PRE>", "\xE2\x96\x81<SUF>", "\xE2\x96\x81<MID>", false},
    {"<PRE>", "<SUF>", "<MID>", false},
    {"<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>", false},
    {"[PREFIX]", "[SUFFIX]", "[MIDDLE]", true},
}};

void append(std::vector<TokenId>& tokens, const Tokenizer& tokenizer, std::string_view text) {
  const auto more = tokenizer.encode(text, false, SpecialTokens::kAsPlainText);
  tokens.insert(tokens.end(), more.begin(), more.end());
}

void append(std::vector<TokenId>& tokens, TokenId token) {
  if (token != kNoToken) tokens.push_back(token);
}

}  // namespace

FillIn FillIn::of(const ModelFile& file, const Tokenizer& tokenizer) {
  FillIn found;
  found.prefix = from_metadata(file, tokenizer, {"fim_pre_token_id", "prefix_token_id"});
  found.suffix = from_metadata(file, tokenizer, {"fim_suf_token_id", "suffix_token_id"});
  found.middle = from_metadata(file, tokenizer, {"fim_mid_token_id", "middle_token_id"});
  for (const Names& names : kNames) {
    if (found.exists()) break;
    found.prefix = tokenizer.find(names.prefix);
    found.suffix = tokenizer.find(names.suffix);
    found.middle = tokenizer.find(names.middle);
    found.suffix_first = names.suffix_first;
  }
  if (!found.exists()) return {};
  for (const char* name : {"<|file_sep|>", "<file_sep>", "<|file_separator|>"}) {
    if (found.file == kNoToken) found.file = tokenizer.find(name);
  }
  for (const char* name : {"<|repo_name|>", "<repo_name>", "<reponame>"}) {
    if (found.repository == kNoToken) found.repository = tokenizer.find(name);
  }
  return found;
}

std::vector<TokenId> FillIn::prompt(const Tokenizer& tokenizer, std::string_view before, std::string_view after,
                                    const std::vector<Extra>& extra) const {
  std::vector<TokenId> tokens;
  if (tokenizer.adds_bos()) append(tokens, tokenizer.bos());
  if (!extra.empty() && repository != kNoToken) {
    tokens.push_back(repository);
    append(tokens, tokenizer, "project\n");
  }
  for (const Extra& other : extra) {
    append(tokens, file);
    append(tokens, tokenizer, other.name + "\n" + other.text + "\n");
  }
  if (!extra.empty() && file != kNoToken) {
    tokens.push_back(file);
    append(tokens, tokenizer, "file\n");
  }
  if (suffix_first) {
    tokens.push_back(suffix);
    append(tokens, tokenizer, after);
    tokens.push_back(prefix);
    append(tokens, tokenizer, before);
    return tokens;
  }
  tokens.push_back(prefix);
  append(tokens, tokenizer, before);
  tokens.push_back(suffix);
  append(tokens, tokenizer, after);
  append(tokens, middle);
  return tokens;
}

}  // namespace ondol::server
