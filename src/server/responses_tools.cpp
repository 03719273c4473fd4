#include "server/responses_tools.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "agent/mcp/client_tool.h"
#include "server/responses_items.h"
#include "server/responses_lark.h"

namespace ondol::server {
namespace {

constexpr size_t kMaxTools = 1024;
constexpr size_t kMaxServers = 16;

class ToolReader {
 public:
  ToolReader(const Fields& body, ChatRequest& chat, const OfferedTools& offered)
      : body_(body), chat_(chat), offered_(offered) {}

  ResponseTools read() {
    const json::array* list = body_.array("tools");
    for (size_t i = 0; list != nullptr && i < list->size() && !body_.fault(); ++i) {
      const json::object* object = (*list)[i].if_object();
      const std::string place = fmt::format("tools[{}]", i);
      if (object == nullptr) {
        body_.fail(place, fmt::format("{}: expected an object, got {}", place, kind_name((*list)[i])));
        break;
      }
      tools_.echo.push_back(*object);
      read_tool(Fields(*object, body_.fault(), place), tools_.echo.back().as_object());
    }
    if (chat_.tools.size() > kMaxTools) {
      body_.fail("tools", fmt::format("tools: expected at most {}, got {}", kMaxTools, chat_.tools.size()));
    }
    if (has_none() && !tools_.ignored.empty()) {
      body_.fail("tools",
                 fmt::format("tools: '{}' does not run here{}, and there is no function beside it; the tools "
                             "here are functions, custom tools, namespaces of them, file_search, and, where the owner "
                             "allows them, code_interpreter and mcp",
                             tools_.ignored[0], how_to_allow(tools_.ignored[0])),
                 "unsupported_tool");
    }
    read_choice();
    chat_.parallel_calls = body_.flag("parallel_tool_calls").value_or(true);
    return std::move(tools_);
  }

 private:
  void read_tool(const Fields& fields, json::object& echo) {
    const std::string type = fields.required_text("type");
    if (fields.fault()) return;
    if (type == "function") return read_function(fields, "", echo);
    if (type == "custom") return read_custom(fields, "");
    if (type == "namespace") return read_namespace(fields, echo);
    if (type == "file_search") return read_search(fields);
    if (type == "code_interpreter" && offered_.code) return read_code(fields);
    if (type == "mcp" && offered_.remote) return read_remote(fields, echo);
    tools_.ignored.push_back(type);
  }

  void read_search(const Fields& fields) {
    if (tools_.search) return fields.fail("type", fields.path_of("type") + ": expected one file_search, got two");
    tools_.search = read_file_search(fields);
    ToolDefinition tool = file_search_definition();
    const std::string name = tool.name;
    add(fields, std::move(tool), {name, "", false, ToolRunner::kFileSearch});
  }

  void read_code(const Fields& fields) {
    if (tools_.code) return fields.fail("type", fields.path_of("type") + ": expected one code_interpreter, got two");
    tools_.code = read_code_tool(fields);
    ToolDefinition tool = code_tool_definition();
    const std::string name = tool.name;
    add(fields, std::move(tool), {name, "", false, ToolRunner::kCode});
  }

  void read_remote(const Fields& fields, json::object& echo) {
    RemoteServer server = read_remote_server(fields, echo);
    for (const RemoteServer& other : tools_.remote) {
      if (other.label == server.label)
        fields.fail("server_label",
                    fmt::format("{}: there are two servers '{}'", fields.path_of("server_label"), server.label));
    }
    if (tools_.remote.size() >= kMaxServers)
      fields.fail("type", fmt::format("tools: expected at most {} MCP servers", kMaxServers));
    tools_.remote.push_back(std::move(server));
  }

  bool has_none() const { return chat_.tools.empty() && tools_.remote.empty(); }

  static std::string_view how_to_allow(std::string_view type) {
    if (type == "code_interpreter") return " (start the server with --code-interpreter)";
    return type == "mcp" ? " (start the server with --mcp-host HOST)" : "";
  }

