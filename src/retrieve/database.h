// Database: SQLite behind Result.
//
// A connection belongs to one thread at a time. Files are in WAL mode: readers never wait for the writer, and what a
// killed program had not committed was never there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ondol {

/// A prepared statement. Bound values must live until the next start() or the end of run().
class Statement {
 public:
  /// Binds ?1, ?2, ... Integers, floating-point numbers, texts (string_view), bytes (span) and nullptr.
  template <typename... Values>
  Statement& start(const Values&... values) {
    reset();
    int i = 0;
    (bind(++i, values), ...);
    return *this;
  }
  /// Executes a statement that yields no rows.
  template <typename... Values>
  Result<void> run(const Values&... values) {
    start(values...);
    const auto done = next();
    reset();
    if (!done) return done.error();
    return {};
  }
  /// Whether there is a (further) row.
  Result<bool> next();

  // Columns of the row, from 0. Views hold until next(), start() or run().
  int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;
  std::span<const uint8_t> bytes(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  void reset();
  void bind(int i, int64_t value);
  void bind(int i, int value) { bind(i, static_cast<int64_t>(value)); }
  void bind(int i, uint32_t value) { bind(i, static_cast<int64_t>(value)); }
  void bind(int i, size_t value) { bind(i, static_cast<int64_t>(value)); }
  void bind(int i, double value);
  void bind(int i, std::string_view value);
  void bind(int i, const std::string& value) { bind(i, std::string_view(value)); }
  void bind(int i, const char* value) { bind(i, std::string_view(value)); }
  void bind(int i, std::span<const uint8_t> value);
  void bind(int i, std::nullptr_t);

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  /// Opens or makes the file. Errors: what the system refuses, a file that is no database, one that is damaged.
  static Result<Database> open(const std::string& path);

  Result<Statement> prepare(std::string_view sql);
  /// Statements without values and rows, separated by semicolons.
  Result<void> execute(const std::string& sql);
  /// The first column of the first row; 0 without rows.
  Result<int64_t> number(std::string_view sql);
  int64_t last_id() const;
  /// Changes whenever another connection has committed.
  Result<int64_t> version() { return number("PRAGMA data_version"); }

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  explicit Database(sqlite3* connection) : connection_(connection) {}
  std::unique_ptr<sqlite3, Close> connection_;
};

/// All or nothing: what was not committed is taken back.
class Transaction {
 public:
  /// Waits for another writer, up to the connection's limit of ten seconds.
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace ondol
