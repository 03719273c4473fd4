#include "retrieve/document_store.h"

#include <algorithm>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "retrieve/expansion.h"
#include "retrieve/phrases.h"
#include "retrieve/reranking.h"

namespace ondol {
namespace {

constexpr int64_t kApplication = 0x4F4E444C;  // "ONDL"
constexpr int64_t kVersion = 1;

/// Numbers of chunks are never given twice: postings of one that is gone may still be there. The names in braces are
/// those of the dialect.
std::string schema(const sql::Dialect& dialect) {
  using namespace fmt::literals;
  return fmt::format(
      R"sql(
CREATE TABLE document (id {own_id}, path TEXT NOT NULL UNIQUE, size_bytes {integer} NOT NULL,
                       modified_ns {integer} NOT NULL, hash {bytes} NOT NULL, title TEXT NOT NULL,
                       error TEXT NOT NULL);
CREATE TABLE chunk (id {own_id}, document {integer} NOT NULL REFERENCES document ON DELETE CASCADE,
                    start {integer} NOT NULL, "end" {integer} NOT NULL, page {integer} NOT NULL,
                    headings TEXT NOT NULL, text TEXT NOT NULL, hash {bytes} NOT NULL, n_terms {integer} NOT NULL);
CREATE INDEX chunk_of_document ON chunk (document);
CREATE TABLE segment (id {integer} PRIMARY KEY, n_postings {integer} NOT NULL);
CREATE TABLE posting (segment {integer} NOT NULL, term {sorted_text} NOT NULL, data {bytes} NOT NULL,
                      PRIMARY KEY (segment, term)) {without_rowid};
CREATE TABLE vector (chunk {integer} NOT NULL REFERENCES chunk ON DELETE CASCADE, part {integer} NOT NULL,
                     data {bytes} NOT NULL, PRIMARY KEY (chunk, part)) {without_rowid};
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) {without_rowid};
)sql",
      "integer"_a = dialect.integer, "bytes"_a = dialect.bytes, "own_id"_a = dialect.own_id,
      "sorted_text"_a = dialect.sorted_text, "without_rowid"_a = dialect.without_rowid);
}

/// More is written at once than is kept.
constexpr size_t kMostPendingBytes = size_t{32} << 20;

/// So many of the best by words take part when meaning counts too.
constexpr size_t kFusedChunks = 1000;

/// So many of the best are looked through for a phrase.
constexpr size_t kPhraseChunks = 5000;

std::span<const uint8_t> bytes_of(const Hash128& hash) {
  return {reinterpret_cast<const uint8_t*>(&hash), sizeof(hash)};
}

Hash128 hash_from(std::span<const uint8_t> bytes) {
  Hash128 hash;
  if (bytes.size() == sizeof(hash)) std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(&hash));
  return hash;
}

/// Of what is searched and embedded: the text and what stands above it.
Hash128 hash_of(const Chunk& chunk, std::string_view text) {
  const auto bytes = [](std::string_view t) { return std::span(reinterpret_cast<const uint8_t*>(t.data()), t.size()); };
  return hash_bytes(bytes(text), hash_bytes(bytes(chunk.headings)));
}

Result<void> make_tables(Database& database, const std::string& path) {
  Transaction transaction = ONDOL_TRY(Transaction::begin(database));
  const sql::Identity identity = ONDOL_TRY(database.identity());
  if (identity.is_empty) {
    ONDOL_TRY(database.execute(schema(database.dialect())));
    ONDOL_TRY(database.set_identity(kApplication, kVersion));
    return transaction.commit();
  }
  if (identity.application != kApplication) {
    return Error(path + ": expected a store that ondol made, got another program's database");
  }
  if (identity.version != kVersion) {
    return Error(fmt::format("{}: expected a store of version {}, got {}; index the documents again into a new one",
                             path, kVersion, identity.version));
  }
  return {};
}

}  // namespace

std::string searched_text(std::string_view headings, std::string_view text) {
  return headings.empty() ? std::string(text) : fmt::format("{}\n{}", headings, text);
}

struct DocumentStore::Statements {
  Statement find_document;
  Statement insert_document;
  Statement update_document;
  Statement move_document;
  Statement remove_document;
  Statement chunks_of;
  Statement move_chunk;
  Statement insert_chunk;
  Statement set_terms;
  Statement remove_chunk;
  Statement hit;
  Statement text_of;
};

DocumentStore::DocumentStore(std::unique_ptr<Database> database, LexicalIndex lexical, VectorIndex vectors,
                             std::unique_ptr<Statements> statements)
    : database_(std::move(database)),
      lexical_(std::move(lexical)),
      vectors_(std::move(vectors)),
      statements_(std::move(statements)) {}
