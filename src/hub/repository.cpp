#include "hub/repository.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include <fmt/format.h>

#include "base/json.h"
#include "hub/store.h"

namespace ondol {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_name_part(std::string_view text) {
  if (text.empty() || text == "." || text == "..") return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  });
}

// A relative path that stays below its folder on every file system.
bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > 1024 ||
      path.find_first_of(std::string_view("\\\0\n\r:", 5)) != std::string_view::npos)
    return false;
  while (true) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == path.size()) return true;
    path.remove_prefix(slash + 1);
  }
}

bool is_hex_sum(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// "-00002-of-00003" at the end of a stem; 0 parts if the file is not split.
struct Split {
  std::string base;
  int part = 0;
  int n_parts = 0;
};

Split split_of(const std::string& file_name) {
  const std::string stem = file_name.substr(0, file_name.size() - 5);  // .gguf
  if (stem.size() < 16 || stem[stem.size() - 15] != '-' || stem.substr(stem.size() - 9, 4) != "-of-") return {stem};
  const std::string part = stem.substr(stem.size() - 14, 5);
  const std::string n_parts = stem.substr(stem.size() - 5);
  const auto digits = [](const std::string& text) { return text.find_first_not_of("0123456789") == std::string::npos; };
  if (!digits(part) || !digits(n_parts)) return {stem};
  return {stem.substr(0, stem.size() - 15), std::stoi(part), std::stoi(n_parts)};
}

/// One model of a repository: a GGUF file, or the parts of one in order.
struct Candidate {
  std::string stem;
  std::string quantization;
  std::vector<HubFile> files;
  int n_parts = 1;
};

// Projectors of vision models, importance matrices and drafts are no models of their own.
bool is_companion(const std::string& file_name) {
  const std::string name = lower(file_name);
  return name.starts_with("mmproj") || name.find("imatrix") != std::string::npos;
}

std::vector<Candidate> candidates_in(const Repository& repository) {
  std::map<std::string, Candidate> by_stem;
  for (const HubFile& file : repository.files) {
    const std::string name = base_name(file.path);
    if (!lower(name).ends_with(".gguf") || is_companion(name)) continue;
    const Split split = split_of(name);
    const std::string folder = file.path.substr(0, file.path.size() - name.size());
    Candidate& candidate = by_stem[folder + split.base];
    candidate.stem = split.base;
    candidate.quantization = quantization_in(split.base);
    candidate.n_parts = std::max(1, split.n_parts);
    candidate.files.push_back(file);
  }
  std::vector<Candidate> result;
  for (auto& [stem, candidate] : by_stem) {
    std::sort(candidate.files.begin(), candidate.files.end(),
              [](const HubFile& a, const HubFile& b) { return base_name(a.path) < base_name(b.path); });
    result.push_back(std::move(candidate));
  }
  return result;
}

// Nearest to Q4_K_M first: near in size, and of those the better one.
int preference(const std::string& quantization) {
  static constexpr std::array<std::string_view, 31> kOrder = {
      "Q4_K_M", "Q4_K_XL", "Q4_K_S", "Q4_K_L",  "IQ4_XS", "IQ4_NL", "Q4_1",   "Q4_0", "MXFP4", "NVFP4",  "Q4_K",
      "Q5_K_M", "Q5_K_S",  "Q5_K",   "Q5_1",    "Q5_0",   "Q3_K_L", "Q3_K_M", "Q3_K", "Q6_K",  "Q3_K_S", "IQ3_M",
      "Q8_0",   "IQ3_S",   "IQ3_XS", "IQ3_XXS", "Q2_K",   "IQ2_M",  "BF16",   "F16",  "F32"};
  const auto* const found = std::find(kOrder.begin(), kOrder.end(), quantization);
  return static_cast<int>(found - kOrder.begin());
}

// A tag is a precision, or the end of a file's name ("UD-Q4_K_XL"), or a whole file name.
bool fits_tag(const Candidate& candidate, const std::string& tag) {
  const std::string wanted = lower(tag);
  const std::string stem = lower(candidate.stem);
  if (lower(candidate.quantization) == wanted || stem == wanted) return true;
  if (stem.ends_with("-" + wanted) || stem.ends_with("." + wanted)) return true;
  return std::any_of(candidate.files.begin(), candidate.files.end(),
                     [&](const HubFile& file) { return lower(base_name(file.path)) == wanted; });
}

std::string what_there_is(const std::vector<Candidate>& candidates) {
  std::vector<std::string> names;
  for (const Candidate& candidate : candidates) {
    names.push_back(candidate.quantization.empty() ? candidate.stem : candidate.quantization);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return fmt::format("{}", fmt::join(names, ", "));
}

Result<std::vector<HubFile>> choose_gguf(const Repository& repository, const std::vector<Candidate>& candidates,
                                         const std::string& tag) {
  const Candidate* best = nullptr;
  for (const Candidate& candidate : candidates) {
    if (!tag.empty() && !fits_tag(candidate, tag)) continue;
    // Of several that fit, the plainest name: "UD-" and other variants are longer.
    const auto rank = [](const Candidate& c) { return std::pair(preference(c.quantization), c.stem.size()); };
    if (best == nullptr || rank(candidate) < rank(*best)) best = &candidate;
  }
  if (best == nullptr) {
    return Error(fmt::format("{}: there is no '{}' in this repository; expected one of: {}", repository.name, tag,
                             what_there_is(candidates)));
  }
  if (best->files.size() != static_cast<size_t>(best->n_parts)) {
    return Error(fmt::format("{}: '{}' should have {} parts, got {}", repository.name, best->stem, best->n_parts,
                             best->files.size()));
  }
  return best->files;
}

bool is_folder_file(const std::string& path) {
  static constexpr std::string_view kNames[] = {"config.json",
                                                "generation_config.json",
                                                "chat_template.jinja",
                                                "chat_template.json",
                                                "vocab.json",
                                                "vocab.txt",
                                                "merges.txt",
                                                "added_tokens.json",
                                                "special_tokens_map.json",
                                                "preprocessor_config.json",
                                                "model.safetensors.index.json",
                                                "sentencepiece.bpe.model",
                                                "spiece.model"};
  if (path.find('/') != std::string::npos) return false;
  return path.starts_with("tokenizer") || path.ends_with(".safetensors") ||
         std::find(std::begin(kNames), std::end(kNames), path) != std::end(kNames);
}

Result<std::vector<HubFile>> choose_folder(const Repository& repository) {
  std::vector<HubFile> files;
  bool has_model = false;  // the usual names; "consolidated" files beside them are the same weights again
  for (const HubFile& file : repository.files)
    has_model = has_model ||
                (is_folder_file(file.path) && file.path.starts_with("model") && file.path.ends_with(".safetensors"));
  bool has_weights = false;
  bool has_config = false;
  for (const HubFile& file : repository.files) {
    if (!is_folder_file(file.path)) continue;
    const bool is_weights = file.path.ends_with(".safetensors");
    if (is_weights && has_model && !file.path.starts_with("model")) continue;
    has_weights = has_weights || is_weights;
    has_config = has_config || file.path == "config.json";
    files.push_back(file);
  }
  if (!has_weights || !has_config) {
    return Error(fmt::format("{}: expected a GGUF file, or config.json with safetensors; this repository has neither",
                             repository.name));
  }
  return files;
}

}  // namespace

Result<HubName> HubName::parse(const std::string& text) {
  std::string rest = text;
  for (const std::string_view prefix : {"https://", "http://"}) {
    if (rest.starts_with(prefix)) rest.erase(0, prefix.size());
  }
  for (const std::string_view prefix : {"hf.co/", "huggingface.co/", "www.huggingface.co/"}) {
    if (rest.starts_with(prefix)) rest.erase(0, prefix.size());
  }
  while (rest.ends_with('/')) rest.pop_back();
  HubName name;
  const size_t colon = rest.find(':');
  if (colon != std::string::npos) {
    name.tag = rest.substr(colon + 1);
    rest.resize(colon);
  }
  const size_t at = rest.find('@');
  if (at != std::string::npos) {
    name.revision = rest.substr(at + 1);
    rest.resize(at);
  }
  name.repository = rest;
  const size_t slash = rest.find('/');
  const bool fits = slash == std::string::npos
                        ? is_name_part(rest)
                        : is_name_part(rest.substr(0, slash)) && is_name_part(rest.substr(slash + 1));
  const bool tag_fits =
      name.tag.find_first_of("/\\@:?#") == std::string::npos && (colon == std::string::npos || !name.tag.empty());
  if (!fits || !tag_fits || !is_name_part(name.revision)) {
    return Error(fmt::format(
        "'{}' is not the name of a model; expected a form like Qwen/Qwen3-4B-GGUF or Qwen/Qwen3-4B-GGUF:Q8_0", text));
  }
  return name;
}

Result<Repository> parse_repository(std::string_view json_text) {
  const json::value document = ONDOL_TRY(parse_json(json_text));
  Repository repository{string_or(document, "id", ""), string_or(document, "sha", ""), {}};
  const json::value* siblings = find_member(document, "siblings");
  const size_t slash = std::min(repository.name.find('/'), repository.name.size());
  const bool named = is_name_part(repository.name.substr(0, slash)) &&
                     (slash == repository.name.size() || is_name_part(repository.name.substr(slash + 1)));
  if (!named || siblings == nullptr || !siblings->is_array())
    return Error("the hub's answer does not describe a repository");
  if (!repository.revision.empty() && !is_name_part(repository.revision))
    return Error("the hub's answer names no revision");
  for (const json::value& sibling : siblings->get_array()) {
    HubFile file;
    file.path = string_or(sibling, "rfilename", "");
    if (!is_safe_path(file.path))
      return Error(fmt::format("the hub's answer has a file name that is not allowed: '{}'", file.path));
    file.size = static_cast<uint64_t>(std::max<int64_t>(0, int_or(sibling, "size", 0)));
    if (const json::value* lfs = find_member(sibling, "lfs"); lfs != nullptr && lfs->is_object()) {
      const std::string sum = lower(string_or(*lfs, "sha256", string_or(*lfs, "oid", "")));
      if (is_hex_sum(sum)) file.sha256 = sum;
    }
    repository.files.push_back(std::move(file));
  }
  return repository;
}

Result<std::vector<HubFile>> choose_files(const Repository& repository, const std::string& tag) {
  const std::vector<Candidate> candidates = candidates_in(repository);
  if (!candidates.empty()) return choose_gguf(repository, candidates, tag);
  if (!tag.empty()) {
    return Error(
        fmt::format("{}: there is no '{}': this repository has no GGUF files; fetch it as it is (ondol pull {}) and "
                    "quantize it here",
                    repository.name, tag, repository.name));
  }
  return choose_folder(repository);
}

std::vector<std::string> parse_search(std::string_view json_text) {
  std::vector<std::string> names;
  const auto document = parse_json(json_text);
  if (!document || !document->is_array()) return names;
  for (const json::value& entry : document->get_array()) {
    const std::string name = string_or(entry, "id", "");
    const size_t slash = std::min(name.find('/'), name.size());
    if (is_name_part(name.substr(0, slash)) && slash < name.size() && is_name_part(name.substr(slash + 1)))
      names.push_back(name);
    if (names.size() == 5) break;
  }
  return names;
}

}  // namespace ondol
