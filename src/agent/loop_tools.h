// Tools that belong to the loop itself: reading on in a result that was shortened, and asking for other tools.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/agent_session.h"
#include "agent/tool.h"

namespace ondol {

/// read_result {"result", "from_line"?, "find"?}: 200 lines of a kept result, from a line on or around a text.
/// `is_untrusted` says of a result's number whether strangers wrote it.
std::unique_ptr<Tool> make_read_result(const AgentSession& session, std::function<bool(int number)> is_untrusted);

/// find_tools {"task"}: offers the tools that fit the task from the next turn on. `find` does it and gives their
/// names.
std::unique_ptr<Tool> make_find_tools(std::function<std::string(const std::string& task)> find);

}  // namespace ondol
