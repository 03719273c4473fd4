#include "agent/jobs/file_trigger.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "agent/printable_text.h"
#include "agent/tools/workspace_walk.h"
#include "retrieve/ignore_rules.h"

namespace ondol {
namespace {

constexpr int64_t kBetweenLooksMs = 1000;
constexpr int64_t kQuietMs = 1000;
constexpr int kMostJobs = 100;
constexpr int kMostDepth = 32;
constexpr size_t kMostFiles = 20'000;
constexpr size_t kMostPattern = 1000;
/// Larger files are told apart by size and times alone.
constexpr uint64_t kMostDigestedBytes = uint64_t{256} << 20;

int64_t milliseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

Result<void> check_pattern(std::string_view pattern) {
  const bool leads_out = pattern.starts_with('/') || pattern == ".." || pattern.starts_with("../") ||
                         pattern.find("/../") != std::string_view::npos || pattern.ends_with("/..");
  if (!pattern.empty() && pattern.size() <= kMostPattern && !leads_out) return {};
  return Error(fmt::format("files: expected a pattern of paths below the workspace, as inbox/*.txt, got '{}'",
                           pattern.substr(0, kMostPattern)));
}

/// The folder in which everything lies that fits the pattern.
std::string folder_of(std::string_view pattern) {
  const size_t special = pattern.find_first_of("*?[\\");
  const size_t slash = pattern.substr(0, special).rfind('/');
  return slash == std::string_view::npos ? "" : std::string(pattern.substr(0, slash));
}

}  // namespace

Result<Workspace> FileTrigger::workspace() const {
  return Workspace::open(string_or(schedule_.work, "workspace", ""));
}

Result<std::vector<FileTrigger::Found>> FileTrigger::files(const Workspace& workspace) const {
  std::vector<Found> found;
  const std::string folder = folder_of(schedule_.files);
  // It may come.
  if (!workspace.is_folder(folder)) return found;
  const int64_t now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  ONDOL_TRY(walk_workspace(workspace, folder, kMostDepth, [&](const WalkedFile& file) {
    if (file.is_folder || !fits_pattern(file.path, schedule_.files)) return true;
    // Names that neither the table nor a prompt can hold as they are.
    if (printable_text(file.path) != file.path) return true;
    struct stat status {};
    const std::string path = workspace.root() + "/" + file.path;
    if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return true;
    // Programs can set the time of a file's content, but not that of its last change.
    const int64_t touched = std::max(milliseconds(status.st_mtim), milliseconds(status.st_ctim));
    found.push_back({file.path,
                     fmt::format("{}:{}:{}.{}:{}.{}", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                                 status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec),
                     touched + kQuietMs <= now || milliseconds(status.st_ctim) > now + kQuietMs});
    return found.size() < kMostFiles;
  }));
  return found;
}

Result<std::vector<FileTrigger::Found>> FileTrigger::unseen(const Workspace& workspace) const {
  std::set<std::pair<std::string, std::string>> seen;
  Statement statement = ONDOL_TRY(table_.database().prepare("SELECT path, mark FROM seen_file WHERE schedule = ?1"));
  statement.start(schedule_.name);
  while (ONDOL_TRY(statement.next())) seen.emplace(statement.text(0), statement.text(1));
  std::vector<Found> found = ONDOL_TRY(files(workspace));
  std::erase_if(found, [&](const Found& file) { return seen.contains({file.path, file.mark}); });
  return found;
}

Result<void> FileTrigger::note(const Found& file, const std::string& digest) {
  Statement statement = ONDOL_TRY(
      table_.database().prepare("INSERT INTO seen_file (schedule, path, digest, mark) VALUES (?1, ?2, ?3, ?4) "
                                "ON CONFLICT (schedule, path, digest) DO UPDATE SET mark = excluded.mark"));
  return statement.run(schedule_.name, file.path, digest, file.mark);
}

namespace {

/// Of its content; of a large file's mark.
std::string content_digest(const Workspace& workspace, const std::string& path, const std::string& mark) {
  const auto content = workspace.read_file(path, kMostDigestedBytes);
  return content ? digest_of(*content) : "mark " + digest_of(mark);
}

}  // namespace

Result<void> FileTrigger::note_what_is_there() {
  ONDOL_TRY(check_pattern(schedule_.files));
  const Workspace place = ONDOL_TRY(workspace());
  for (const Found& file : ONDOL_TRY(unseen(place))) {
    ONDOL_TRY(note(file, content_digest(place, file.path, file.mark)));
  }
  return {};
}

Result<int> FileTrigger::look() {
  const auto place = workspace();
  if (!place) return 0;  // the folder is another machine's
  Statement claim = ONDOL_TRY(table_.database().prepare(fmt::format(
      "UPDATE schedule SET next_ms = {0} + ?2 WHERE name = ?1 AND next_ms <= {0} RETURNING id", table_.now_sql())));
  claim.start(schedule_.name, kBetweenLooksMs);
  bool is_mine = false;
  while (ONDOL_TRY(claim.next())) is_mine = true;
  if (!is_mine) return 0;
  int n = 0;
  const auto found = unseen(*place);
  if (!found) return 0;  // a folder that cannot be read now
  for (const Found& file : *found) {
    if (!file.is_quiet || n == kMostJobs) continue;
    const std::string digest = content_digest(*place, file.path, file.mark);
    Statement known = ONDOL_TRY(
        table_.database().prepare("SELECT count(*) FROM seen_file WHERE schedule = ?1 AND path = ?2 AND digest = ?3"));
    if (ONDOL_TRY(known.number(schedule_.name, file.path, digest)) == 0) {
      // The job first: whoever dies between the two gives it the same name again.
      ONDOL_TRY(Schedules(table_).add_job(schedule_, file.path, file.path + "\n" + digest));
      ++n;
    }
    ONDOL_TRY(note(file, digest));
  }
  return n;
}

}  // namespace ondol
