#include "server/vector_store_requests.h"

#include <ctime>

#include <fmt/format.h>

#include "server/files.h"
#include "server/for_objects.h"
#include "server/random_id.h"

namespace ondol::server {
namespace {

// As OpenAI has them.
constexpr size_t kMostEntries = 16;
constexpr size_t kMostKeyBytes = 256;     // 64 characters
constexpr size_t kMostValueBytes = 2048;  // 512 characters
constexpr size_t kMostNameBytes = 1024;
constexpr int64_t kMostResults = 50;
constexpr size_t kMostInBatch = 2000;
constexpr int64_t kLeastChunk = 100;
constexpr int64_t kMostChunk = 4096;

constexpr size_t kMostQueries = 16;
constexpr size_t kMostQueryBytes = size_t{16} << 10;
constexpr size_t kMostTurns = 100;

/// Strings to strings; or numbers and booleans, too.
json::object read_entries(const Fields& fields, std::string_view key, bool only_strings) {
  const json::object* object = fields.object(key);
  if (object == nullptr) return {};
  if (object->size() > kMostEntries) {
    fields.fail(
        key, fmt::format("{}: expected at most {} entries, got {}", fields.path_of(key), kMostEntries, object->size()));
  }
  for (const auto& [name, value] : *object) {
    const bool is_fit = value.is_string() ? value.get_string().size() <= kMostValueBytes
                                          : !only_strings && (value.is_number() || value.is_bool());
    if (is_fit && name.size() <= kMostKeyBytes) continue;
    fields.fail(key, fmt::format("{}: expected {} of a moderate length, got something else at '{}'",
                                 fields.path_of(key), only_strings ? "strings" : "strings, numbers and booleans",
                                 std::string_view(name).substr(0, 100)));
  }
  return *object;
}

std::string read_name(const Fields& fields, std::string_view key) {
  std::string name = fields.text(key).value_or("");
  if (name.size() > kMostNameBytes) fields.fail(key, fmt::format("{}: it is too long", fields.path_of(key)));
  return name;
}

AttachedFile attached(const Fields& fields, std::string_view key, const std::string& id, const FileStore& files,
                      const std::string& asker) {
  AttachedFile file;
  const auto kept = files.find(id, asker);
  if (!kept) {
    if (!fields.fault()) fields.fail(key, unknown_file(id, "").message, "file_not_found");
    return file;
  }
  file.id = kept->id;
  file.owner = kept->owner;
  file.name = kept->name;
  file.path = fmt::format("{}/{}", random_id("read-"), kept->name);
  file.created_at = static_cast<int64_t>(std::time(nullptr));
  return file;
}

ChunkingStrategy read_chunking(const Fields& fields) {
  ChunkingStrategy chunking;
  const json::object* object = fields.object("chunking_strategy");
  if (object == nullptr) return chunking;
  const Fields strategy(*object, fields.fault(), fields.path_of("chunking_strategy"));
  const std::string type = strategy.required_text("type");
  if (type == "auto" || fields.fault()) return chunking;
  const json::object* lengths = type == "static" ? strategy.object("static") : nullptr;
  if (lengths == nullptr) {
    strategy.fail("type",
                  fmt::format("{}: expected auto, or static with an object 'static'", strategy.path_of("type")));
    return chunking;
  }
  const Fields given(*lengths, fields.fault(), strategy.path_of("static"));
  for (const char* key : {"max_chunk_size_tokens", "chunk_overlap_tokens"}) {
    if (!given.has(key)) given.fail(key, given.path_of(key) + ": expected a whole number, but it is missing");
  }
  chunking.most_tokens = given.integer("max_chunk_size_tokens", kLeastChunk, kMostChunk).value_or(kLeastChunk);
  chunking.overlap_tokens = given.integer("chunk_overlap_tokens", 0, chunking.most_tokens / 2).value_or(0);
  return chunking;
}

void check_query(const Fields& fields, std::string_view key, const std::string& query) {
  if (!query.empty() && query.size() <= kMostQueryBytes) return;
  fields.fail(key,
              fmt::format("{}: expected 1 to {} bytes, got {}", fields.path_of(key), kMostQueryBytes, query.size()));
}

}  // namespace

void read_vector_store(const Fields& fields, VectorStore& store) {
  if (fields.has("name")) store.name = read_name(fields, "name");
  if (fields.has("description")) store.description = read_name(fields, "description");
  if (fields.has("metadata")) store.metadata = read_entries(fields, "metadata", true);
  if (const json::value* given = fields.value().if_contains("expires_after"); given != nullptr && given->is_null()) {
    store.expires_after_days = 0;
  }
  if (const json::object* expiry = fields.object("expires_after")) {
    const Fields parts(*expiry, fields.fault(), fields.path_of("expires_after"));
    if (parts.required_text("anchor") != "last_active_at") {
      parts.fail("anchor", parts.path_of("anchor") + ": expected last_active_at");
    }
    const auto days = parts.integer("days", 1, 365);
    if (!days) parts.fail("days", parts.path_of("days") + ": expected a whole number, but it is missing");
    store.expires_after_days = days.value_or(0);
  }
}

void read_file_ids(const Fields& fields, const FileStore& files, const std::string& asker, VectorStore& store) {
  if (fields.has("file_ids") && fields.array("file_ids") == nullptr) return;
  for (const std::string& id : fields.texts("file_ids")) {
    AttachedFile file = attached(fields, "file_ids", id, files, asker);
    file.chunking = read_chunking(fields);
    if (!fields.fault() && store.find(file.id) == nullptr) store.files.push_back(std::move(file));
  }
}

json::object read_attributes(const Fields& fields) {
  return read_entries(fields, "attributes", false);
}

AttachedFile read_attached_file(const Fields& fields, const FileStore& files, const std::string& asker) {
  const std::string id = fields.required_text("file_id");
  if (fields.fault()) return {};
  AttachedFile file = attached(fields, "file_id", id, files, asker);
  file.attributes = read_attributes(fields);
  file.chunking = read_chunking(fields);
  return file;
}

std::vector<AttachedFile> read_file_batch(const Fields& fields, const FileStore& files, const std::string& asker,
                                          const FileBatch& batch) {
  std::vector<AttachedFile> read;
  if (!fields.has("files") && !fields.has("file_ids")) {
    fields.fail("file_ids", "file_ids: expected an array of files, but it is missing");
  }
  const bool has_ids = fields.has("file_ids") && fields.array("file_ids") != nullptr;
  for (const std::string& id : has_ids ? fields.texts("file_ids") : std::vector<std::string>()) {
    read.push_back(attached(fields, "file_ids", id, files, asker));
    read.back().attributes = read_attributes(fields);
    read.back().chunking = read_chunking(fields);
    if (fields.fault() || read.size() > kMostInBatch) break;
  }
  for_objects(fields, "files", [&](const Fields& file) {
    if (!fields.fault() && read.size() <= kMostInBatch) read.push_back(read_attached_file(file, files, asker));
  });
  if (read.empty() || read.size() > kMostInBatch) {
    fields.fail("file_ids", fmt::format("file_ids: expected 1 to {} files", kMostInBatch));
  }
  for (AttachedFile& file : read) file.batch = batch.id;
  return read;
}

VectorSearch read_search_options(const Fields& fields) {
  VectorSearch search;
  search.n = static_cast<size_t>(fields.integer("max_num_results", 1, kMostResults).value_or(10));
  if (const json::object* filter = fields.object("filters")) {
    search.filter = AttributeFilter::read(Fields(*filter, fields.fault(), fields.path_of("filters")));
  }
  const json::object* ranking = fields.object("ranking_options");
  if (ranking == nullptr) return search;
  const Fields options(*ranking, fields.fault(), fields.path_of("ranking_options"));
  search.reranks = options.text("ranker") != "none";  // other names stand for the one that there is
  search.least_score = options.number("score_threshold", 0, 1).value_or(0);
  if (const json::object* hybrid = options.object("hybrid_search")) {
    const Fields weights(*hybrid, fields.fault(), options.path_of("hybrid_search"));
    const double meaning = weights.number("embedding_weight", 0, 1e6).value_or(0);
    const double words = weights.number("text_weight", 0, 1e6).value_or(0);
    if (meaning + words <= 0) {
      weights.fail("text_weight", weights.path_of("text_weight") + ": expected one of the weights above 0");
    } else {
      search.meaning_share = meaning / (meaning + words);
    }
  }
  return search;
}

VectorSearch read_vector_search(const Fields& fields) {
  VectorSearch search = read_search_options(fields);
  if (!fields.has("query")) fields.fail("query", "query: expected a string or an array of strings, but it is missing");
  search.queries = fields.texts("query");
  if (search.queries.empty() || search.queries.size() > kMostQueries) {
    fields.fail("query", fmt::format("query: expected 1 to {} texts", kMostQueries));
  }
  for (const std::string& query : search.queries) check_query(fields, "query", query);
  fields.flag("rewrite_query");  // questions are searched for as they are
  return search;
}

VectorQuestion read_vector_question(const Fields& fields) {
  VectorQuestion question;
  question.question = fields.required_text("query");
  check_query(fields, "query", question.question);
  question.model = fields.text("model");
  question.streams = fields.flag("stream").value_or(false);
  for_objects(fields, "history", [&](const Fields& turn) {
    question.history.push_back({turn.required_text("question"), turn.required_text("answer")});
  });
  if (question.history.size() > kMostTurns) {
    fields.fail("history", fmt::format("history: expected at most {} turns", kMostTurns));
  }
  return question;
}

}  // namespace ondol::server
