#include "server/vector_stores.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <tuple>

#include <fmt/format.h>

#include "base/files.h"
#include "retrieve/document_codec.h"
#include "retrieve/reader_process.h"
#include "server/ownership.h"
#include "server/random_id.h"

namespace ondol::server {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostStores = 1000;
constexpr size_t kMostFiles = 10000;
constexpr size_t kMostFileBytes = size_t{256} << 20;  // as `ondol index` takes
constexpr size_t kMostAboutBytes = size_t{256} << 20;
constexpr size_t kMostBatches = 1000;
constexpr size_t kBytesPerToken = 4;
constexpr int kMostTries = 3;
constexpr int64_t kActiveSeconds = 60;  // uses that are nearer to each other are one

int64_t now_seconds() {
  return static_cast<int64_t>(std::time(nullptr));
}

/// A document of a named store, whose only name is its path.
AttachedFile file_of(const DocumentRecord& record) {
  AttachedFile file;
  const auto bytes = std::span(reinterpret_cast<const uint8_t*>(record.path.data()), record.path.size());
  file.id = "file-" + hash_bytes(bytes).hex().substr(0, 24);
  file.name = fs::path(record.path).filename();
  file.path = record.path;
  file.created_at = record.modified_ns / 1'000'000'000;
  file.status = record.error.empty() ? AttachStatus::kCompleted : AttachStatus::kFailed;
  file.error_code = record.error.empty() ? "" : "invalid_file";
  file.error = record.error;
  file.text_bytes = static_cast<uint64_t>(std::max<int64_t>(record.size_bytes, 0));
  file.attributes = {{"path", record.path}};
  return file;
}

VectorStores::Outcome failed(HttpError error) {
  return {{}, std::move(error)};
}

std::optional<HttpError> too_many(const VectorStore& store) {
  if (store.files.size() <= kMostFiles) return {};
  return make_error(400, fmt::format("expected at most {} files in a vector store", kMostFiles));
}

ChunkerOptions chunks_of(const ChunkingStrategy& chunking) {
  ChunkerOptions options;
  if (chunking.most_tokens == 0) return options;
  options.most_bytes = static_cast<size_t>(chunking.most_tokens) * kBytesPerToken;
  options.least_bytes = options.most_bytes / 3;
  options.overlap_bytes = static_cast<size_t>(chunking.overlap_tokens) * kBytesPerToken;
  return options;
}

/// One question at a time.
class SharedEmbedder final : public TextEmbedder {
 public:
  explicit SharedEmbedder(std::unique_ptr<TextEmbedder> embedder) : embedder_(std::move(embedder)) {}
  std::string name() const override { return embedder_->name(); }
  std::string source() const override { return embedder_->source(); }
  int width() const override { return embedder_->width(); }
  Result<std::vector<Parts>> embed_documents(std::span<const std::string> texts) override {
    const std::lock_guard lock(mutex_);
    return embedder_->embed_documents(texts);
  }
  Result<std::vector<float>> embed_question(const std::string& text) override {
    const std::lock_guard lock(mutex_);
    return embedder_->embed_question(text);
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<TextEmbedder> embedder_;
};

/// Likewise.
class SharedReranker final : public Reranker {
 public:
  explicit SharedReranker(std::unique_ptr<Reranker> reranker) : reranker_(std::move(reranker)) {}
  std::string name() const override { return reranker_->name(); }
  std::string source() const override { return reranker_->source(); }
  double most_share() const override { return reranker_->most_share(); }
  Result<std::vector<float>> scores(const std::string& question, std::span<const std::string> texts) override {
    const std::lock_guard lock(mutex_);
    return reranker_->scores(question, texts);
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<Reranker> reranker_;
};

}  // namespace

HttpError unknown_vector_store(const std::string& id) {
  return make_error(404, fmt::format("there is no vector store '{}'", id.substr(0, 100)), "vector_store_not_found");
}

Result<void> VectorStores::offer(VectorStoreOptions options) {
  options_ = std::move(options);
  reader_ = std::make_unique<ReaderProcess>(ReaderProcessOptions{.program = options_.reader_program});
  for (const auto& [name, place] : options_.named) {
    const auto opened = DocumentStore::open(place);
    if (!opened) return opened.error();
    auto named = std::make_shared<Collection>(Collection{name, "", {}, nullptr, true, false});
    named->about.id = name;
    named->about.name = name;
    named->documents = std::make_shared<CollectionDocuments>(
        place, [this](const std::string& source) { return embedder(source); },
        [this](const std::string& source) { return reranker(source); });
    collections_.insert(collections_.begin(), std::move(named));
  }
  return {};
}

VectorStores::CollectionPtr VectorStores::add(VectorStore about) {
  auto made = std::make_shared<Collection>(Collection{about.id, about.owner, {}, nullptr, false, false});
  made->documents = std::make_shared<CollectionDocuments>(
      (folder(about.id) / "documents.db").string(),
      [this](const std::string& source) {
        // Vectors of another model, from before, are not for questions to this one.
        return own_embedder_ && own_embedder_->source() == source ? own_embedder_ : nullptr;
      },
      [this](const std::string& source) {
        return own_reranker_ && own_reranker_->source() == source ? own_reranker_ : nullptr;
      });
  made->about = std::move(about);
  collections_.push_back(made);
  return made;
}

Result<void> VectorStores::load() {
  std::error_code code;
  if (!fs::is_directory(directory(), code)) return {};
  const fs::directory_iterator entries(directory(), code);
  if (code) return Error(fmt::format("{}: cannot read the folder: {}", directory().string(), code.message()));
  std::vector<VectorStore> found;
  for (const fs::directory_entry& entry : entries) {
    if (!entry.path().filename().string().starts_with("vs_")) continue;
    const auto text = read_file(entry.path() / "about.json", kMostAboutBytes);
    const auto document = text ? parse_json(*text) : Result<json::value>(text.error());
    auto about = document ? store_from_document(*document) : Result<VectorStore>(document.error());
    if (about && about->id == entry.path().filename()) {
      found.push_back(std::move(*about));
    } else if (!fs::exists(entry.path() / "about.json", code)) {
      fs::remove_all(entry.path(), code);  // what was being made, or removed, when a server was killed
    }
  }
  std::sort(found.begin(), found.end(), [](const VectorStore& a, const VectorStore& b) {
    return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id);
  });
  const std::lock_guard lock(mutex_);
  for (VectorStore& about : found) add(std::move(about));
  return {};
}

void VectorStores::start(std::shared_ptr<TextEmbedder> embedder, std::shared_ptr<Reranker> reranker) {
  own_embedder_ = std::move(embedder);
  own_reranker_ = std::move(reranker);
  const std::lock_guard lock(mutex_);
  for (const CollectionPtr& collection : collections_) {
    if (collection->is_named) continue;
    for (const AttachedFile& file : collection->about.files) {
      if (file.status == AttachStatus::kInProgress) read_later(collection, file);
    }
    const bool has_models = own_embedder_ || own_reranker_;
    if (has_models && !collection->about.files.empty()) readers_.post([this, collection] { embed(collection); });
  }
}

/// Of a named store.
Result<std::shared_ptr<TextEmbedder>> VectorStores::embedder(const std::string& source) {
  if (own_embedder_ && own_embedder_->source() == source) return own_embedder_;
  if (!options_.open_embedder) return std::shared_ptr<TextEmbedder>();
  const std::lock_guard lock(embedders_mutex_);
  std::shared_ptr<TextEmbedder>& known = embedders_[source];
  if (!known) known = std::make_shared<SharedEmbedder>(ONDOL_TRY(options_.open_embedder(source)));
  return known;
}

Result<std::shared_ptr<Reranker>> VectorStores::reranker(const std::string& source) {
  if (own_reranker_ && own_reranker_->source() == source) return own_reranker_;
  if (!options_.open_reranker) return std::shared_ptr<Reranker>();
  const std::lock_guard lock(embedders_mutex_);
  std::shared_ptr<Reranker>& known = rerankers_[source];
  if (!known) known = std::make_shared<SharedReranker>(ONDOL_TRY(options_.open_reranker(source)));
  return known;
}

void VectorStores::stop() {
  is_stopping_ = true;
  is_ending_ = true;
  askers_.stop();
  searchers_.stop();
  readers_.stop();
}

// What there is.

VectorStores::CollectionPtr VectorStores::collection(const std::string& id, const std::string& asker) const {
  const std::lock_guard lock(mutex_);
  for (const CollectionPtr& known : collections_) {
    if (known->id == id && may_see(asker, known->owner)) return known;
  }
  return nullptr;
}

Result<VectorStore> VectorStores::view(const CollectionPtr& collection) const {
  if (!collection->is_named) {
    const std::lock_guard lock(mutex_);
    return collection->about;
  }
  VectorStore store = collection->about;  // which does not change
  for (const DocumentRecord& record : ONDOL_TRY(collection->documents->list())) {
    store.files.push_back(file_of(record));
    store.created_at = std::max(store.created_at, store.files.back().created_at);
  }
  store.last_active_at = store.created_at;
  return store;
}

VectorStores::Outcome VectorStores::find(const std::string& id, const std::string& asker) {
  const CollectionPtr found = collection(id, asker);
  if (!found) return failed(unknown_vector_store(id));
  auto store = view(found);
  return store ? Outcome{std::move(*store), {}} : failed(make_error(500, store.error().message()));
}

std::vector<VectorStore> VectorStores::list(const std::string& asker) {
  std::vector<CollectionPtr> all;
  {
    const std::lock_guard lock(mutex_);
    all = collections_;
  }
  std::vector<VectorStore> stores;
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    auto store = may_see(asker, (*it)->owner) ? view(*it) : Result<VectorStore>(Error("another's"));
    if (store) stores.push_back(std::move(*store));
  }
  return stores;
}

