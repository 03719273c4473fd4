// code_interpreter: Python that a model of the Responses API runs while it answers, in the sandbox, without network, in
// a container (code_containers.h).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/code_containers.h"
#include "server/fields.h"
#include "server/file_store.h"
#include "server/hosted_call.h"
#include "server/hosted_tools.h"
#include "text/chat_format.h"

namespace ondol::server {

/// The tool as a request gives it.
struct CodeTool {
  std::string container;           // its id; "": one that the conversation has had, or a new one
  std::vector<std::string> files;  // ids of kept files, to be put there
};

/// `container`; faults are those of `fields`.
CodeTool read_code_tool(const Fields& fields);

/// The tool as a model knows it.
ToolDefinition code_tool_definition();

/// The program in the arguments of a call; "" where there is none.
std::string code_of_call(const std::string& arguments);

/// The container for a request, with its files. `earlier` are ids of containers that the conversation has had, the
/// newest last. On a worker.
struct ReadyContainer {
  CodeContainerPtr container;
  std::optional<HttpError> error;
};
ReadyContainer ready_container(HostedTools& hosted, const FileStore& files, const CodeTool& tool,
                               const std::vector<std::string>& earlier, const std::string& owner);

/// Runs a program. Takes as long as it does; `goes_on` is asked now and then.
HostedResult run_code(HostedTools& hosted, CodeContainer& container, const std::string& code,
                      const std::function<bool()>& goes_on);

/// The text for the model of a call that a client sends back.
std::string text_of_outputs(const json::value* outputs);

}  // namespace ondol::server
