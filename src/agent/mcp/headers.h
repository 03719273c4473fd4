// What of a request stands in HTTP headers too (2026-07-28): its revision, its method, its name, and the arguments that
// a tool's schema marks with "x-mcp-header". The client writes them, the server holds them against the body.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/json_rpc.h"
#include "base/result.h"

namespace ondol::mcp {

/// A value as it stands in a header: as it is, or as "=?base64?...?=" where it has characters that headers may not.
std::string header_value(std::string_view value);
/// Back again. Nothing for Base64 that is none, and for characters that headers may not have.
std::optional<std::string> read_header_value(std::string_view header);

/// An argument that is mirrored: where it stands, and in which header.
struct MirroredArgument {
  std::vector<std::string> path;  // of keys, from the arguments' object
  std::string header;             // "Mcp-Param-Region"
  std::string type;               // "string", "integer", "boolean"
};

/// Of a tool's input schema. Error: a mark that the protocol does not allow, for which the tool is not to be used.
Result<std::vector<MirroredArgument>> mirrored_arguments(const json::value& input_schema);

/// The value of such an argument as text; nothing where it is absent or null.
std::optional<std::string> mirrored_text(const MirroredArgument& argument, const json::object& arguments);

/// The headers of a request, MCP-Protocol-Version not among them.
std::vector<std::pair<std::string, std::string>> request_headers(const std::string& method, const json::object& params,
                                                                 const std::vector<MirroredArgument>& mirrored);

/// A header's value by its name in lower case; nothing where it is absent.
using HeaderLookup = std::function<std::optional<std::string>(const std::string& lower_case_name)>;

/// What is wrong with the headers of a request, if anything.
std::optional<RpcError> check_headers(const RpcMessage& request, const HeaderLookup& header,
                                      const std::vector<MirroredArgument>& mirrored);

}  // namespace ondol::mcp
