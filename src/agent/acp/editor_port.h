// EditorPort: what an editor does for the agent of a session: its files with what is not saved yet, and its terminals.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/tool.h"

namespace ondol::acp {

/// What an editor says that it has.
struct EditorAbilities {
  bool reads_files = false;
  bool writes_files = false;
  bool has_terminals = false;
};
/// Of the parameters of `initialize`.
EditorAbilities read_abilities(const json::object& params);

class EditorPort {
 public:
  virtual ~EditorPort() = default;
  virtual const EditorAbilities& abilities() const = 0;
  /// A request to the editor; waits for its answer while `goes_on` says so. From the thread of a turn.
  virtual Result<json::object> ask(std::string_view method, json::object params,
                                   const std::function<bool()>& goes_on) = 0;
};

/// Files of the context are from now on read and written by the editor, as far as it does that. What the workspace does
/// not give away it does not either, and where it fails, the disk is used. `port` lives longer.
void use_editor_files(EditorPort& port, const std::string& session, ToolContext& context);

/// run_in_terminal: a command in one of the editor's terminals, where the person sees it run. It is not confined, so it
/// reaches out. Null where the editor has none.
std::unique_ptr<Tool> make_terminal_tool(EditorPort& port, const std::string& session);

}  // namespace ondol::acp
