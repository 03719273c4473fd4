#include "agent/jobs/job_table.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr int64_t kApplication = 0x6f6e646a;  // "ondj"
constexpr int64_t kVersion = 3;

constexpr int kMostRetryDoublings = 10;

int number_of(JobState state) {
  return static_cast<int>(state);
}

std::string schema(const sql::Dialect& dialect) {
  using namespace fmt::literals;
  return fmt::format(
      R"sql(
CREATE TABLE job (id {own_id}, name TEXT NOT NULL UNIQUE, work TEXT NOT NULL, state {integer} NOT NULL,
                  priority {integer} NOT NULL, due_ms {integer} NOT NULL, attempts {integer} NOT NULL,
                  most_attempts {integer} NOT NULL, lease TEXT NOT NULL, lease_end_ms {integer} NOT NULL,
                  worker TEXT NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL, progress TEXT NOT NULL,
                  result TEXT NOT NULL,
                  made_ms {integer} NOT NULL, ended_ms {integer} NOT NULL);
CREATE INDEX job_by_state ON job (state, priority, due_ms);
CREATE TABLE schedule (id {own_id}, name TEXT NOT NULL UNIQUE, cron TEXT NOT NULL, work TEXT NOT NULL,
                       next_ms {integer} NOT NULL, last_ms {integer} NOT NULL);
)sql",
      "integer"_a = dialect.integer, "own_id"_a = dialect.own_id);
}

/// What version 2 has more: owners, what a job used and when it changed; schedules by files and hooks.
std::string second_schema(const sql::Dialect& dialect) {
  using namespace fmt::literals;
  return fmt::format(
      R"sql(
ALTER TABLE job ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN usage TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN started_ms {integer} NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN changed_ms {integer} NOT NULL DEFAULT 0;
CREATE INDEX job_by_change ON job (changed_ms);
ALTER TABLE schedule ADD COLUMN kind {integer} NOT NULL DEFAULT 0;
ALTER TABLE schedule ADD COLUMN files TEXT NOT NULL DEFAULT '';
ALTER TABLE schedule ADD COLUMN secret TEXT NOT NULL DEFAULT '';
ALTER TABLE schedule ADD COLUMN owner TEXT NOT NULL DEFAULT '';
CREATE TABLE seen_file (id {own_id}, schedule TEXT NOT NULL, path TEXT NOT NULL, digest TEXT NOT NULL,
                        mark TEXT NOT NULL, UNIQUE (schedule, path, digest));
)sql",
      "integer"_a = dialect.integer, "own_id"_a = dialect.own_id);
}

/// What version 3 has more: where sessions lie.
constexpr const char* kThirdSchema = "ALTER TABLE job ADD COLUMN home TEXT NOT NULL DEFAULT ''";

/// Milliseconds since 1970 by the database's clock.
std::string now_of(const sql::Dialect& dialect) {
  return dialect.is_server ? "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
                           : "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
}

/// A name that nobody else has.
std::string unique_name() {
  std::random_device device;
  const auto word = [&] { return static_cast<uint64_t>(device()) << 32 | device(); };
  return fmt::format("{:016x}{:016x}", word(), word());
}

constexpr char kColumns[] =
    "id, name, work, state, attempts, worker, question, result, made_ms, ended_ms, progress, usage, owner, started_ms, "
    "changed_ms, home";

Result<JobRecord> record_of(const Statement& row) {
  JobRecord record;
  record.id = row.integer(0);
  record.name = row.text(1);
  record.work = ONDOL_TRY(parse_json(row.text(2)));
  record.state = static_cast<JobState>(row.integer(3));
  record.attempts = static_cast<int>(row.integer(4));
  record.worker = row.text(5);
  record.question = row.text(6);
  record.result = row.text(7);
  record.made_ms = row.integer(8);
  record.ended_ms = row.integer(9);
  record.progress = row.text(10);
  record.usage = row.text(11);
  record.owner = row.text(12);
  record.started_ms = row.integer(13);
  record.changed_ms = row.integer(14);
  record.home = row.text(15);
  return record;
}

