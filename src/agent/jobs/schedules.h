// Schedules: jobs that come again at the times of a cron expression. They lie beside the jobs; any worker adds what is
// due, and however many of them look at the same moment, each time gives one job.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/jobs/cron.h"
#include "agent/jobs/job_table.h"

namespace ondol {

struct ScheduleRecord {
  std::string name;
  std::string cron;
  json::value work;
  int64_t next_ms = 0;  // since 1970
  int64_t last_ms = 0;  // 0: it has not been due yet
};

class Schedules {
 public:
  /// `table` outlives it.
  explicit Schedules(JobTable& table) : table_(table) {}

  /// Makes a schedule, or changes that of this name. Error: the expression.
  Result<void> put(const std::string& name, std::string_view cron, const json::value& work);
  /// False: there is none of this name.
  Result<bool> remove(std::string_view name);
  Result<std::vector<ScheduleRecord>> list();

  /// Adds a job for each schedule whose time has come, and returns how many. Times that nobody looked at (the machine
  /// was off) give one job in all, not one each.
  Result<int> add_due();

 private:
  Result<int64_t> now_ms();

  JobTable& table_;
};

}  // namespace ondol
