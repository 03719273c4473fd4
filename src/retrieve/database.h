// Database: SQLite or PostgreSQL behind Result.
//
// A connection belongs to one thread at a time. Statements are written once for both: numbered places (?1, ?2 ...),
// "RETURNING id", "ON CONFLICT", and names that both know. Readers never wait for the writer, and what a killed program
// had not committed was never there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "retrieve/sql/driver.h"

namespace ondol {

/// A prepared statement. Bound values must live until the next start() or the end of run().
class Statement {
 public:
  /// Binds ?1, ?2, ... Integers, floating-point numbers, texts (string_view), bytes (span) and nullptr.
  template <typename... Values>
  Statement& start(const Values&... values) {
    driver_->reset();
    int i = 0;
    (bind(++i, values), ...);
    return *this;
  }
  /// Executes a statement that yields no rows.
  template <typename... Values>
  Result<void> run(const Values&... values) {
    start(values...);
    const auto done = next();
    driver_->reset();
    if (!done) return done.error();
    return {};
  }
  /// The first column of the first row; 0 without rows.
  template <typename... Values>
  Result<int64_t> number(const Values&... values) {
    start(values...);
    const auto has_row = next();
    const int64_t value = has_row && *has_row ? integer(0) : 0;
    driver_->reset();
    if (!has_row) return has_row.error();
    return value;
  }
  /// Binds one place more, after start().
  template <typename Value>
  void put(int i, const Value& value) {
    bind(i, value);
  }
  /// Whether there is a (further) row.
  Result<bool> next() { return driver_->next(); }

  // Columns of the row, from 0. Views hold until next(), start() or run().
  int64_t integer(int column) const { return driver_->integer(column); }
  double real(int column) const { return driver_->real(column); }
  std::string_view text(int column) const { return driver_->text(column); }
  std::span<const uint8_t> bytes(int column) const { return driver_->bytes(column); }
  bool is_null(int column) const { return driver_->is_null(column); }

 private:
  friend class Database;
  explicit Statement(std::unique_ptr<sql::StatementDriver> driver) : driver_(std::move(driver)) {}
  void bind(int i, int64_t value) { driver_->bind(i, value); }
  void bind(int i, int value) { driver_->bind(i, int64_t{value}); }
  void bind(int i, uint32_t value) { driver_->bind(i, int64_t{value}); }
  void bind(int i, size_t value) { driver_->bind(i, static_cast<int64_t>(value)); }
  void bind(int i, double value) { driver_->bind(i, value); }
  void bind(int i, std::string_view value) { driver_->bind(i, value); }
  void bind(int i, const std::string& value) { driver_->bind(i, std::string_view(value)); }
  void bind(int i, const char* value) { driver_->bind(i, std::string_view(value)); }
  void bind(int i, std::span<const uint8_t> value) { driver_->bind(i, value); }
  void bind(int i, std::nullptr_t) { driver_->bind_null(i); }

  std::unique_ptr<sql::StatementDriver> driver_;
};

class Database {
 public:
  /// Opens or makes an SQLite file, or connects to a PostgreSQL database (postgresql://...). Errors: what the system
  /// refuses, a file that is no database, one that is damaged.
  static Result<Database> open(const std::string& place);
  /// Whether a place is a server's address, not a file.
  static bool is_address(std::string_view place);
  /// A place for messages: without an address's password.
  static std::string shown(std::string_view place);

  sql::Dialect dialect() const { return driver_->dialect(); }
  Result<sql::Identity> identity() { return driver_->identity(); }
  Result<void> set_identity(int64_t application, int64_t version) {
    return driver_->set_identity(application, version);
  }

  Result<Statement> prepare(std::string_view sql);
  /// Statements without values and rows, separated by semicolons.
  Result<void> execute(const std::string& sql) { return driver_->execute(sql); }
  /// The first column of the first row; 0 without rows.
  Result<int64_t> number(std::string_view sql);
  /// Changes whenever another connection has committed.
  Result<int64_t> version() { return driver_->changes(); }

  Result<int64_t> last_id(std::string_view table) { return driver_->last_id(table); }
  Result<void> set_last_id(std::string_view table, int64_t id) { return driver_->set_last_id(table, id); }

 private:
  friend class Transaction;
  explicit Database(std::unique_ptr<sql::ConnectionDriver> driver) : driver_(std::move(driver)) {}
  std::unique_ptr<sql::ConnectionDriver> driver_;
};

/// All or nothing: what was not committed is taken back.
class Transaction {
 public:
  /// Waits for another writer, up to the connection's limit of ten seconds.
  static Result<Transaction> begin(Database& database);
  /// Sees one state of the database until it ends.
  static Result<Transaction> begin_reading(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace ondol