DocumentStore::DocumentStore(DocumentStore&&) noexcept = default;
DocumentStore::~DocumentStore() {
  roll_back();
}

Result<DocumentStore> DocumentStore::open(const std::string& path) {
  auto database = std::make_unique<Database>(ONDOL_TRY(Database::open(path)));
  ONDOL_TRY(make_tables(*database, Database::shown(path)));
  LexicalIndex lexical = ONDOL_TRY(LexicalIndex::open(*database));
  VectorIndex vectors = ONDOL_TRY(VectorIndex::open(*database));
  const auto prepare = [&](std::string_view sql) { return database->prepare(sql); };
  Statements statements{
      ONDOL_TRY(prepare("SELECT id FROM document WHERE path = ?1")),
      ONDOL_TRY(prepare(
          "INSERT INTO document (path, size_bytes, modified_ns, hash, title, error) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
          "RETURNING id")),
      ONDOL_TRY(prepare("UPDATE document SET path = ?2, size_bytes = ?3, modified_ns = ?4, hash = ?5, title = ?6, "
                        "error = ?7 WHERE id = ?1")),
      ONDOL_TRY(prepare("UPDATE document SET path = ?2, size_bytes = ?3, modified_ns = ?4 WHERE id = ?1")),
      ONDOL_TRY(prepare("DELETE FROM document WHERE id = ?1")),
      ONDOL_TRY(prepare("SELECT id, hash FROM chunk WHERE document = ?1 ORDER BY id")),
      ONDOL_TRY(prepare("UPDATE chunk SET start = ?2, \"end\" = ?3, page = ?4 WHERE id = ?1")),
      ONDOL_TRY(prepare("INSERT INTO chunk (document, start, \"end\", page, headings, text, hash, n_terms) VALUES (?1, "
                        "?2, ?3, ?4, ?5, ?6, ?7, 0) RETURNING id")),
      ONDOL_TRY(prepare("UPDATE chunk SET n_terms = ?2 WHERE id = ?1")),
      ONDOL_TRY(prepare("DELETE FROM chunk WHERE id = ?1")),
      ONDOL_TRY(prepare("SELECT path, page, start, \"end\", headings, text FROM chunk JOIN document ON document.id = "
                        "chunk.document WHERE chunk.id = ?1")),
      ONDOL_TRY(prepare("SELECT text FROM chunk WHERE id = ?1"))};
  return DocumentStore(std::move(database), std::move(lexical), std::move(vectors),
                       std::make_unique<Statements>(std::move(statements)));
}

// Changes.

Result<void> DocumentStore::begin() {
  if (!transaction_) transaction_.emplace(ONDOL_TRY(Transaction::begin(*database_)));
  return {};
}

void DocumentStore::roll_back() {
  transaction_.reset();
  lexical_.forget_pending();
}

Result<void> DocumentStore::commit() {
  if (!transaction_) return {};
  auto done = lexical_.flush();
  if (done) done = transaction_->commit();
  if (!done) {
    roll_back();  // a part of it must not be taken for the whole
    return done;
  }
  transaction_.reset();
  return {};
}

Result<void> DocumentStore::commit_if_large() {
  return lexical_.pending_bytes() > kMostPendingBytes ? commit() : Result<void>();
}

Result<int64_t> DocumentStore::put_record(const DocumentRecord& record, const std::string& title) {
  Statement& find = statements_->find_document.start(record.path);
  const bool is_known = ONDOL_TRY(find.next());
  const int64_t id = is_known ? find.integer(0) : 0;
  find.start(std::string_view());
  if (is_known) {
    ONDOL_TRY(statements_->update_document.run(id, record.path, record.size_bytes, record.modified_ns,
                                               bytes_of(record.hash), title, record.error));
    return id;
  }
  return statements_->insert_document.number(record.path, record.size_bytes, record.modified_ns, bytes_of(record.hash),
                                             title, record.error);
}

