#include "server/remote_tools.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/mcp/client.h"
#include "agent/mcp/client_tool.h"
#include "agent/mcp/http_transport.h"
#include "net/http_client.h"
#include "text/unicode.h"

namespace ondol::server {
namespace {

constexpr size_t kMostLabelBytes = 40;
constexpr size_t kMostTools = 256;  // of one server
constexpr size_t kMostTextBytes = size_t{1} << 20;
constexpr std::chrono::seconds kConnectTime{20};
constexpr std::chrono::seconds kCallTime{300};

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

/// {"tool_names": [...], "read_only": true}, or only the names.
RemoteToolFilter read_filter(const Fields& fields, std::string_view key) {
  RemoteToolFilter filter;
  const json::value* given = fields.find(key);
  if (given == nullptr) return filter;
  const auto take = [&](const std::vector<std::string>& names) { filter.names.insert(names.begin(), names.end()); };
  if (given->is_array()) {
    take(fields.texts(key));
  } else if (const json::object* object = fields.object(key)) {
    const Fields inner(*object, fields.fault(), fields.path_of(key));
    take(inner.texts("tool_names"));
    filter.only_reads = inner.flag("read_only");
  }
  return filter;
}

void read_approval(const Fields& fields, RemoteServer& server) {
  const json::value* given = fields.find("require_approval");
  if (given == nullptr) return;
  if (given->is_string()) {
    const std::string_view when = given->get_string();
    server.asks = when != "never";
    if (when == "always" || when == "never") return;
  } else if (const json::object* object = given->if_object()) {
    const Fields inner(*object, fields.fault(), fields.path_of("require_approval"));
    server.asked = read_filter(inner, "always");
    server.free = read_filter(inner, "never");
    return;
  }
  fields.fail("require_approval",
              fields.path_of("require_approval") + ": expected always, never, or an object of tools under these names");
}

/// What a client sets does not lead elsewhere than to the host that was allowed, and leaves the protocol alone.
bool is_ours(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "host", "content-length", "transfer-encoding", "connection", "upgrade", "expect", "te", "trailer"};
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return lower.starts_with("proxy-") || lower.starts_with("mcp-") ||
         std::find(std::begin(kNames), std::end(kNames), lower) != std::end(kNames);
}

void add_header(const Fields& fields, std::string_view name, std::string_view value, RemoteServer& server) {
  constexpr std::string_view kLineEnds("\r\n\0", 3);
  if (!is_plain(name) || name.empty() || value.find_first_of(kLineEnds) != value.npos)
    return fields.fail("headers", fields.path_of("headers") + ": expected names and values of HTTP headers");
  if (is_ours(name))
    return fields.fail("headers", fmt::format("{}: '{}' cannot be set", fields.path_of("headers"), name));
  server.headers.push_back(fmt::format("{}: {}", name, value));
}

void read_headers(const Fields& fields, RemoteServer& server) {
  if (const json::object* headers = fields.object("headers")) {
    for (const auto& [name, value] : *headers) {
      if (!value.is_string())
        return fields.fail("headers", fields.path_of("headers") + ": expected an object of strings");
      add_header(fields, name, value.get_string(), server);
    }
  }
  if (const auto token = fields.text("authorization"))
    add_header(fields, "Authorization", fmt::format("Bearer {}", *token), server);
}

/// Addresses have been seen to hold keys in their paths.
std::string shown_url(const std::string& url) {
  const size_t host = url.find("://");
  const size_t path = host == std::string::npos ? host : url.find_first_of("/?#", host + 3);
  if (path == std::string::npos || path + 1 >= url.size()) return url;
  return url.substr(0, path) + "/<redacted>";
}

/// As environment variables whose names say that they are secret.
std::vector<std::string> as_secrets(const std::vector<RemoteServer>& servers) {
  std::vector<std::string> all;
  for (const RemoteServer& server : servers) {
    for (const std::string& header : server.headers) {
      const std::string value = header.substr(header.find(": ") + 2);
      all.push_back("HEADER_SECRET=" + value);
      if (const size_t blank = value.rfind(' '); blank != std::string::npos)
        all.push_back("HEADER_SECRET=" + value.substr(blank + 1));
    }
  }
  return all;
}

json::object shown_listing(const json::value& listing) {
  json::object shown = {{"name", string_or(listing, "name", "")}};
  shown["description"] = string_or(listing, "description", string_or(listing, "title", ""));
  shown["input_schema"] = listing.at("inputSchema");
  const json::value* annotations = find_member(listing, "annotations");
  shown["annotations"] = annotations != nullptr && annotations->is_object() ? *annotations : json::value(nullptr);
  return shown;
}

HostedResult failed_call(const std::string& text, json::object error) {
  HostedResult result;
  result.end = HostedResult::End::kFailed;
  result.text = text;
  result.shown["error"] = std::move(error);
  return result;
}

/// The call did not come to the tool.
HostedResult lost_call(const std::string& text) {
  return failed_call(text, {{"type", "mcp_protocol_error"}, {"code", kRpcInternalError}, {"message", text}});
}

}  // namespace

