#include "retrieve/lexical_index.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace ondol {
namespace {

/// Of BM25. How soon more of the same word stops counting, and how much a long chunk is marked down. Pairs of syllables
/// repeat by chance, so they are to be counted less.
struct Shape {
  double k1;
  double b;
};
constexpr Shape kWords = {1.5, 0.75};
constexpr Shape kPairs = {0.9, 0.4};

/// More segments than these are merged.
constexpr size_t kMostSegments = 8;

/// With fewer chunks, how rare a word is tells little of it.
constexpr int64_t kLargeIndex = 500;

constexpr size_t kMostChunks = size_t{1} << 28;

}  // namespace

void keep_best(std::vector<ScoredChunk>& all, size_t n) {
  const auto is_better = [](const ScoredChunk& a, const ScoredChunk& b) {
    return a.score != b.score ? a.score > b.score : a.chunk < b.chunk;
  };
  n = std::min(n, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(), is_better);
  all.resize(n);
}

size_t n_with_ties(std::span<const ScoredChunk> best, size_t n) {
  if (n == 0 || best.size() <= n) return best.size();
  while (n < best.size() && best[n].score == best[n - 1].score) ++n;
  return n;
}

Result<LexicalIndex> LexicalIndex::open(Database& database) {
  return LexicalIndex(database,
                      {ONDOL_TRY(database.prepare("SELECT data FROM posting WHERE segment = ?1 AND term = ?2")),
                       ONDOL_TRY(database.prepare("INSERT INTO posting (segment, term, data) VALUES (?1, ?2, ?3)")),
                       ONDOL_TRY(database.prepare("DELETE FROM posting WHERE segment = ?1")),
                       ONDOL_TRY(database.prepare("INSERT INTO segment (id, n_postings) VALUES (?1, ?2)")),
                       ONDOL_TRY(database.prepare("DELETE FROM segment WHERE id = ?1"))});
}

uint32_t LexicalIndex::add(int64_t chunk, std::string_view text) {
  std::vector<std::pair<const std::string, Pending>*> seen;
  uint32_t n_terms = 0;
  reader_.read(text, [&](const Term& term) {
    ++n_terms;
    auto known = pending_.find(term.text);
    if (known == pending_.end()) known = pending_.emplace(term.text, Pending()).first;
    if (known->second.count++ == 0) seen.push_back(&*known);
  });
  for (auto* entry : seen) {
    auto& [term, pending] = *entry;
    pending_bytes_ += pending.writer.n() == 0 ? term.size() + sizeof(*entry) + 64 : 4;
    pending.writer.add({chunk, std::exchange(pending.count, 0)});
  }
  return n_terms;
}

void LexicalIndex::forget_pending() {
  pending_.clear();
  pending_bytes_ = 0;
}

Result<std::vector<LexicalIndex::Segment>> LexicalIndex::segments() {
  std::vector<Segment> all;
  Statement statement = ONDOL_TRY(database_->prepare("SELECT id, n_postings FROM segment ORDER BY id"));
  while (ONDOL_TRY(statement.next())) all.push_back({statement.integer(0), statement.integer(1)});
  return all;
}

