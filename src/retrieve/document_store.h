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
#include "retrieve/lexical_index.h"

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
};

struct DocumentStoreStats {
  int64_t n_documents = 0;
  int64_t n_failed = 0;
  int64_t n_chunks = 0;
};

class DocumentStore {
 public:
  /// Opens or makes the file; ":memory:" is one that is never written. Errors: no database, one of another program, or
  /// of a later version of this one.
  static Result<DocumentStore> open(const std::string& path);

  // Changes. They are seen by other connections, and survive, from commit() on.

  /// Puts a document in the place of what was known of its path. Pieces that are as they were keep their numbers.
  Result<void> put(const DocumentRecord& record, const Document& document, const ChunkerOptions& options = {});
  /// Remembers that a file could not be read, so that it is tried again only when it changes.
  Result<void> put_failure(const DocumentRecord& record);
  /// The file of this number has another time or place, and the same content.
  Result<void> move(const DocumentRecord& record);
  Result<void> remove(int64_t document);
  /// Writes what has gathered when it is much.
  Result<void> commit_if_large();
  Result<void> commit();
  /// Takes back what was not committed.
  void roll_back();

  Result<std::vector<DocumentRecord>> documents();
  Result<DocumentStoreStats> stats();

  /// The best pieces first.
  Result<std::vector<Hit>> search(std::string_view question, const SearchOptions& options = {});

 private:
  struct Statements;
  DocumentStore(std::unique_ptr<Database> database, LexicalIndex lexical, std::unique_ptr<Statements> statements);

 public:
  DocumentStore(DocumentStore&&) noexcept;
  ~DocumentStore();

 private:
  Result<void> begin();
  Result<int64_t> put_record(const DocumentRecord& record, const std::string& title);
  Result<std::vector<WeightedTerm>> expanded(std::vector<WeightedTerm> terms);
  Result<Hit> hit_of(const ScoredChunk& scored);

  std::unique_ptr<Database> database_;  // the index points to it
  LexicalIndex lexical_;
  std::unique_ptr<Statements> statements_;
  std::optional<Transaction> transaction_;
};

}  // namespace ondol
