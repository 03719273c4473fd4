// LexicalIndex: which chunks have the words of a question, and how well they fit it (BM25; Robertson and Zaragoza,
// 2009).
//
// Postings lie in the store's file, by segments: what was added together is one, and neighbouring ones are merged so
// that they stay few. A chunk is gone as soon as the store has no row of it; its postings go with the next merge, and
// until then they are passed over, so that scores are those of an index that was made anew.
//
// SQLite's own full text (FTS5) has the same scores, but took more than twice the time for a Korean question, in which
// every pair of syllables is a term, and it gives no way to weigh the terms of a question.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "retrieve/database.h"
#include "retrieve/postings.h"
#include "retrieve/terms.h"

namespace ondol {

struct ScoredChunk {
  int64_t chunk = 0;
  float score = 0;
};

/// The best n, the best first; equal scores in the order of chunks.
void keep_best(std::vector<ScoredChunk>& all, size_t n);

/// How many of these, which are the best first, are as good as the n-th: who is among the best must not depend on the
/// numbers of chunks, which tell how a store came about.
size_t n_with_ties(std::span<const ScoredChunk> best, size_t n);
/// Ties are looked for among so many more.
constexpr size_t kMostTies = 32;

/// How much each term of a question counts.
struct WeightedTerm {
  std::string text;
  double weight = 1;
  bool is_pair = false;
};

class LexicalIndex {
 public:
  /// The tables must be there (document_store.cpp). The database must outlive it.
  static Result<LexicalIndex> open(Database& database);

  /// Within the caller's transaction: chunks that ascend are added and kept in memory until flush() writes them.
  /// Returns the number of terms, which belongs into the chunk's row.
  uint32_t add(int64_t chunk, std::string_view text);
  size_t pending_bytes() const { return pending_bytes_; }
  Result<void> flush();
  /// Forgets what was added and not written, after a transaction that failed.
  void forget_pending();

  std::vector<WeightedTerm> terms_of(std::string_view question);

  /// In how many chunks it is.
  Result<int64_t> n_chunks_with(const WeightedTerm& term);
  /// How much a term that is in so many chunks tells.
  double rarity(int64_t n_chunks) const { return rarity(n_chunks, n_chunks_); }
  /// What a chunk with this text would score.
  Result<double> score_of(std::span<const WeightedTerm> terms, std::string_view text);
  /// How near the best chunk comes to having all of the terms without end, from 0 to 1. In a small index, in which all
  /// words are about as frequent, they count about the same.
  Result<double> closeness(std::vector<WeightedTerm> terms);

  /// The best n, the best first; equal scores in the order of chunks.
  Result<std::vector<ScoredChunk>> search(std::span<const WeightedTerm> terms, size_t n);

 private:
  struct Segment {
    int64_t id = 0;
    int64_t n_postings = 0;
  };
  struct Statements {
    Statement find;
    Statement insert;
    Statement remove;
    Statement add_segment;
    Statement remove_segment;
  };

  /// What is not written yet of a term.
  struct Pending {
    PostingWriter writer;
    uint32_t count = 0;  // in the chunk that is being read
  };
  /// So that views are found without being copied.
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  LexicalIndex(Database& database, Statements statements) : database_(&database), statements_(std::move(statements)) {}
  /// What other connections, or this one's owner, have changed.
  static double rarity(int64_t n_chunks, int64_t n_all);
  Result<void> refresh();
  Result<void> write(int64_t segment, std::string_view term, const PostingWriter& postings);
  Result<std::vector<Segment>> segments();
  Result<void> merge(std::span<const Segment> parts);
  Result<void> merge_some();
  bool is_there(int64_t chunk) const {
    return chunk >= 0 && chunk < static_cast<int64_t>(lengths_.size()) && lengths_[static_cast<size_t>(chunk)] > 0;
  }
  Result<void> read_postings(const WeightedTerm& term, std::span<const Segment> segments);
  void add_scores(const WeightedTerm& term);
  std::vector<ScoredChunk> best(size_t n);

  Database* database_;
  Statements statements_;
  TermReader reader_;
  std::unordered_map<std::string, Pending, TextHash, std::equal_to<>> pending_;
  size_t pending_bytes_ = 0;

  int64_t version_ = -1;           // of what follows
  std::vector<uint32_t> lengths_;  // terms of each chunk; 0: it is not there
  int64_t n_chunks_ = 0;
  double mean_length_ = 0;

  // Of one search.
  std::vector<Posting> postings_;
  std::vector<float> scores_;
  std::vector<int64_t> touched_;
};

}  // namespace ondol
