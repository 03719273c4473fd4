// Repository: what the hub says about a model, and which of its files make up the model that a person asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ondol {

/// A name as people write it: ORGANISATION/REPOSITORY[@REVISION][:QUANTIZATION], perhaps with hf.co/ or the whole
/// address in front. QUANTIZATION may also be the name of a file.
struct HubName {
  std::string repository;  // may lack the organisation
  std::string revision = "main";
  std::string tag;

  static Result<HubName> parse(const std::string& text);
};

struct HubFile {
  std::string path;
  uint64_t size = 0;
  std::string sha256;  // in lower case; empty for small files, which the hub keeps in git
};

struct Repository {
  std::string name;  // as the hub spells it
  std::string revision;
  std::vector<HubFile> files;
};

/// Reads the hub's answer. File names that could leave a folder are refused.
Result<Repository> parse_repository(std::string_view json_text);

/// The files to fetch: one GGUF file or all parts of a split one, or, where there is no GGUF, the folder of
/// safetensors, configuration and tokenizer. Without a tag the precision nearest to Q4_K_M is chosen. Fails with the
/// list of what there is.
Result<std::vector<HubFile>> choose_files(const Repository& repository, const std::string& tag);

/// Repositories of this name, from the hub's search.
std::vector<std::string> parse_search(std::string_view json_text);

}  // namespace ondol
