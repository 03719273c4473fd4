// Schedules by files and hooks, in SQLite and in PostgreSQL; tables of an earlier version; workers that are dead.
#include "agent/jobs/file_trigger.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "agent/jobs/worker_name.h"
#include "base/files.h"
#include "tests/agent/temporary_folder.h"
#include "tests/formats/temporary_folder.h"
#include "tests/retrieve/postgres_cluster.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

class Inbox {
 public:
  explicit Inbox(const std::string& place) : table(JobTable::open(place).value()) {
    fs::create_directories(folder_.path() + "/inbox/deep");
  }

  void write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(folder_.path() + "/" + path, text));
  }
  Result<void> put(const std::string& pattern) {
    return Schedules(table).put({.name = "news",
                                 .kind = Schedule::Kind::kFiles,
                                 .at = {},
                                 .files = pattern,
                                 .secret = {},
                                 .work = json::object{{"goal", "Look."}, {"workspace", folder_.path()}}});
  }
  /// As many as a worker that looks now adds.
  int look() {
    EXPECT_TRUE(table.database().execute("UPDATE schedule SET next_ms = 0"));
    return Schedules(table).add_due().value();
  }
  static void wait_until_quiet() { std::this_thread::sleep_for(std::chrono::milliseconds(1100)); }
  std::vector<std::string> given() {
    std::vector<std::string> all;
    for (const JobRecord& job : table.list(100).value()) {
      EXPECT_EQ(string_or(job.work, "trigger", ""), "news");
      all.push_back(string_or(*find_member(job.work, "given"), "text", ""));
    }
    return all;
  }

  JobTable table;

 private:
  TestFolder folder_;
};

void a_content_gives_one_job(const std::string& place) {
  Inbox inbox(place);
  inbox.write("inbox/old.txt", "old");
  ASSERT_TRUE(inbox.put("inbox/**/*.txt"));
  inbox.write("inbox/a.txt", "one");
  inbox.write("inbox/deep/b.txt", "one");
  inbox.write("inbox/c.md", "one");
  inbox.write("d.txt", "one");
  inbox.write("inbox/.env", "one");
  EXPECT_EQ(inbox.look(), 0) << "somebody may still be writing";
  Inbox::wait_until_quiet();
  EXPECT_EQ(inbox.look(), 2);
  EXPECT_EQ(inbox.given(), (std::vector<std::string>{"inbox/deep/b.txt", "inbox/a.txt"}));
  EXPECT_EQ(inbox.look(), 0);
  inbox.write("inbox/a.txt", "one");
  inbox.write("inbox/old.txt", "old");
  Inbox::wait_until_quiet();
  EXPECT_EQ(inbox.look(), 0) << "the same again";
  inbox.write("inbox/a.txt", "two");
  Inbox::wait_until_quiet();
  EXPECT_EQ(inbox.look(), 1);
  inbox.write("inbox/a.txt", "one");
  Inbox::wait_until_quiet();
  EXPECT_EQ(inbox.look(), 0) << "what it was before";
  // One looks at a time, and a while later again.
  inbox.write("inbox/e.txt", "three");
  Inbox::wait_until_quiet();
  ASSERT_TRUE(inbox.table.database().execute("UPDATE schedule SET next_ms = next_ms + 60000"));
  EXPECT_EQ(Schedules(inbox.table).add_due().value(), 0);
  EXPECT_EQ(inbox.look(), 1);
  EXPECT_TRUE(Schedules(inbox.table).remove("news").value());
  EXPECT_EQ(inbox.table.database().number("SELECT count(*) FROM seen_file").value(), 0);
}

void a_delivery_gives_one_job(const std::string& place) {
  JobTable table = JobTable::open(place).value();
  Schedules schedules(table);
  const Schedule hook{.name = "push",
                      .kind = Schedule::Kind::kHook,
                      .at = {},
                      .files = {},
                      .secret = "s",
                      .work = json::object{{"goal", "Read."}},
                      .owner = "me"};
  ASSERT_TRUE(schedules.put(hook));
  EXPECT_EQ(schedules.find("push").value()->secret, "s");
  EXPECT_FALSE(schedules.find("pull").value());
  const int64_t first = schedules.add_job(hook, "body", "delivery 1").value();
  EXPECT_EQ(schedules.add_job(hook, "another body", "delivery 1").value(), first);
  EXPECT_NE(schedules.add_job(hook, "body", "delivery 2").value(), first);
  EXPECT_NE(schedules.add_job(hook, "body", "").value(), schedules.add_job(hook, "body", "").value());
  const JobRecord job = table.find(first).value().value();
  EXPECT_EQ(job.owner, "me");
  EXPECT_EQ(json_text(*find_member(job.work, "given")), R"({"from":"hook","text":"body"})");
  EXPECT_EQ(schedules.add_due().value(), 0);
  EXPECT_TRUE(table.list(9, {.asker = "you"}).value().empty());
  EXPECT_EQ(table.list(9, {.asker = "me", .before = first + 1}).value().size(), 1u);
}

