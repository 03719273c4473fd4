// Workspace: the folder that an agent works in. Tools of this process reach files only through it: no path leads out,
// by dots, links or races, and what is protected (protected_names.h) is not there for them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.h"
#include "base/result.h"

namespace ondol {

class Workspace {
 public:
  struct Entry {
    std::string name;
    bool is_folder = false;
    bool is_link = false;
    uint64_t size_bytes = 0;
    int64_t changed_at = 0;  // Unix seconds
  };

  /// `shown`: protected files and folders that are allowed, by name (".env") or by path from the root ("deploy/.env").
  /// Error: no folder, or one that cannot be a workspace (sandbox_files.h).
  static Result<Workspace> open(const std::string& root, std::vector<std::string> shown = {});

  const std::string& root() const { return root_; }

  /// A path as a model writes it (from the root on, "./a", "a/../b", or absolute below the root), made plain; "" is the
  /// root. Error: it leads out, or is protected.
  Result<std::string> resolve(std::string_view path) const;
  /// Of a plain path from the root on.
  bool is_hidden(std::string_view path) const;
  /// What SandboxedCommand::hidden needs: protected files and folders that are there, and .git, even if it is not, so
  /// that no program makes one. Looks through the whole folder.
  std::vector<std::string> hidden() const;

  // Paths as for resolve(). Links within the workspace are followed.

  Result<std::string> read_file(std::string_view path, size_t limit_bytes = size_t{16} << 20) const;
  /// Makes folders that are missing. After an error the old content is there. A file keeps its permissions. Error: the
  /// path is a link, or no file.
  Result<void> write_file(std::string_view path, std::string_view content) const;
  /// Error: it is no plain file.
  Result<void> remove_file(std::string_view path) const;
  /// Sorted by name, without what is hidden.
  Result<std::vector<Entry>> list(std::string_view path) const;
  bool is_file(std::string_view path) const;
  bool is_folder(std::string_view path) const;

 private:
  Workspace(std::string root, std::vector<std::string> shown, bool is_home, Descriptor folder);
  /// A plain path. What it leads to is not hidden either.
  Result<Descriptor> open_beneath(const std::string& path, int flags) const;
  Result<Descriptor> make_folders(const std::string& path) const;
  void add_hidden(int folder, const std::string& path, int depth, std::vector<std::string>& found) const;

  std::string root_;
  std::vector<std::string> shown_;
  bool is_home_;  // then all of its dot-files are protected
  std::shared_ptr<const Descriptor> folder_;
};

}  // namespace ondol
