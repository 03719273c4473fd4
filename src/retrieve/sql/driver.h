// What a database must do for retrieve/database.h. One file for each kind of database implements it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ondol::sql {

/// A prepared statement. Bound values must live until reset() or until it has no more rows.
class StatementDriver {
 public:
  virtual ~StatementDriver() = default;
  virtual void reset() = 0;
  // Places count from 1.
  virtual void bind(int i, int64_t value) = 0;
  virtual void bind(int i, double value) = 0;
  virtual void bind(int i, std::string_view value) = 0;
  virtual void bind(int i, std::span<const uint8_t> value) = 0;
  virtual void bind_null(int i) = 0;
  virtual Result<bool> next() = 0;
  // Columns count from 0. Views hold until next() or reset().
  virtual int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
  virtual std::span<const uint8_t> bytes(int column) const = 0;
  virtual bool is_null(int column) const = 0;
};

/// How databases name the same thing.
struct Dialect {
  std::string_view integer;
  std::string_view bytes;
  std::string_view own_id;       // a primary key that the database counts up, and never gives twice
  std::string_view sorted_text;  // in the order of its bytes
  std::string_view without_rowid;
  bool is_server = false;  // PostgreSQL, which can do more
};

/// What a database holds.
struct Identity {
  bool is_empty = true;
  int64_t application = 0;
  int64_t version = 0;
};

class ConnectionDriver {
 public:
  virtual ~ConnectionDriver() = default;
  virtual Dialect dialect() const = 0;
  virtual Result<std::unique_ptr<StatementDriver>> prepare(std::string_view sql) = 0;
  /// Statements without values and rows, separated by semicolons.
  virtual Result<void> execute(const std::string& sql) = 0;

  virtual Result<Identity> identity() = 0;
  virtual Result<void> set_identity(int64_t application, int64_t version) = 0;

  /// Waits for another writer.
  virtual Result<void> begin_writing() = 0;
  /// From now on, what others commit is not seen.
  virtual Result<void> begin_reading() = 0;
  virtual Result<void> commit() = 0;
  virtual void roll_back() = 0;
  /// Changes whenever another connection has committed; may change with one's own commits.
  virtual Result<int64_t> changes() = 0;

  /// The largest number that a table's own_id has ever had, to go on from there in another database.
  virtual Result<int64_t> last_id(std::string_view table) = 0;
  virtual Result<void> set_last_id(std::string_view table, int64_t id) = 0;
};

Result<std::unique_ptr<ConnectionDriver>> open_sqlite(const std::string& path);
/// `url` as libpq has it: postgresql://user@host:port/database?options. Error: no such server, or a program that was
/// built without libpq.
Result<std::unique_ptr<ConnectionDriver>> open_postgres(const std::string& url);

}  // namespace ondol::sql
