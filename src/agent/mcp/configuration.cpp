#include "agent/mcp/configuration.h"

#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"

namespace ondol::mcp {
namespace {

std::string with_environment(std::string_view text, ServerAuthor author) {
  std::string out;
  if (author == ServerAuthor::kStranger) return std::string(text);
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
Result<std::vector<std::string>> read_pairs(const json::object& server, std::string_view member, std::string_view joint,
                                            ServerAuthor author) {
  std::vector<std::string> pairs;
  const json::value* found = server.if_contains(member);
  if (found == nullptr) return pairs;
  if (!found->is_object()) return Error(fmt::format("'{}' must be an object", member));
  for (const auto& [name, value] : found->get_object()) {
    if (!value.is_string()) return Error(fmt::format("'{}': '{}' must be a text", member, std::string_view(name)));
    std::string text =
        fmt::format("{}{}{}", std::string_view(name), joint, with_environment(value.get_string(), author));
    if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      return Error(fmt::format("'{}': '{}' has a line end", member, std::string_view(name)));
    pairs.push_back(std::move(text));
  }
  return pairs;
}

Result<std::vector<std::string>> read_texts(const json::object& server, std::string_view member, ServerAuthor author) {
  std::vector<std::string> texts;
  const json::value* found = server.if_contains(member);
  if (found == nullptr) return texts;
  if (!found->is_array()) return Error(fmt::format("'{}' must be an array", member));
  for (const json::value& value : found->get_array()) {
    if (!value.is_string()) return Error(fmt::format("'{}' must hold texts", member));
    texts.push_back(with_environment(value.get_string(), author));
  }
  return texts;
}

Result<std::optional<ServerCell>> read_cell(const json::object& server, ServerAuthor author) {
  std::optional<ServerCell> cell;
  const json::value* found = server.if_contains("sandbox");
  if (found == nullptr && author == ServerAuthor::kOwner) return cell;
  if (found != nullptr && found->is_bool() && !found->get_bool()) return cell;
  cell.emplace();
  if (found == nullptr || found->is_bool()) return cell;
  if (!found->is_object()) return Error("'sandbox' must be true, false, or an object");
  cell->may_write = bool_or(*found, "write", false);
  cell->hosts = ONDOL_TRY(read_texts(found->get_object(), "hosts", author));
  return cell;
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

Result<ConfiguredServer> read_server(std::string name, const json::object& object, ServerAuthor author) {
  ConfiguredServer server;
  server.name = std::move(name);
  const std::string command = with_environment(string_or(object, "command", ""), author);
  server.url.url = with_environment(string_or(object, "url", ""), author);
  if (command.empty() == server.url.url.empty()) return Error("expected either 'command' or 'url'");
  server.url.name = server.command.name = server.name;
  server.url.headers = ONDOL_TRY(read_pairs(object, "headers", ": ", author));
  server.command.environment = ONDOL_TRY(read_pairs(object, "env", "=", author));
  server.command.arguments = ONDOL_TRY(read_texts(object, "args", author));
  server.command.arguments.insert(server.command.arguments.begin(), command);
  server.cell = ONDOL_TRY(read_cell(object, author));
  if (author == ServerAuthor::kStranger) return server;
  for (std::string& tool : ONDOL_TRY(read_texts(object, "readOnlyTools", author)))
    server.read_only_tools.insert(std::move(tool));
  server.trusts_annotations = bool_or(object, "trustAnnotations", false);
  return server;
}

}  // namespace

Result<std::vector<ConfiguredServer>> read_servers(std::string_view text, ServerAuthor author) {
  const json::value document = ONDOL_TRY(parse_json(text));
  const json::value* servers = find_member(document, "mcpServers");
  if (servers == nullptr || !servers->is_object()) return Error("expected an object 'mcpServers'");
  std::vector<ConfiguredServer> all;
  for (const auto& [name, value] : servers->get_object()) {
    const std::string place = fmt::format("mcpServers: '{}'", std::string_view(name).substr(0, 100));
    if (!is_usable_name(name)) return Error("expected a name of up to 40 letters, digits, '_', '-' and '.'").in(place);
    if (!value.is_object()) return Error("expected an object").in(place);
    if (bool_or(value, "disabled", false)) continue;
    all.push_back(ONDOL_TRY(read_server(std::string(name), value.get_object(), author).in(place)));
  }
  return all;
}

Result<std::vector<ConfiguredServer>> read_servers_file(const std::string& path, ServerAuthor author) {
  const std::string text = ONDOL_TRY(read_file(path, size_t{1} << 20));
  return read_servers(text, author).in(path);
}

Result<std::unique_ptr<Transport>> open_transport(const ConfiguredServer& server, const ServerPlace& place) {
  if (server.is_remote()) return open_url(server.url);
  if (!server.cell) return start_server(server.command);
  if (place.sandbox == nullptr)
    return Error(fmt::format("{}: it is to run in the sandbox, and here is none (ondol doctor)", server.name));
  return start_confined_server(server.command, *server.cell, *place.sandbox, place.folder);
}

}  // namespace ondol::mcp
