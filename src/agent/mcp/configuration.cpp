#include "agent/mcp/configuration.h"

#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"

namespace ondol::mcp {
namespace {

std::string with_environment(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t begin = text.find("${");
    const size_t end = begin == std::string_view::npos ? begin : text.find('}', begin);
    if (end == std::string_view::npos) return out.append(text);
    out.append(text.substr(0, begin));
    const char* value = std::getenv(std::string(text.substr(begin + 2, end - begin - 2)).c_str());
    if (value != nullptr) out += value;
    text.remove_prefix(end + 1);
  }
  return out;
}

/// Pairs of texts, joined.
Result<std::vector<std::string>> read_pairs(const json::object& server, std::string_view member,
                                            std::string_view joint) {
  std::vector<std::string> pairs;
  const json::value* found = server.if_contains(member);
  if (found == nullptr) return pairs;
  if (!found->is_object()) return Error(fmt::format("'{}' must be an object", member));
  for (const auto& [name, value] : found->get_object()) {
    if (!value.is_string()) return Error(fmt::format("'{}': '{}' must be a text", member, std::string_view(name)));
    std::string text = fmt::format("{}{}{}", std::string_view(name), joint, with_environment(value.get_string()));
    if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      return Error(fmt::format("'{}': '{}' has a line end", member, std::string_view(name)));
    pairs.push_back(std::move(text));
  }
  return pairs;
}

Result<std::vector<std::string>> read_texts(const json::object& server, std::string_view member) {
  std::vector<std::string> texts;
  const json::value* found = server.if_contains(member);
  if (found == nullptr) return texts;
  if (!found->is_array()) return Error(fmt::format("'{}' must be an array", member));
  for (const json::value& value : found->get_array()) {
    if (!value.is_string()) return Error(fmt::format("'{}' must hold texts", member));
    texts.push_back(with_environment(value.get_string()));
  }
  return texts;
}

bool is_usable_name(std::string_view name) {
  if (name.empty() || name.size() > 40) return false;
  for (const char c : name) {
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    if (!is_plain) return false;
  }
  return true;
}

Result<ConfiguredServer> read_server(std::string name, const json::object& object) {
  ConfiguredServer server;
  server.name = std::move(name);
  const std::string command = with_environment(string_or(object, "command", ""));
  server.url.url = with_environment(string_or(object, "url", ""));
  if (command.empty() == server.url.url.empty()) return Error("expected either 'command' or 'url'");
  server.url.name = server.command.name = server.name;
  server.url.headers = ONDOL_TRY(read_pairs(object, "headers", ": "));
  server.command.environment = ONDOL_TRY(read_pairs(object, "env", "="));
  server.command.arguments = ONDOL_TRY(read_texts(object, "args"));
  server.command.arguments.insert(server.command.arguments.begin(), command);
  for (std::string& tool : ONDOL_TRY(read_texts(object, "readOnlyTools")))
    server.read_only_tools.insert(std::move(tool));
  return server;
}

}  // namespace

Result<std::vector<ConfiguredServer>> read_servers(std::string_view text) {
  const json::value document = ONDOL_TRY(parse_json(text));
  const json::value* servers = find_member(document, "mcpServers");
  if (servers == nullptr || !servers->is_object()) return Error("expected an object 'mcpServers'");
  std::vector<ConfiguredServer> all;
  for (const auto& [name, value] : servers->get_object()) {
    const std::string place = fmt::format("mcpServers: '{}'", std::string_view(name).substr(0, 100));
    if (!is_usable_name(name)) return Error("expected a name of up to 40 letters, digits, '_', '-' and '.'").in(place);
    if (!value.is_object()) return Error("expected an object").in(place);
    if (bool_or(value, "disabled", false)) continue;
    all.push_back(ONDOL_TRY(read_server(std::string(name), value.get_object()).in(place)));
  }
  return all;
}

Result<std::vector<ConfiguredServer>> read_servers_file(const std::string& path) {
  const std::string text = ONDOL_TRY(read_file(path, size_t{1} << 20));
  return read_servers(text).in(path);
}

Result<std::unique_ptr<Transport>> open_transport(const ConfiguredServer& server) {
  return server.is_remote() ? open_url(server.url) : start_server(server.command);
}

}  // namespace ondol::mcp
