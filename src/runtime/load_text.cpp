#include "runtime/load_text.h"

#include <filesystem>

#include "models/model.h"
#include "runtime/gguf_tokenizer.h"
#include "text/tokenizer_folder.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return path;
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

bool is_tokenizer_file(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  return name == "tokenizer.json" || name == "tokenizer.model" || name == "vocab.json" || name == "vocab.txt";
}

/// A folder without a model, which can still be a tokenizer.
bool is_bare_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) && !fs::exists(path + "/config.json", ignored);
}

Result<std::shared_ptr<const Tokenizer>> tokenizer_of(const ModelFile& file) {
  if (file.find_meta("tokenizer.ggml.model") != nullptr) return load_gguf_tokenizer(file);
  return load_tokenizer_folder(folder_of(file.path()));
}

}  // namespace

Result<std::string> load_template_source(const ModelFile& file) {
  return file.meta_string_or("tokenizer.chat_template", "");
}

Result<ModelText> load_text(const ModelFile& file) {
  ModelText text;
  text.tokenizer = ONDOL_TRY(tokenizer_of(file));
  const std::string source = ONDOL_TRY(load_template_source(file));
  if (!source.empty()) text.chat_template = ONDOL_TRY(ChatTemplate::parse(source).in(file.path() + ": chat template"));
  return text;
}

Result<std::shared_ptr<const Tokenizer>> open_tokenizer(const std::string& path) {
  if (is_tokenizer_file(path)) return load_tokenizer_folder(folder_of(path));
  if (is_bare_folder(path)) {
    auto tokenizer = load_tokenizer_folder(path);
    if (tokenizer) return tokenizer;
  }
  return tokenizer_of(*ONDOL_TRY(open_model_file(path)));
}

}  // namespace ondol