Result<void> DocumentStore::put(const DocumentRecord& record, const Document& document, const ChunkerOptions& options) {
  ONDOL_TRY(begin());
  const int64_t id = ONDOL_TRY(put_record(record, document.title));
  std::multimap<Hash128, int64_t> known;
  Statement& chunks = statements_->chunks_of.start(id);
  while (ONDOL_TRY(chunks.next())) known.emplace(hash_from(chunks.bytes(1)), chunks.integer(0));
  for (const Chunk& chunk : cut_into_chunks(document, options)) {
    const std::string_view text = std::string_view(document.text).substr(chunk.start, chunk.end - chunk.start);
    const Hash128 hash = hash_of(chunk, text);
    if (const auto same = known.find(hash); same != known.end()) {
      ONDOL_TRY(statements_->move_chunk.run(same->second, chunk.start, chunk.end, chunk.page));
      known.erase(same);
      continue;
    }
    const int64_t number = ONDOL_TRY(
        statements_->insert_chunk.number(id, chunk.start, chunk.end, chunk.page, chunk.headings, text, bytes_of(hash)));
    const uint32_t n_terms = lexical_.add(number, searched_text(chunk.headings, text));
    ONDOL_TRY(statements_->set_terms.run(number, n_terms));
  }
  for (const auto& [hash, number] : known) ONDOL_TRY(statements_->remove_chunk.run(number));
  return {};
}

Result<void> DocumentStore::put_failure(const DocumentRecord& record) {
  return put(record, Document());
}

Result<void> DocumentStore::move(const DocumentRecord& record) {
  ONDOL_TRY(begin());
  return statements_->move_document.run(record.id, record.path, record.size_bytes, record.modified_ns);
}

Result<void> DocumentStore::remove(int64_t document) {
  ONDOL_TRY(begin());
  return statements_->remove_document.run(document);
}

Result<void> DocumentStore::set_embedder(const TextEmbedder& embedder) {
  ONDOL_TRY(begin());
  return vectors_.set_model(embedder.name(), embedder.source(), embedder.width());
}

Result<void> DocumentStore::put_vectors(int64_t chunk, std::span<const std::vector<float>> parts) {
  ONDOL_TRY(begin());
  return vectors_.put(chunk, parts);
}

Result<int64_t> DocumentStore::complete_graph(const std::function<bool(int64_t, int64_t)>& progress) {
  ONDOL_TRY(commit());
  return vectors_.complete_graph(progress);
}

// What is there.

Result<std::vector<DocumentStore::ChunkText>> DocumentStore::without_vectors(int64_t behind, size_t n) {
  std::vector<ChunkText> chunks;
  Statement statement =
      ONDOL_TRY(database_->prepare("SELECT id, headings, text FROM chunk WHERE id > ?1 AND id NOT IN (SELECT chunk "
                                   "FROM vector) ORDER BY id LIMIT ?2"));
  statement.start(behind, n);
  while (ONDOL_TRY(statement.next())) {
    chunks.push_back({statement.integer(0), searched_text(statement.text(1), statement.text(2))});
  }
  return chunks;
}

Result<int64_t> DocumentStore::n_without_vectors() {
  return database_->number("SELECT count(*) FROM chunk WHERE id NOT IN (SELECT chunk FROM vector)");
}

Result<std::vector<DocumentRecord>> DocumentStore::documents() {
  std::vector<DocumentRecord> all;
  Statement statement = ONDOL_TRY(
      database_->prepare("SELECT id, path, size_bytes, modified_ns, hash, error FROM document ORDER BY path"));
  while (ONDOL_TRY(statement.next())) {
    all.push_back({statement.integer(0), std::string(statement.text(1)), statement.integer(2), statement.integer(3),
                   hash_from(statement.bytes(4)), std::string(statement.text(5))});
  }
  return all;
}

Result<DocumentStoreStats> DocumentStore::stats() {
  DocumentStoreStats stats;
  stats.n_documents = ONDOL_TRY(database_->number("SELECT count(*) FROM document"));
  stats.n_failed = ONDOL_TRY(database_->number("SELECT count(*) FROM document WHERE error != ''"));
  stats.n_chunks = ONDOL_TRY(database_->number("SELECT count(*) FROM chunk"));
  return stats;
}

// Search.

Result<std::vector<WeightedTerm>> DocumentStore::expanded(std::vector<WeightedTerm> terms) {
  if (!may_expand(terms)) return terms;
  std::vector<FeedbackText> texts;
  const std::vector<ScoredChunk> best = ONDOL_TRY(lexical_.search(terms, kFeedbackChunks + kMostTies));
  for (const ScoredChunk& scored : std::span(best).first(n_with_ties(best, kFeedbackChunks))) {
    Statement& row = statements_->text_of.start(scored.chunk);
    if (ONDOL_TRY(row.next())) texts.push_back({std::string(row.text(0)), scored.score});
    row.start(int64_t{0});  // see hit_of()
  }
  std::sort(texts.begin(), texts.end(), [](const FeedbackText& a, const FeedbackText& b) {
    return a.score != b.score ? a.score > b.score : a.text < b.text;
  });
  if (texts.size() > kFeedbackChunks) texts.resize(kFeedbackChunks);
  return expand(std::move(terms), texts, lexical_);
}

