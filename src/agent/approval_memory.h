// ApprovalMemory: what a person has allowed for good, per workspace, in one small file.
//
// What is remembered is a tool and a pattern of one of a few kinds, never a tool as a whole:
//   host:example.org              whatever it sends there (tools that name hosts)
//   path:notes/today.md           whatever it writes there (write_file and edit_file)
//   exactly:{"command":"ls -l"}   these arguments and no others
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace ondol {

struct RememberedApproval {
  std::string tool;
  std::string pattern;
  bool operator==(const RememberedApproval&) const = default;
};

/// What an "always" to this call would cover.
RememberedApproval approval_of(std::string_view tool, const json::object& arguments,
                               const std::vector<std::string>& hosts);

class ApprovalMemory {
 public:
  /// `folder` holds one file for each workspace ("" keeps nothing). A damaged file is an error, not an empty memory.
  static Result<ApprovalMemory> open(const std::string& folder, const std::string& workspace);

  bool has(const RememberedApproval& approval) const;
  /// Written at once, readable by its owner alone.
  Result<void> add(const RememberedApproval& approval);
  const std::vector<RememberedApproval>& all() const { return approvals_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string workspace_;
  std::vector<RememberedApproval> approvals_;
};

}  // namespace ondol
