// Tools of the Responses API: functions, tools with free text as input (custom), both in namespaces, and file_search,
// as the functions that a model knows; and back again for what it calls.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/chat.h"
#include "server/fields.h"
#include "server/file_search.h"

namespace ondol::server {

/// How a tool that the model calls is written in the response.
struct ResponseTool {
  std::string name;
  std::string space;  // its namespace, or ""
  bool is_custom = false;
  bool is_search = false;  // file_search, which runs here
};

struct ResponseTools {
  std::map<std::string, ResponseTool> by_name;  // by the model's name
  json::array echo;                             // the list as it is shown again
  std::vector<std::string> ignored;             // types of hosted tools, which do not run here
  std::optional<FileSearchTool> search = {};
};

/// `tools`, `tool_choice` and `parallel_tool_calls`, into the request. Hosted tools (web_search, mcp, ...) are left
/// out, and named in `ignored`, when there are others and tool_choice does not demand them.
ResponseTools read_response_tools(const Fields& body, ChatRequest& chat);

/// The free text that the arguments of a custom tool hold; the arguments themselves where they hold none.
std::string custom_input(const std::string& arguments);

}  // namespace ondol::server
