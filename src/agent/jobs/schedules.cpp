#include "agent/jobs/schedules.h"

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr int64_t kMilliseconds = 1000;

Result<ScheduleRecord> record_of(const Statement& row) {
  ScheduleRecord record;
  record.name = row.text(0);
  record.cron = row.text(1);
  record.work = ONDOL_TRY(parse_json(row.text(2)));
  record.next_ms = row.integer(3);
  record.last_ms = row.integer(4);
  return record;
}

Result<std::vector<ScheduleRecord>> records_of(Statement& statement) {
  std::vector<ScheduleRecord> records;
  while (ONDOL_TRY(statement.next())) records.push_back(ONDOL_TRY(record_of(statement)));
  return records;
}

}  // namespace

Result<int64_t> Schedules::now_ms() {
  return table_.database().number(fmt::format("SELECT {}", table_.now_sql()));
}

Result<void> Schedules::put(const std::string& name, std::string_view cron, const json::value& work) {
  const Cron times = ONDOL_TRY(Cron::parse(cron));
  const int64_t now = ONDOL_TRY(now_ms());
  const int64_t next = ONDOL_TRY(times.next_after(now / kMilliseconds)) * kMilliseconds;
  const std::string text = json_text(work);
  Statement statement = ONDOL_TRY(table_.database().prepare(
      "INSERT INTO schedule (name, cron, work, next_ms, last_ms) VALUES (?1, ?2, ?3, ?4, 0) "
      "ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, work = excluded.work, next_ms = excluded.next_ms"));
  return statement.run(name, cron, text, next);
}

Result<bool> Schedules::remove(std::string_view name) {
  Statement statement = ONDOL_TRY(table_.database().prepare("DELETE FROM schedule WHERE name = ?1 RETURNING id"));
  statement.start(name);
  bool removed = false;
  while (ONDOL_TRY(statement.next())) removed = true;
  return removed;
}

Result<std::vector<ScheduleRecord>> Schedules::list() {
  Statement statement =
      ONDOL_TRY(table_.database().prepare("SELECT name, cron, work, next_ms, last_ms FROM schedule ORDER BY name"));
  statement.start();
  return records_of(statement);
}

Result<int> Schedules::add_due() {
  const int64_t now = ONDOL_TRY(now_ms());
  std::vector<ScheduleRecord> due;
  {
    Statement statement = ONDOL_TRY(table_.database().prepare(
        "SELECT name, cron, work, next_ms, last_ms FROM schedule WHERE next_ms <= ?1 ORDER BY next_ms"));
    statement.start(now);
    due = ONDOL_TRY(records_of(statement));
  }
  for (const ScheduleRecord& record : due) {
    // The job first: whoever dies between the two leaves a schedule that is due still, and the same name again.
    ONDOL_TRY(table_.add({.name = fmt::format("schedule/{}/{}", record.name, record.next_ms), .work = record.work}));
    const Cron times = ONDOL_TRY(Cron::parse(record.cron));
    const int64_t next = ONDOL_TRY(times.next_after(now / kMilliseconds)) * kMilliseconds;
    Statement statement = ONDOL_TRY(table_.database().prepare(
        "UPDATE schedule SET last_ms = next_ms, next_ms = ?3 WHERE name = ?1 AND next_ms = ?2"));
    ONDOL_TRY(statement.run(record.name, record.next_ms, next));
  }
  return static_cast<int>(due.size());
}

}  // namespace ondol