bool RemoteToolFilter::has(std::string_view name, const json::value& listing) const {
  if (names.contains(std::string(name))) return true;
  const json::value* annotations = find_member(listing, "annotations");
  const bool reads = annotations != nullptr && bool_or(*annotations, "readOnlyHint", false);
  return only_reads && names.empty() && *only_reads == reads;
}

bool RemoteServer::allows(const json::value& listing) const {
  return !allowed || allowed->has(string_or(listing, "name", ""), listing);
}

bool RemoteServer::must_ask(const json::value& listing) const {
  const std::string name = string_or(listing, "name", "");
  if (asked.has(name, listing)) return true;
  return asks && !free.has(name, listing);
}

RemoteServer read_remote_server(const Fields& fields, json::object& echo) {
  RemoteServer server;
  server.label = fields.required_text("server_label");
  if (!fields.fault() && (server.label.empty() || server.label.size() > kMostLabelBytes || !is_plain(server.label))) {
    fields.fail("server_label", fmt::format("{}: expected up to {} letters, digits, '_' and '-'",
                                            fields.path_of("server_label"), kMostLabelBytes));
  }
  if (fields.has("connector_id"))
    fields.fail("connector_id", fields.path_of("connector_id") + ": connectors are not here; give a server_url");
  server.url = fields.required_text("server_url");
  read_headers(fields, server);
  if (fields.has("allowed_tools")) server.allowed = read_filter(fields, "allowed_tools");
  read_approval(fields, server);
  echo.erase("authorization");
  echo["headers"] = nullptr;
  echo["server_url"] = shown_url(server.url);
  if (echo.if_contains("allowed_tools") == nullptr) echo["allowed_tools"] = nullptr;
  if (echo.if_contains("require_approval") == nullptr) echo["require_approval"] = "always";
  return server;
}

std::optional<HttpError> check_remote_server(const HostList& hosts, const RemoteServer& server) {
  const auto refusal = [&](int status, const std::string& what) {
    HttpError error = make_error(status, fmt::format("the MCP server '{}': {}", server.label, what), "mcp_server");
    error.parameter = "tools";
    return error;
  };
  const auto origin = origin_of(server.url);
  if (!origin) return refusal(400, "server_url: expected an http or https URL");
  if (origin->scheme != "http" && origin->scheme != "https") return refusal(400, "server_url: expected http or https");
  if (origin->has_user) return refusal(400, "server_url: expected no name of a user; send authorization");
  const auto place = parse_host_and_port(fmt::format("{}:{}", origin->host, origin->port), 0);
  if (!place || hosts.match(place->host, place->port) == HostList::Match::kNone) {
    return refusal(403, fmt::format("{}:{} is not among the hosts that MCP servers may be on (ondol serve --mcp-host)",
                                    origin->host, origin->port));
  }
  return {};
}