  void read_namespace(const Fields& fields, json::object& echo) {
    const std::string space = fields.required_text("name");
    const json::array* list = fields.array("tools");
    for (size_t i = 0; list != nullptr && i < list->size() && !fields.fault(); ++i) {
      const json::object* object = (*list)[i].if_object();
      const std::string place = fmt::format("tools[{}]", i);
      if (object == nullptr) return fields.fail(place, fields.path_of(place) + ": expected an object");
      const Fields inner(*object, fields.fault(), fields.path_of(place));
      const std::string type = inner.text("type").value_or("function");
      if (type == "function") {
        read_function(inner, space, echo["tools"].as_array()[i].as_object());
      } else if (type == "custom") {
        read_custom(inner, space);
      } else {
        tools_.ignored.push_back(type);
      }
    }
  }

  void add(const Fields& fields, ToolDefinition tool, ResponseTool shown) {
    if (!fields.fault() && shown.name.empty()) fields.fail("name", fields.path_of("name") + ": expected a name");
    const auto [at, is_new] = tools_.by_name.emplace(tool.name, std::move(shown));
    if (!is_new) {
      fields.fail("name", fmt::format("{}: there are two tools '{}'", fields.path_of("name"), tool.name));
    }
    chat_.tools.push_back(std::move(tool));
  }

  void read_function(const Fields& fields, const std::string& space, json::object& echo) {
    ToolDefinition tool;
    const std::string name = fields.required_text("name");
    tool.name = name_in_namespace(space, name);
    tool.description = fields.text("description").value_or("");
    if (const json::object* parameters = fields.object("parameters")) tool.parameters = *parameters;
    tool.strict = fields.flag("strict").value_or(false);
    for (const char* key : {"description", "parameters"}) {
      if (echo.if_contains(key) == nullptr) echo[key] = nullptr;
    }
    echo["strict"] = tool.strict;
    add(fields, std::move(tool), {name, space, false});
  }

  void read_custom(const Fields& fields, const std::string& space) {
    ToolDefinition tool;
    const std::string name = fields.required_text("name");
    tool.name = name_in_namespace(space, name);
    tool.description = fields.text("description").value_or("");
    json::object input = {{"type", "string"}};
    if (const json::object* format = fields.object("format")) {
      read_format(Fields(*format, fields.fault(), fields.path_of("format")), input, tool.description);
    }
    json::object properties;
    properties["input"] = std::move(input);
    tool.parameters = json::object{{"type", "object"},
                                   {"properties", std::move(properties)},
                                   {"required", json::array{"input"}},
                                   {"additionalProperties", false}};
    tool.strict = true;
    add(fields, std::move(tool), {name, space, true});
  }

  /// The input of a custom tool is a string; a grammar for it becomes the string's pattern.
  static void read_format(const Fields& format, json::object& input, std::string& description) {
    const std::string type = format.text("type").value_or("text");
    if (type == "text" || format.fault()) return;
    if (type != "grammar") {
      return format.fail("type", fmt::format("{}: expected text or grammar, got '{}'", format.path_of("type"), type));
    }
    const std::string syntax = format.required_text("syntax");
    std::string definition = format.required_text("definition");
    if (format.fault()) return;
    // The model is to know what it is held to.
    description += fmt::format("{}The input must match this {} grammar:\n{}", description.empty() ? "" : "\n\n", syntax,
                               definition);
    if (syntax == "lark") {
      auto pattern = regex_of_lark(definition);
      if (!pattern) {
        return format.fail("definition", fmt::format("{}: {}", format.path_of("definition"), pattern.error().message()),
                           "unsupported_grammar");
      }
      definition = std::move(*pattern);
    } else if (syntax != "regex") {
      return format.fail("syntax",
                         fmt::format("{}: expected lark or regex, got '{}'", format.path_of("syntax"), syntax));
    }
    input["pattern"] = "^(?:" + definition + ")$";
  }

  void read_choice() {
    const json::value* choice = body_.find("tool_choice");
    if (choice == nullptr || body_.fault()) return;
    if (choice->is_string()) {
      set_mode(choice->get_string());
    } else if (const json::object* object = body_.object("tool_choice")) {
      read_choice_object(Fields(*object, body_.fault(), "tool_choice"));
    }
    const bool must_call = chat_.tool_choice == ToolChoice::kRequired || chat_.tool_choice == ToolChoice::kNamed;
    if (must_call && has_none()) {
      body_.fail("tool_choice", "tool_choice: expected tools to choose from, got none");
    }
  }