Result<void> make_tables(Database& database, const std::string& place) {
  Transaction transaction = ONDOL_TRY(Transaction::begin(database));
  const sql::Identity identity = ONDOL_TRY(database.identity());
  const bool is_ours = identity.application == kApplication && identity.version >= 1 && identity.version <= kVersion;
  if (!identity.is_empty && !is_ours) {
    return Error(
        fmt::format("{}: expected a table of jobs (version {}), got a database of something else; name another",
                    Database::shown(place), kVersion));
  }
  if (is_ours && identity.version == kVersion) return {};
  if (identity.is_empty) ONDOL_TRY(database.execute(schema(database.dialect())));
  if (identity.is_empty || identity.version < 2) ONDOL_TRY(database.execute(second_schema(database.dialect())));
  ONDOL_TRY(database.execute(kThirdSchema));
  ONDOL_TRY(database.set_identity(kApplication, kVersion));
  return transaction.commit();
}

}  // namespace

std::string_view name_of(JobState state) {
  constexpr std::string_view kNames[] = {"waiting", "running", "asking", "done", "failed", "cancelled"};
  return kNames[static_cast<size_t>(state)];
}

JobTable::JobTable(Database database) : database_(std::move(database)), now_(now_of(database_.dialect())) {}

Result<JobTable> JobTable::open(const std::string& place) {
  Database database = ONDOL_TRY(Database::open(place));
  ONDOL_TRY(make_tables(database, place));
  return JobTable(std::move(database));
}

template <typename... Values>
Result<bool> JobTable::changes_one(const std::string& sql, const Values&... values) {
  Statement statement = ONDOL_TRY(database_.prepare(sql + " RETURNING id"));
  statement.start(values...);
  bool changed = false;
  while (ONDOL_TRY(statement.next())) changed = true;
  return changed;
}

Result<int64_t> JobTable::add(const JobWish& wish) {
  const std::string name = wish.name.empty() ? unique_name() : wish.name;
  const std::string work = json_text(wish.work);
  ONDOL_TRY(changes_one(
      fmt::format("INSERT INTO job (name, work, state, priority, due_ms, attempts, most_attempts, lease, lease_end_ms, "
                  "worker, question, answer, progress, result, made_ms, ended_ms, owner, changed_ms, home) "
                  "VALUES (?1, ?2, {0}, ?3, {1} + ?4, 0, ?5, '', 0, '', '', '', '', '', {1}, 0, ?6, {1}, ?7) "
                  "ON CONFLICT (name) DO NOTHING",
                  number_of(JobState::kWaiting), now_),
      name, work, wish.priority, wish.delay_ms, std::max(1, wish.most_attempts), wish.owner, wish.home));
  Statement find = ONDOL_TRY(database_.prepare("SELECT id FROM job WHERE name = ?1"));
  return find.number(name);
}

