// Tool: something that an agent can do, as its model sees it (a name, a description, a JSON Schema) and as its owner
// does (what it changes, a readable preview). One file each in tools/, listed in tool_list.cpp.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/chat_format.h"

namespace ondol {

class Workspace;
class Sandbox;

/// What a call can do to the world, mildest first. Decides, with the owner's Policy, whether it needs approval.
enum class Effect {
  kNone,              // calculates, tells the time, asks the user
  kReads,             // reads the workspace or the owner's collections
  kChangesWorkspace,  // writes files of the workspace, or runs a program that can (confined, without network)
  kReachesOut,        // network, devices, other programs' tools: what cannot be taken back
};

/// What a tool may use while it runs. All of it outlives the call.
struct ToolContext {
  Workspace& workspace;
  Sandbox& sandbox;
  /// Asked now and then; false: the call ends soon, with an error.
  std::function<bool()> goes_on;
  /// A question for the person at the terminal or page; an error where nobody is there.
  std::function<Result<std::string>(std::string_view question)> ask_user;
  /// Where the files of the workspace are read and written, if not on the disk: an editor has what is not saved yet.
  std::function<Result<std::string>(std::string_view path)> read_elsewhere = {};
  std::function<Result<void>(std::string_view path, std::string_view content)> write_elsewhere = {};

  /// Paths as for Workspace::resolve().
  Result<std::string> read_file(std::string_view path) const;
  Result<void> write_file(std::string_view path, std::string_view content) const;
};

struct ToolResult {
  std::string text;  // whole: the loop trims what the model sees, and keeps the rest
  bool is_error = false;
  /// It holds words that neither the owner nor Ondol wrote: files, pages, documents, other programs' answers.
  bool is_untrusted = false;
  json::value structured = nullptr;  // for clients that want more than text; null: nothing
};

class Tool {
 public:
  virtual ~Tool() = default;

  /// The name is [a-z0-9_]+, unique among all tools. Arguments are held to `parameters` by the grammar.
  virtual const ToolDefinition& definition() const = 0;
  virtual Effect effect(const json::object& arguments) const = 0;
  /// Hosts that the call will talk to, for the allow list; most tools talk to none.
  virtual std::vector<std::string> hosts(const json::object& arguments) const {
    (void)arguments;
    return {};
  }
  /// What a person reads before approving: a diff, a command, a host. Plain text. Error: the call cannot succeed, which
  /// is told to the model without asking anybody.
  virtual Result<std::string> preview(const json::object& arguments, ToolContext& context) = 0;
  /// Arguments fit the schema. What the model can mend (no such file) is a ToolResult with is_error; an Error is what
  /// it cannot (the sandbox is gone). One thread at a time for a tool.
  virtual Result<ToolResult> call(const json::object& arguments, ToolContext& context) = 0;
};

}  // namespace ondol