VectorStores::Searchable VectorStores::searchable(const std::string& id, const std::string& asker) {
  const auto refuse = [](HttpError error) { return Searchable{{}, nullptr, std::move(error)}; };
  const CollectionPtr found = collection(id, asker);
  if (!found) return refuse(unknown_vector_store(id));
  const int64_t now = now_seconds();
  auto store = view(found);
  if (!store) return refuse(make_error(500, store.error().message()));
  if (store->is_expired(now)) return refuse(make_error(400, fmt::format("the vector store '{}' has expired", id)));
  if (!found->is_named && now >= store->last_active_at + kActiveSeconds) {
    edit(found, [&](VectorStore& about) -> std::optional<HttpError> {
      about.last_active_at = now;
      return {};
    });
  }
  return {std::move(*store), found->documents, {}};
}

// Changes.

Result<void> VectorStores::write(const VectorStore& store) const {
  std::error_code code;
  fs::create_directories(folder(store.id), code);
  if (code) return Error(fmt::format("{}: cannot make the folder: {}", folder(store.id).string(), code.message()));
  return write_file_atomically(folder(store.id) / "about.json", json::serialize(to_document(store)));
}

VectorStores::Outcome VectorStores::edit(const CollectionPtr& collection, const Edit& edit) {
  if (collection->is_named) {
    return failed(make_error(400, fmt::format("the vector store '{}' is a document store of this machine, which is "
                                              "searched as it is; hint: ondol index",
                                              collection->id)));
  }
  const std::lock_guard lock(mutex_);
  if (collection->is_gone) return failed(unknown_vector_store(collection->id));
  VectorStore changed = collection->about;
  if (auto error = edit(changed)) return failed(std::move(*error));
  if (const auto written = write(changed); !written) return failed(make_error(500, written.error().message()));
  collection->about = changed;
  return {std::move(changed), {}};
}

