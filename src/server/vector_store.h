// VectorStore: a collection of files that are searched together (/v1/vector_stores), as it is kept and as clients see
// it. Its texts are collection_documents.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace ondol::server {

enum class AttachStatus { kInProgress, kCompleted, kFailed, kCancelled };

/// As OpenAI writes it: "in_progress", ...
std::string_view status_name(AttachStatus status);

/// How a file is cut into pieces, in tokens; 0: as its own parts suggest.
struct ChunkingStrategy {
  int64_t most_tokens = 0;
  int64_t overlap_tokens = 0;  // at most half of most_tokens
};

/// A file of a collection.
struct AttachedFile {
  std::string id;
  std::string owner;  // of the file (ownership.h)
  std::string name;
  std::string path;   // of its document: "KEY/NAME", with another key each time that the file is put there
  std::string batch;  // that it came with, or ""
  ChunkingStrategy chunking;
  int64_t created_at = 0;
  AttachStatus status = AttachStatus::kInProgress;
  std::string error_code;  // why it failed: "invalid_file" or "server_error"
  std::string error;
  uint64_t text_bytes = 0;
  json::object attributes;
};

/// Files that came together.
struct FileBatch {
  std::string id;
  int64_t created_at = 0;
};

struct VectorStore {
  std::string id;
  std::string owner;
  std::string name;
  std::string description;
  json::object metadata;
  int64_t created_at = 0;
  int64_t last_active_at = 0;
  int64_t expires_after_days = 0;   // without use; 0: never
  std::vector<AttachedFile> files;  // the oldest first
  std::vector<FileBatch> batches;   // the oldest first; the newest thousand

  AttachedFile* find(const std::string& file);
  const AttachedFile* find(const std::string& file) const { return const_cast<VectorStore*>(this)->find(file); }
  bool is_expired(int64_t now) const {
    return expires_after_days > 0 && now >= last_active_at + expires_after_days * 86400;
  }
};

/// Everything, for a file; and back. Errors: what cannot be one.
json::object to_document(const VectorStore& store);
Result<VectorStore> store_from_document(const json::value& document);

/// As clients see it.
json::object shown(const VectorStore& store, int64_t now);
json::object shown(const VectorStore& store, const AttachedFile& file);
json::object shown(const VectorStore& store, const FileBatch& batch);
json::object shown(const ChunkingStrategy& chunking);

}  // namespace ondol::server
