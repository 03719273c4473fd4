#include "agent/action_form.h"

#include <algorithm>

#include <fmt/format.h>

namespace ondol {
namespace {

using Part = GrammarBuilder::Part;

constexpr std::string_view kFence = "```";
constexpr std::string_view kEnd = "\n```";

struct CodeTool {
  std::string_view name;
  std::string_view label;
};
constexpr CodeTool kCodeTools[] = {{"run_shell", "sh"}, {"run_python", "python"}};

std::string_view label_of(std::string_view tool) {
  for (const CodeTool& code : kCodeTools) {
    if (code.name == tool) return code.label;
  }
  return "";
}

/// The parameter that takes the code: the first required text.
std::string code_parameter(const ToolDefinition& tool) {
  const json::value* required = find_member(tool.parameters, "required");
  const json::value* properties = find_member(tool.parameters, "properties");
  if (required == nullptr || !required->is_array() || properties == nullptr) return "";
  for (const json::value& name : required->get_array()) {
    if (!name.is_string()) continue;
    const json::value* property = find_member(*properties, std::string_view(name.get_string()));
    if (property != nullptr && string_or(*property, "type", "") == "string") return std::string(name.get_string());
  }
  return "";
}

bool is_code(const ToolDefinition& tool) {
  return !label_of(tool.name).empty() && !code_parameter(tool).empty();
}

const ToolDefinition* find_tool(const std::vector<ToolDefinition>& tools, std::string_view name) {
  const auto found = std::find_if(tools.begin(), tools.end(), [&](const auto& tool) { return tool.name == name; });
  return found == tools.end() ? nullptr : &*found;
}

Result<Part> tool_block(GrammarBuilder& builder, const ToolDefinition& tool) {
  const json::value any = json::object{{"type", "object"}};
  const JsonSchemaOptions options = {.compact = true, .closed = true, .plain_numbers = true};
  const Part arguments =
      ONDOL_TRY(builder.json_schema(tool.parameters.is_null() ? any : tool.parameters, options).in(tool.name));
  const std::string name = json_text(json::value(tool.name));
  return builder.sequence({builder.literal(fmt::format("{}tool\n{{\"name\": {}, \"arguments\": ", kFence, name)),
                           arguments, builder.literal("}\n```")});
}

}  // namespace

Result<GrammarPtr> block_grammar(const std::vector<ToolDefinition>& tools) {
  GrammarBuilder builder;
  std::vector<Part> blocks;
  for (const ToolDefinition& tool : tools) {
    if (is_code(tool)) {
      blocks.push_back(builder.sequence({builder.literal(fmt::format("{}{}\n", kFence, label_of(tool.name))),
                                         builder.text_before({std::string(kEnd)}), builder.literal(kEnd)}));
    } else {
      blocks.push_back(ONDOL_TRY(tool_block(builder, tool)));
    }
  }
  const Part text = builder.text_before({std::string(kFence)});
  if (blocks.empty()) return builder.build(text);
  return builder.build(builder.sequence({text, builder.optional(builder.choice(std::move(blocks)))}));
}

std::string blocks_in_words(const std::vector<ToolDefinition>& tools) {
  std::string text = "To act, end your answer with exactly one block. Its result comes with the next message.";
  for (const ToolDefinition& tool : tools) {
    if (is_code(tool)) {
      text += fmt::format("\n\n{} Write:\n```{}\n<{}>\n```", tool.description, label_of(tool.name),
                          code_parameter(tool));
    } else {
      const std::string schema = tool.parameters.is_null() ? "{}" : json_text(tool.parameters);
      text += fmt::format("\n\n{} Write:\n```tool\n{{\"name\": \"{}\", \"arguments\": <object>}}\n```\nwith arguments as {}",
                          tool.description, tool.name, schema);
    }
  }
  return text;
}

std::optional<BlockAction> find_block(std::string_view answer, const std::vector<ToolDefinition>& tools) {
  const size_t begin = answer.find(kFence);
  if (begin == std::string_view::npos) return {};
  const size_t line = answer.find('\n', begin);
  if (line == std::string_view::npos) return {};
  const size_t end = answer.find(kEnd, line);
  if (end == std::string_view::npos) return {};
  const std::string_view label = answer.substr(begin + kFence.size(), line - begin - kFence.size());
  const std::string_view body = end > line ? answer.substr(line + 1, end - line - 1) : std::string_view();
  BlockAction action;
  action.before = std::string(answer.substr(0, begin));
  for (const CodeTool& code : kCodeTools) {
    const ToolDefinition* tool = find_tool(tools, code.name);
    if (label != code.label || tool == nullptr || !is_code(*tool)) continue;
    action.call.name = tool->name;
    action.call.arguments[code_parameter(*tool)] = body;
    return action;
  }
  if (label != "tool") return {};
  auto call = parse_json(body);
  if (!call) return {};
  action.call.name = string_or(*call, "name", "");
  const json::value* arguments = find_member(*call, "arguments");
  if (find_tool(tools, action.call.name) == nullptr || arguments == nullptr || !arguments->is_object()) return {};
  action.call.arguments = arguments->get_object();
  return action;
}

}  // namespace ondol