  void set_mode(std::string_view mode) {
    if (mode == "none")
      chat_.tool_choice = ToolChoice::kNone;
    else if (mode == "required")
      chat_.tool_choice = ToolChoice::kRequired;
    else if (mode != "auto") {
      body_.fail("tool_choice", fmt::format("tool_choice: expected auto, none, required or a tool, got '{}'", mode));
    }
  }

  /// The model's name of the tool that {type, name, namespace} means.
  std::string chosen(const Fields& choice) {
    const std::string type = choice.text("type").value_or("function");
    if (type == "file_search" && tools_.search) return file_search_definition().name;
    if (type == "code_interpreter" && tools_.code) return code_tool_definition().name;
    if (type != "function" && type != "custom") {
      choice.fail("type",
                  fmt::format("{}: '{}' does not run here; expected function, custom or allowed_tools",
                              choice.path_of("type"), type),
                  "unsupported_tool");
      return "";
    }
    const std::string name = choice.required_text("name");
    const auto space = choice.text("namespace");
    if (choice.fault()) return "";
    if (space || tools_.by_name.contains(name)) {
      const std::string full = name_in_namespace(space.value_or(""), name);
      if (tools_.by_name.contains(full)) return full;
    }
    const auto inner = std::find_if(tools_.by_name.begin(), tools_.by_name.end(),
                                    [&](const auto& tool) { return tool.second.name == name; });
    if (!space && inner != tools_.by_name.end()) return inner->first;
    choice.fail("name", fmt::format("{}: there is no tool '{}' among the tools", choice.path_of("name"), name));
    return "";
  }

  void read_choice_object(const Fields& choice) {
    const std::string type = choice.required_text("type");
    if (type == "mcp" && !tools_.remote.empty()) return choose_remote(choice);
    if (type != "allowed_tools") {
      chat_.tool_choice = ToolChoice::kNamed;
      chat_.tool_name = chosen(choice);
      return;
    }
    std::set<std::string> allowed, servers;
    const json::array* list = choice.array("tools");
    if (list == nullptr) choice.fail("tools", "tool_choice.tools: expected an array, got nothing");
    for (size_t i = 0; list != nullptr && i < list->size() && !choice.fault(); ++i) {
      const std::string place = fmt::format("tools[{}]", i);
      const json::object* object = (*list)[i].if_object();
      if (object == nullptr) return choice.fail(place, choice.path_of(place) + ": expected an object");
      const Fields entry(*object, choice.fault(), choice.path_of(place));
      const std::string type = entry.text("type").value_or("function");
      // One that was left out of the tools may be allowed: it is then not there.
      const auto& ignored = tools_.ignored;
      if (std::find(ignored.begin(), ignored.end(), type) != ignored.end()) continue;
      if (type == "mcp" && has_server(entry.text("server_label").value_or("")))
        servers.insert(*entry.text("server_label"));
      else
        allowed.insert(chosen(entry));
    }
    std::erase_if(tools_.remote, [&](const RemoteServer& server) { return !servers.contains(server.label); });
    std::erase_if(chat_.tools, [&](const ToolDefinition& tool) { return !allowed.contains(tool.name); });
    set_mode(choice.text("mode").value_or("auto"));
  }

  bool has_server(const std::string& label) const {
    return std::any_of(tools_.remote.begin(), tools_.remote.end(),
                       [&](const RemoteServer& server) { return server.label == label; });
  }

  /// What tools it has shows later.
  void choose_remote(const Fields& choice) {
    const std::string label = choice.required_text("server_label");
    if (!choice.fault() && !has_server(label)) {
      return choice.fail("server_label",
                         fmt::format("{}: there is no MCP server '{}'", choice.path_of("server_label"), label));
    }
    const auto name = choice.text("name");
    chat_.tool_choice = name ? ToolChoice::kNamed : ToolChoice::kRequired;
    if (name) chat_.tool_name = mcp::tool_name_for(label, *name);
  }

  const Fields& body_;
  ChatRequest& chat_;
  const OfferedTools offered_;
  ResponseTools tools_;
};

}  // namespace

ResponseTools read_response_tools(const Fields& body, ChatRequest& chat, const OfferedTools& offered) {
  return ToolReader(body, chat, offered).read();
}

std::string custom_input(const std::string& arguments) {
  const auto parsed = parse_json(arguments);
  const json::value* input = parsed ? find_member(*parsed, "input") : nullptr;
  return input != nullptr && input->is_string() ? std::string(input->get_string()) : arguments;
}

}  // namespace ondol::server
