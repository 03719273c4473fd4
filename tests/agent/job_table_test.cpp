// The durable table of jobs, in SQLite and in PostgreSQL, and workers that are killed.
#include "agent/jobs/job_table.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <random>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/jobs/job_worker.h"
#include "agent/jobs/schedules.h"
#include "agent/jobs/stored_answer.h"
#include "tests/retrieve/postgres_cluster.h"

namespace ondol {
namespace {

constexpr int64_t kLong = 60'000;

void wait_ms(int64_t milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

json::value work(int i) {
  return json::object{{"goal", fmt::format("goal {}", i)}};
}

/// What holds in every kind of database, on an empty one.
void jobs_are_done_in_order(const std::string& place) {
  JobTable table = JobTable::open(place).value();
  const int64_t first = table.add({.name = "a", .work = work(1)}).value();
  EXPECT_EQ(table.add({.name = "a", .work = work(2)}).value(), first);  // the same job
  const int64_t urgent = table.add({.name = "b", .work = work(3), .priority = 5}).value();
  (void)table.add({.name = "later", .work = work(4), .delay_ms = kLong}).value();
  EXPECT_NE(table.add({.work = work(5), .delay_ms = kLong}).value(),
            table.add({.work = work(5), .delay_ms = kLong}).value());

  const LeasedJob one = table.take("w", kLong).value().value();
  EXPECT_EQ(one.id, urgent);
  const LeasedJob two = table.take("w", kLong).value().value();
  EXPECT_EQ(two.id, first);
  EXPECT_EQ(json_text(two.work), R"({"goal":"goal 1"})");
  EXPECT_FALSE(table.take("w", kLong).value().has_value());
  EXPECT_TRUE(table.finish(two, "done").value());
  EXPECT_FALSE(table.finish(two, "again").value());
  EXPECT_EQ(table.find(first).value()->result, "\"done\"");
  EXPECT_GT(table.find(first).value()->ended_ms, table.find(first).value()->made_ms - 1);
  EXPECT_TRUE(table.give_back(one).value());
  EXPECT_EQ(table.take("w", kLong).value()->attempt, 1);
  EXPECT_EQ(table.list(2).value().size(), 2u);
  EXPECT_EQ(table.count(JobState::kDone).value(), 1);
  EXPECT_FALSE(table.find(987654).value().has_value());
  ASSERT_TRUE(table.forget_older_than(-1000));
  EXPECT_FALSE(table.find(first).value().has_value());
}

void leases_run_out(const std::string& place) {
  JobTable table = JobTable::open(place).value();
  const int64_t id = table.add({.name = "job", .work = work(1), .most_attempts = 2}).value();
  const LeasedJob dead = table.take("first", 1).value().value();
  wait_ms(20);
  EXPECT_TRUE(table.note(dead, "half of it").value()) << "the lease ran out, but nobody has taken the job";
  const LeasedJob taken = table.take("second", kLong).value().value();
  EXPECT_EQ(taken.progress, "half of it");
  EXPECT_FALSE(table.note(dead, "more").value());
  EXPECT_EQ(taken.id, id);
  EXPECT_EQ(taken.attempt, 2);
  // Whoever lost the lease can do nothing any more.
  EXPECT_FALSE(table.keep(dead, kLong).value());
  EXPECT_FALSE(table.finish(dead, nullptr).value());
  EXPECT_FALSE(table.fail(dead, "late").value());
  EXPECT_TRUE(table.keep(taken, 1).value());
  wait_ms(20);
  EXPECT_FALSE(table.take("third", kLong).value().has_value());  // it had its attempts
  EXPECT_EQ(table.find(id).value()->state, JobState::kFailed);
  EXPECT_EQ(table.find(id).value()->result, "its worker died");
}

void jobs_stay_where_their_session_is(const std::string& place) {
  JobTable table = JobTable::open(place).value();
  const JobHome here{.id = "here"}, there{.id = "there"}, later{.id = "there", .away_ms = 1};
  const int64_t id = table.add({.name = "job", .work = work(1)}).value();
  const LeasedJob first = table.take("a", kLong, here).value().value();
  EXPECT_TRUE(table.note(first, "session", "here").value());
  EXPECT_EQ(table.find(id).value()->home, "here");
  EXPECT_TRUE(table.ask(first, "may I?").value());
  EXPECT_TRUE(table.answer(id, "yes").value());
  EXPECT_FALSE(table.take("b", kLong, there).value().has_value());
  EXPECT_FALSE(table.take("b", kLong).value().has_value());
  const LeasedJob second = table.take("a", 1, here).value().value();
  EXPECT_EQ(second.id, id);
  wait_ms(20);
  // Its worker has died, but may be started again.
  EXPECT_FALSE(table.take("b", kLong, there).value().has_value());
  const LeasedJob third = table.take("b", kLong, later).value().value();
  EXPECT_EQ(third.progress, "session");
  EXPECT_TRUE(table.note(third, "another", "there").value());
  EXPECT_TRUE(table.give_back(third).value());
  EXPECT_FALSE(table.take("a", kLong, here).value().has_value());
  EXPECT_EQ(table.take("b", kLong, there).value()->progress, "another");
  // What goes on with a session of an earlier job.
  (void)table.add({.work = work(2), .home = "here"}).value();
  EXPECT_FALSE(table.take("b", kLong, there).value().has_value());
  EXPECT_TRUE(table.take("a", kLong, here).value().has_value());
}

void failures_are_tried_again(const std::string& place) {
  JobTable table = JobTable::open(place).value();
  const int64_t id = table.add({.name = "job", .work = work(1), .most_attempts = 2}).value();
  EXPECT_TRUE(table.fail(table.take("w", kLong).value().value(), "no network", 30).value());
  EXPECT_FALSE(table.take("w", kLong).value().has_value());  // not yet
  wait_ms(60);
  EXPECT_TRUE(table.fail(table.take("w", kLong).value().value(), "no network, again", 1).value());
  EXPECT_EQ(table.find(id).value()->state, JobState::kFailed);
  EXPECT_EQ(table.find(id).value()->result, "no network, again");
  wait_ms(20);
  EXPECT_FALSE(table.take("w", kLong).value().has_value());
}

void people_are_asked(const std::string& place) {
  JobTable table = JobTable::open(place).value();
  const int64_t id = table.add({.name = "job", .work = work(1), .most_attempts = 1}).value();
  EXPECT_FALSE(table.answer(id, "yes").value());  // nothing was asked
  EXPECT_TRUE(table.ask(table.take("w", kLong).value().value(), "may I?").value());
  EXPECT_FALSE(table.take("w", kLong).value().has_value());
  EXPECT_EQ(table.list(9, {.state = JobState::kAsking}).value().front().question, "may I?");
  EXPECT_TRUE(table.answer(id, "yes").value());
  const LeasedJob again = table.take("w", kLong).value().value();
  EXPECT_EQ(again.answer, "yes");
  EXPECT_EQ(again.question, "may I?");
  EXPECT_EQ(again.attempt, 1);
  EXPECT_TRUE(table.cancel(id).value());
  EXPECT_FALSE(table.keep(again, kLong).value());
  EXPECT_FALSE(table.cancel(id).value());
}

/// An answer approves the call that was asked about, once, whoever dies.
void answers_count_once(const std::string& place) {
  JobTable table = JobTable::open(place).value();
  const ApprovalRequest asked{"write_file", {}, "a", "it changes the workspace", {}};
  const ApprovalRequest other{"run_shell", {}, "rm -r .", "it changes the workspace", {}};
  const auto decide = [&](const LeasedJob& job, const ApprovalRequest& request) {
    JobWorker::Hooks hooks;
    hooks.use_answer = [&] { return table.use_answer(job); };
    return stored_answer(job, request, hooks).value();
  };
  const int64_t id = table.add({.name = "job", .work = work(1), .most_attempts = 9}).value();
  const LeasedJob asking = table.take("first", kLong).value().value();
  EXPECT_EQ(decide(asking, asked), ApprovalAnswer::kLater);
  EXPECT_TRUE(table.ask(asking, stored_question(asked)).value());
  EXPECT_TRUE(table.answer(id, "yes").value());
  const LeasedJob answered = table.take("second", 1).value().value();
  EXPECT_EQ(decide(answered, other), ApprovalAnswer::kLater) << "another call was not asked about";
  EXPECT_EQ(decide(answered, asked), ApprovalAnswer::kOnce);
  EXPECT_EQ(decide(answered, asked), ApprovalAnswer::kLater) << "the same call, again";
  wait_ms(20);  // the worker dies
  const LeasedJob next = table.take("third", kLong).value().value();
  EXPECT_EQ(next.answer, "");
  EXPECT_EQ(decide(next, asked), ApprovalAnswer::kLater);
  EXPECT_TRUE(table.ask(next, stored_question(asked)).value());
  EXPECT_TRUE(table.answer(id, "no").value());
  EXPECT_EQ(decide(table.take("fourth", kLong).value().value(), asked), ApprovalAnswer::kNo);
}

void schedules_give_one_job_for_a_time(const std::string& place) {
  JobTable table = JobTable::open(place).value();
  Schedules schedules(table);
  EXPECT_FALSE(schedules.put({.name = "bad", .at = "nonsense"}));
  ASSERT_TRUE(schedules.put({.name = "news", .at = "0 8 * * *", .work = work(1)}));
  ASSERT_TRUE(schedules.put({.name = "news", .at = "* * * * *", .work = work(2)}));
  EXPECT_EQ(schedules.add_due().value(), 0);
  // As if the machine had been off for an hour.
  ASSERT_TRUE(table.database().execute("UPDATE schedule SET next_ms = next_ms - 3600000"));
  const int64_t due = schedules.list().value().front().next_ms;
  EXPECT_EQ(schedules.add_due().value(), 1);
  EXPECT_EQ(schedules.add_due().value(), 0);
  const Schedule record = schedules.list().value().front();
  EXPECT_EQ(record.last_ms, due);
  EXPECT_GT(record.next_ms, due + 3'540'000);
  // Another worker that saw the same time due adds nothing.
  ASSERT_TRUE(table.database().execute(fmt::format("UPDATE schedule SET next_ms = {}", due)));
  EXPECT_EQ(schedules.add_due().value(), 1);
  EXPECT_EQ(table.count(JobState::kWaiting).value(), 1);
  EXPECT_TRUE(schedules.remove("news").value());
  EXPECT_FALSE(schedules.remove("news").value());
}

/// A process that does jobs until it is killed, or until there are none.
pid_t start_worker(const std::string& place) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  std::mt19937 random(static_cast<uint32_t>(::getpid()));
  JobWorker worker({.place = place, .name = fmt::format("{}", ::getpid()), .lease_ms = 400, .pause_ms = 50},
                   [&](const LeasedJob& job, const JobWorker::Hooks&) {
                     std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
                     return JobOutcome{.result = json::string(job.name)};
                   });
  ::_exit(worker.run() ? 0 : 1);
}

/// Counts ends in the database itself: whatever a killed worker did not tell, its trigger saw.
constexpr char kSqliteAudit[] =
    "CREATE TABLE ended (job INTEGER); CREATE TRIGGER audit AFTER UPDATE OF state ON job WHEN NEW.state = 3 "
    "BEGIN INSERT INTO ended VALUES (NEW.id); END";
constexpr char kPostgresAudit[] =
    "CREATE TABLE ended (job BIGINT);"
    "CREATE FUNCTION note() RETURNS trigger AS $$ BEGIN INSERT INTO ended VALUES (NEW.id); RETURN NEW; END $$ "
    "LANGUAGE plpgsql; CREATE TRIGGER audit AFTER UPDATE OF state ON job FOR EACH ROW WHEN (NEW.state = 3) "
    "EXECUTE FUNCTION note()";

constexpr int kMostKilled = 60;

void jobs_end_once_whoever_is_killed(const std::string& place, const char* audit, int n_jobs) {
  {
    JobTable table = JobTable::open(place).value();
    ASSERT_TRUE(table.database().execute(audit));
    for (int i = 0; i < n_jobs; ++i) {
      ASSERT_TRUE(table.add({.name = fmt::format("job {}", i), .work = work(i), .most_attempts = 1000}));
    }
  }
  std::vector<pid_t> workers;
  for (int i = 0; i < 4; ++i) workers.push_back(start_worker(place));
  std::mt19937 random(1);
  int n_killed = 0;
  const auto begin = std::chrono::steady_clock::now();
  JobTable table = JobTable::open(place).value();
  while (table.count(JobState::kDone).value() < n_jobs) {
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(300))
        << table.count(JobState::kDone).value();
    wait_ms(50 + static_cast<int64_t>(random() % 150));
    if (n_killed == kMostKilled) continue;
    pid_t& victim = workers[random() % workers.size()];
    ::kill(victim, SIGKILL);
    ::waitpid(victim, nullptr, 0);
    ++n_killed;
    victim = start_worker(place);
  }
  for (const pid_t worker : workers) {
    ::kill(worker, SIGKILL);
    ::waitpid(worker, nullptr, 0);
  }
  EXPECT_GE(n_killed, 3);
  EXPECT_EQ(table.database().number("SELECT count(*) FROM ended").value(), n_jobs);
  EXPECT_EQ(table.database().number("SELECT count(DISTINCT job) FROM ended").value(), n_jobs);
}

/// ONDOL_TEST_JOBS asks for another number.
int n_jobs(int usual) {
  const char* wanted = std::getenv("ONDOL_TEST_JOBS");
  return wanted != nullptr ? std::atoi(wanted) : usual;
}

class JobTableTest : public TemporaryFolder {};

TEST_F(JobTableTest, JobsAreDoneInOrder) {
  jobs_are_done_in_order(path("jobs.db"));
}
TEST_F(JobTableTest, LeasesRunOut) {
  leases_run_out(path("jobs.db"));
}
TEST_F(JobTableTest, JobsStayWhereTheirSessionIs) {
  jobs_stay_where_their_session_is(path("jobs.db"));
}
TEST_F(JobTableTest, FailuresAreTriedAgain) {
  failures_are_tried_again(path("jobs.db"));
}
TEST_F(JobTableTest, PeopleAreAsked) {
  people_are_asked(path("jobs.db"));
}
TEST_F(JobTableTest, AnswersCountOnce) {
  answers_count_once(path("jobs.db"));
}
TEST_F(JobTableTest, SchedulesGiveOneJobForATime) {
  schedules_give_one_job_for_a_time(path("jobs.db"));
}
TEST_F(JobTableTest, JobsEndOnceWhoeverIsKilled) {
  jobs_end_once_whoever_is_killed(path("jobs.db"), kSqliteAudit, n_jobs(2000));
}

TEST_F(JobTableTest, RefusesADatabaseOfSomethingElse) {
  Database other = Database::open(path("other.db")).value();
  ASSERT_TRUE(other.execute("CREATE TABLE something (x INTEGER)"));
  const auto table = JobTable::open(path("other.db"));
  ASSERT_FALSE(table);
  EXPECT_NE(table.error().message().find("expected a table of jobs"), std::string::npos);
}

TEST_F(JobTableTest, AWorkerKeepsItsLeaseAndNoticesItsLoss) {
  const std::string place = path("jobs.db");
  JobTable table = JobTable::open(place).value();
  const int64_t kept = table.add({.name = "kept", .work = work(1), .most_attempts = 1}).value();
  const int64_t lost = table.add({.name = "lost", .work = work(2), .most_attempts = 1}).value();
  const int64_t asks = table.add({.name = "asks", .work = work(3)}).value();
  bool noticed = false;
  JobWorker worker({.place = place, .name = "w", .lease_ms = 150},
                   [&](const LeasedJob& job, const JobWorker::Hooks& hooks) {
                     if (job.name == "asks" && job.answer.empty()) {
                       return JobOutcome{JobOutcome::Kind::kAsks, nullptr, "may I?"};
                     }
                     if (job.name == "lost") {
                       EXPECT_TRUE(table.cancel(lost).value());
                     }
                     for (int i = 0; i < 40 && hooks.goes_on(); ++i) wait_ms(20);
                     if (!hooks.goes_on()) noticed = job.name == "lost";
                     return JobOutcome{.result = "did it"};
                   });
  ASSERT_TRUE(worker.run(true));
  EXPECT_EQ(table.find(kept).value()->state, JobState::kDone);
  EXPECT_EQ(table.find(lost).value()->state, JobState::kCancelled);
  EXPECT_TRUE(noticed);
  EXPECT_EQ(table.find(asks).value()->question, "may I?");
}

TEST_F(PostgresTest, JobsAreDoneInOrder) {
  jobs_are_done_in_order(url());
}
TEST_F(PostgresTest, LeasesOfJobsRunOut) {
  leases_run_out(url());
}
TEST_F(PostgresTest, JobsStayWhereTheirSessionIs) {
  jobs_stay_where_their_session_is(url());
}
TEST_F(PostgresTest, FailedJobsAreTriedAgain) {
  failures_are_tried_again(url());
}
TEST_F(PostgresTest, JobsAskPeople) {
  people_are_asked(url());
}
TEST_F(PostgresTest, AnswersToJobsCountOnce) {
  answers_count_once(url());
}
TEST_F(PostgresTest, SchedulesGiveOneJobForATime) {
  schedules_give_one_job_for_a_time(url());
}
TEST_F(PostgresTest, JobsEndOnceWhoeverIsKilled) {
  jobs_end_once_whoever_is_killed(url(), kPostgresAudit, n_jobs(1000));
}

}  // namespace
}  // namespace ondol