VectorStores::Outcome VectorStores::create(VectorStore wanted) {
  if (const auto claimed = data_.claim(); !claimed) return failed(make_error(503, claimed.error().message()));
  if (auto error = too_many(wanted)) return failed(std::move(*error));
  wanted.id = random_id("vs_");
  wanted.created_at = wanted.last_active_at = now_seconds();
  const std::lock_guard lock(mutex_);
  if (collections_.size() >= kMostStores) {
    return failed(make_error(400, fmt::format("expected at most {} vector stores, there are as many", kMostStores)));
  }
  if (const auto written = write(wanted); !written) return failed(make_error(500, written.error().message()));
  const CollectionPtr made = add(wanted);
  for (const AttachedFile& file : wanted.files) read_later(made, file);
  return {std::move(wanted), {}};
}

VectorStores::Outcome VectorStores::update(const std::string& id, const std::string& asker, const Edit& change) {
  const CollectionPtr found = collection(id, asker);
  return found ? edit(found, change) : failed(unknown_vector_store(id));
}

VectorStores::Outcome VectorStores::remove(const std::string& id, const std::string& asker) {
  const CollectionPtr found = collection(id, asker);
  if (!found) return failed(unknown_vector_store(id));
  // Once the document about it is gone, a server that is killed here removes the rest at its next start.
  const auto forget = [this](VectorStore& store) -> std::optional<HttpError> {
    std::error_code code;
    fs::remove(folder(store.id) / "about.json", code);
    if (code) return make_error(500, fmt::format("cannot remove the vector store: {}", code.message()));
    return {};
  };
  if (found->is_named) return edit(found, forget);
  const std::lock_guard lock(mutex_);
  if (found->is_gone) return failed(unknown_vector_store(id));
  if (auto error = forget(found->about)) return failed(std::move(*error));
  found->is_gone = true;
  std::erase(collections_, found);
  std::error_code code;
  fs::remove_all(folder(found->id), code);
  return {found->about, {}};
}

