#include "retrieve/copy_store.h"

#include <vector>

#include <fmt/format.h>

#include "retrieve/database.h"
#include "retrieve/document_store.h"

namespace ondol {
namespace {

enum class Kind { kInteger, kText, kBytes };

struct Column {
  std::string_view name;
  Kind kind;
};

/// In an order in which rows that others refer to come first.
struct Table {
  std::string_view name;
  std::vector<Column> columns;
  bool has_own_id = false;
};

std::vector<Table> tables() {
  constexpr Kind kInteger = Kind::kInteger, kText = Kind::kText, kBytes = Kind::kBytes;
  return {{"document",
           {{"id", kInteger},
            {"path", kText},
            {"size_bytes", kInteger},
            {"modified_ns", kInteger},
            {"hash", kBytes},
            {"title", kText},
            {"error", kText}},
           true},
          {"chunk",
           {{"id", kInteger},
            {"document", kInteger},
            {"start", kInteger},
            {"\"end\"", kInteger},
            {"page", kInteger},
            {"headings", kText},
            {"text", kText},
            {"hash", kBytes},
            {"n_terms", kInteger}},
           true},
          {"segment", {{"id", kInteger}, {"n_postings", kInteger}}},
          {"posting", {{"segment", kInteger}, {"term", kText}, {"data", kBytes}}},
          {"vector", {{"chunk", kInteger}, {"part", kInteger}, {"data", kBytes}}},
          {"setting", {{"key", kText}, {"value", kText}}}};
}

/// "a, b, c"
std::string names_of(const Table& table) {
  std::string names;
  for (const Column& column : table.columns) names += fmt::format("{}{}", names.empty() ? "" : ", ", column.name);
  return names;
}

std::string places_of(const Table& table) {
  std::string places;
  for (size_t i = 1; i <= table.columns.size(); ++i) places += fmt::format("{}?{}", i == 1 ? "" : ", ", i);
  return places;
}

class Copying {
 public:
  Copying(Database& from, Database& to, const std::function<bool(int64_t, int64_t)>& progress)
      : from_(from), to_(to), progress_(progress) {}

  Result<int64_t> run() {
    for (const Table& table : tables()) {
      n_all_ += ONDOL_TRY(from_.number(fmt::format("SELECT count(*) FROM {}", table.name)));
    }
    for (const Table& table : tables()) ONDOL_TRY(copy(table));
    return n_done_;
  }

 private:
  Result<void> copy(const Table& table) {
    Statement rows = ONDOL_TRY(from_.prepare(fmt::format("SELECT {} FROM {}", names_of(table), table.name)));
    Statement insert = ONDOL_TRY(
        to_.prepare(fmt::format("INSERT INTO {} ({}) VALUES ({})", table.name, names_of(table), places_of(table))));
    while (ONDOL_TRY(rows.next())) {
      insert.start();
      for (size_t i = 0; i < table.columns.size(); ++i) {
        const auto column = static_cast<int>(i);
        if (table.columns[i].kind == Kind::kInteger) insert.put(column + 1, rows.integer(column));
        if (table.columns[i].kind == Kind::kText) insert.put(column + 1, rows.text(column));
        if (table.columns[i].kind == Kind::kBytes) insert.put(column + 1, rows.bytes(column));
      }
      ONDOL_TRY(insert.next());
      ++n_done_;
      if (progress_ && n_done_ % 256 == 0 && !progress_(n_done_, n_all_)) {
        return Error("stopped; nothing was copied");
      }
    }
    if (!table.has_own_id) return {};
    return to_.set_last_id(table.name, ONDOL_TRY(from_.last_id(table.name)));
  }

  Database& from_;
  Database& to_;
  const std::function<bool(int64_t, int64_t)>& progress_;
  int64_t n_all_ = 0;
  int64_t n_done_ = 0;
};

}  // namespace

Result<int64_t> copy_store(const std::string& from, const std::string& to,
                           const std::function<bool(int64_t, int64_t)>& progress) {
  // Makes the tables, and says what is wrong with either.
  for (const std::string& place : {from, to}) ONDOL_TRY(DocumentStore::open(place));
  Database source = ONDOL_TRY(Database::open(from));
  Database target = ONDOL_TRY(Database::open(to));
  const Transaction reading = ONDOL_TRY(Transaction::begin_reading(source));
  Transaction writing = ONDOL_TRY(Transaction::begin(target));
  for (const Table& table : tables()) {
    if (ONDOL_TRY(target.number(fmt::format("SELECT count(*) FROM {}", table.name))) == 0) continue;
    return Error(fmt::format("{}: expected an empty store to copy to, got one with documents", Database::shown(to)));
  }
  const int64_t n = ONDOL_TRY(Copying(source, target, progress).run());
  // Their tables are not copied: the next indexing makes them again.
  ONDOL_TRY(target.execute("DELETE FROM setting WHERE key IN ('near_graph', 'server_vectors')"));
  ONDOL_TRY(writing.commit());
  return n;
}

}  // namespace ondol
