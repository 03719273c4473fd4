#include "models/hf_sidecars.h"

#include <filesystem>
#include <optional>

#include "base/files.h"

namespace ondol {
namespace {

constexpr size_t kMaxBytes = size_t{64} << 20;

bool exists(const std::string& path) {
  std::error_code code;
  return std::filesystem::is_regular_file(path, code);
}

/// The document at `path`, or null when there is no such file.
Result<json::value> read_json_if_present(const std::string& path) {
  if (!exists(path)) return json::value(nullptr);
  const std::string text = ONDOL_TRY(read_file(path, kMaxBytes));
  return parse_json(text).in(path);
}

/// An id, or the first of several.
std::optional<int64_t> token_id(const json::value& object, std::string_view key) {
  const json::value* id = find_member(object, key);
  if (id != nullptr && id->is_array() && !id->get_array().empty()) id = &id->get_array().front();
  if (id == nullptr || !id->is_int64() || id->get_int64() < 0 || id->get_int64() > INT32_MAX) return std::nullopt;
  return id->get_int64();
}

void add_token_ids(const json::value& generation, const HfConfig& config, MetaBuilder& meta) {
  constexpr std::pair<const char*, const char*> kIds[] = {{"bos_token_id", "tokenizer.ggml.bos_token_id"},
                                                          {"eos_token_id", "tokenizer.ggml.eos_token_id"},
                                                          {"pad_token_id", "tokenizer.ggml.padding_token_id"}};
  for (const auto& [key, canonical] : kIds) {
    std::optional<int64_t> id;
    const json::value* own = config.find({key});
    if (own != nullptr) id = token_id(json::object{{"id", *own}}, "id");
    if (!id) id = token_id(generation, key);
    if (id) meta.put_plain(canonical, static_cast<uint32_t>(*id));
  }
}

/// Under the keys that llama.cpp has for them in GGUF files.
void add_sampling(const json::value& generation, MetaBuilder& meta) {
  constexpr std::pair<const char*, const char*> kNumbers[] = {
      {"temperature", "temp"}, {"top_p", "top_p"}, {"min_p", "min_p"}, {"repetition_penalty", "penalty_repeat"}};
  const auto put = [&](const char* name, MetaValue::Value value) {
    meta.put_plain(std::string("general.sampling.") + name, std::move(value));
  };
  for (const auto& [key, name] : kNumbers) {
    const json::value* number = find_member(generation, key);
    if (number != nullptr && number->is_number()) put(name, static_cast<float>(number->to_number<double>()));
  }
  const json::value* k = find_member(generation, "top_k");
  if (k != nullptr && k->is_int64() && k->get_int64() >= 0 && k->get_int64() <= INT32_MAX) {
    put("top_k", static_cast<int32_t>(k->get_int64()));
  }
}

/// One template, or the default one of several.
std::string template_in(const json::value& document) {
  const json::value* source = find_member(document, "chat_template");
  if (source == nullptr) return {};
  if (source->is_string()) return std::string(source->get_string());
  if (!source->is_array()) return {};
  std::string first;
  for (const json::value& entry : source->get_array()) {
    std::string text = string_or(entry, "template", "");
    if (string_or(entry, "name", "") == "default") return text;
    if (first.empty()) first = std::move(text);
  }
  return first;
}

Result<std::string> chat_template(const std::string& folder, const json::value& tokenizer_config) {
  if (exists(folder + "/chat_template.jinja")) return read_file(folder + "/chat_template.jinja", kMaxBytes);
  const json::value own = ONDOL_TRY(read_json_if_present(folder + "/chat_template.json"));
  std::string text = template_in(own);
  return text.empty() ? template_in(tokenizer_config) : text;
}

/// GGUF's numbers: 1 mean, 2 the first token (CLS), 3 the last token.
std::optional<uint32_t> pooling_type(const json::value& pooling) {
  const std::string mode = string_or(pooling, "pooling_mode", "");
  if (mode == "cls" || bool_or(pooling, "pooling_mode_cls_token", false)) return 2;
  if (mode == "mean" || bool_or(pooling, "pooling_mode_mean_tokens", false)) return 1;
  if (mode == "lasttoken" || bool_or(pooling, "pooling_mode_lasttoken", false)) return 3;
  return std::nullopt;
}

}  // namespace

Result<std::string> read_chat_template(const std::string& folder) {
  return chat_template(folder, ONDOL_TRY(read_json_if_present(folder + "/tokenizer_config.json")));
}

Result<void> add_sidecars(const std::string& folder, const HfConfig& config, MetaBuilder& meta) {
  const std::filesystem::path path = std::filesystem::path(folder).lexically_normal();
  const std::string name = (path.has_filename() ? path.filename() : path.parent_path().filename()).string();
  meta.put_plain("general.name", name);

  const json::value generation = ONDOL_TRY(read_json_if_present(folder + "/generation_config.json"));
  add_token_ids(generation, config, meta);
  add_sampling(generation, meta);
  const json::value tokenizer = ONDOL_TRY(read_json_if_present(folder + "/tokenizer_config.json"));
  for (const auto& [key, canonical] : {std::pair("add_bos_token", "tokenizer.ggml.add_bos_token"),
                                       std::pair("add_eos_token", "tokenizer.ggml.add_eos_token")}) {
    const json::value* flag = find_member(tokenizer, key);
    if (flag != nullptr && flag->is_bool()) meta.put_plain(canonical, flag->get_bool());
  }
  std::string text = ONDOL_TRY(chat_template(folder, tokenizer));
  if (!text.empty()) meta.put_plain("tokenizer.chat_template", std::move(text));

  const json::value pooling = ONDOL_TRY(read_json_if_present(folder + "/1_Pooling/config.json"));
  const auto type = pooling_type(pooling);
  // What scores pairs of texts makes no vectors, and its kind is known already.
  if (type && !config.has_class_ending("ForSequenceClassification")) meta.u32("pooling_type", *type);
  return {};
}

}  // namespace ondol
