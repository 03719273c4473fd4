// A byte-level tokenizer for tests: a small golden one, with special tokens of the test's choice behind it.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_spec.h"

namespace ondol::train {

/// `name` is a file of tests/golden/tokenizers without ".tokenizer.json". Of `specials`, `eos` and `bos` get these
/// meanings; texts begin with BOS if there is one.
inline std::shared_ptr<const Tokenizer> small_tokenizer(const std::vector<std::string>& specials,
                                                        const std::string& eos = "", const std::string& bos = "",
                                                        const std::string& name = "gpt2") {
  const auto text = read_file(ONDOL_SOURCE_DIR "/tests/golden/tokenizers/" + name + ".tokenizer.json");
  EXPECT_TRUE(text);
  auto spec = read_tokenizer_json(*text);
  EXPECT_TRUE(spec) << spec.error().message();
  if (!specials.empty()) {
    spec->bos = spec->eos = spec->eot = spec->eom = kNoToken;
    spec->prefix.clear();
  }
  for (const std::string& special : specials) {
    const auto known = std::find_if(spec->added_tokens.begin(), spec->added_tokens.end(),
                                    [&](const AddedToken& token) { return token.content == special; });
    if (known != spec->added_tokens.end()) spec->added_tokens.erase(known);
    AddedToken token;
    token.id = static_cast<TokenId>(spec->vocabulary.size());
    token.content = special;
    token.special = true;
    if (special == eos) spec->eos = token.id;
    if (special == bos) {
      spec->bos = token.id;
      spec->prefix = {token.id};
    }
    spec->added_tokens.push_back(token);
    VocabularyEntry entry;
    entry.text = special;
    entry.type = TokenType::kControl;
    entry.in_model = false;
    spec->vocabulary.push_back(std::move(entry));
  }
  auto tokenizer = Tokenizer::create(std::move(*spec));
  EXPECT_TRUE(tokenizer) << tokenizer.error().message();
  return *tokenizer;
}

}  // namespace ondol::train
