#include "agent/jobs/schedules.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include "agent/jobs/file_trigger.h"

namespace ondol {
namespace {

constexpr int64_t kMilliseconds = 1000;
constexpr size_t kLongestName = 64;
constexpr char kColumns[] = "name, kind, cron, files, secret, work, owner, next_ms, last_ms";

Result<Schedule> schedule_of(const Statement& row) {
  Schedule schedule;
  schedule.name = row.text(0);
  schedule.kind = static_cast<Schedule::Kind>(row.integer(1));
  schedule.at = row.text(2);
  schedule.files = row.text(3);
  schedule.secret = row.text(4);
  schedule.work = ONDOL_TRY(parse_json(row.text(5)));
  schedule.owner = row.text(6);
  schedule.next_ms = row.integer(7);
  schedule.last_ms = row.integer(8);
  return schedule;
}

Result<std::vector<Schedule>> schedules_of(Statement& statement) {
  std::vector<Schedule> schedules;
  while (ONDOL_TRY(statement.next())) schedules.push_back(ONDOL_TRY(schedule_of(statement)));
  return schedules;
}

Result<void> check_name(std::string_view name) {
  const auto is_fit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (!name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), is_fit)) return {};
  return Error(fmt::format("name: expected up to {} letters, digits, '-', '_' and '.', got '{}'", kLongestName,
                           name.substr(0, kLongestName)));
}

/// What a job of the schedule is: its work, where it comes from, and what came with it.
json::value work_of(const Schedule& schedule, std::string_view given) {
  json::value work = schedule.work;
  if (!work.is_object()) return work;
  work.get_object()["trigger"] = schedule.name;
  if (!given.empty()) {
    work.get_object()["given"] = json::object{{"from", name_of(schedule.kind)}, {"text", json::string(given)}};
  }
  return work;
}

}  // namespace

std::string_view name_of(Schedule::Kind kind) {
  constexpr std::string_view kNames[] = {"times", "files", "hook"};
  return kNames[static_cast<size_t>(kind)];
}

std::string digest_of(std::string_view text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

Result<void> Schedules::put(const Schedule& schedule) {
  ONDOL_TRY(check_name(schedule.name));
  int64_t next = 0;
  if (schedule.kind == Schedule::Kind::kTimes) {
    const Cron times = ONDOL_TRY(Cron::parse(schedule.at));
    next = ONDOL_TRY(times.next_after(ONDOL_TRY(table_.now_ms()) / kMilliseconds)) * kMilliseconds;
  } else if (schedule.kind == Schedule::Kind::kFiles) {
    ONDOL_TRY(FileTrigger(table_, schedule).note_what_is_there());
  } else if (schedule.secret.empty()) {
    return Error("secret: expected one for a hook");
  }
  const std::string work = json_text(schedule.work);
  Statement statement = ONDOL_TRY(table_.database().prepare(
      "INSERT INTO schedule (name, kind, cron, files, secret, work, owner, next_ms, last_ms) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0) ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, "
      "cron = excluded.cron, files = excluded.files, secret = excluded.secret, work = excluded.work, "
      "owner = excluded.owner, next_ms = excluded.next_ms"));
  return statement.run(schedule.name, static_cast<int>(schedule.kind), schedule.at, schedule.files, schedule.secret,
                       work, schedule.owner, next);
}

Result<bool> Schedules::remove(std::string_view name) {
  Statement seen = ONDOL_TRY(table_.database().prepare("DELETE FROM seen_file WHERE schedule = ?1"));
  ONDOL_TRY(seen.run(name));
  Statement statement = ONDOL_TRY(table_.database().prepare("DELETE FROM schedule WHERE name = ?1 RETURNING id"));
  statement.start(name);
  bool removed = false;
  while (ONDOL_TRY(statement.next())) removed = true;
  return removed;
}

Result<std::vector<Schedule>> Schedules::list() {
  Statement statement =
      ONDOL_TRY(table_.database().prepare(fmt::format("SELECT {} FROM schedule ORDER BY name", kColumns)));
  statement.start();
  return schedules_of(statement);
}

Result<std::optional<Schedule>> Schedules::find(std::string_view name) {
  Statement statement =
      ONDOL_TRY(table_.database().prepare(fmt::format("SELECT {} FROM schedule WHERE name = ?1", kColumns)));
  statement.start(name);
  std::vector<Schedule> found = ONDOL_TRY(schedules_of(statement));
  if (found.empty()) return std::optional<Schedule>();
  return std::optional(std::move(found.front()));
}

Result<int64_t> Schedules::add_job(const Schedule& schedule, std::string_view given, std::string_view delivery) {
  JobWish wish{.work = work_of(schedule, given), .owner = schedule.owner};
  // Whatever others call a delivery, jobs' names are ours.
  if (!delivery.empty()) {
    wish.name = fmt::format("{}/{}/{}", name_of(schedule.kind), schedule.name, digest_of(delivery));
  }
  const int64_t id = ONDOL_TRY(table_.add(wish));
  Statement statement = ONDOL_TRY(
      table_.database().prepare(fmt::format("UPDATE schedule SET last_ms = {} WHERE name = ?1", table_.now_sql())));
  ONDOL_TRY(statement.run(schedule.name));
  return id;
}

Result<int> Schedules::add_due_times(int64_t now) {
  std::vector<Schedule> due;
  {
    Statement statement = ONDOL_TRY(table_.database().prepare(
        fmt::format("SELECT {} FROM schedule WHERE kind = 0 AND next_ms <= ?1 ORDER BY next_ms", kColumns)));
    statement.start(now);
    due = ONDOL_TRY(schedules_of(statement));
  }
  for (const Schedule& schedule : due) {
    // The job first: whoever dies between the two leaves a schedule that is due still, and the same name again.
    ONDOL_TRY(table_.add({.name = fmt::format("schedule/{}/{}", schedule.name, schedule.next_ms),
                          .work = work_of(schedule, ""),
                          .owner = schedule.owner}));
    const Cron times = ONDOL_TRY(Cron::parse(schedule.at));
    const int64_t next = ONDOL_TRY(times.next_after(now / kMilliseconds)) * kMilliseconds;
    Statement statement = ONDOL_TRY(table_.database().prepare(
        "UPDATE schedule SET last_ms = next_ms, next_ms = ?3 WHERE name = ?1 AND next_ms = ?2"));
    ONDOL_TRY(statement.run(schedule.name, schedule.next_ms, next));
  }
  return static_cast<int>(due.size());
}

Result<int> Schedules::add_due() {
  const int64_t now = ONDOL_TRY(table_.now_ms());
  int n = ONDOL_TRY(add_due_times(now));
  std::vector<Schedule> files;
  {
    Statement statement = ONDOL_TRY(
        table_.database().prepare(fmt::format("SELECT {} FROM schedule WHERE kind = 1 AND next_ms <= ?1", kColumns)));
    statement.start(now);
    files = ONDOL_TRY(schedules_of(statement));
  }
  for (const Schedule& schedule : files) n += ONDOL_TRY(FileTrigger(table_, schedule).look());
  return n;
}

}  // namespace ondol