Result<void> LexicalIndex::write(int64_t segment, std::string_view term, const PostingWriter& postings) {
  const std::string& bytes = postings.bytes();
  return statements_.insert.run(segment, term, std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
}

Result<void> LexicalIndex::flush() {
  if (!pending_.empty()) {
    const std::vector<Segment> known = ONDOL_TRY(segments());
    const int64_t id = known.empty() ? 1 : known.back().id + 1;
    int64_t n_postings = 0;
    std::vector<const std::pair<const std::string, Pending>*> in_order;
    for (const auto& entry : pending_) in_order.push_back(&entry);
    std::sort(in_order.begin(), in_order.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
    for (const auto* entry : in_order) {
      ONDOL_TRY(write(id, entry->first, entry->second.writer));
      n_postings += entry->second.writer.n();
    }
    ONDOL_TRY(statements_.add_segment.run(id, n_postings));
    forget_pending();
  }
  version_ = -1;
  return merge_some();
}

/// From the first segment on that is not much larger than all that follow it together, so that each posting is written
/// again only as often as the index doubles.
Result<void> LexicalIndex::merge_some() {
  const std::vector<Segment> all = ONDOL_TRY(segments());
  if (all.size() <= kMostSegments) return {};
  size_t first = all.size() - 1;
  int64_t n_after = 0;
  for (size_t i = all.size(); i-- > 0; n_after += all[i].n_postings) {
    if (all[i].n_postings <= 2 * n_after) first = i;
  }
  return merge(std::span(all).subspan(std::min(first, all.size() - 2)));
}

/// Chunks of later segments are larger than those of earlier ones, so lists are put one behind the other.
Result<void> LexicalIndex::merge(std::span<const Segment> parts) {
  ONDOL_TRY(refresh());
  struct Source {
    Statement statement;
    bool has_row = false;
  };
  std::vector<Source> sources;
  for (const Segment& part : parts) {
    sources.push_back(
        {ONDOL_TRY(database_->prepare("SELECT term, data FROM posting WHERE segment = ?1 ORDER BY term"))});
    sources.back().statement.start(part.id);
    sources.back().has_row = ONDOL_TRY(sources.back().statement.next());
  }
  const int64_t id = parts.back().id + 1;
  int64_t n_postings = 0;
  while (true) {
    const Source* least = nullptr;
    for (const Source& source : sources) {
      if (!source.has_row) continue;
      if (least == nullptr || source.statement.text(0) < least->statement.text(0)) least = &source;
    }
    if (least == nullptr) break;
    const std::string term(least->statement.text(0));
    PostingWriter writer;
    int64_t last = -1;
    for (Source& source : sources) {
      if (!source.has_row || source.statement.text(0) != term) continue;
      PostingReader reader(source.statement.bytes(1));
      for (Posting posting; reader.next(posting);) {
        if (!is_there(posting.chunk) || posting.chunk <= last) continue;
        writer.add(posting);
        last = posting.chunk;
      }
      source.has_row = ONDOL_TRY(source.statement.next());
    }
    if (writer.n() == 0) continue;
    ONDOL_TRY(write(id, term, writer));
    n_postings += writer.n();
  }
  sources.clear();
  for (const Segment& part : parts) {
    ONDOL_TRY(statements_.remove.run(part.id));
    ONDOL_TRY(statements_.remove_segment.run(part.id));
  }
  return statements_.add_segment.run(id, n_postings);
}

Result<void> LexicalIndex::refresh() {
  const int64_t version = ONDOL_TRY(database_->version());
  if (version == version_) return {};
  lengths_.clear();
  n_chunks_ = 0;
  uint64_t n_terms = 0;
  Statement statement = ONDOL_TRY(database_->prepare("SELECT id, n_terms FROM chunk ORDER BY id"));
  while (ONDOL_TRY(statement.next())) {
    const auto id = static_cast<size_t>(statement.integer(0));
    if (statement.integer(0) < 0 || id > kMostChunks) {
      return Error(
          fmt::format("the store is damaged: expected chunks up to {}, got {}", kMostChunks, statement.integer(0)));
    }
    lengths_.resize(id + 1);
    lengths_[id] = static_cast<uint32_t>(statement.integer(1));
    n_terms += lengths_[id];
    ++n_chunks_;
  }
  mean_length_ = n_chunks_ == 0 ? 0 : static_cast<double>(n_terms) / static_cast<double>(n_chunks_);
  scores_.assign(lengths_.size(), 0.0f);
  version_ = version;
  return {};
}

std::vector<WeightedTerm> LexicalIndex::terms_of(std::string_view question) {
  std::vector<WeightedTerm> terms;
  reader_.read(question, [&](const Term& term) {
    const auto known =
        std::find_if(terms.begin(), terms.end(), [&](const WeightedTerm& other) { return other.text == term.text; });
    if (known != terms.end()) known->weight += 1;
    if (known == terms.end()) terms.push_back({std::string(term.text), 1, term.is_pair});
  });
  return terms;
}

Result<void> LexicalIndex::read_postings(const WeightedTerm& term, std::span<const Segment> segments) {
  postings_.clear();
  for (const Segment& segment : segments) {
    Statement& find = statements_.find.start(segment.id, term.text);
    if (!ONDOL_TRY(find.next())) continue;
    PostingReader reader(find.bytes(0));
    for (Posting posting; reader.next(posting);) {
      if (is_there(posting.chunk)) postings_.push_back(posting);
    }
    find.start(int64_t{0}, std::string_view());  // or it would keep the snapshot
  }
  return {};
}

Result<int64_t> LexicalIndex::n_chunks_with(const WeightedTerm& term) {
  ONDOL_TRY(refresh());
  ONDOL_TRY(read_postings(term, ONDOL_TRY(segments())));
  return static_cast<int64_t>(postings_.size());
}

double LexicalIndex::rarity(int64_t n_chunks, int64_t n_all) {
  const auto n = static_cast<double>(n_chunks);
  return std::log(1 + (static_cast<double>(n_all) - n + 0.5) / (n + 0.5));
}

Result<double> LexicalIndex::score_of(std::span<const WeightedTerm> terms, std::string_view text) {
  std::map<std::string, double, std::less<>> counts;
  double n_terms = 0;
  reader_.read(text, [&](const Term& term) {
    ++n_terms;
    counts[std::string(term.text)] += 1;
  });
  double score = 0;
  for (const WeightedTerm& term : terms) {
    const Shape& shape = term.is_pair ? kPairs : kWords;
    const auto count = counts.find(term.text);
    const int64_t n = ONDOL_TRY(n_chunks_with(term));
    if (count == counts.end()) continue;
    const double length = mean_length_ > 0 ? n_terms / mean_length_ : 0;
    const double among = count->second + shape.k1 * (1 - shape.b + shape.b * length);
    score += term.weight * rarity(n) * (shape.k1 + 1) * count->second / among;
  }
  return score;
}

Result<double> LexicalIndex::closeness(std::vector<WeightedTerm> terms) {
  double most = 0;
  for (WeightedTerm& term : terms) {
    const int64_t n = ONDOL_TRY(n_chunks_with(term));
    const double weight = term.weight * rarity(n, std::max(n_chunks_, kLargeIndex));
    most += weight * ((term.is_pair ? kPairs : kWords).k1 + 1);
    term.weight = weight / rarity(n);
  }
  const auto found = ONDOL_TRY(search(terms, 1));
  return most > 0 && !found.empty() ? found.front().score / most : 0;
}

void LexicalIndex::add_scores(const WeightedTerm& term) {
  const Shape& shape = term.is_pair ? kPairs : kWords;
  const auto factor = static_cast<float>(term.weight * rarity(static_cast<int64_t>(postings_.size())) * (shape.k1 + 1));
  const auto fixed = static_cast<float>(shape.k1 * (1 - shape.b));
  const auto per_term = static_cast<float>(shape.k1 * shape.b / mean_length_);
  for (const Posting& posting : postings_) {
    const auto chunk = static_cast<size_t>(posting.chunk);
    const auto count = static_cast<float>(posting.count);
    if (scores_[chunk] == 0) touched_.push_back(posting.chunk);
    scores_[chunk] += factor * count / (count + fixed + per_term * static_cast<float>(lengths_[chunk]));
  }
}

/// And leaves all scores at zero.
std::vector<ScoredChunk> LexicalIndex::best(size_t n) {
  std::vector<ScoredChunk> all;
  all.reserve(touched_.size());
  for (const int64_t chunk : touched_) {
    all.push_back({chunk, std::exchange(scores_[static_cast<size_t>(chunk)], 0.0f)});
  }
  touched_.clear();
  keep_best(all, n);
  return all;
}

Result<std::vector<ScoredChunk>> LexicalIndex::search(std::span<const WeightedTerm> terms, size_t n) {
  ONDOL_TRY(refresh());
  const std::vector<Segment> all = ONDOL_TRY(segments());
  for (const WeightedTerm& term : terms) {
    if (const auto read = read_postings(term, all); !read) {
      best(0);
      return read.error();
    }
    add_scores(term);
  }
  return best(n);
}

}  // namespace ondol
