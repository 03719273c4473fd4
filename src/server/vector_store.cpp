#include "server/vector_store.h"

#include <algorithm>
#include <iterator>

namespace ondol::server {
namespace {

constexpr AttachStatus kStatuses[] = {AttachStatus::kInProgress, AttachStatus::kCompleted, AttachStatus::kFailed,
                                      AttachStatus::kCancelled};

json::object object_or_empty(const json::value& document, std::string_view key) {
  const json::value* found = find_member(document, key);
  return found != nullptr && found->is_object() ? found->get_object() : json::object();
}

json::object to_document(const AttachedFile& file) {
  json::object document = {{"id", file.id}, {"owner", file.owner}, {"name", file.name}, {"path", file.path}};
  document["created_at"] = file.created_at;
  document["status"] = status_name(file.status);
  document["error_code"] = file.error_code;
  document["error"] = file.error;
  document["text_bytes"] = file.text_bytes;
  document["batch"] = file.batch;
  document["most_tokens"] = file.chunking.most_tokens;
  document["overlap_tokens"] = file.chunking.overlap_tokens;
  document["attributes"] = file.attributes;
  return document;
}

AttachedFile file_from_document(const json::value& document) {
  AttachedFile file;
  file.id = string_or(document, "id", "");
  file.owner = string_or(document, "owner", "");
  file.name = string_or(document, "name", "");
  file.path = string_or(document, "path", "");
  file.created_at = int_or(document, "created_at", 0);
  const std::string status = string_or(document, "status", "");
  for (const AttachStatus known : kStatuses) {
    if (status == status_name(known)) file.status = known;
  }
  file.error_code = string_or(document, "error_code", "");
  file.error = string_or(document, "error", "");
  file.text_bytes = static_cast<uint64_t>(std::max<int64_t>(int_or(document, "text_bytes", 0), 0));
  file.batch = string_or(document, "batch", "");
  file.chunking.most_tokens = std::clamp<int64_t>(int_or(document, "most_tokens", 0), 0, 1 << 20);
  file.chunking.overlap_tokens = std::clamp<int64_t>(int_or(document, "overlap_tokens", 0), 0, 1 << 20);
  file.attributes = object_or_empty(document, "attributes");
  return file;
}

/// How many of the files there are of each status.
json::object counts_of(const std::vector<AttachedFile>& files, std::string_view batch) {
  int64_t counts[std::size(kStatuses)] = {};
  int64_t n = 0;
  for (const AttachedFile& file : files) {
    if (!batch.empty() && file.batch != batch) continue;
    ++counts[static_cast<size_t>(file.status)];
    ++n;
  }
  json::object object;
  for (const AttachStatus status : kStatuses) object[status_name(status)] = counts[static_cast<size_t>(status)];
  object["total"] = n;
  return object;
}

}  // namespace

std::string_view status_name(AttachStatus status) {
  constexpr std::string_view kNames[] = {"in_progress", "completed", "failed", "cancelled"};
  return kNames[static_cast<size_t>(status)];
}

AttachedFile* VectorStore::find(const std::string& file) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const AttachedFile& f) { return f.id == file; });
  return found == files.end() ? nullptr : &*found;
}

json::object to_document(const VectorStore& store) {
  json::object document = {{"id", store.id}, {"owner", store.owner}, {"name", store.name}};
  document["description"] = store.description;
  document["metadata"] = store.metadata;
  document["created_at"] = store.created_at;
  document["last_active_at"] = store.last_active_at;
  document["expires_after_days"] = store.expires_after_days;
  json::array files;
  for (const AttachedFile& file : store.files) files.push_back(to_document(file));
  document["files"] = std::move(files);
  json::array batches;
  for (const FileBatch& batch : store.batches) {
    batches.push_back(json::object{{"id", batch.id}, {"created_at", batch.created_at}});
  }
  document["batches"] = std::move(batches);
  return document;
}

Result<VectorStore> store_from_document(const json::value& document) {
  VectorStore store;
  store.id = string_or(document, "id", "");
  const json::value* files = find_member(document, "files");
  if (store.id.empty() || files == nullptr || !files->is_array()) return Error("expected a collection, got none");
  store.owner = string_or(document, "owner", "");
  store.name = string_or(document, "name", "");
  store.description = string_or(document, "description", "");
  store.metadata = object_or_empty(document, "metadata");
  store.created_at = int_or(document, "created_at", 0);
  store.last_active_at = int_or(document, "last_active_at", 0);
  store.expires_after_days = std::clamp<int64_t>(int_or(document, "expires_after_days", 0), 0, 365);
  for (const json::value& file : files->get_array()) store.files.push_back(file_from_document(file));
  const json::value* batches = find_member(document, "batches");
  if (batches == nullptr || !batches->is_array()) return store;
  for (const json::value& batch : batches->get_array()) {
    store.batches.push_back({string_or(batch, "id", ""), int_or(batch, "created_at", 0)});
  }
  return store;
}

json::object shown(const VectorStore& store, int64_t now) {
  uint64_t bytes = 0;
  for (const AttachedFile& file : store.files) bytes += file.text_bytes;
  json::object object = {{"id", store.id}, {"object", "vector_store"}, {"created_at", store.created_at}};
  object["name"] = store.name;
  object["description"] = store.description.empty() ? json::value() : json::value(store.description);
  object["usage_bytes"] = bytes;
  json::object counts = counts_of(store.files, "");
  const bool is_busy = counts["in_progress"].as_int64() > 0;
  object["file_counts"] = std::move(counts);
  object["status"] = store.is_expired(now) ? "expired" : is_busy ? "in_progress" : "completed";
  const bool expires = store.expires_after_days > 0;
  object["expires_after"] = nullptr;
  if (expires) object["expires_after"] = {{"anchor", "last_active_at"}, {"days", store.expires_after_days}};
  object["expires_at"] = expires ? json::value(store.last_active_at + store.expires_after_days * 86400) : json::value();
  object["last_active_at"] = store.last_active_at;
  object["metadata"] = store.metadata;
  return object;
}

json::object shown(const VectorStore& store, const AttachedFile& file) {
  json::object object = {{"id", file.id}, {"object", "vector_store.file"}, {"created_at", file.created_at}};
  object["usage_bytes"] = file.text_bytes;
  object["vector_store_id"] = store.id;
  object["status"] = status_name(file.status);
  object["last_error"] = nullptr;
  if (file.status == AttachStatus::kFailed) {
    object["last_error"] = {{"code", file.error_code}, {"message", file.error}};
  }
  object["chunking_strategy"] = shown(file.chunking);
  object["attributes"] = file.attributes;
  return object;
}

json::object shown(const VectorStore& store, const FileBatch& batch) {
  json::object object = {{"id", batch.id}, {"object", "vector_store.files_batch"}, {"created_at", batch.created_at}};
  object["vector_store_id"] = store.id;
  json::object counts = counts_of(store.files, batch.id);
  const bool is_busy = counts["in_progress"].as_int64() > 0;
  const bool is_cancelled = counts["cancelled"].as_int64() > 0;
  object["status"] = is_busy ? "in_progress" : is_cancelled ? "cancelled" : "completed";
  object["file_counts"] = std::move(counts);
  return object;
}

json::object shown(const ChunkingStrategy& chunking) {
  if (chunking.most_tokens == 0) return {{"type", "other"}};
  json::object lengths = {{"max_chunk_size_tokens", chunking.most_tokens},
                          {"chunk_overlap_tokens", chunking.overlap_tokens}};
  json::object object = {{"type", "static"}};
  object["static"] = std::move(lengths);
  return object;
}

}  // namespace ondol::server
