// An MCP client for the protocol's conformance suite, which starts it with a URL and names the scenario in
// MCP_CONFORMANCE_SCENARIO: it lists what there is and uses it. The client itself is Ondol's.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "agent/mcp/client.h"
#include "agent/mcp/http_transport.h"

namespace {

using namespace ondol;
using namespace ondol::mcp;

ClientHandlers handlers() {
  ClientHandlers all;
  // Accepts every form as it is, so that defaults are filled in; yes-or-no questions get a yes.
  all.elicit = [](const json::object& params) -> Result<json::object> {
    json::object content;
    const json::value* schema = params.if_contains("requestedSchema");
    const json::value* fields = schema != nullptr ? find_member(*schema, "properties") : nullptr;
    if (fields != nullptr && fields->is_object())
      for (const auto& [name, field] : fields->get_object())
        if (string_or(field, "type", "") == "boolean" && find_member(field, "default") == nullptr) content[name] = true;
    return json::object{{"action", "accept"}, {"content", std::move(content)}};
  };
  all.sample = [](const json::object&) -> Result<json::object> {
    return json::object{{"role", "assistant"},
                        {"content", json::object{{"type", "text"}, {"text", "A text"}}},
                        {"model", "none"},
                        {"stopReason", "endTurn"}};
  };
  all.roots = [] { return json::array{json::object{{"uri", "file:///tmp"}, {"name", "tmp"}}}; };
  return all;
}

/// Something for every required argument.
json::object sample_arguments(const json::value& tool, const json::value* schema_of_another) {
  json::object arguments;
  const json::value& schema = tool.at("inputSchema");
  const json::value* required = find_member(schema, "required");
  const json::value* properties = find_member(schema, "properties");
  if (required == nullptr || properties == nullptr) return arguments;
  for (const json::value& name : required->as_array()) {
    const json::value* property = find_member(*properties, name.as_string());
    const std::string type = property != nullptr ? string_or(*property, "type", "string") : "string";
    if (type == "object") {
      arguments[name.as_string()] = schema_of_another != nullptr ? *schema_of_another : json::value(json::object());
    } else if (type == "number" || type == "integer") {
      arguments[name.as_string()] = 5;
    } else if (type == "boolean") {
      arguments[name.as_string()] = true;
    } else {
      arguments[name.as_string()] = "text";
    }
  }
  return arguments;
}

/// The calls that the suite wants made, or each tool once.
json::array calls_to_make(const json::array& tools) {
  const char* text = std::getenv("MCP_CONFORMANCE_CONTEXT");
  const auto context = parse_json(text != nullptr ? text : "{}");
  const json::value* calls = context ? find_member(*context, "toolCalls") : nullptr;
  if (calls != nullptr && calls->is_array()) return calls->get_array();
  json::array all;
  for (size_t i = 0; i < tools.size(); ++i) {
    const json::value* another = i == 0 ? nullptr : &tools[0].at("inputSchema");
    all.push_back(json::object{{"name", tools[i].at("name")}, {"arguments", sample_arguments(tools[i], another)}});
  }
  return all;
}

Result<void> use(Client& client) {
  const json::array tools = ONDOL_TRY(client.list_tools());
  for (const json::value& call : calls_to_make(tools)) {
    const std::string name = string_or(call, "name", "");
    // Errors of one tool are no reason to leave out the others.
    const auto result = client.call_tool(name, call.at("arguments").as_object());
    std::printf("%s: %s\n", name.c_str(), result ? json_text(*result).c_str() : result.error().message().c_str());
  }
  for (const json::value& resource : ONDOL_TRY(client.list_resources()))
    (void)ONDOL_TRY(client.read_resource(string_or(resource, "uri", "")));
  for (const json::value& prompt : ONDOL_TRY(client.list_prompts()))
    (void)ONDOL_TRY(client.get_prompt(string_or(prompt, "name", ""), {}));
  return {};
}

Result<void> run(const std::string& url) {
  auto transport = ONDOL_TRY(open_url({"suite", url, {}}));
  const auto client =
      ONDOL_TRY(Client::connect(std::move(transport), {.name = "ondol-conformance", .version = "1"}, handlers()));
  const auto used = use(*client);
  client->close();
  return used;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto done = run(argv[argc - 1]);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return done ? 0 : 1;
}
