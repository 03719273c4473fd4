// Calls of a model of the Responses API that this server answers itself, and what came of them.
#pragma once

#include <string>

#include "base/json.h"

namespace ondol::server {

/// Who answers a call of a tool.
enum class ToolRunner {
  kClient,
  kFileSearch,  // file_search.h
  kCode,        // code_interpreter.h
  kRemote,      // remote_tools.h
};

struct HostedCall {
  ToolRunner runner = ToolRunner::kFileSearch;
  size_t item = 0;        // among the output's
  std::string tool;       // as the model knows it
  std::string arguments;  // as it wrote them
};

struct HostedResult {
  enum class End { kCompleted, kFailed, kIncomplete };
  End end = End::kCompleted;
  std::string text;    // for the model
  json::object shown;  // members of the item, for the client
};

}  // namespace ondol::server