VectorStores::Outcome VectorStores::attach(const std::string& id, const std::string& asker,
                                           std::vector<AttachedFile> files, const std::optional<FileBatch>& batch) {
  const CollectionPtr found = collection(id, asker);
  if (!found) return failed(unknown_vector_store(id));
  std::vector<AttachedFile> replaced;
  Outcome outcome = edit(found, [&](VectorStore& store) {
    for (const AttachedFile& file : files) {
      if (const AttachedFile* known = store.find(file.id)) replaced.push_back(*known);
      std::erase_if(store.files, [&](const AttachedFile& known) { return known.id == file.id; });
      store.files.push_back(file);
    }
    if (batch) store.batches.push_back(*batch);
    if (store.batches.size() > kMostBatches) store.batches.erase(store.batches.begin());
    store.last_active_at = now_seconds();
    return too_many(store);
  });
  if (outcome.error) return outcome;
  for (const AttachedFile& file : replaced) {
    if (const auto forgotten = forget(found, file); !forgotten) {
      return failed(make_error(500, forgotten.error().message()));
    }
  }
  for (const AttachedFile& file : files) read_later(found, file);
  return outcome;
}

VectorStores::Outcome VectorStores::detach(const std::string& id, const std::string& asker, const std::string& file) {
  const CollectionPtr found = collection(id, asker);
  if (!found) return failed(unknown_vector_store(id));
  AttachedFile gone;
  Outcome outcome = edit(found, [&](VectorStore& store) -> std::optional<HttpError> {
    const AttachedFile* known = store.find(file);
    if (known == nullptr) return make_error(404, fmt::format("there is no file '{}' in it", file.substr(0, 100)));
    gone = *known;
    std::erase_if(store.files, [&](const AttachedFile& f) { return f.id == file; });
    return {};
  });
  if (outcome.error) return outcome;
  if (const auto forgotten = forget(found, gone); !forgotten) {
    return failed(make_error(500, forgotten.error().message()));
  }
  return outcome;
}

VectorStores::Outcome VectorStores::cancel(const std::string& id, const std::string& asker, const std::string& batch) {
  return update(id, asker, [&](VectorStore& store) -> std::optional<HttpError> {
    for (AttachedFile& file : store.files) {
      if (file.batch == batch && file.status == AttachStatus::kInProgress) file.status = AttachStatus::kCancelled;
    }
    return {};
  });
}

// Reading.

fs::path VectorStores::document_path(const std::string& id, const AttachedFile& file) const {
  return folder(id) / (file.path.substr(0, file.path.find('/')) + ".document");
}

Result<Document> VectorStores::document(const VectorStore& store, const AttachedFile& file) const {
  if (file.status != AttachStatus::kCompleted) return Error("the file has not been read");
  return decode_document(ONDOL_TRY(read_file(document_path(store.id, file))));
}

