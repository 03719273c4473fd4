// The Agent Client Protocol, version 1, over standard input and output: an editor begins sessions, sends prompts, sees
// what the agent says and does, and is asked for permission. What a session works with is handed in.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/acp/editor_port.h"
#include "agent/loop.h"
#include "agent/mcp/configuration.h"

namespace ondol::acp {

/// How a turn is seen and steered.
struct TurnHooks {
  std::function<void(const json::object& step)> observer;
  std::function<void(const AnswerDelta& delta)> stream;
  std::function<Result<ApprovalAnswer>(const ApprovalRequest& request)> approve;
  std::function<bool()> goes_on;
};

/// One session's agent. One turn at a time, from a thread of the server's.
class SessionAgent {
 public:
  virtual ~SessionAgent() = default;
  virtual const std::string& id() const = 0;
  /// What happened so far (loop.h).
  virtual const std::vector<json::object>& steps() const = 0;
  virtual Result<LoopOutcome> run(const std::string& goal, const TurnHooks& hooks) = 0;
};

/// What an editor wants of a session.
struct SessionWish {
  std::string folder;
  std::vector<mcp::ConfiguredServer> servers;  // that the editor names
  std::string id;                              // of one that there is; "": a new one
  EditorPort& editor;                          // lives longer than the session
};

/// Begins a session, or takes one up. From the thread that serves.
using BeginSession = std::function<Result<std::unique_ptr<SessionAgent>>(const SessionWish& wish)>;

/// Serves one editor until its stream ends or `goes_on` says no. SIGPIPE must be ignored by the program.
void serve(int input, int output, const BeginSession& begin, const std::function<bool()>& goes_on);

/// The text of a prompt's blocks; pictures and sounds become a word that they were there.
std::string prompt_text(const json::array& blocks);

/// The servers of `session/new`. Those of kinds that are not known are left out.
std::vector<mcp::ConfiguredServer> read_servers(const json::array& servers);

}  // namespace ondol::acp
