#include "runtime/gguf_tokenizer.h"

#include <fmt/format.h>

#include <limits>

namespace ondol {
namespace {

/// Reads keys below "tokenizer.ggml." of one file.
class Reader {
 public:
  explicit Reader(const ModelFile& file) : file_(file) {}

  /// The array under `key`, whose elements must be of type T; empty when the key is absent.
  template <typename T>
  Result<std::vector<T>> array(std::string_view key, const char* expected) const {
    const MetaValue* meta = find(key);
    if (meta == nullptr) return std::vector<T>{};
    const auto* any = std::get_if<MetaValue::Array>(&meta->value);
    const auto* elements = any == nullptr ? nullptr : std::get_if<std::vector<T>>(any);
    if (elements == nullptr) return wrong_type(key, expected);
    return *elements;
  }

  /// Scores, which some files hold as integers.
  Result<std::vector<float>> floats(std::string_view key) const {
    const MetaValue* meta = find(key);
    const auto* any = meta == nullptr ? nullptr : std::get_if<MetaValue::Array>(&meta->value);
    const auto* integers = any == nullptr ? nullptr : std::get_if<std::vector<int32_t>>(any);
    if (integers != nullptr) return std::vector<float>(integers->begin(), integers->end());
    return array<float>(key, "an array of float32");
  }

  /// A charsmap: an array of bytes, signed or not.
  Result<std::string> bytes(std::string_view key) const {
    const MetaValue* meta = find(key);
    if (meta == nullptr) return std::string();
    if (const auto* any = std::get_if<MetaValue::Array>(&meta->value)) {
      if (const auto* u8 = std::get_if<std::vector<uint8_t>>(any)) return std::string(u8->begin(), u8->end());
      if (const auto* i8 = std::get_if<std::vector<int8_t>>(any)) return std::string(i8->begin(), i8->end());
    }
    return wrong_type(key, "an array of bytes");
  }

  Result<TokenId> id(std::string_view key) const {
    if (find(key) == nullptr) return kNoToken;
    const int64_t value = ONDOL_TRY(file_.meta_int(full(key)));
    // Some converters write -1, as an unsigned number, for "none".
    const bool none = value < 0 || value >= std::numeric_limits<uint32_t>::max();
    return none ? kNoToken : static_cast<TokenId>(std::min<int64_t>(value, std::numeric_limits<TokenId>::max()));
  }

  Result<std::optional<bool>> flag(std::string_view key) const {
    if (find(key) == nullptr) return std::optional<bool>();
    return std::optional<bool>(ONDOL_TRY(file_.meta_bool_or(full(key), false)));
  }

  Result<std::string> text(std::string_view key) const { return file_.meta_string_or(full(key), ""); }

 private:
  static std::string full(std::string_view key) { return fmt::format("tokenizer.ggml.{}", key); }
  const MetaValue* find(std::string_view key) const { return file_.find_meta(full(key)); }

  Error wrong_type(std::string_view key, const char* expected) const {
    return Error(fmt::format("{}: key '{}': expected {}", file_.path(), full(key), expected));
  }

  const ModelFile& file_;
};

}  // namespace

Result<GgufVocabulary> read_gguf_vocabulary(const ModelFile& file) {
  const Reader reader(file);
  GgufVocabulary out;
  out.model = ONDOL_TRY(reader.text("model"));
  if (out.model.empty()) {
    return Error(fmt::format("{}: key 'tokenizer.ggml.model' is missing: the file holds no tokenizer", file.path()));
  }
  out.pre = ONDOL_TRY(reader.text("pre"));
  out.model_name = ONDOL_TRY(file.meta_string_or("general.name", ""));
  out.tokens = ONDOL_TRY(reader.array<std::string>("tokens", "an array of strings"));
  out.scores = ONDOL_TRY(reader.floats("scores"));
  out.token_types = ONDOL_TRY(reader.array<int32_t>("token_type", "an array of int32"));
  out.merges = ONDOL_TRY(reader.array<std::string>("merges", "an array of strings"));
  out.precompiled_charsmap = ONDOL_TRY(reader.bytes("precompiled_charsmap"));

  const std::pair<const char*, TokenId*> ids[] = {
      {"bos_token_id", &out.bos},       {"eos_token_id", &out.eos}, {"unknown_token_id", &out.unk},
      {"seperator_token_id", &out.sep}, {"cls_token_id", &out.cls}, {"padding_token_id", &out.pad},
      {"mask_token_id", &out.mask},     {"eot_token_id", &out.eot}, {"eom_token_id", &out.eom}};
  for (const auto& [key, id] : ids) *id = ONDOL_TRY(reader.id(key));

  const std::pair<const char*, std::optional<bool>*> flags[] = {
      {"add_bos_token", &out.add_bos},
      {"add_eos_token", &out.add_eos},
      {"add_sep_token", &out.add_sep},
      {"add_space_prefix", &out.add_space_prefix},
      {"remove_extra_whitespaces", &out.remove_extra_whitespaces},
      {"normalizer.lowercase", &out.lowercase},
      {"normalizer.strip_accents", &out.strip_accents}};
  for (const auto& [key, flag] : flags) *flag = ONDOL_TRY(reader.flag(key));
  return out;
}

Result<std::shared_ptr<const Tokenizer>> load_gguf_tokenizer(const ModelFile& file) {
  GgufVocabulary vocabulary = ONDOL_TRY(read_gguf_vocabulary(file));
  TokenizerSpec spec = ONDOL_TRY(make_tokenizer_spec(std::move(vocabulary)).in(file.path()));
  return Tokenizer::create(std::move(spec)).in(file.path());
}

}  // namespace ondol
