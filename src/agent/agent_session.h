// AgentSession: what an agent did, one step a line, in a folder of its own:
//
//   <sessions>/<id>/steps.jsonl      the first line is the header (format, id, created, marks, workspace, model)
//   <sessions>/<id>/results/7.txt    the whole text of a result that the model saw shortened
//
// A line is on the disk before what follows from it happens. A line that a crash cut off is dropped when the session is
// opened. One process has a session open at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.h"
#include "base/json.h"
#include "base/result.h"

namespace ondol {

struct AgentSessionInfo {
  std::string id;
  std::string goal;  // the first
  std::string workspace;
  std::string model;
  std::string end;  // how the last run ended; "" where it did not
  int64_t created_unix_seconds = 0;
  int n_steps = 0;
};

class AgentSession {
 public:
  /// `header` gets "type", "format", "id", "created" and "marks" (see UntrustedMarks).
  static Result<AgentSession> create(const std::string& sessions, json::object header);
  /// Errors: no such session, damaged lines, another process has it.
  static Result<AgentSession> open(const std::string& sessions, const std::string& id);
  /// A new session with the steps 0 to `last_step` of another, and its results.
  static Result<AgentSession> branch(const std::string& sessions, const std::string& id, int last_step);

  static bool exists(const std::string& sessions, const std::string& id);
  /// The steps of a session, which may be in use.
  static Result<std::vector<json::object>> read(const std::string& sessions, const std::string& id);
  /// The newest first; folders without a readable header are left out.
  static std::vector<AgentSessionInfo> list(const std::string& sessions);

  const std::string& id() const { return id_; }
  const std::string& folder() const { return folder_; }
  const std::vector<json::object>& steps() const { return steps_; }
  const json::object& header() const { return steps_.front(); }

  /// Writes the step with its number ("step") in front, and waits until it is on the disk.
  Result<void> append(json::object step);

  /// Keeps the text of a result under a new number.
  Result<int> keep_result(std::string_view text);
  Result<std::string> result(int number) const;

 private:
  AgentSession() = default;
  static Result<AgentSession> make_folder(const std::string& sessions);
  Result<void> lock(bool is_new);

  std::string id_;
  std::string folder_;
  std::vector<json::object> steps_;
  int n_results_ = 0;
  Descriptor file_;
};

}  // namespace ondol