Result<std::optional<LeasedJob>> JobTable::take(const std::string& worker, int64_t lease_ms, const JobHome& home) {
  const std::string lease = unique_name();
  // On a server, many look at once: a row that another is just taking is passed over.
  const std::string_view alone = database_.dialect().is_server ? " FOR UPDATE SKIP LOCKED" : "";
  Statement taking = ONDOL_TRY(database_.prepare(fmt::format(
      "UPDATE job SET state = {running}, lease = ?1, worker = ?2, lease_end_ms = {now} + ?3, attempts = attempts + 1, "
      "changed_ms = {now}, started_ms = CASE WHEN started_ms = 0 THEN {now} ELSE started_ms END "
      "WHERE id = (SELECT id FROM job WHERE ((state = {waiting} AND due_ms <= {now}) OR "
      "(state = {running} AND lease_end_ms <= {now} AND attempts < most_attempts)) AND (home = '' OR home = ?4 OR "
      "(changed_ms <= {now} - ?5 AND due_ms <= {now} - ?5 AND lease_end_ms <= {now} - ?5)) "
      "ORDER BY priority DESC, due_ms, id LIMIT 1{alone}) RETURNING id, name, work, attempts, question, answer, "
      "progress, usage",
      fmt::arg("running", number_of(JobState::kRunning)), fmt::arg("waiting", number_of(JobState::kWaiting)),
      fmt::arg("now", now_), fmt::arg("alone", alone))));
  taking.start(lease, worker, lease_ms, home.id, home.away_ms);
  if (!ONDOL_TRY(taking.next())) {
    // Nobody comes back for those whose last worker died.
    ONDOL_TRY(changes_one(
        fmt::format("UPDATE job SET state = {0}, ended_ms = {1}, changed_ms = {1}, result = 'its worker died' "
                    "WHERE state = {2} AND lease_end_ms <= {1} AND attempts >= most_attempts",
                    number_of(JobState::kFailed), now_, number_of(JobState::kRunning))));
    return std::optional<LeasedJob>();
  }
  LeasedJob job{.id = taking.integer(0),
                .name = std::string(taking.text(1)),
                .work = nullptr,
                .attempt = static_cast<int>(taking.integer(3)),
                .question = std::string(taking.text(4)),
                .answer = std::string(taking.text(5)),
                .progress = std::string(taking.text(6)),
                .usage = std::string(taking.text(7)),
                .lease = lease};
  job.work = ONDOL_TRY(parse_json(taking.text(2)));
  // The statement is read to its end, so that SQLite commits it.
  (void)ONDOL_TRY(taking.next());
  return std::optional(std::move(job));
}

Result<bool> JobTable::keep(const LeasedJob& job, int64_t lease_ms) {
  return changes_one(fmt::format("UPDATE job SET lease_end_ms = {} + ?3 WHERE id = ?1 AND lease = ?2 AND state = {}",
                                 now_, number_of(JobState::kRunning)),
                     job.id, job.lease, lease_ms);
}

Result<bool> JobTable::note(const LeasedJob& job, std::string_view progress, std::string_view home) {
  return changes_one(
      fmt::format(
          "UPDATE job SET progress = ?3, home = ?4, changed_ms = {} WHERE id = ?1 AND lease = ?2 AND state = {}", now_,
          number_of(JobState::kRunning)),
      job.id, job.lease, progress, home);
}

Result<bool> JobTable::note_usage(const LeasedJob& job, std::string_view usage) {
  return changes_one(
      fmt::format("UPDATE job SET usage = ?3, changed_ms = {} WHERE id = ?1 AND lease = ?2 AND state = {}", now_,
                  number_of(JobState::kRunning)),
      job.id, job.lease, usage);
}

Result<bool> JobTable::use_answer(const LeasedJob& job) {
  return changes_one(fmt::format("UPDATE job SET answer = '', question = '' "
                                 "WHERE id = ?1 AND lease = ?2 AND state = {} AND answer <> ''",
                                 number_of(JobState::kRunning)),
                     job.id, job.lease);
}

Result<bool> JobTable::finish(const LeasedJob& job, const json::value& result) {
  const std::string text = json_text(result);
  return changes_one(
      fmt::format("UPDATE job SET state = {0}, result = ?3, ended_ms = {1}, changed_ms = {1}, lease = '' "
                  "WHERE id = ?1 AND lease = ?2 AND state = {2}",
                  number_of(JobState::kDone), now_, number_of(JobState::kRunning)),
      job.id, job.lease, text);
}

Result<bool> JobTable::fail(const LeasedJob& job, std::string_view error, int64_t retry_ms) {
  const int64_t delay = std::max<int64_t>(retry_ms, 0) << std::min(job.attempt - 1, kMostRetryDoublings);
  const std::string_view again = retry_ms >= 0 ? "attempts < most_attempts" : "1 = 0";
  return changes_one(
      fmt::format("UPDATE job SET state = CASE WHEN {again} THEN {waiting} ELSE {failed} END, "
                  "ended_ms = CASE WHEN {again} THEN 0 ELSE {now} END, changed_ms = {now}, "
                  "result = ?3, due_ms = {now} + ?4, lease = '' WHERE id = ?1 AND lease = ?2 AND state = {running}",
                  fmt::arg("again", again), fmt::arg("waiting", number_of(JobState::kWaiting)),
                  fmt::arg("failed", number_of(JobState::kFailed)), fmt::arg("now", now_),
                  fmt::arg("running", number_of(JobState::kRunning))),
      job.id, job.lease, error, delay);
}

