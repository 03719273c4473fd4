// What must hold for every tokenizer that a reader accepts, whatever the file said.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include "text/tokenizer.h"
#include "text/tokenizer_spec.h"
#include "text/unicode.h"

namespace ondol {

inline void require(bool condition) {
  if (!condition) std::abort();
}

inline void check_tokenizer(TokenizerSpec spec) {
  const auto created = Tokenizer::create(std::move(spec));
  if (!created) return;
  const Tokenizer& tokenizer = **created;
  constexpr std::string_view kTexts[] = {
      "", "Hello, world! 123  it's\n\n",
      "\xEC\x98\xA8\xEB\x8F\x8C <s></s> <|end|> a\xFF\xFE\xED\xA0\x80 \xF0\x9F\x98\x80",
      "\xE2\x96\x81\xE2\x96\x81x e\xCC\x81 ##ing <0x41> AbC \xE6\xBC\xA2\xE5\xAD\x97"};
  for (const std::string_view text : kTexts) {
    for (const SpecialTokens special : {SpecialTokens::kParse, SpecialTokens::kAsPlainText}) {
      const std::vector<TokenId> ids = tokenizer.encode(text, special == SpecialTokens::kParse, special);
      StreamDecoder decoder(tokenizer, true);
      for (const TokenId id : ids) {
        require(id >= 0 && id < tokenizer.vocabulary_size());
        require(special == SpecialTokens::kParse || !tokenizer.is_control(id));
        require(is_valid_utf8(decoder.push(id)));
      }
      require(is_valid_utf8(decoder.finish()));
      (void)tokenizer.decode(ids);
    }
  }
}

}  // namespace ondol
