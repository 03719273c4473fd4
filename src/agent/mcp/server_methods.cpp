// The methods of Server, one function each.
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "agent/mcp/server.h"

namespace ondol::mcp {
namespace {

RpcError invalid(std::string message) {
  return {kRpcInvalidParams, std::move(message)};
}

/// The arguments of tools/call and prompts/get.
std::variant<json::object, RpcError> arguments_of(const RpcMessage& request) {
  const json::value* arguments = request.params.if_contains("arguments");
  if (arguments == nullptr) return json::object();
  if (!arguments->is_object()) return invalid("'arguments' must be an object");
  return arguments->get_object();
}

RpcError no_such_resource(const std::string& uri, Revision revision) {
  return {has_handshake(revision) ? kResourceNotFound : static_cast<int>(kRpcInvalidParams),
          "no such resource: " + uri.substr(0, 300), json::object{{"uri", uri}}};
}

json::object completion(std::vector<std::string> values) {
  constexpr size_t kMost = 100;  // of the protocol
  const size_t total = values.size();
  if (values.size() > kMost) values.resize(kMost);
  return {
      {"completion", json::object{{"values", json::value_from(values)}, {"total", total}, {"hasMore", total > kMost}}}};
}

}  // namespace

Reply Server::page(ServerCall& call, std::string_view member, json::array all) const {
  size_t begin = 0;
  if (const json::value* cursor = call.request().params.if_contains("cursor")) {
    const std::string text = cursor->is_string() ? std::string(cursor->get_string()) : "";
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), begin);
    if (code != std::errc() || end != text.data() + text.size() || begin == 0 || begin > all.size())
      return invalid("the cursor is none of this list's");
  }
  const size_t end = std::min(all.size(), begin + options_.page_size);
  json::object result;
  if (end < all.size()) result["nextCursor"] = std::to_string(end);
  result[member] = json::array(all.begin() + static_cast<ptrdiff_t>(begin), all.begin() + static_cast<ptrdiff_t>(end));
  return result;
}

Reply Server::discover(ServerCall&) {
  json::object result{{"supportedVersions", json::array{name_of(kNewest)}}, {"capabilities", capabilities()}};
  if (!options_.instructions.empty()) result["instructions"] = options_.instructions;
  return result;
}

Reply Server::ping(ServerCall&) {
  return json::object();
}

Reply Server::list_tools(ServerCall& call) {
  json::array all;
  for (const auto& tool : catalog_->tools()) all.push_back(tool->listing);
  return page(call, "tools", std::move(all));
}

Reply Server::call_tool(ServerCall& call) {
  const std::string name = string_or(call.request().params, "name", "");
  const auto tool = catalog_->find_tool(name);
  if (tool == nullptr) return invalid("no such tool: " + name.substr(0, 100));
  auto arguments = arguments_of(call.request());
  if (RpcError* error = std::get_if<RpcError>(&arguments)) return std::move(*error);
  return tool->run(std::get<json::object>(arguments), call);
}

Reply Server::list_prompts(ServerCall& call) {
  json::array all;
  for (const auto& prompt : catalog_->prompts()) all.push_back(prompt->listing);
  return page(call, "prompts", std::move(all));
}

Reply Server::get_prompt(ServerCall& call) {
  const std::string name = string_or(call.request().params, "name", "");
  const auto prompt = catalog_->find_prompt(name);
  if (prompt == nullptr) return invalid("no such prompt: " + name.substr(0, 100));
  auto arguments = arguments_of(call.request());
  if (RpcError* error = std::get_if<RpcError>(&arguments)) return std::move(*error);
  const json::object& given = std::get<json::object>(arguments);
  const json::value* known = prompt->listing.if_contains("arguments");
  if (known != nullptr && known->is_array()) {
    for (const json::value& argument : known->get_array()) {
      const std::string argument_name = string_or(argument, "name", "");
      if (bool_or(argument, "required", false) && !given.contains(argument_name))
        return invalid(fmt::format("prompt '{}': the argument '{}' is missing", name, argument_name));
    }
  }
  return prompt->get(given, call);
}

Reply Server::list_resources(ServerCall& call) {
  json::array all;
  for (const auto& shelf : catalog_->shelves())
    for (json::value& resource : shelf->list()) all.push_back(std::move(resource));
  return page(call, "resources", std::move(all));
}

Reply Server::list_templates(ServerCall& call) {
  json::array all;
  for (const auto& shelf : catalog_->shelves())
    for (json::value& one : shelf->templates()) all.push_back(std::move(one));
  return page(call, "resourceTemplates", std::move(all));
}

Reply Server::read_resource(ServerCall& call) {
  const std::string uri = string_or(call.request().params, "uri", "");
  for (const auto& shelf : catalog_->shelves())
    if (auto reply = shelf->read(uri, call)) return std::move(*reply);
  return no_such_resource(uri, call.revision());
}

Reply Server::complete(ServerCall& call) {
  const json::object& params = call.request().params;
  const json::value* reference = params.if_contains("ref");
  const json::value* argument = params.if_contains("argument");
  if (reference == nullptr || argument == nullptr) return invalid("'ref' and 'argument' are needed");
  const std::string name = string_or(*argument, "name", "");
  const std::string typed = string_or(*argument, "value", "");
  const std::string type = string_or(*reference, "type", "");
  if (type == "ref/prompt") {
    const auto prompt = catalog_->find_prompt(string_or(*reference, "name", ""));
    if (prompt == nullptr) return invalid("no such prompt");
    return completion(prompt->complete ? prompt->complete(name, typed) : std::vector<std::string>());
  }
  if (type != "ref/resource") return invalid("'ref.type' must be ref/prompt or ref/resource");
  std::vector<std::string> values;
  for (const auto& shelf : catalog_->shelves())
    for (std::string& value : shelf->complete(string_or(*reference, "uri", ""), name, typed))
      values.push_back(std::move(value));
  return completion(std::move(values));
}

Reply Server::set_log_level(ServerCall& call) {
  const auto level = log_level_named(string_or(call.request().params, "level", ""));
  if (!level) return invalid("'level' must be one of debug, info, notice, warning, error, critical, alert, emergency");
  call.caller().session->set_log_level(*level);
  return json::object();
}

Reply Server::subscribe(ServerCall& call) {
  const std::string uri = string_or(call.request().params, "uri", "");
  if (uri.empty()) return invalid("'uri' is missing");
  call.caller().session->subscribe(uri);
  return json::object();
}

Reply Server::unsubscribe(ServerCall& call) {
  call.caller().session->unsubscribe(string_or(call.request().params, "uri", ""));
  return json::object();
}

}  // namespace ondol::mcp
