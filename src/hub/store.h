// Store: the models on this computer, by name: Ondol's own folder, and what the Hugging Face tools and Ollama have
// already downloaded, which is used in place and never removed from here.
//
// Names look like "Qwen/Qwen3-4B-GGUF:Q4_K_M" (a file of a repository), "Qwen/Qwen3-4B" (a folder with safetensors) and
// "llama3.2:3b" (Ollama). Short forms work where they are clear: "qwen3-4b", "qwen3-4b:q8_0", "hf.co/Qwen/...".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace ondol {

enum class StoreSource { kOwn, kHuggingFaceCache, kOllama };

struct StoredModel {
  std::string name;
  std::string path;  // a GGUF file (the first part of a split one) or a folder
  uint64_t size_bytes = 0;
  int64_t modified_unix_seconds = 0;
  StoreSource source = StoreSource::kOwn;
};

struct StoreFolders {
  std::string own;
  std::string hugging_face;
  std::string ollama;

  /// From the environment: ONDOL_HOME or XDG_DATA_HOME; HF_HUB_CACHE or HF_HOME; OLLAMA_MODELS; below HOME otherwise.
  static StoreFolders from_environment();
};

class Store {
 public:
  explicit Store(StoreFolders folders = StoreFolders::from_environment()) : folders_(std::move(folders)) {}

  const std::string& folder() const { return folders_.own; }

  /// All models, the newest first. Folders that are absent or damaged count as empty.
  std::vector<StoredModel> list() const;

  /// The model of this name. Fails when there is none (hint: ondol pull) or when a short name fits several.
  Result<StoredModel> find(const std::string& name) const;

  /// Removes a model of the own folder, and folders that this leaves empty. Others' files are refused.
  Result<StoredModel> remove(const std::string& name) const;

 private:
  StoreFolders folders_;
};

/// A model outside the store's folders, with its size and time.
StoredModel stored_model_at(const std::string& path, std::string name);

/// The precision in a file's name ("Q4_K_M" in "qwen3-4b-q4_k_m-00001-of-00002.gguf"), in capitals; empty when there is
/// none.
std::string quantization_in(const std::string& file_name);

/// Whether this is a later part of a split model: "-00002-of-00003.gguf".
bool is_later_part(const std::string& file_name);

}  // namespace ondol
