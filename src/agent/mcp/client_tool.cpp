#include "agent/mcp/client_tool.h"

#include <cctype>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace ondol::mcp {

/// One server. Its questions to the person go through the call that is running.
struct ServerTools::Connected {
  std::string name;
  std::string place;  // host, or command
  std::unique_ptr<Client> client;
  ToolContext* context = nullptr;  // of the running call
};

namespace {

/// Host and port of a URL.
std::string host_of(const std::string& url) {
  const size_t begin = url.find("://");
  if (begin == std::string::npos) return {};
  std::string host = url.substr(begin + 3, url.find_first_of("/?#", begin + 3) - begin - 3);
  const size_t at = host.rfind('@');
  return at == std::string::npos ? host : host.substr(at + 1);
}

/// Field by field: forms are flat. What is left empty keeps its default, or stays out.
Result<json::object> fill_in(const json::object& params, ToolContext* context, const std::string& server) {
  const json::value* schema = params.if_contains("requestedSchema");
  const json::value* fields = schema != nullptr ? find_member(*schema, "properties") : nullptr;
  if (context == nullptr || fields == nullptr || !fields->is_object()) return json::object{{"action", "decline"}};
  json::object content;
  std::string question = fmt::format("{} asks: {}", server, string_or(params, "message", ""));
  for (const auto& [name, field] : fields->get_object()) {
    const json::value* fallback = find_member(field, "default");
    const std::string title = string_or(field, "title", name);
    const std::string hint = fallback != nullptr ? fmt::format(" [{}]", json_text(*fallback)) : "";
    const auto answer = context->ask_user(fmt::format("{}\n{}{}", question, title, hint));
    if (!answer) return json::object{{"action", "cancel"}};
    question.clear();
    if (answer->empty()) continue;
    const std::string type = string_or(field, "type", "string");
    auto value = type == "string" ? Result<json::value>(json::value(*answer)) : parse_json(*answer);
    if (type == "boolean" && !value) value = json::value(*answer == "y" || *answer == "yes");
    content[name] = value ? *value : json::value(*answer);
  }
  return json::object{{"action", "accept"}, {"content", std::move(content)}};
}

}  // namespace

std::string tool_name_for(std::string_view server, std::string_view tool) {
  std::string name = fmt::format("{}__{}", server, tool);
  for (char& c : name) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 || static_cast<unsigned char>(c) >= 0x80) c = '_';
  }
  return name.substr(0, 64);
}

std::string text_of_result(const json::object& result) {
  std::string text;
  const json::value* content = result.if_contains("content");
  if (content != nullptr && content->is_array()) {
    for (const json::value& item : content->get_array()) {
      if (!text.empty()) text += '\n';
      const std::string type = string_or(item, "type", "");
      const json::value* resource = find_member(item, "resource");
      if (type == "text") {
        text += string_or(item, "text", "");
      } else if (type == "resource" && resource != nullptr && find_member(*resource, "text") != nullptr) {
        text += fmt::format("{}:\n{}", string_or(*resource, "uri", ""), string_or(*resource, "text", ""));
      } else if (type == "resource_link") {
        text += fmt::format("({}: {})", string_or(item, "name", ""), string_or(item, "uri", ""));
      } else {
        text += fmt::format("({}, {}, not shown)", type, string_or(item, "mimeType", "no type"));
      }
    }
  }
  const json::value* structured = result.if_contains("structuredContent");
  if (text.empty() && structured != nullptr) text = json_text(*structured);
  return text;
}

namespace {

template <typename Server>
class ServerTool : public Tool {
 public:
  ServerTool(Server& server, const json::value& listing, std::string name, Effect effect, std::string host)
      : server_(server), remote_name_(string_or(listing, "name", "")), effect_(effect), host_(std::move(host)) {
    definition_.name = std::move(name);
    definition_.description = string_or(listing, "description", string_or(listing, "title", ""));
    definition_.parameters = listing.at("inputSchema");
  }

  const ToolDefinition& definition() const override { return definition_; }
  Effect effect(const json::object&) const override { return effect_; }
  std::vector<std::string> hosts(const json::object&) const override {
    return host_.empty() ? std::vector<std::string>() : std::vector{host_};
  }
  Result<std::string> preview(const json::object& arguments, ToolContext&) override {
    return fmt::format("{} of the MCP server '{}' ({}) with\n{}", remote_name_, server_.name, server_.place,
                       json_text(arguments));
  }
  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    server_.context = &context;
    const auto answer = server_.client->call_tool(remote_name_, arguments, context.goes_on);
    server_.context = nullptr;
    ToolResult result;
    result.is_untrusted = true;
    if (!answer) {
      result.text = answer.error().message();
      result.is_error = true;
      return result;
    }
    result.text = text_of_result(*answer);
    result.is_error = bool_or(*answer, "isError", false);
    if (const json::value* structured = answer->if_contains("structuredContent")) result.structured = *structured;
    return result;
  }

 private:
  Server& server_;
  const std::string remote_name_;
  const Effect effect_;
  const std::string host_;
  ToolDefinition definition_;
};

Effect effect_of(const ConfiguredServer& server, const json::value& listing) {
  const json::value* annotations = find_member(listing, "annotations");
  const bool says_so = annotations != nullptr && bool_or(*annotations, "readOnlyHint", false);
  if (server.read_only_tools.contains(string_or(listing, "name", ""))) return Effect::kReads;
  if (server.trusts_annotations && says_so) return Effect::kReads;
  if (server.is_remote() || !server.cell || !server.cell->is_sealed()) return Effect::kReachesOut;
  return server.cell->may_write ? Effect::kChangesWorkspace : Effect::kReads;
}

}  // namespace

ServerTools::ServerTools() = default;
ServerTools::~ServerTools() = default;
ServerTools::ServerTools(ServerTools&&) noexcept = default;

std::vector<Tool*> ServerTools::tools() const {
  std::vector<Tool*> all;
  for (const auto& tool : tools_) all.push_back(tool.get());
  return all;
}

ServerTools ServerTools::connect(const std::vector<ConfiguredServer>& servers, const ClientOptions& options,
                                 const std::function<bool()>& goes_on, const ServerPlace& place) {
  ServerTools all;
  std::set<std::string> names;
  for (const ConfiguredServer& server : servers) {
    auto connected = std::make_unique<Connected>();
    Connected* const one = connected.get();
    one->name = server.name;
    one->place = server.is_remote() ? host_of(server.url.url) : server.command.arguments.front();
    const auto add = [&]() -> Result<void> {
      ClientHandlers handlers;
      handlers.elicit = [one](const json::object& params) { return fill_in(params, one->context, one->name); };
      one->client =
          ONDOL_TRY(Client::connect(ONDOL_TRY(open_transport(server, place)), options, std::move(handlers), goes_on));
      for (const json::value& listing : ONDOL_TRY(one->client->list_tools(goes_on))) {
        const std::string remote = string_or(listing, "name", "");
        std::string name = tool_name_for(server.name, remote);
        if (!names.insert(name).second) continue;
        all.tools_.push_back(std::make_unique<ServerTool<Connected>>(
            *one, listing, std::move(name), effect_of(server, listing), server.is_remote() ? one->place : ""));
      }
      return {};
    };
    const auto added = add();
    if (!added) all.failures_.push_back(added.error().message());
    all.servers_.push_back(std::move(connected));
  }
  return all;
}

}  // namespace ondol::mcp
