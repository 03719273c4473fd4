#include "retrieve/database.h"

namespace ondol {

bool Database::is_address(std::string_view place) {
  return place.starts_with("postgresql://") || place.starts_with("postgres://");
}

std::string Database::shown(std::string_view place) {
  std::string text(place);
  const size_t user = text.find("://");
  const size_t at = text.rfind('@', text.find('/', user == text.npos ? 0 : user + 3));
  if (!is_address(place) || at == text.npos) return text;
  const size_t colon = text.find(':', user + 3);
  if (colon < at) text.replace(colon + 1, at - colon - 1, "...");
  return text;
}

Result<Database> Database::open(const std::string& place) {
  return Database(ONDOL_TRY(is_address(place) ? sql::open_postgres(place) : sql::open_sqlite(place)));
}

Result<Statement> Database::prepare(std::string_view sql) {
  return Statement(ONDOL_TRY(driver_->prepare(sql)));
}

Result<int64_t> Database::number(std::string_view sql) {
  Statement statement = ONDOL_TRY(prepare(sql));
  return statement.number();
}

Result<Transaction> Transaction::begin(Database& database) {
  ONDOL_TRY(database.driver_->begin_writing());
  return Transaction(database);
}

Result<Transaction> Transaction::begin_reading(Database& database) {
  ONDOL_TRY(database.driver_->begin_reading());
  return Transaction(database);
}

Transaction::~Transaction() {
  // A commit that failed may have taken everything back already.
  if (database_ != nullptr) database_->driver_->roll_back();
}

Result<void> Transaction::commit() {
  ONDOL_TRY(database_->driver_->commit());
  database_ = nullptr;
  return {};
}

}  // namespace ondol
