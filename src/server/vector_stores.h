// VectorStores: collections of files that clients search (/v1/vector_stores), in the data folder, also across restarts;
// and document stores that were made elsewhere, which are searched as they are.
//
// Everything here looks at the disk: call it from its own threads (post).
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "retrieve/document_reader.h"
#include "server/collection_documents.h"
#include "server/file_store.h"
#include "server/http.h"
#include "server/vector_store.h"
#include "server/workers.h"

namespace ondol::server {

struct VectorStoreOptions {
  std::map<std::string, std::string> named;  // names and places of document stores
  std::string reader_program;                // ondol-reader; without it, plain text alone is read
  /// For named stores that have vectors.
  std::function<Result<std::unique_ptr<TextEmbedder>>(const std::string& source)> open_embedder = {};
  /// For those that keep a reranker.
  std::function<Result<std::unique_ptr<Reranker>>(const std::string& source)> open_reranker = {};
};

class VectorStores {
 public:
  /// Both must outlive it.
  VectorStores(DataFolder& data, FileStore& files) : data_(data), files_(files) {}
  ~VectorStores() { stop(); }

  /// Call once, before anybody asks. Errors: a named store that cannot be opened.
  Result<void> offer(VectorStoreOptions options);
  /// Takes up what an earlier server left. The folder is claimed already.
  Result<void> load();
  /// Reads the files that had not been read. `embedder`, or null, makes vectors of all that is here, until stop();
  /// `reranker`, or null, reads the best of each search again where that helps.
  void start(std::shared_ptr<TextEmbedder> embedder, std::shared_ptr<Reranker> reranker = nullptr);
  /// No file is read any more.
  void stop_reading() { is_stopping_ = true; }
  /// Returns when its threads have ended; what is posted later is dropped.
  void stop();
  /// Whether stop() has been called, so that who takes long gives up.
  bool is_ending() const { return is_ending_; }

  void post(std::function<void()> job) { searchers_.post(std::move(job)); }
  /// For what takes long.
  void post_question(std::function<void()> job) { askers_.post(std::move(job)); }

  struct Outcome {
    VectorStore store;
    std::optional<HttpError> error;
  };
  /// `wanted` says what it is, and which files are in it.
  Outcome create(VectorStore wanted);
  Outcome find(const std::string& id, const std::string& asker);
  /// Without a look at the disk.
  bool has(const std::string& id, const std::string& asker) const { return collection(id, asker) != nullptr; }
  /// The newest first, then the named ones.
  std::vector<VectorStore> list(const std::string& asker);
  /// Applies `edit`, whose error leaves all as it was.
  using Edit = std::function<std::optional<HttpError>(VectorStore&)>;
  Outcome update(const std::string& id, const std::string& asker, const Edit& edit);
  Outcome remove(const std::string& id, const std::string& asker);

  /// Files are read while other things happen, each in the place of what it was before.
  Outcome attach(const std::string& id, const std::string& asker, std::vector<AttachedFile> files,
                 const std::optional<FileBatch>& batch = {});
  Outcome detach(const std::string& id, const std::string& asker, const std::string& file);
  /// What of a batch has not been read is not going to be.
  Outcome cancel(const std::string& id, const std::string& asker, const std::string& batch);
  /// What was read of a file.
  Result<Document> document(const VectorStore& store, const AttachedFile& file) const;

  /// The documents, for a search now.
  struct Searchable {
    VectorStore store;
    std::shared_ptr<CollectionDocuments> documents;
    std::optional<HttpError> error;
  };
  Searchable searchable(const std::string& id, const std::string& asker);

 private:
  struct Collection {
    const std::string id;
    const std::string owner;
    VectorStore about;
    std::shared_ptr<CollectionDocuments> documents;
    bool is_named = false;
    bool is_gone = false;
  };
  using CollectionPtr = std::shared_ptr<Collection>;

  std::filesystem::path directory() const { return data_.path() / "vector_stores"; }
  std::filesystem::path folder(const std::string& id) const { return directory() / id; }
  std::filesystem::path document_path(const std::string& id, const AttachedFile& file) const;
  CollectionPtr collection(const std::string& id, const std::string& asker) const;
  CollectionPtr add(VectorStore about);
  Result<VectorStore> view(const CollectionPtr& collection) const;
  Outcome edit(const CollectionPtr& collection, const Edit& edit);
  Result<void> write(const VectorStore& store) const;
  Result<std::shared_ptr<TextEmbedder>> embedder(const std::string& source);
  Result<std::shared_ptr<Reranker>> reranker(const std::string& source);
  void weigh(const CollectionPtr& collection);
  void read_later(const CollectionPtr& collection, const AttachedFile& file);
  void read(const CollectionPtr& collection, const std::string& path);
  Result<Document> read_document(const AttachedFile& file, const GoesOn& goes_on);
  Result<void> keep(const CollectionPtr& collection, const AttachedFile& file, const Document& document,
                    const GoesOn& goes_on);
  void embed(const CollectionPtr& collection);
  Result<void> forget(const CollectionPtr& collection, const AttachedFile& file);
  /// As it is now, if it is still to be read.
  std::optional<AttachedFile> awaited(const Collection& collection, const std::string& path) const;

  DataFolder& data_;
  FileStore& files_;
  VectorStoreOptions options_;
  std::shared_ptr<TextEmbedder> own_embedder_;
  std::mutex embedders_mutex_;
  std::map<std::string, std::shared_ptr<TextEmbedder>> embedders_;  // of named stores, by source
  std::map<std::string, std::shared_ptr<Reranker>> rerankers_;      // likewise
  std::shared_ptr<Reranker> own_reranker_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> is_ending_{false};
  mutable std::mutex mutex_;                // of the collections and what is in them, but not of their documents
  std::vector<CollectionPtr> collections_;  // the oldest first
  std::unique_ptr<DocumentReader> reader_;  // used by readers_ alone
  // The last members: what they run uses the others.
  Workers readers_{1};
  Workers searchers_{2};
  Workers askers_{2};
};

/// 404.
HttpError unknown_vector_store(const std::string& id);

}  // namespace ondol::server
