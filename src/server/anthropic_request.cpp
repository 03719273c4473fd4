// The body of a request in Anthropic's form.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "server/adapters.h"
#include "server/anthropic.h"
#include "server/chat_messages.h"
#include "server/for_objects.h"
#include "server/sampling_fields.h"

namespace ondol::server {
namespace {

constexpr size_t kMaxTools = 1024;
constexpr size_t kMaxStops = 64;
constexpr int64_t kManyTokens = int64_t{1} << 30;
constexpr std::string_view kIdPrefix = "toolu_";

void fail_type(const Fields& block, std::string_view expected, std::string_view got) {
  block.fail(
      "type",
      fmt::format("{}: expected {}, got '{}': the models here read text only", block.path_of("type"), expected, got),
      "unsupported_content");
}

std::string content_text(const Fields& owner, std::string_view key);

/// Of a document whose text the request has.
std::string document_text(const Fields& block) {
  const json::object* object = block.object("source");
  if (object == nullptr) {
    block.fail("source", block.path_of("source") + ": expected an object, but it is missing");
    return "";
  }
  const Fields source(*object, block.fault(), block.path_of("source"));
  const std::string type = source.required_text("type");
  std::string text;
  if (type == "text") {
    text = source.required_text("data");
  } else if (type == "content") {
    text = content_text(source, "content");
  } else if (!block.fault()) {
    fail_type(source, "text or content", type);
  }
  const std::string title = block.text("title").value_or("");
  const std::string about = block.text("context").value_or("");
  return fmt::format("<document{}>\n{}{}{}\n</document>", title.empty() ? "" : fmt::format(" title=\"{}\"", title),
                     about, about.empty() ? "" : "\n", text);
}

/// Of a block of text or something that can be put as text.
std::string block_text(const Fields& block) {
  const std::string type = block.required_text("type");
  if (type == "text") return block.required_text("text");
  if (type == "document") return document_text(block);
  if (type == "search_result") {
    return fmt::format("<search_result source=\"{}\" title=\"{}\">\n{}\n</search_result>",
                       block.text("source").value_or(""), block.text("title").value_or(""),
                       content_text(block, "content"));
  }
  if (!block.fault()) fail_type(block, "text", type);
  return "";
}

void append_line(std::string& text, const std::string& more, bool is_first) {
  if (!is_first) text += "\n";
  text += more;
}

/// A string, or blocks, whose texts are joined by line breaks.
std::string content_text(const Fields& owner, std::string_view key) {
  const json::value* content = owner.find(key);
  if (content == nullptr || content->is_string()) return owner.text(key).value_or("");
  std::string text;
  bool is_first = true;
  for_objects(owner, key, [&](const Fields& block) {
    append_line(text, block_text(block), is_first);
    is_first = false;
  });
  return text;
}

/// Claude Code's first system block changes with every request: with it, nothing would be found in the prefix cache.
bool is_billing_line(std::string_view text) {
  return text.starts_with("x-anthropic-billing-header:");
}

std::string without_billing_line(std::string text) {
  if (!is_billing_line(text)) return text;
  const size_t end = text.find('\n');
  return end == std::string::npos ? "" : text.substr(end + 1);
}

std::string system_text(const Fields& fields) {
  const json::value* system = fields.find("system");
  if (system == nullptr) return "";
  if (system->is_string()) return without_billing_line(std::string(system->get_string()));
  std::string text;
  bool is_first = true;
  for_objects(fields, "system", [&](const Fields& block) {
    const std::string part = block_text(block);
    const std::string kept = without_billing_line(part);
    if (kept.empty() && !part.empty()) return;
    append_line(text, kept, is_first);
    is_first = false;
  });
  return text;
}

/// Messages of a conversation into the rules of chat.h.
class MessageReader {
 public:
  explicit MessageReader(json::array& messages) : messages_(messages) {}

  void read(const Fields& message) {
    const std::string role = message.required_text("role");
    if (message.fault()) return;
    if (!message.has("content")) {
      return message.fail("content", message.path_of("content") + ": expected a string or blocks, but it is missing");
    }
    if (role == "user") return read_user(message);
    if (role == "assistant") return read_assistant(message);
    if (role == "system") return add(role, content_text(message, "content"));
    message.fail("role", fmt::format("{}: expected user or assistant, got '{}'", message.path_of("role"), role));
  }

 private:
  json::object& add(std::string_view role, const std::string& content, json::object more) {
    more["role"] = role;
    more["content"] = content;
    messages_.push_back(std::move(more));
    return messages_.back().as_object();
  }
  void add(std::string_view role, const std::string& content) { add(role, content, {}); }

