#include "text/tokenizer_folder.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/files.h"
#include "text/sentencepiece.h"
#include "text/tokenizer_json.h"
#include "text/vocab_merges.h"

namespace ondol {
namespace {

constexpr size_t kMaxFileBytes = size_t{256} << 20;

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

Result<std::string> read_if_there(const std::string& path) {
  return exists(path) ? read_file(path, kMaxFileBytes) : Result<std::string>(std::string());
}

Result<TokenizerSpec> read_forms(const std::string& folder, const HuggingFaceTexts& beside) {
  const auto path = [&](const char* name) { return folder + "/" + name; };
  if (exists(path("tokenizer.json"))) {
    return read_tokenizer_json(ONDOL_TRY(read_file(path("tokenizer.json"), kMaxFileBytes)), beside);
  }
  if (exists(path("tokenizer.model"))) {
    return read_sentencepiece(ONDOL_TRY(read_file(path("tokenizer.model"), kMaxFileBytes)), beside);
  }
  if (exists(path("vocab.json")) && exists(path("merges.txt"))) {
    const std::string vocabulary = ONDOL_TRY(read_file(path("vocab.json"), kMaxFileBytes));
    return read_vocab_merges(vocabulary, ONDOL_TRY(read_file(path("merges.txt"), kMaxFileBytes)), beside);
  }
  if (exists(path("vocab.txt"))) {
    return read_bert_vocabulary(ONDOL_TRY(read_file(path("vocab.txt"), kMaxFileBytes)), beside);
  }
  return Error("no tokenizer here: expected tokenizer.json, tokenizer.model, vocab.json with merges.txt, or vocab.txt");
}

/// tokenizer_config.json, or the only file whose name ends so: copies are sometimes kept under the model's name.
std::string config_path(const std::string& folder) {
  const std::string usual = folder + "/tokenizer_config.json";
  if (exists(usual)) return usual;
  std::string found;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!it->path().filename().string().ends_with(".tokenizer_config.json")) continue;
    if (!found.empty()) return usual;
    found = it->path().string();
  }
  return found.empty() ? usual : found;
}

}  // namespace

Result<HuggingFaceTexts> read_hugging_face_texts(const std::string& folder) {
  HuggingFaceTexts texts;
  texts.tokenizer_config = ONDOL_TRY(read_if_there(config_path(folder)));
  texts.special_tokens_map = ONDOL_TRY(read_if_there(folder + "/special_tokens_map.json"));
  texts.added_tokens = ONDOL_TRY(read_if_there(folder + "/added_tokens.json"));
  texts.generation_config = ONDOL_TRY(read_if_there(folder + "/generation_config.json"));
  return texts;
}

Result<TokenizerSpec> read_tokenizer_folder(const std::string& folder) {
  const HuggingFaceTexts texts = ONDOL_TRY(read_hugging_face_texts(folder));
  return read_forms(folder, texts).in(folder);
}

Result<std::shared_ptr<const Tokenizer>> load_tokenizer_folder(const std::string& folder) {
  TokenizerSpec spec = ONDOL_TRY(read_tokenizer_folder(folder));
  return Tokenizer::create(std::move(spec)).in(folder);
}

}  // namespace ondol