class FileTriggerTest : public TemporaryFolder {};

TEST_F(FileTriggerTest, AContentGivesOneJob) {
  a_content_gives_one_job(path("jobs.db"));
}
TEST_F(FileTriggerTest, ADeliveryGivesOneJob) {
  a_delivery_gives_one_job(path("jobs.db"));
}
TEST_F(PostgresTest, AContentOfAFileGivesOneJob) {
  a_content_gives_one_job(url());
}
TEST_F(PostgresTest, ADeliveryGivesOneJob) {
  a_delivery_gives_one_job(url());
}

TEST_F(FileTriggerTest, PatternsStayInTheWorkspace) {
  Inbox inbox(path("jobs.db"));
  for (const char* pattern : {"", "/etc/*", "../*", "a/../../b", "a/.."}) EXPECT_FALSE(inbox.put(pattern)) << pattern;
  EXPECT_FALSE(Schedules(inbox.table).put({.name = "a b", .at = "@daily"}));
  EXPECT_FALSE(Schedules(inbox.table).put({.name = "h", .kind = Schedule::Kind::kHook}));
}

TEST_F(FileTriggerTest, TablesOfTheFirstVersionAreTakenUp) {
  const std::string place = path("jobs.db");
  {
    Database database = Database::open(place).value();
    ASSERT_TRUE(database.execute(
        "CREATE TABLE job (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, work TEXT NOT NULL, "
        "state INTEGER NOT NULL, priority INTEGER NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, "
        "most_attempts INTEGER NOT NULL, lease TEXT NOT NULL, lease_end_ms INTEGER NOT NULL, worker TEXT NOT NULL, "
        "question TEXT NOT NULL, answer TEXT NOT NULL, progress TEXT NOT NULL, result TEXT NOT NULL, "
        "made_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL);"
        "CREATE TABLE schedule (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, cron TEXT NOT NULL, "
        "work TEXT NOT NULL, next_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL);"
        "INSERT INTO job VALUES (7, 'old', '{}', 0, 0, 0, 0, 3, '', 0, '', '', '', '', '', 5, 0);"
        "INSERT INTO schedule VALUES (1, 'daily', '@daily', '{}', 9000000000000, 0)"));
    ASSERT_TRUE(database.set_identity(0x6f6e646a, 1));
  }
  JobTable table = JobTable::open(place).value();
  EXPECT_EQ(table.find(7).value()->name, "old");
  EXPECT_EQ(Schedules(table).list().value().front().at, "@daily");
  EXPECT_EQ(table.take("w", 1000).value()->id, 7);
  EXPECT_TRUE(JobTable::open(place));
}

TEST_F(FileTriggerTest, LeasesOfDeadWorkersEnd) {
  JobTable table = JobTable::open(path("jobs.db")).value();
  ASSERT_TRUE(table.add({.name = "a"}));
  const LeasedJob job = table.take("dead", 60'000).value().value();
  EXPECT_TRUE(table.note_usage(job, R"({"turns":2})").value());
  ASSERT_TRUE(table.end_leases_of("alive"));
  EXPECT_FALSE(table.take("w", 1000).value());
  ASSERT_TRUE(table.end_leases_of("dead"));
  const LeasedJob again = table.take("w", 60'000).value().value();
  EXPECT_EQ(again.usage, R"({"turns":2})");
  EXPECT_TRUE(table.fail(again, "no", -1).value());
  EXPECT_EQ(table.find(again.id).value()->state, JobState::kFailed);
}

TEST(WorkerName, TellsTheDead) {
  EXPECT_FALSE(is_dead_worker(own_worker_name(1)));
  EXPECT_FALSE(is_dead_worker("another-machine/1/1.1"));
  EXPECT_FALSE(is_dead_worker(""));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  std::string name = own_worker_name(1);
  name = name.substr(0, name.rfind('/') + 1) + std::to_string(child) + ".1";
  EXPECT_FALSE(is_dead_worker(name)) << "nobody has taken note of its end";
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(is_dead_worker(name));
}

}  // namespace
}  // namespace ondol