  /// Results of tools become messages of their own, before what else the user says.
  void read_user(const Fields& message) {
    if (!message.find("content")->is_array()) return add("user", message.text("content").value_or(""));
    std::string text;
    bool is_first = true, has_results = false;
    for_objects(message, "content", [&](const Fields& block) {
      if (block.text("type") == "tool_result") {
        has_results = true;
        return read_result(block);
      }
      append_line(text, block_text(block), is_first);
      is_first = false;
    });
    if (!is_first || !has_results) add("user", text);
  }

  void read_result(const Fields& block) {
    const std::string id = internal_id(block.required_text("tool_use_id"));
    std::string text = content_text(block, "content");
    if (block.flag("is_error").value_or(false)) text = "Error: " + text;
    json::object& result = add("tool", text, {{"tool_call_id", id}});
    if (const auto name = names_.find(id); name != names_.end()) result["name"] = name->second;
  }

  void read_assistant(const Fields& message) {
    if (!message.find("content")->is_array()) return add("assistant", message.text("content").value_or(""));
    std::string text, reasoning;
    json::array calls;
    for_objects(message, "content", [&](const Fields& block) {
      const std::string type = block.required_text("type");
      if (type == "text") {
        text += block.required_text("text");
      } else if (type == "thinking") {
        reasoning += block.required_text("thinking");
      } else if (type == "tool_use") {
        calls.push_back(read_call(block));
      } else if (type != "redacted_thinking" && !block.fault()) {
        fail_type(block, "text, thinking, redacted_thinking or tool_use", type);
      }
    });
    json::object more;
    if (!reasoning.empty()) more["reasoning_content"] = reasoning;
    if (!calls.empty()) more["tool_calls"] = std::move(calls);
    add("assistant", text, std::move(more));
  }

  json::object read_call(const Fields& block) {
    const std::string id = internal_id(block.required_text("id"));
    const std::string name = block.required_text("name");
    names_[id] = name;
    const json::object* input = block.object("input");
    return make_tool_call(id, name, input == nullptr ? json::object() : *input);
  }

  /// The model's own id, as it stood in its answer.
  static std::string internal_id(const std::string& id) {
    return id.starts_with(kIdPrefix) ? id.substr(kIdPrefix.size()) : id;
  }

