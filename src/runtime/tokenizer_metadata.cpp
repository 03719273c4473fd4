#include "runtime/tokenizer_metadata.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "models/gguf_form.h"
#include "runtime/gguf_tokenizer.h"
#include "text/gguf_vocabulary_writer.h"
#include "text/tokenizer_folder.h"
#include "text/tokenizer_json_writer.h"

namespace ondol {
namespace {

template <typename T>
void put_array(Metadata& metadata, std::string_view key, std::vector<T> values) {
  if (values.empty()) return;
  metadata.emplace_back(fmt::format("tokenizer.ggml.{}", key), MetaValue{MetaValue::Array(std::move(values))});
}

Metadata metadata_of(GgufVocabulary vocabulary) {
  Metadata metadata;
  metadata.emplace_back("tokenizer.ggml.model", MetaValue{std::move(vocabulary.model)});
  metadata.emplace_back("tokenizer.ggml.pre", MetaValue{std::move(vocabulary.pre)});
  put_array(metadata, "tokens", std::move(vocabulary.tokens));
  put_array(metadata, "scores", std::move(vocabulary.scores));
  put_array(metadata, "token_type", std::move(vocabulary.token_types));
  put_array(metadata, "merges", std::move(vocabulary.merges));
  const std::string& charsmap = vocabulary.precompiled_charsmap;
  put_array(metadata, "precompiled_charsmap", std::vector<uint8_t>(charsmap.begin(), charsmap.end()));
  const std::pair<const char*, TokenId> ids[] = {
      {"bos_token_id", vocabulary.bos},       {"eos_token_id", vocabulary.eos}, {"unknown_token_id", vocabulary.unk},
      {"seperator_token_id", vocabulary.sep}, {"cls_token_id", vocabulary.cls}, {"padding_token_id", vocabulary.pad},
      {"mask_token_id", vocabulary.mask},     {"eot_token_id", vocabulary.eot}, {"eom_token_id", vocabulary.eom}};
  for (const auto& [key, id] : ids) {
    if (id == kNoToken) continue;
    metadata.emplace_back(fmt::format("tokenizer.ggml.{}", key), MetaValue{static_cast<uint32_t>(id)});
  }
  const std::pair<const char*, std::optional<bool>> flags[] = {
      {"add_bos_token", vocabulary.add_bos},
      {"add_eos_token", vocabulary.add_eos},
      {"add_sep_token", vocabulary.add_sep},
      {"add_space_prefix", vocabulary.add_space_prefix},
      {"remove_extra_whitespaces", vocabulary.remove_extra_whitespaces},
      {"normalizer.lowercase", vocabulary.lowercase},
      {"normalizer.strip_accents", vocabulary.strip_accents}};
  for (const auto& [key, flag] : flags) {
    if (flag) metadata.emplace_back(fmt::format("tokenizer.ggml.{}", key), MetaValue{*flag});
  }
  return metadata;
}

int64_t embedding_rows(const ModelFile& file) {
  const Tensor* embedding = file.find_tensor("token_embd.weight");
  return embedding == nullptr ? 0 : embedding->rows();
}

}  // namespace

Result<TokenizerParts> tokenizer_for_gguf(const TokenizerSpec& spec) {
  GgufVocabularyWithNotes made = ONDOL_TRY(make_gguf_vocabulary(spec, 0));
  return TokenizerParts{metadata_of(std::move(made.vocabulary)), {}, std::move(made.notes)};
}

Result<TokenizerParts> tokenizer_for_gguf(const ModelFile& file) {
  TokenizerParts parts;
  if (file.find_meta("tokenizer.ggml.model") != nullptr) return parts;  // it is in the metadata already
  const auto spec = read_tokenizer_folder(file.path());
  if (!spec) {
    parts.notes.push_back("the model has no tokenizer, and neither will the GGUF file: " + spec.error().message());
    return parts;
  }
  GgufVocabularyWithNotes made = ONDOL_TRY(make_gguf_vocabulary(*spec, embedding_rows(file)).in(file.path()));
  parts.metadata = metadata_of(std::move(made.vocabulary));
  parts.notes = std::move(made.notes);
  return parts;
}

Result<TokenizerParts> tokenizer_for_folder(const ModelFile& file) {
  TokenizerParts parts;
  const bool is_gguf = file.find_meta("tokenizer.ggml.model") != nullptr;
  Result<TokenizerSpec> spec =
      is_gguf ? make_tokenizer_spec(ONDOL_TRY(read_gguf_vocabulary(file))) : read_tokenizer_folder(file.path());
  if (!spec) {
    if (is_gguf) return spec.error();
    parts.notes.push_back("the model has no tokenizer, and neither will the folder: " + spec.error().message());
    return parts;
  }
  const std::string chat_template = ONDOL_TRY(file.meta_string_or("tokenizer.chat_template", ""));
  parts.files.emplace_back("tokenizer.json", ONDOL_TRY(write_tokenizer_json(*spec).in(file.path())));
  parts.files.emplace_back("tokenizer_config.json", write_tokenizer_config(*spec, chat_template));
  if (!chat_template.empty()) parts.files.emplace_back("chat_template.jinja", chat_template);
  return parts;
}

Result<std::shared_ptr<const ModelFile>> as_gguf(std::shared_ptr<const ModelFile> file,
                                                 std::vector<std::string>& notes) {
  std::error_code code;
  if (!std::filesystem::is_directory(file->path(), code)) return file;
  TokenizerParts parts = ONDOL_TRY(tokenizer_for_gguf(*file));
  notes.insert(notes.end(), parts.notes.begin(), parts.notes.end());
  const auto formed = ONDOL_TRY(in_gguf_form(std::move(file)));
  Metadata metadata = formed->metadata();
  std::erase_if(metadata, [&](const auto& entry) {
    return std::any_of(parts.metadata.begin(), parts.metadata.end(),
                       [&](const auto& own) { return own.first == entry.first; });
  });
  metadata.insert(metadata.end(), parts.metadata.begin(), parts.metadata.end());
  return std::shared_ptr<const ModelFile>(std::make_shared<AssembledModelFile>(
      formed->path(), std::move(metadata), formed->tensors(), std::vector<std::any>{formed}));
}

}  // namespace ondol
