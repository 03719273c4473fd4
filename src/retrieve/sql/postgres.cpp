// PostgreSQL by libpq: a store that several programs on several machines share.
//
// Rows come and go in binary form. One writer at a time, as with a file: writing takes an advisory lock until the
// transaction ends. A counter tells readers that something was committed.
#include "retrieve/sql/driver.h"

#include <fmt/format.h>

#ifdef ONDOL_HAS_POSTGRES

#include <atomic>
#include <bit>
#include <cstring>
#include <optional>
#include <vector>

#include <libpq-fe.h>

#include "base/check.h"
#include "text/unicode.h"

namespace ondol::sql {
namespace {

constexpr int kBinary = 1;
/// "ondol", for pg_advisory_xact_lock.
constexpr char kLock[] = "478693713772";
constexpr char kSettings[] =
    "SET client_encoding = 'UTF8';"
    "SET client_min_messages = warning;"
    "SET lock_timeout = '10s'";

// Types of parameters (pg_type.dat).
constexpr Oid kInt8 = 20;
constexpr Oid kFloat8 = 701;
constexpr Oid kText = 25;
constexpr Oid kBytea = 17;

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPointer = std::unique_ptr<PGresult, ClearResult>;

std::string_view trimmed(std::string_view message) {
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.remove_suffix(1);
  return message;
}

Error error_of(PGconn* connection) {
  const char* name = PQdb(connection);
  const char* host = PQhost(connection);
  return Error(fmt::format("PostgreSQL database '{}' at '{}': {}", name == nullptr ? "" : name,
                           host == nullptr ? "" : host, trimmed(PQerrorMessage(connection))));
}

Result<ResultPointer> checked(PGconn* connection, PGresult* result) {
  ResultPointer held(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return held;
  return error_of(connection);
}

uint64_t swapped(uint64_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}

/// The server's texts are UTF-8 without zero bytes: what is not becomes U+FFFD.
std::string storable(std::string_view text) {
  std::string fixed = is_valid_utf8(text) ? std::string(text) : replace_invalid_utf8(text);
  for (size_t at = fixed.find('\0'); at != fixed.npos; at = fixed.find('\0', at)) fixed.replace(at, 1, "\xef\xbf\xbd");
  return fixed;
}

/// ?1 becomes $1.
std::string with_dollars(std::string_view sql) {
  std::string made(sql);
  for (size_t i = 0; i + 1 < made.size(); ++i) {
    if (made[i] == '?' && made[i + 1] >= '0' && made[i + 1] <= '9') made[i] = '$';
  }
  return made;
}

class PostgresStatement final : public StatementDriver {
 public:
  PostgresStatement(PGconn* connection, std::string sql) : connection_(connection), sql_(std::move(sql)) {}

  ~PostgresStatement() override {
    if (!name_.empty()) PQclear(PQexec(connection_, ("DEALLOCATE " + name_).c_str()));
  }
  PostgresStatement(const PostgresStatement&) = delete;
  PostgresStatement& operator=(const PostgresStatement&) = delete;

  void reset() override {
    values_.clear();
    result_.reset();
    row_ = -1;
  }

  void bind(int i, int64_t value) override { put_word(i, kInt8, static_cast<uint64_t>(value)); }
  void bind(int i, double value) override { put_word(i, kFloat8, std::bit_cast<uint64_t>(value)); }
  void bind(int i, std::string_view value) override { place(i) = {kText, storable(value)}; }
  void bind(int i, std::span<const uint8_t> value) override {
    place(i) = {kBytea, std::string(reinterpret_cast<const char*>(value.data()), value.size())};
  }
  void bind_null(int i) override { place(i) = {kText, std::nullopt}; }

  Result<bool> next() override {
    if (!result_) {
      result_ = ONDOL_TRY(execute());
      row_ = -1;
    }
    return ++row_ < PQntuples(result_.get());
  }

  int64_t integer(int column) const override {
    const std::span<const uint8_t> value = bytes(column);
    int64_t number = 0;
    if (value.size() > sizeof(number)) return 0;
    for (size_t i = 0; i < value.size(); ++i) {
      // The first byte has the sign.
      number = i == 0 ? static_cast<int8_t>(value[0]) : (number << 8 | value[i]);
    }
    return number;
  }
  double real(int column) const override { return std::bit_cast<double>(integer(column)); }
  std::string_view text(int column) const override {
    const std::span<const uint8_t> value = bytes(column);
    return {reinterpret_cast<const char*>(value.data()), value.size()};
  }
  std::span<const uint8_t> bytes(int column) const override {
    const char* value = PQgetvalue(result_.get(), row_, column);
    return {reinterpret_cast<const uint8_t*>(value), static_cast<size_t>(PQgetlength(result_.get(), row_, column))};
  }
  bool is_null(int column) const override { return PQgetisnull(result_.get(), row_, column) != 0; }

 private:
  struct Value {
    Oid type = kText;
    std::optional<std::string> bytes;
  };

  Value& place(int i) {
    if (values_.size() < static_cast<size_t>(i)) values_.resize(static_cast<size_t>(i));
    return values_[static_cast<size_t>(i) - 1];
  }

  void put_word(int i, Oid type, uint64_t value) {
    value = swapped(value);
    place(i) = {type, std::string(reinterpret_cast<const char*>(&value), sizeof(value))};
  }

  /// Prepared when it is executed again: many statements never are.
  Result<ResultPointer> execute() {
    std::vector<Oid> types;
    std::vector<const char*> bytes;
    std::vector<int> lengths;
    for (const Value& value : values_) {
      types.push_back(value.type);
      bytes.push_back(value.bytes ? value.bytes->data() : nullptr);
      lengths.push_back(value.bytes ? static_cast<int>(value.bytes->size()) : 0);
    }
    const std::vector<int> formats(values_.size(), kBinary);
    const auto n = static_cast<int>(values_.size());
    if (std::exchange(n_executed_, 1) == 0) {
      return checked(connection_, PQexecParams(connection_, sql_.c_str(), n, types.data(), bytes.data(), lengths.data(),
                                               formats.data(), kBinary));
    }
    if (name_.empty()) {
      static std::atomic<uint64_t> count{0};
      name_ = fmt::format("ondol_{}", ++count);
      const auto prepared = checked(connection_, PQprepare(connection_, name_.c_str(), sql_.c_str(), n, types.data()));
      if (!prepared) {
        name_.clear();
        return prepared.error();
      }
    }
    return checked(connection_, PQexecPrepared(connection_, name_.c_str(), n, bytes.data(), lengths.data(),
                                               formats.data(), kBinary));
  }

  PGconn* connection_;
  std::string sql_;
  std::string name_;  // empty: not prepared yet
  int n_executed_ = 0;
  std::vector<Value> values_;
  ResultPointer result_;
  int row_ = -1;
};

class Postgres final : public ConnectionDriver {
 public:
  explicit Postgres(PGconn* connection) : connection_(connection) {}
  ~Postgres() override { PQfinish(connection_); }
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  PGconn* connection() const { return connection_; }

  Dialect dialect() const override {
    return {"BIGINT", "BYTEA", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "TEXT COLLATE \"C\"", "", true};
  }

  Result<std::unique_ptr<StatementDriver>> prepare(std::string_view sql) override {
    return std::unique_ptr<StatementDriver>(std::make_unique<PostgresStatement>(connection_, with_dollars(sql)));
  }

  Result<void> execute(const std::string& sql) override {
    ONDOL_TRY(checked(connection_, PQexec(connection_, sql.c_str())));
    return {};
  }

  Result<Identity> identity() override {
    Identity identity;
    identity.is_empty = ONDOL_TRY(number("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")) == 0;
    if (identity.is_empty) return identity;
    if (ONDOL_TRY(number("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND "
                         "tablename = 'ondol_store'")) == 0) {
      return identity;
    }
    identity.application = ONDOL_TRY(number("SELECT application FROM ondol_store"));
    identity.version = ONDOL_TRY(number("SELECT version FROM ondol_store"));
    return identity;
  }
  Result<void> set_identity(int64_t application, int64_t version) override {
    return execute(
        fmt::format("CREATE TABLE ondol_store (application BIGINT, version BIGINT, changes BIGINT);"
                    "INSERT INTO ondol_store VALUES ({}, {}, 0)",
                    application, version));
  }

  Result<void> begin_writing() override {
    is_writing_ = true;
    const auto begun = execute(fmt::format("BEGIN; SELECT pg_advisory_xact_lock({})", kLock));
    if (!begun) roll_back();
    return begun;
  }
  Result<void> begin_reading() override { return execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); }
  Result<void> commit() override {
    if (std::exchange(is_writing_, false)) ONDOL_TRY(execute("UPDATE ondol_store SET changes = changes + 1"));
    return execute("COMMIT");
  }
  void roll_back() override {
    is_writing_ = false;
    (void)execute("ROLLBACK");
  }
  Result<int64_t> changes() override { return number("SELECT changes FROM ondol_store"); }

  Result<int64_t> last_id(std::string_view table) override {
    return number(fmt::format("SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('{}', 'id')), 0)", table));
  }
  Result<void> set_last_id(std::string_view table, int64_t id) override {
    if (id < 1) return {};
    return execute(fmt::format("SELECT setval(pg_get_serial_sequence('{}', 'id'), {})", table, id));
  }

 private:
  Result<int64_t> number(const std::string& sql) {
    PostgresStatement statement(connection_, sql);
    return ONDOL_TRY(statement.next()) ? statement.integer(0) : int64_t{0};
  }

  PGconn* connection_;
  bool is_writing_ = false;
};

}  // namespace

Result<std::unique_ptr<ConnectionDriver>> open_postgres(const std::string& url) {
  auto database = std::make_unique<Postgres>(PQconnectdb(url.c_str()));
  PGconn* connection = database->connection();
  if (PQstatus(connection) != CONNECTION_OK) return error_of(connection);
  ONDOL_TRY(database->execute(kSettings));
  return std::unique_ptr<ConnectionDriver>(std::move(database));
}

}  // namespace ondol::sql

#else

namespace ondol::sql {

Result<std::unique_ptr<ConnectionDriver>> open_postgres(const std::string&) {
  return Error("this program was built without PostgreSQL: install libpq-dev and build it again");
}

}  // namespace ondol::sql

#endif