Result<Hit> DocumentStore::hit_of(const ScoredChunk& scored) {
  Hit hit;
  hit.chunk = scored.chunk;
  hit.score = scored.score;
  Statement& row = statements_->hit.start(scored.chunk);
  if (!ONDOL_TRY(row.next())) return hit;
  hit.path = row.text(0);
  hit.page = static_cast<int>(row.integer(1));
  hit.start = static_cast<size_t>(row.integer(2));
  hit.end = static_cast<size_t>(row.integer(3));
  hit.headings = row.text(4);
  hit.text = row.text(5);
  // A statement in the middle of its rows would keep the snapshot: this connection saw nothing new, and could not
  // write.
  row.start(int64_t{0});
  return hit;
}

Result<std::vector<ScoredChunk>> DocumentStore::best_chunks(std::string_view question, const SearchOptions& options) {
  std::vector<WeightedTerm> terms = lexical_.terms_of(question);
  if (options.expands) terms = ONDOL_TRY(expanded(std::move(terms)));
  if (options.meaning.empty()) return lexical_.search(terms, options.n);
  const auto words = ONDOL_TRY(lexical_.search(terms, std::max(options.n, kFusedChunks)));
  std::vector<int64_t> by_words;
  by_words.reserve(words.size());
  for (const ScoredChunk& scored : words) by_words.push_back(scored.chunk);
  const size_t n = std::max(options.n, kLeastNearest);
  const auto meaning = ONDOL_TRY(vectors_.nearest(options.meaning, n, by_words));
  return fuse(words, meaning, ONDOL_TRY(meaning_share(options)), options.n);
}

Result<double> DocumentStore::meaning_share(const SearchOptions& options) {
  if (options.meaning_share) return *options.meaning_share;
  const auto measured = ONDOL_TRY(measured_share());
  return measured ? measured->meaning_share : kMeaningShare;
}

Result<double> DocumentStore::rerank_share(const SearchOptions& options) {
  if (options.reranker == nullptr) return 0.0;
  if (options.rerank_share) return *options.rerank_share;
  const auto kept = ONDOL_TRY(kept_reranker());
  return kept && kept->name == options.reranker->name() ? kept->share : 0.0;
}

Result<DocumentStore::Scores> DocumentStore::scores(std::string_view question, std::span<const float> meaning) {
  Scores scores{ONDOL_TRY(lexical_.search(lexical_.terms_of(question), kFusedChunks)), {}};
  if (!meaning.empty()) scores.meaning = ONDOL_TRY(vectors_.nearness(meaning));
  return scores;
}

Result<double> DocumentStore::words_score(std::string_view question, std::string_view text) {
  return lexical_.score_of(lexical_.terms_of(question), text);
}

Result<std::vector<DocumentStore::ChunkText>> DocumentStore::sample_with_vectors(size_t n) {
  return sample_of("vector", "chunk", n);
}

Result<std::vector<DocumentStore::ChunkText>> DocumentStore::sample(size_t n) {
  return sample_of("chunk", "id", n);
}

Result<std::vector<DocumentStore::ChunkText>> DocumentStore::sample_of(std::string_view table, std::string_view id,
                                                                       size_t n) {
  const int64_t last = ONDOL_TRY(database_->number(fmt::format("SELECT coalesce(max({}), 0) FROM {}", id, table)));
  Statement next = ONDOL_TRY(database_->prepare(fmt::format(
      "SELECT id, headings, text FROM chunk WHERE id = (SELECT min({0}) FROM {1} WHERE {0} >= ?1)", id, table)));
  std::vector<ChunkText> chunks;
  for (size_t i = 0; i < n; ++i) {
    const auto from = static_cast<int64_t>(static_cast<double>(last) * static_cast<double>(i) / static_cast<double>(n));
    next.start(from);
    if (!ONDOL_TRY(next.next())) continue;
    const bool is_new = chunks.empty() || chunks.back().chunk < next.integer(0);
    if (is_new) chunks.push_back({next.integer(0), searched_text(next.text(1), next.text(2))});
  }
  return chunks;
}

// "0.65 1200 NAME" in the settings, so that all of it changes at once.
Result<std::optional<DocumentStore::MeasuredShare>> DocumentStore::measured_share() {
  Statement find = ONDOL_TRY(database_->prepare("SELECT value FROM setting WHERE key = 'meaning_share'"));
  if (!ONDOL_TRY(find.next())) return std::optional<MeasuredShare>();
  std::istringstream text{std::string(find.text(0))};
  MeasuredShare share;
  if (!(text >> share.meaning_share >> share.n_chunks) || !std::getline(text >> std::ws, share.embedder)) {
    return std::optional<MeasuredShare>();
  }
  if (!(share.meaning_share >= 0 && share.meaning_share <= 1)) return std::optional<MeasuredShare>();
  return std::optional(std::move(share));
}

