// DocumentStore: documents in pieces, in one SQLite file, found again by their words.
//
// Texts are kept beside the offsets, so that what is quoted can be held against them even when the file is gone. All
// changes between two commits happen together or not at all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "retrieve/chunker.h"
#include "retrieve/database.h"
#include "retrieve/document.h"
#include "retrieve/fusion.h"
#include "retrieve/lexical_index.h"
#include "retrieve/reranker.h"
#include "retrieve/text_embedder.h"
#include "retrieve/vector_index.h"

namespace ondol {

/// What is known of a file.
struct DocumentRecord {
  int64_t id = 0;
  std::string path;
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;
  Hash128 hash;       // of its bytes
  std::string error;  // why nothing of it can be found; empty: all is well
};

/// A piece that fits a question.
struct Hit {
  int64_t chunk = 0;
  double score = 0;
  std::string path;
  int page = 0;
  size_t start = 0;  // bytes of the document's text
  size_t end = 0;
  std::string headings;
  std::string text;
};

struct SearchOptions {
  size_t n = 10;
  /// Words that the best pieces share are looked for, too (pseudo relevance feedback).
  bool expands = true;
  /// The question's vector, by the embedder of the store; empty: words alone count.
  std::vector<float> meaning = {};
  /// How much meaning counts; nothing: as was measured for this store, or else kMeaningShare.
  std::optional<double> meaning_share = {};
  /// Reads the best again (reranking.h); null: the order stays.
  Reranker* reranker = nullptr;
  /// How much it counts; nothing: as was measured for this store with it, or else 0, and it is not asked.
  std::optional<double> rerank_share = {};
};

struct DocumentStoreStats {
  int64_t n_documents = 0;
  int64_t n_failed = 0;
  int64_t n_chunks = 0;
};

/// A piece's text with what stands above it, as it is searched.
std::string searched_text(std::string_view headings, std::string_view text);

class DocumentStore {
 public:
  /// Opens or makes the file; ":memory:" is one that is never written. Errors: no database, one of another program, or
  /// of a later version of this one.
  static Result<DocumentStore> open(const std::string& path);
  DocumentStore(DocumentStore&&) noexcept;
  ~DocumentStore();  // takes back what was not committed

  // Changes. They are seen by other connections, and survive, from commit() on.

  /// Puts a document in the place of what was known of its path. Pieces that are as they were keep their numbers.
  Result<void> put(const DocumentRecord& record, const Document& document, const ChunkerOptions& options = {});
  /// Remembers that a file could not be read, so that it is tried again only when it changes.
  Result<void> put_failure(const DocumentRecord& record);
  /// The file of this number has another time or place, and the same content.
  Result<void> move(const DocumentRecord& record);
  Result<void> remove(int64_t document);
  /// Vectors of another embedder are forgotten.
  Result<void> set_embedder(const TextEmbedder& embedder);
  Result<void> put_vectors(int64_t chunk, std::span<const std::vector<float>> parts);
  /// Writes what has gathered when it is much.
  Result<void> commit_if_large();
  /// After an error nothing of it is left.
  Result<void> commit();
  /// Takes back what was not committed.
  void roll_back();

  Result<std::vector<DocumentRecord>> documents();
  Result<DocumentStoreStats> stats();
  /// What the embedder of its vectors is opened with; empty: it has none.
  Result<std::string> embedder_source() { return vectors_.source(); }

  struct ChunkText {
    int64_t chunk = 0;
    std::string text;  // with what stands above it
  };
  /// The first n behind a piece that wait for vectors, and how many there are.
  Result<std::vector<ChunkText>> without_vectors(int64_t behind, size_t n);
  Result<int64_t> n_without_vectors();

  /// VectorIndex::complete_graph, after commit().
  Result<int64_t> complete_graph(const std::function<bool(int64_t done, int64_t all)>& progress = {});
  void set_vector_limits(const VectorIndex::Limits& limits) { vectors_.set_limits(limits); }

  /// The best pieces first.
  Result<std::vector<Hit>> search(std::string_view question, const SearchOptions& options = {});

  /// All that meaning tells of a question, and the best by words.
  struct Scores {
    std::vector<ScoredChunk> words;
    std::vector<VectorIndex::Nearness> meaning;
  };
  Result<Scores> scores(std::string_view question, std::span<const float> meaning);
  /// What a piece with this text would score by words.
  Result<double> words_score(std::string_view question, std::string_view text);
  /// Up to n pieces, from the whole store; only such as have vectors.
  Result<std::vector<ChunkText>> sample_with_vectors(size_t n);
  Result<std::vector<ChunkText>> sample(size_t n);
  /// With what stands above it; empty: there is no such piece.
  Result<std::string> chunk_text(int64_t chunk);

  /// How much meaning counts here, as calibration.h measured it.
  struct MeasuredShare {
    double meaning_share = 0;
    int64_t n_chunks = 0;  // that there were then
    std::string embedder;  // its name
  };
  Result<std::optional<MeasuredShare>> measured_share();
  Result<void> set_measured_share(const MeasuredShare& share);

  /// The model that reads the best again, and how much it counts, as rerank_calibration.h measured it.
  struct KeptReranker {
    double share = 0;      // 0: it does not help here
    int64_t n_chunks = 0;  // that there were then
    std::string name;
    std::string source;
  };
  Result<std::optional<KeptReranker>> kept_reranker();
  Result<void> keep_reranker(const KeptReranker& reranker);
  Result<void> forget_reranker();

  /// A question's terms, each weighing how much it tells here.
  Result<std::vector<WeightedTerm>> terms_of(std::string_view question);
  /// How near the best piece comes to a question by its words, from 0 to 1 (LexicalIndex::closeness).
  Result<double> closeness(std::string_view question);

 private:
  struct Statements;
  DocumentStore(std::unique_ptr<Database> database, LexicalIndex lexical, VectorIndex vectors,
                std::unique_ptr<Statements> statements);
  Result<void> begin();
  Result<int64_t> put_record(const DocumentRecord& record, const std::string& title);
  Result<std::vector<WeightedTerm>> expanded(std::vector<WeightedTerm> terms);
  Result<double> meaning_share(const SearchOptions& options);
  Result<double> rerank_share(const SearchOptions& options);
  Result<std::vector<Hit>> found(std::string_view question, const SearchOptions& options);
  Result<std::vector<ChunkText>> sample_of(std::string_view table, std::string_view id, size_t n);
  Result<std::vector<ScoredChunk>> best_chunks(std::string_view question, const SearchOptions& options);
  Result<Hit> hit_of(const ScoredChunk& scored);

  std::unique_ptr<Database> database_;  // the index points to it
  LexicalIndex lexical_;
  VectorIndex vectors_;
  std::unique_ptr<Statements> statements_;
  std::optional<Transaction> transaction_;
};

}  // namespace ondol
