// Schedules: goals that come again: at the times of a cron expression, with files that come or change (file_trigger.h),
// or when another program calls (a hook of the server). They lie beside the jobs; any worker adds what is due, and
// however many of them look at the same moment, each time, each content of a file and each delivery gives one job.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/jobs/cron.h"
#include "agent/jobs/job_table.h"

namespace ondol {

struct Schedule {
  enum class Kind { kTimes, kFiles, kHook };
  std::string name;  // letters, digits, "-", "_" and "."
  Kind kind = Kind::kTimes;
  std::string at = {};      // kTimes: the expression
  std::string files = {};   // kFiles: a pattern (fits_pattern) of paths below the work's workspace
  std::string secret = {};  // kHook: who calls must know it
  json::value work = {};
  std::string owner = {};
  int64_t next_ms = 0;  // since 1970: kTimes: the next time; kFiles: the next look
  int64_t last_ms = 0;  // of the last job; 0: there was none
};
std::string_view name_of(Schedule::Kind kind);  // "times", "files", "hook"

class Schedules {
 public:
  /// `table` outlives it.
  explicit Schedules(JobTable& table) : table_(table) {}

  /// Makes a schedule, or changes that of this name. Files that are there already give no jobs. Errors: the name, the
  /// expression, the pattern, the workspace of kFiles.
  Result<void> put(const Schedule& schedule);
  /// False: there is none of this name.
  Result<bool> remove(std::string_view name);
  Result<std::vector<Schedule>> list();
  Result<std::optional<Schedule>> find(std::string_view name);

  /// Adds a job of the schedule beside what its times, files or hook give, and returns its number. `given`: what came
  /// with it, in a stranger's words ("": nothing). `delivery`: the same again is the same job; "": a job of its own.
  Result<int64_t> add_job(const Schedule& schedule, std::string_view given, std::string_view delivery);

  /// Adds jobs for times that have come and files that came or changed, and returns how many. Times that nobody looked
  /// at (the machine was off) give one job in all, not one each.
  Result<int> add_due();

 private:
  Result<int> add_due_times(int64_t now);

  JobTable& table_;
};

/// 64 hexadecimal digits: SHA-256 of `text`.
std::string digest_of(std::string_view text);

}  // namespace ondol
