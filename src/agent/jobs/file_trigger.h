// FileTrigger: jobs of a schedule for files that come or change below a workspace. Looked for about once a second, by
// one of all workers whose machine has the folder; links are not followed, and what agents may not see is not seen.
//
// A file counts when nothing has touched it for a second, so that half of a file is not taken for the whole. The same
// content at the same path gives one job, however often it is written and whoever looks: what was seen is in the table.
#pragma once

#include <string>
#include <vector>

#include "agent/jobs/schedules.h"
#include "agent/workspace.h"

namespace ondol {

class FileTrigger {
 public:
  /// Both outlive it.
  FileTrigger(JobTable& table, const Schedule& schedule) : table_(table), schedule_(schedule) {}

  /// Notes files that are there, without jobs. Errors: the pattern, no such workspace.
  Result<void> note_what_is_there();
  /// Adds jobs for files that came or changed, a hundred at most, and returns how many. 0 where another is looking, or
  /// the workspace is not here.
  Result<int> look();

 private:
  struct Found {
    std::string path;
    std::string mark;  // changes when the file does
    bool is_quiet = false;
  };
  Result<Workspace> workspace() const;
  Result<std::vector<Found>> files(const Workspace& workspace) const;
  Result<std::vector<Found>> unseen(const Workspace& workspace) const;
  Result<void> note(const Found& file, const std::string& digest);

  JobTable& table_;
  const Schedule& schedule_;
};

}  // namespace ondol
