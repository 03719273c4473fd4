// The input is lines: model, pre-tokeniser, a line of special ids, then tokens, each with a digit for its type in
// front; lines that start with "=" are merges.
#include <charconv>

#include "check_tokenizer.h"
#include "text/gguf_vocabulary.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const std::string_view text = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    return text;
  };
  ondol::GgufVocabulary vocabulary;
  vocabulary.model = line();
  vocabulary.pre = line();
  const std::string_view ids = line();
  ondol::TokenId* const fields[] = {&vocabulary.bos, &vocabulary.eos, &vocabulary.unk, &vocabulary.sep};
  for (size_t i = 0; i < std::size(fields) && i < ids.size(); ++i) *fields[i] = ids[i] - '0';
  while (!rest.empty()) {
    const std::string_view text = line();
    if (text.starts_with('=')) {
      vocabulary.merges.emplace_back(text.substr(1));
    } else if (!text.empty()) {
      vocabulary.token_types.push_back(text[0] - '0');
      vocabulary.scores.push_back(-static_cast<float>(vocabulary.scores.size() % 7));
      vocabulary.tokens.emplace_back(text.substr(1));
    }
  }
  auto spec = ondol::make_tokenizer_spec(std::move(vocabulary));
  if (spec) ondol::check_tokenizer(std::move(*spec));
  return 0;
}