ToolDefinition remote_tool_definition(const std::string& label, const json::value& listing) {
  ToolDefinition tool;
  tool.name = mcp::tool_name_for(label, string_or(listing, "name", ""));
  tool.description = string_or(listing, "description", "");
  tool.parameters = listing.at("input_schema");
  return tool;
}

struct RemoteServers::Connected {
  std::unique_ptr<mcp::Client> client;
  json::array listings;  // of what is allowed
};

RemoteServers::RemoteServers(std::vector<RemoteServer> servers, const HostList& hosts)
    : servers_(std::move(servers)), hosts_(hosts), secrets_(as_secrets(servers_)) {}

RemoteServers::~RemoteServers() = default;

Result<RemoteServers::Connected*> RemoteServers::connected(const std::string& label, const GoesOn& goes_on) {
  const auto known = connected_.find(label);
  if (known != connected_.end()) return known->second.get();
  const auto server =
      std::find_if(servers_.begin(), servers_.end(), [&](const RemoteServer& one) { return one.label == label; });
  if (server == servers_.end()) return Error(fmt::format("there is no MCP server '{}' among the tools", label));
  if (const auto refusal = check_remote_server(hosts_, *server)) return Error(refusal->message);
  const UrlOrigin origin = ONDOL_TRY(origin_of(server->url));
  const HostAndPort place = ONDOL_TRY(parse_host_and_port(fmt::format("{}:{}", origin.host, origin.port), 0));
  mcp::ServerUrl url{label, server->url, server->headers};
  // Always set, so that nothing goes through a proxy that sees other addresses.
  const bool is_named = hosts_.match(place.host, place.port) == HostList::Match::kNamed;
  url.may_reach = [is_named](const boost::asio::ip::address& address) {
    return is_named || is_public_address(address);
  };
  mcp::ClientOptions options;
  options.connect_time = kConnectTime;
  options.list_time = kConnectTime;
  options.call_time = kCallTime;
  auto made = std::make_unique<Connected>();
  made->client = ONDOL_TRY(mcp::Client::connect(ONDOL_TRY(mcp::open_url(url)), options, {}, goes_on));
  for (const json::value& listing : ONDOL_TRY(made->client->list_tools(goes_on))) {
    if (made->listings.size() < kMostTools && server->allows(listing))
      made->listings.push_back(secrets_.filter_value(shown_listing(listing)));
  }
  return connected_.emplace(label, std::move(made)).first->second.get();
}

Result<json::array> RemoteServers::list(const std::string& label, const GoesOn& goes_on) {
  const auto server = connected(label, goes_on);
  if (!server) return Error(clean(server.error().message()));
  return (*server)->listings;
}

HostedResult RemoteServers::call(const std::string& label, const std::string& tool, const json::value& arguments,
                                 const GoesOn& goes_on) {
  const auto server = connected(label, goes_on);
  if (!server) return lost_call(clean(server.error().message()));
  const json::array& listings = (*server)->listings;
  const bool is_known = std::any_of(listings.begin(), listings.end(),
                                    [&](const json::value& listing) { return string_or(listing, "name", "") == tool; });
  if (!is_known) return lost_call(fmt::format("the MCP server '{}' has no tool '{}' that may be used", label, tool));
  if (!arguments.is_object()) return lost_call("expected an object of arguments");
  const auto answer = (*server)->client->call_tool(tool, arguments.get_object(), goes_on);
  if (!answer) return lost_call(clean(answer.error().message()));
  std::string text = clean(mcp::text_of_result(*answer));
  if (text.size() > kMostTextBytes)
    text = replace_invalid_utf8(text.substr(0, kMostTextBytes)) + "\n[more was cut off]";
  if (bool_or(*answer, "isError", false)) {
    json::object error = {{"type", "mcp_tool_execution_error"}};
    error["content"] = json::array{json::object{{"type", "text"}, {"text", text}}};
    return failed_call(text, std::move(error));
  }
  HostedResult result;
  result.text = text;
  result.shown["output"] = text;
  return result;
}

}  // namespace ondol::server