Result<bool> JobTable::ask(const LeasedJob& job, std::string_view question) {
  // Waiting for a person is no attempt that went wrong.
  return changes_one(
      fmt::format("UPDATE job SET state = {}, question = ?3, answer = '', lease = '', attempts = attempts - 1, "
                  "changed_ms = {} WHERE id = ?1 AND lease = ?2 AND state = {}",
                  number_of(JobState::kAsking), now_, number_of(JobState::kRunning)),
      job.id, job.lease, question);
}

Result<bool> JobTable::give_back(const LeasedJob& job) {
  return changes_one(fmt::format("UPDATE job SET state = {}, lease = '', attempts = attempts - 1, changed_ms = {} "
                                 "WHERE id = ?1 AND lease = ?2 AND state = {}",
                                 number_of(JobState::kWaiting), now_, number_of(JobState::kRunning)),
                     job.id, job.lease);
}

Result<bool> JobTable::answer(int64_t id, std::string_view answer) {
  return changes_one(fmt::format("UPDATE job SET state = {0}, answer = ?2, due_ms = {1}, changed_ms = {1} "
                                 "WHERE id = ?1 AND state = {2}",
                                 number_of(JobState::kWaiting), now_, number_of(JobState::kAsking)),
                     id, answer);
}

Result<bool> JobTable::cancel(int64_t id) {
  return changes_one(fmt::format("UPDATE job SET state = {0}, lease = '', ended_ms = {1}, changed_ms = {1} "
                                 "WHERE id = ?1 AND state IN ({2}, {3}, {4})",
                                 number_of(JobState::kCancelled), now_, number_of(JobState::kWaiting),
                                 number_of(JobState::kRunning), number_of(JobState::kAsking)),
                     id);
}

Result<void> JobTable::end_leases_of(std::string_view worker) {
  Statement statement = ONDOL_TRY(database_.prepare(
      fmt::format("UPDATE job SET lease_end_ms = 0 WHERE worker = ?1 AND state = {}", number_of(JobState::kRunning))));
  return statement.run(worker);
}

Result<std::optional<JobRecord>> JobTable::find(int64_t id) {
  Statement statement = ONDOL_TRY(database_.prepare(fmt::format("SELECT {} FROM job WHERE id = ?1", kColumns)));
  statement.start(id);
  if (!ONDOL_TRY(statement.next())) return std::optional<JobRecord>();
  return std::optional(ONDOL_TRY(record_of(statement)));
}

Result<std::vector<JobRecord>> JobTable::list(int64_t most, const JobQuery& query) {
  std::string which = "WHERE (?2 = 0 OR id < ?2) AND changed_ms >= ?3";
  if (query.state) which += fmt::format(" AND state = {}", number_of(*query.state));
  if (query.asker) which += " AND (owner = '' OR owner = ?4)";
  Statement statement =
      ONDOL_TRY(database_.prepare(fmt::format("SELECT {} FROM job {} ORDER BY id DESC LIMIT ?1", kColumns, which)));
  if (query.asker) {
    statement.start(most, query.before, query.changed_since_ms, *query.asker);
  } else {
    statement.start(most, query.before, query.changed_since_ms);
  }
  std::vector<JobRecord> records;
  while (ONDOL_TRY(statement.next())) records.push_back(ONDOL_TRY(record_of(statement)));
  return records;
}

Result<int64_t> JobTable::now_ms() {
  return database_.number(fmt::format("SELECT {}", now_));
}

Result<int64_t> JobTable::count(JobState state) {
  return database_.number(fmt::format("SELECT count(*) FROM job WHERE state = {}", number_of(state)));
}

Result<void> JobTable::forget_older_than(int64_t age_ms) {
  Statement statement =
      ONDOL_TRY(database_.prepare(fmt::format("DELETE FROM job WHERE ended_ms > 0 AND ended_ms < {} - ?1", now_)));
  return statement.run(age_ms);
}

}  // namespace ondol
