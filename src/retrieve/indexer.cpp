#include "retrieve/indexer.h"

#include <map>

#include <fmt/format.h>

#include "base/files.h"
#include "retrieve/file_walk.h"
#include "retrieve/read_document.h"

namespace ondol {
namespace {

Hash128 hash_of(std::string_view bytes) {
  return hash_bytes({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

bool is_below(const std::string& path, const std::string& root) {
  return path == root || (path.starts_with(root) && (root.ends_with('/') || path[root.size()] == '/'));
}

class Indexing {
 public:
  Indexing(DocumentStore& store, const IndexOptions& options) : store_(store), options_(options) {}

  Result<IndexReport> run() {
    files_ = ONDOL_TRY(find_files(options_.paths, report_.failures));
    ONDOL_TRY(compare());
    for (const FoundFile* file : to_read_) {
      if (goes_on()) ONDOL_TRY(read(*file));
      if (report_.was_stopped) break;
      ONDOL_TRY(store_.commit_if_large());
    }
    // Only now is it known what was moved.
    if (!report_.was_stopped) ONDOL_TRY(remove_missing());
    ONDOL_TRY(store_.commit());
    if (options_.progress) options_.progress(report_.n_bytes, all_bytes_);
    return std::move(report_);
  }

 private:
  Result<void> compare() {
    for (DocumentRecord& record : ONDOL_TRY(store_.documents())) known_.emplace(record.path, std::move(record));
    std::vector<std::string> roots;
    for (const std::string& path : options_.paths) roots.push_back(store_path(path));
    std::map<std::string, const FoundFile*> found;
    for (const FoundFile& file : files_) {
      found.emplace(file.path, &file);
      const auto known = known_.find(file.path);
      const bool is_same = known != known_.end() && known->second.size_bytes == file.size_bytes &&
                           known->second.modified_ns == file.modified_ns;
      if (is_same) {
        ++report_.n_same;
        continue;
      }
      to_read_.push_back(&file);
      all_bytes_ += static_cast<uint64_t>(file.size_bytes);
    }
    for (const auto& [path, record] : known_) {
      const auto holds = [&](const std::string& root) { return is_below(path, root); };
      if (found.contains(path) || std::none_of(roots.begin(), roots.end(), holds)) continue;
      if (record.error.empty()) missing_by_hash_.emplace(record.hash, record.id);
      missing_.emplace(record.id, path);
    }
    return {};
  }

  Result<void> read(const FoundFile& file) {
    DocumentRecord record;
    record.path = file.path;
    record.size_bytes = file.size_bytes;
    record.modified_ns = file.modified_ns;
    const auto known = known_.find(file.path);
    report_.n_bytes += static_cast<uint64_t>(file.size_bytes);
    if (static_cast<uint64_t>(file.size_bytes) > options_.most_bytes) {
      return fail(record, fmt::format("expected at most {} bytes, got {}", options_.most_bytes, file.size_bytes));
    }
    auto bytes = read_file(file.path, options_.most_bytes);
    if (!bytes) return fail(record, bytes.error().message());
    record.hash = hash_of(*bytes);
    if (known != known_.end() && known->second.hash == record.hash && known->second.error.empty()) {
      record.id = known->second.id;
      ++report_.n_same;
      return store_.move(record);
    }
    if (known == known_.end()) {
      if (const auto moved = missing_by_hash_.find(record.hash); moved != missing_by_hash_.end()) {
        record.id = moved->second;
        missing_.erase(moved->second);
        missing_by_hash_.erase(moved);
        ++report_.n_moved;
        return store_.move(record);
      }
    }
    const auto document = document_of(file.path, std::move(*bytes));
    if (report_.was_stopped) return {};
    if (!document) return fail(record, document.error().message());
    if (!document->missing.empty()) report_.incomplete.push_back(file.path + ": " + document->missing);
    ++(known == known_.end() ? report_.n_added : report_.n_changed);
    return store_.put(record, *document);
  }

  Result<Document> document_of(const std::string& path, std::string bytes) {
    if (options_.reader == nullptr) return read_document(path, std::move(bytes));
    return options_.reader->read(path, std::move(bytes), [this] { return goes_on(); });
  }

  bool goes_on() {
    if (options_.progress && !options_.progress(report_.n_bytes, all_bytes_)) report_.was_stopped = true;
    return !report_.was_stopped;
  }

  Result<void> fail(DocumentRecord& record, const std::string& reason) {
    record.error = reason;
    report_.failures.push_back(reason.starts_with(record.path) ? reason : record.path + ": " + reason);
    return store_.put_failure(record);
  }

  Result<void> remove_missing() {
    for (const auto& [id, path] : missing_) ONDOL_TRY(store_.remove(id));
    report_.n_removed = static_cast<int64_t>(missing_.size());
    return {};
  }

  DocumentStore& store_;
  const IndexOptions& options_;
  IndexReport report_;
  std::vector<FoundFile> files_;
  std::vector<const FoundFile*> to_read_;
  uint64_t all_bytes_ = 0;
  std::map<std::string, DocumentRecord> known_;
  std::multimap<Hash128, int64_t> missing_by_hash_;
  std::map<int64_t, std::string> missing_;
};

}  // namespace

Result<IndexReport> index_files(DocumentStore& store, const IndexOptions& options) {
  return Indexing(store, options).run();
}

}  // namespace ondol
