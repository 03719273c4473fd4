// SandboxFiles: which files of the machine a confined program sees, whatever confines it.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ondol {

/// Programs and libraries, with "/usr" first. Some may be links into it, or not there.
std::span<const char* const> system_folders();

/// What programs need of /etc: nothing with passwords, keys, or names of the owner's network.
std::span<const char* const> system_settings();

/// The folder's real path. Error: it is not there, or one that a program may not have as its own: the root, what lies
/// in or above the system's folders, the folder of all homes or of temporary files.
Result<std::string> checked_workspace(const std::string& path);

/// A path that a program must not see.
struct HiddenPlace {
  enum class Kind { kFile, kFolder, kAbsent };
  std::string path;  // absolute
  Kind kind = Kind::kFile;
};

/// Paths from the workspace on, resolved without links. A link is passed over, as what it leads to is either outside,
/// and not seen, or has a name of its own. Error: one that leads out of the workspace, or a link named .git.
Result<std::vector<HiddenPlace>> hidden_places(const std::string& workspace, const std::vector<std::string>& hidden);

/// A new folder for one run, only the owner's, removed with this object.
class TemporaryPlace {
 public:
  static Result<TemporaryPlace> make();
  TemporaryPlace(TemporaryPlace&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryPlace& operator=(TemporaryPlace&&) = delete;
  ~TemporaryPlace();
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryPlace(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace ondol