void VectorStores::read_later(const CollectionPtr& collection, const AttachedFile& file) {
  readers_.post([this, collection, path = file.path] { read(collection, path); });
}

std::optional<AttachedFile> VectorStores::awaited(const Collection& collection, const std::string& path) const {
  const std::lock_guard lock(mutex_);
  if (collection.is_gone) return {};
  for (const AttachedFile& file : collection.about.files) {
    if (file.path == path && file.status == AttachStatus::kInProgress) return file;
  }
  return {};
}

Result<Document> VectorStores::read_document(const AttachedFile& file, const GoesOn& goes_on) {
  const auto kept = files_.find(file.id, file.owner);
  if (!kept) return Error("the file was deleted before it was read");
  if (kept->size_bytes > kMostFileBytes) {
    return Error(fmt::format("expected at most {} bytes, got {}", kMostFileBytes, kept->size_bytes));
  }
  std::string bytes = ONDOL_TRY(read_file(kept->path, kMostFileBytes));
  if (!reader_) reader_ = std::make_unique<ReaderProcess>(ReaderProcessOptions{.program = options_.reader_program});
  return reader_->read(file.name, std::move(bytes), goes_on);
}

Result<void> VectorStores::keep(const CollectionPtr& collection, const AttachedFile& file, const Document& document,
                                const GoesOn& goes_on) {
  ONDOL_TRY(write_file_atomically(document_path(collection->id, file), encode_document(document)));
  ONDOL_TRY(collection->documents->put(file.path, document, chunks_of(file.chunking)));
  Result<void> embedded;
  // Pieces that are taken out at the same time make it fail.
  for (int i = 0; own_embedder_ && i < kMostTries; ++i) {
    embedded = collection->documents->embed(*own_embedder_, goes_on);
    if (embedded || !goes_on()) break;
  }
  if (embedded) weigh(collection);
  return embedded;
}

void VectorStores::weigh(const CollectionPtr& collection) {
  // Where that fails, the order stays as found; the next file that is read brings it again.
  const auto goes_on = [&] { return !is_stopping_; };
  if (own_reranker_ && goes_on()) (void)collection->documents->weigh(*own_reranker_, own_embedder_.get(), goes_on);
}

/// What was kept by the server before has no vectors, or those of another model.
void VectorStores::embed(const CollectionPtr& collection) {
  const auto goes_on = [&] { return !is_stopping_; };
  // Without them words alone count; the next file that is read brings them, too.
  if (own_embedder_ && goes_on()) (void)collection->documents->embed(*own_embedder_, goes_on);
  weigh(collection);
}

Result<void> VectorStores::forget(const CollectionPtr& collection, const AttachedFile& file) {
  std::error_code code;
  fs::remove(document_path(collection->id, file), code);
  return collection->documents->remove(file.path);
}

void VectorStores::read(const CollectionPtr& collection, const std::string& path) {
  const auto goes_on = [&] { return !is_stopping_ && awaited(*collection, path); };
  const auto file = awaited(*collection, path);
  if (!file || is_stopping_) return;
  const auto document = read_document(*file, goes_on);
  if (is_stopping_) return;  // whoever starts next reads it again
  const Result<void> kept = document ? keep(collection, *file, *document, goes_on) : Result<void>(document.error());
  if (is_stopping_) return;
  const Outcome outcome = edit(collection, [&](VectorStore& store) -> std::optional<HttpError> {
    AttachedFile* known = store.find(file->id);
    const bool is_wanted = known != nullptr && known->path == path && known->status == AttachStatus::kInProgress;
    if (!is_wanted) return make_error(404, "it is gone");
    known->status = kept ? AttachStatus::kCompleted : AttachStatus::kFailed;
    if (kept) {
      known->text_bytes = document->text.size();
    } else {
      known->error_code = document ? "server_error" : "invalid_file";
      known->error = kept.error().message();
    }
    return {};
  });
  // It was taken out, or put there anew, meanwhile.
  if (outcome.error) (void)forget(collection, *file);
}

}  // namespace ondol::server