  json::array& messages_;
  std::map<std::string, std::string> names_;  // of the tools that calls were for
};

void read_messages(const Fields& fields, ChatRequest& request) {
  if (const std::string system = system_text(fields); !system.empty()) {
    request.messages.push_back(json::object{{"role", "system"}, {"content", system}});
  }
  if (!fields.has("messages")) fields.fail("messages", "messages: expected an array, but it is missing");
  MessageReader reader(request.messages);
  size_t n = 0;
  for_objects(fields, "messages", [&](const Fields& message) {
    reader.read(message);
    ++n;
  });
  if (n == 0) fields.fail("messages", "messages: expected at least one message, got none");
  if (fields.fault()) return;
  const json::value& last = request.messages.back();
  request.continues_last = string_or(last, "role", "") == "assistant" && find_member(last, "tool_calls") == nullptr;
}

void read_tools(const Fields& fields, AnthropicChat& result) {
  for_objects(fields, "tools", [&](const Fields& entry) {
    const std::string type = entry.text("type").value_or("custom");
    ToolDefinition tool;
    if (type != "custom") {
      result.ignored_tools.push_back(entry.text("name").value_or(type));
      return;
    }
    tool.name = entry.required_text("name");
    if (!entry.fault() && tool.name.empty()) entry.fail("name", entry.path_of("name") + ": expected a name");
    tool.description = entry.text("description").value_or("");
    const json::object* schema = entry.object("input_schema");
    if (schema == nullptr) {
      return entry.fail("input_schema", entry.path_of("input_schema") + ": expected an object, but it is missing");
    }
    tool.parameters = *schema;
    tool.strict = entry.flag("strict").value_or(false);
    result.chat.tools.push_back(std::move(tool));
  });
  if (result.chat.tools.size() > kMaxTools) {
    fields.fail("tools", fmt::format("tools: expected at most {}, got {}", kMaxTools, result.chat.tools.size()));
  }
}

void check_forced_tool(const Fields& choice, const AnthropicChat& result) {
  const auto& ignored = result.ignored_tools;
  const std::string& name = result.chat.tool_name;
  if (std::find(ignored.begin(), ignored.end(), name) != ignored.end()) {
    return choice.fail("name",
                       fmt::format("tool_choice.name: '{}' is a tool that Anthropic's servers run; there is none "
                                   "here, so it cannot be forced",
                                   name));
  }
  const auto& tools = result.chat.tools;
  const auto has_name = [&](const ToolDefinition& tool) { return tool.name == name; };
  if (std::none_of(tools.begin(), tools.end(), has_name)) {
    choice.fail("name", fmt::format("tool_choice.name: there is no tool '{}' among the tools", name));
  }
}

void read_tool_choice(const Fields& fields, AnthropicChat& result) {
  const json::object* object = fields.object("tool_choice");
  if (object == nullptr) return;
  ChatRequest& chat = result.chat;
  const Fields choice(*object, fields.fault(), "tool_choice");
  const std::string type = choice.required_text("type");
  chat.parallel_calls = !choice.flag("disable_parallel_tool_use").value_or(false);
  if (type == "none") {
    chat.tool_choice = ToolChoice::kNone;
  } else if (type == "any") {
    chat.tool_choice = ToolChoice::kRequired;
    if (chat.tools.empty()) {
      fields.fail("tool_choice",
                  result.ignored_tools.empty()
                      ? "tool_choice: expected tools to choose from, got none"
                      : "tool_choice: all of the tools are run by Anthropic's servers; there are none here");
    }
  } else if (type == "tool") {
    chat.tool_choice = ToolChoice::kNamed;
    chat.tool_name = choice.required_text("name");
    if (!fields.fault()) check_forced_tool(choice, result);
  } else if (type != "auto" && !fields.fault()) {
    choice.fail("type", fmt::format("tool_choice.type: expected auto, any, tool or none, got '{}'", type));
  }
}

void read_thinking(const Fields& fields, ReasoningWish& wish) {
  // Who does not ask for it expects the first block to be text.
  wish.is_wanted = false;
  const json::object* object = fields.object("thinking");
  if (object == nullptr) return;
  const Fields thinking(*object, fields.fault(), "thinking");
  const std::string type = thinking.required_text("type");
  if (type == "enabled") {
    wish.is_wanted = true;
    wish.budget = static_cast<int>(thinking.integer("budget_tokens", 0, kManyTokens).value_or(-1));
  } else if (type == "adaptive") {
    wish.is_wanted.reset();
  } else if (type != "disabled" && !fields.fault()) {
    thinking.fail("type", fmt::format("thinking.type: expected enabled, disabled or adaptive, got '{}'", type));
  }
}

void read_format(const Fields& owner, std::string_view key, ContentFormat& content) {
  const json::object* object = owner.object(key);
  if (object == nullptr) return;
  const Fields format(*object, owner.fault(), owner.path_of(key));
  const std::string type = format.required_text("type");
  if (type != "json_schema") {
    return format.fail("type", fmt::format("{}: expected json_schema, got '{}'", format.path_of("type"), type));
  }
  const json::object* schema = format.object("schema");
  content.kind = ContentFormat::Kind::kJsonSchema;
  content.parameter = format.path_of("schema");
  if (schema == nullptr) return format.fail("schema", content.parameter + ": expected an object, but it is missing");
  content.schema = *schema;
}

void read_output(const Fields& fields, ChatRequest& chat) {
  read_format(fields, "output_format", chat.content);
  const json::object* object = fields.object("output_config");
  if (object == nullptr) return;
  const Fields output(*object, fields.fault(), "output_config");
  read_format(output, "format", chat.content);
  std::string effort = output.text("effort").value_or("");
  if (effort == "max") effort = "xhigh";
  static constexpr std::string_view kEfforts[] = {"", "low", "medium", "high", "xhigh"};
  if (std::find(std::begin(kEfforts), std::end(kEfforts), effort) == std::end(kEfforts)) {
    output.fail("effort",
                fmt::format("output_config.effort: expected low, medium, high, xhigh or max, got '{}'", effort));
  }
  chat.reasoning.effort = effort;
}

}  // namespace

AnthropicChat read_anthropic_chat(const Fields& fields, bool needs_limit) {
  AnthropicChat result;
  ChatRequest& chat = result.chat;
  chat.model = fields.text("model").value_or("");
  read_messages(fields, chat);
  read_tools(fields, result);
  if (!fields.fault()) read_tool_choice(fields, result);
  read_thinking(fields, chat.reasoning);
  read_output(fields, chat);
  chat.adapters = read_adapter_choices(fields);
  chat.sampling = read_sampling(fields);
  const auto limit = fields.integer("max_tokens", 1, kManyTokens);
  if (limit) chat.max_tokens = static_cast<int>(*limit);
  if (needs_limit && !limit) fields.fail("max_tokens", "max_tokens: expected a whole number, but it is missing");
  chat.stop = fields.texts("stop_sequences");
  if (chat.stop.size() > kMaxStops) {
    fields.fail("stop_sequences", fmt::format("stop_sequences: expected at most {} texts", kMaxStops));
  }
  if (const json::array* servers = fields.array("mcp_servers"); servers != nullptr && !servers->empty()) {
    fields.fail("mcp_servers", "mcp_servers: connecting to MCP servers on a client's behalf is not offered");
  }
  if (const json::object* metadata = fields.object("metadata")) {
    (void)Fields(*metadata, fields.fault(), "metadata").text("user_id");
  }
  result.stream = fields.flag("stream").value_or(false);
  return result;
}

}  // namespace ondol::server
