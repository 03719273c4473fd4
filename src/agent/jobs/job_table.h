// JobTable: work for agents that outlives the program that asked for it, in an SQLite file or, for several machines, in
// a PostgreSQL database.
//
// A worker takes a job with a lease, keeps the lease while it works, and ends the job. When it dies, its lease runs
// out, and somebody else takes the job. Only whoever holds the lease can end it, in one statement, so that a job ends
// once, whatever was killed when; a job that is added twice under one name is there once. Times are the database's own,
// so that machines with other clocks agree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "retrieve/database.h"

namespace ondol {

enum class JobState {
  kWaiting,  // for its time, or for a worker
  kRunning,  // somebody has a lease, which may have run out
  kAsking,   // for a person's answer
  kDone,
  kFailed,  // after as many attempts as it may have
  kCancelled,
};
std::string_view name_of(JobState state);  // "waiting", "running", ...

/// Where the session lies that a job has begun: a folder, that may be on one machine only. Whoever works elsewhere
/// takes the job only when nothing has become of it for so long; its own machine may come back.
struct JobHome {
  std::string id = {};  // session_home.h; "": nowhere in particular
  int64_t away_ms = 600'000;
};

struct JobWish {
  std::string name = {};  // the same name again is the same job; "": a name of its own
  json::value work = {};
  std::string owner = {};  // who may see it; "": everybody
  int64_t delay_ms = 0;
  int priority = 0;  // higher ones first
  int most_attempts = 3;
  std::string home = {};  // of the session that it goes on with
};

/// A job that this worker holds.
struct LeasedJob {
  int64_t id = 0;
  std::string name;
  json::value work;
  int attempt = 1;
  std::string question;  // what it asked, where somebody has answered
  std::string answer;    // that person's; "": none, or it was used
  std::string progress;  // what note() kept, of this attempt or an earlier one
  std::string usage;     // likewise note_usage()
  std::string lease;
};

struct JobRecord {
  int64_t id = 0;
  std::string name;
  json::value work;
  JobState state = JobState::kWaiting;
  int attempts = 0;
  std::string worker;    // the last that had it
  std::string question;  // kAsking
  std::string progress;
  std::string usage;
  std::string result;  // JSON of kDone, the error of kFailed and of an attempt that is tried again
  std::string owner;
  std::string home;  // where its session lies; "": it has none yet
  // Since 1970; 0: not yet.
  int64_t made_ms = 0;
  int64_t started_ms = 0;
  int64_t ended_ms = 0;
  int64_t changed_ms = 0;  // its state, usage or question
};

struct JobQuery {
  std::optional<JobState> state = std::nullopt;
  std::optional<std::string> asker = std::nullopt;  // what this one may see
  int64_t before = 0;                               // only ids below this one; 0: all
  int64_t changed_since_ms = 0;
};

class JobTable {
 public:
  /// Opens or makes the tables at a place as Database::open has it. Errors: a database of something else.
  static Result<JobTable> open(const std::string& place);

  /// The job's number; that of the first one where the name is taken already.
  Result<int64_t> add(const JobWish& wish);
  /// A job whose time has come, the most urgent and then the oldest; none: nothing is to be done now.
  Result<std::optional<LeasedJob>> take(const std::string& worker, int64_t lease_ms, const JobHome& home = {});

  // By whoever holds the lease. False: it was lost, and somebody else may have the job; what is asked is not done.
  Result<bool> keep(const LeasedJob& job, int64_t lease_ms);
  Result<bool> finish(const LeasedJob& job, const json::value& result);
  /// Keeps what whoever goes on with the job must know, and where that lies.
  Result<bool> note(const LeasedJob& job, std::string_view progress, std::string_view home = "");
  /// Keeps what the job has used so far.
  Result<bool> note_usage(const LeasedJob& job, std::string_view usage);
  /// Takes the answer away: true for one worker once, whatever was killed in between.
  Result<bool> use_answer(const LeasedJob& job);
  /// It is tried again after a while, longer each time, or failed where it had all its attempts or is not to be tried
  /// again (`retry_ms` below 0).
  Result<bool> fail(const LeasedJob& job, std::string_view error, int64_t retry_ms = 1000);
  /// It waits for answer(), and holds no worker until then.
  Result<bool> ask(const LeasedJob& job, std::string_view question);
  /// It is given back as if it had not been taken.
  Result<bool> give_back(const LeasedJob& job);

  // By anybody. False: the job is not in a state for it.
  Result<bool> answer(int64_t id, std::string_view answer);
  /// A worker that has it notices with its next keep().
  Result<bool> cancel(int64_t id);

  Result<std::optional<JobRecord>> find(int64_t id);
  /// Of a worker that is known to be dead: nobody waits for its leases to run out.
  Result<void> end_leases_of(std::string_view worker);
  /// The latest first.
  Result<std::vector<JobRecord>> list(int64_t most, const JobQuery& query = {});
  Result<int64_t> count(JobState state);
  /// By the database's clock, since 1970.
  Result<int64_t> now_ms();
  /// Forgets jobs that ended so long ago.
  Result<void> forget_older_than(int64_t age_ms);

  Database& database() { return database_; }
  /// SQL for the database's time in milliseconds since 1970.
  const std::string& now_sql() const { return now_; }

 private:
  explicit JobTable(Database database);
  /// A statement that changes at most one row and returns its id: whether it did.
  template <typename... Values>
  Result<bool> changes_one(const std::string& sql, const Values&... values);

  Database database_;
  std::string now_;
};

}  // namespace ondol
