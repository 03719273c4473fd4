#include "retrieve/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

namespace ondol {
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

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Result<bool> Statement::next() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = error_of(sqlite3_db_handle(statement_.get()));
  reset();
  return error;
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return {text == nullptr ? "" : text, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::span<const uint8_t> Statement::bytes(int column) const {
  const auto* bytes = static_cast<const uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

// Binding fails only for places that the statement does not have.

void Statement::bind(int i, int64_t value) {
  ONDOL_CHECK(sqlite3_bind_int64(statement_.get(), i, value) == SQLITE_OK);
}

void Statement::bind(int i, double value) {
  ONDOL_CHECK(sqlite3_bind_double(statement_.get(), i, value) == SQLITE_OK);
}

void Statement::bind(int i, std::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();
  ONDOL_CHECK(sqlite3_bind_text64(statement_.get(), i, data, value.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
}

void Statement::bind(int i, std::span<const uint8_t> value) {
  const void* data = value.data() == nullptr ? static_cast<const void*>("") : value.data();
  ONDOL_CHECK(sqlite3_bind_blob64(statement_.get(), i, data, value.size(), SQLITE_STATIC) == SQLITE_OK);
}

void Statement::bind(int i, std::nullptr_t) {
  ONDOL_CHECK(sqlite3_bind_null(statement_.get(), i) == SQLITE_OK);
}

void Database::Close::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

Result<Database> Database::open(const std::string& path) {
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(connection);
  if (code != SQLITE_OK) return Error(fmt::format("{}: {}", path, sqlite3_errmsg(connection)));
  sqlite3_busy_timeout(connection, kBusyMilliseconds);
  ONDOL_TRY(database.execute(kSettings));
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                         &statement, nullptr) != SQLITE_OK) {
    return error_of(connection_.get());
  }
  return Statement(statement);
}

Result<void> Database::execute(const std::string& sql) {
  if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return error_of(connection_.get());
  }
  return {};
}

Result<int64_t> Database::number(std::string_view sql) {
  Statement statement = ONDOL_TRY(prepare(sql));
  if (!ONDOL_TRY(statement.next())) return int64_t{0};
  return statement.integer(0);
}

int64_t Database::last_id() const {
  return sqlite3_last_insert_rowid(connection_.get());
}

Result<Transaction> Transaction::begin(Database& database) {
  ONDOL_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  // A commit that failed may have taken everything back already.
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  ONDOL_TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace ondol
