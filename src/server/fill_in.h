// FillIn: the tokens with which a model was taught to write what belongs between two texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/model_file.h"
#include "text/tokenizer.h"

namespace ondol::server {

struct FillIn {
  TokenId prefix = kNoToken;
  TokenId suffix = kNoToken;
  TokenId middle = kNoToken;      // where the model begins to write; kNoToken: after the prefix text (Codestral)
  TokenId file = kNoToken;        // between files, where the model has it
  TokenId repository = kNoToken;  // before a repository's name
  bool suffix_first = false;

  bool exists() const { return prefix != kNoToken && suffix != kNoToken; }

  /// From the file's metadata, or by the names that families of models use.
  static FillIn of(const ModelFile& file, const Tokenizer& tokenizer);

  struct Extra {
    std::string name;
    std::string text;
  };
  /// The prompt: other files, then what is before and after the place to fill.
  std::vector<TokenId> prompt(const Tokenizer& tokenizer, std::string_view before, std::string_view after,
                              const std::vector<Extra>& extra = {}) const;
};

}  // namespace ondol::server