Result<void> DocumentStore::set_measured_share(const MeasuredShare& share) {
  ONDOL_TRY(begin());
  Statement put =
      ONDOL_TRY(database_->prepare("INSERT INTO setting (key, value) VALUES ('meaning_share', ?1) "
                                   "ON CONFLICT (key) DO UPDATE SET value = excluded.value"));
  return put.run(fmt::format("{:.2f} {} {}", share.meaning_share, share.n_chunks, share.embedder));
}

// The share and the number of pieces, the name, and the source, a line each.
Result<std::optional<DocumentStore::KeptReranker>> DocumentStore::kept_reranker() {
  Statement find = ONDOL_TRY(database_->prepare("SELECT value FROM setting WHERE key = 'reranker'"));
  if (!ONDOL_TRY(find.next())) return std::optional<KeptReranker>();
  std::istringstream text{std::string(find.text(0))};
  KeptReranker kept;
  if (!(text >> kept.share >> kept.n_chunks) || !(kept.share >= 0 && kept.share <= 1)) {
    return std::optional<KeptReranker>();
  }
  if (!std::getline(text >> std::ws, kept.name) || !std::getline(text, kept.source)) {
    return std::optional<KeptReranker>();
  }
  return std::optional(std::move(kept));
}

Result<void> DocumentStore::keep_reranker(const KeptReranker& reranker) {
  ONDOL_TRY(begin());
  Statement put =
      ONDOL_TRY(database_->prepare("INSERT INTO setting (key, value) VALUES ('reranker', ?1) "
                                   "ON CONFLICT (key) DO UPDATE SET value = excluded.value"));
  return put.run(fmt::format("{:.2f} {}\n{}\n{}", reranker.share, reranker.n_chunks, reranker.name, reranker.source));
}

Result<void> DocumentStore::forget_reranker() {
  ONDOL_TRY(begin());
  return database_->execute("DELETE FROM setting WHERE key = 'reranker'");
}

Result<std::string> DocumentStore::chunk_text(int64_t chunk) {
  const Hit hit = ONDOL_TRY(hit_of({chunk, 0}));
  return searched_text(hit.headings, hit.text);
}

Result<std::vector<Hit>> DocumentStore::search(std::string_view question, const SearchOptions& options) {
  const double share = ONDOL_TRY(rerank_share(options));
  SearchOptions wish = options;
  if (share > 0) wish.n = std::max(options.n, kRerankedHits);
  std::vector<Hit> hits = ONDOL_TRY(found(question, wish));
  if (share > 0) ONDOL_TRY(rerank(std::string(question), hits, *options.reranker, share));
  if (hits.size() > options.n) hits.resize(options.n);
  return hits;
}

Result<std::vector<Hit>> DocumentStore::found(std::string_view question, const SearchOptions& options) {
  // What another program writes meanwhile is not seen in the middle of it.
  std::optional<Transaction> snapshot;
  if (!transaction_) snapshot.emplace(ONDOL_TRY(Transaction::begin_reading(*database_)));
  std::vector<Hit> hits;
  const std::vector<NormalText> phrases = phrases_of(question);
  SearchOptions wide = options;
  wide.n = std::max(options.n + kMostTies, phrases.empty() ? 0 : kPhraseChunks);
  for (const ScoredChunk& scored : ONDOL_TRY(best_chunks(question, wide))) {
    if (hits.size() >= options.n && scored.score < static_cast<float>(hits.back().score)) break;
    Hit hit = ONDOL_TRY(hit_of(scored));
    if (has_phrases(searched_text(hit.headings, hit.text), phrases)) hits.push_back(std::move(hit));
  }
  // Numbers of chunks tell how a store came about; places do not.
  std::stable_sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.path != b.path ? a.path < b.path : a.start < b.start;
  });
  if (hits.size() > options.n) hits.resize(options.n);
  return hits;
}

Result<std::vector<WeightedTerm>> DocumentStore::terms_of(std::string_view question) {
  std::vector<WeightedTerm> terms = lexical_.terms_of(question);
  for (WeightedTerm& term : terms) term.weight *= lexical_.rarity(ONDOL_TRY(lexical_.n_chunks_with(term)));
  return terms;
}

Result<double> DocumentStore::closeness(std::string_view question) {
  return lexical_.closeness(lexical_.terms_of(question));
}

}  // namespace ondol
