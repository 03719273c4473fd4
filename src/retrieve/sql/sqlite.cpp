// SQLite in WAL mode.
#include <fmt/format.h>
#include <sqlite3.h>

#include "base/check.h"
#include "retrieve/sql/driver.h"

namespace ondol::sql {
namespace {

Error error_of(sqlite3* connection) {
  const char* path = sqlite3_db_filename(connection, "main");
  const int code = sqlite3_errcode(connection);
  std::string message = sqlite3_errmsg(connection);
  if (code == SQLITE_FULL) message += "; free some space and go on, nothing is lost";
  if (code == SQLITE_BUSY) message += "; another program is writing to it";
  if (code == SQLITE_NOTADB) message += "; expected a store that ondol made";
  return Error(fmt::format("{}: {}", path == nullptr ? "store" : path, message));
}

constexpr int kBusyMilliseconds = 10'000;
constexpr char kSettings[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -32768;";

class SqliteStatement final : public StatementDriver {
 public:
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}
  ~SqliteStatement() override { sqlite3_finalize(statement_); }
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  void reset() override { sqlite3_reset(statement_); }

  // Binding fails only for places that the statement does not have.
  void bind(int i, int64_t value) override { ONDOL_CHECK(sqlite3_bind_int64(statement_, i, value) == SQLITE_OK); }
  void bind(int i, double value) override { ONDOL_CHECK(sqlite3_bind_double(statement_, i, value) == SQLITE_OK); }
  void bind(int i, std::string_view value) override {
    const char* data = value.data() == nullptr ? "" : value.data();
    ONDOL_CHECK(sqlite3_bind_text64(statement_, i, data, value.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
  }
  void bind(int i, std::span<const uint8_t> value) override {
    const void* data = value.data() == nullptr ? static_cast<const void*>("") : value.data();
    ONDOL_CHECK(sqlite3_bind_blob64(statement_, i, data, value.size(), SQLITE_STATIC) == SQLITE_OK);
  }
  void bind_null(int i) override { ONDOL_CHECK(sqlite3_bind_null(statement_, i) == SQLITE_OK); }

  Result<bool> next() override {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    Error error = error_of(sqlite3_db_handle(statement_));
    reset();
    return error;
  }

  int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  double real(int column) const override { return sqlite3_column_double(statement_, column); }
  std::string_view text(int column) const override {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return {text == nullptr ? "" : text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }
  std::span<const uint8_t> bytes(int column) const override {
    const auto* bytes = static_cast<const uint8_t*>(sqlite3_column_blob(statement_, column));
    return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }
  bool is_null(int column) const override { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  sqlite3_stmt* statement_;
};

class Sqlite final : public ConnectionDriver {
 public:
  explicit Sqlite(sqlite3* connection) : connection_(connection) {}
  ~Sqlite() override { sqlite3_close_v2(connection_); }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  Dialect dialect() const override {
    return {"INTEGER", "BLOB", "INTEGER PRIMARY KEY AUTOINCREMENT", "TEXT", "WITHOUT ROWID", false};
  }

  Result<std::unique_ptr<StatementDriver>> prepare(std::string_view sql) override {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                           nullptr) != SQLITE_OK) {
      return error_of(connection_);
    }
    return std::unique_ptr<StatementDriver>(std::make_unique<SqliteStatement>(statement));
  }

  Result<void> execute(const std::string& sql) override {
    if (sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error_of(connection_);
    return {};
  }

  Result<Identity> identity() override {
    Identity identity;
    identity.application = ONDOL_TRY(number("PRAGMA application_id"));
    identity.version = ONDOL_TRY(number("PRAGMA user_version"));
    identity.is_empty = ONDOL_TRY(number("SELECT count(*) FROM sqlite_master")) == 0;
    return identity;
  }
  Result<void> set_identity(int64_t application, int64_t version) override {
    return execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application, version));
  }

  Result<void> begin_writing() override { return execute("BEGIN IMMEDIATE"); }
  Result<void> begin_reading() override { return execute("BEGIN"); }
  Result<void> commit() override { return execute("COMMIT"); }
  void roll_back() override { (void)execute("ROLLBACK"); }
  Result<int64_t> changes() override { return number("PRAGMA data_version"); }

  Result<int64_t> last_id(std::string_view table) override {
    return number(fmt::format("SELECT seq FROM sqlite_sequence WHERE name = '{}'", table));
  }
  Result<void> set_last_id(std::string_view table, int64_t id) override {
    return execute(
        fmt::format("DELETE FROM sqlite_sequence WHERE name = '{0}';"
                    "INSERT INTO sqlite_sequence (name, seq) VALUES ('{0}', {1})",
                    table, id));
  }

 private:
  Result<int64_t> number(const std::string& sql) {
    const auto statement = ONDOL_TRY(prepare(sql));
    return ONDOL_TRY(statement->next()) ? statement->integer(0) : int64_t{0};
  }

  sqlite3* connection_;
};

}  // namespace

Result<std::unique_ptr<ConnectionDriver>> open_sqlite(const std::string& path) {
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  auto database = std::make_unique<Sqlite>(connection);
  if (code != SQLITE_OK) return Error(fmt::format("{}: {}", path, sqlite3_errmsg(connection)));
  sqlite3_busy_timeout(connection, kBusyMilliseconds);
  ONDOL_TRY(database->execute(kSettings));
  return std::unique_ptr<ConnectionDriver>(std::move(database));
}

}  // namespace ondol::sql
