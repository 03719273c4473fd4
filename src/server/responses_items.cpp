#include "server/responses_items.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "agent/mcp/client_tool.h"
#include "agent/result_text.h"
#include "base/check.h"
#include "runtime/conversation.h"
#include "server/chat_messages.h"
#include "server/code_interpreter.h"
#include "server/file_search.h"
#include "server/random_id.h"
#include "server/responses_files.h"

namespace ondol::server {
namespace {

constexpr size_t kMaxItems = size_t{1} << 16;
constexpr const char* kNoPictures = "the models here read text only";

using Kind = ResponseItem::Kind;

void refuse_part(const Fields& part, const std::string& type) {
  part.fail("type",
            fmt::format("{}: expected input_text, output_text, refusal or input_file with text, got '{}': {}",
                        part.path_of("type"), type, kNoPictures),
            "unsupported_content");
}

std::string text_of_part(const Fields& part) {
  const std::string type = part.required_text("type");
  if (part.fault()) return "";
  if (type == "input_text" || type == "output_text" || type == "text") return part.required_text("text");
  if (type == "summary_text" || type == "reasoning_text") return part.required_text("text");
  if (type == "refusal") return part.required_text("refusal");
  if (type == "input_file") return text_of_file(part);
  refuse_part(part, type);
  return "";
}

/// A text, or parts joined by line breaks.
std::string text_of(const Fields& item, std::string_view key) {
  const json::value* content = item.find(key);
  if (content == nullptr) return "";
  if (content->is_string()) return std::string(content->get_string());
  const json::array* parts = content->if_array();
  if (parts == nullptr) {
    item.fail(
        key, fmt::format("{}: expected a string or an array of parts, got {}", item.path_of(key), kind_name(*content)));
    return "";
  }
  std::string text;
  for (size_t i = 0; i < parts->size() && !item.fault(); ++i) {
    const std::string place = fmt::format("{}[{}]", key, i);
    const json::object* part = (*parts)[i].if_object();
    if (part == nullptr) {
      item.fail(place, fmt::format("{}: expected an object, got {}", item.path_of(place), kind_name((*parts)[i])));
      break;
    }
    if (i > 0) text += "\n";
    text += text_of_part(Fields(*part, item.fault(), item.path_of(place)));
  }
  return text;
}

void keep_id(ResponseItem& item, std::string_view prefix) {
  const json::value* id = item.value.if_contains("id");
  if (id == nullptr || !id->is_string() || id->get_string().empty()) item.value["id"] = random_id(prefix);
}

void read_message(const Fields& fields, ResponseItem& item) {
  item.kind = Kind::kMessage;
  item.role = fields.required_text("role");
  static constexpr std::string_view kRoles[] = {"user", "assistant", "system", "developer"};
  if (!fields.fault() && std::find(std::begin(kRoles), std::end(kRoles), item.role) == std::end(kRoles)) {
    fields.fail("role", fmt::format("{}: expected user, assistant, system or developer, got '{}'",
                                    fields.path_of("role"), item.role));
  }
  if (!fields.has("content")) {
    fields.fail("content", fields.path_of("content") + ": expected a string or an array of parts, got nothing");
  }
  item.text = text_of(fields, "content");
  item.value["type"] = "message";
  if (const json::value* content = fields.find("content"); content != nullptr && content->is_string()) {
    const char* type = item.role == "assistant" ? "output_text" : "input_text";
    json::object part = {{"type", type}, {"text", item.text}};
    if (item.role == "assistant") part["annotations"] = json::array();
    item.value["content"] = json::array{std::move(part)};
  }
  if (item.value.if_contains("status") == nullptr) item.value["status"] = "completed";
  keep_id(item, "msg_");
}

void read_reasoning(const Fields& fields, ResponseItem& item) {
  item.kind = Kind::kReasoning;
  // The whole thought where there is one; what is encrypted was not written here.
  item.text = text_of(fields, "content");
  if (item.text.empty()) item.text = text_of(fields, "summary");
  if (item.value.if_contains("summary") == nullptr) item.value["summary"] = json::array();
  keep_id(item, "rs_");
}

void read_call(const Fields& fields, ResponseItem& item, bool is_custom) {
  item.kind = Kind::kCall;
  item.call_id = fields.required_text("call_id");
  item.name = fields.required_text("name");
  if (const auto space = fields.text("namespace")) item.name = name_in_namespace(*space, item.name);
  if (is_custom) {
    item.arguments = json::object{{"input", fields.required_text("input")}};
  } else {
    item.arguments = call_arguments(json::value(fields.text("arguments").value_or("")));
  }
  keep_id(item, is_custom ? "ctc_" : "fc_");
}

void read_result(const Fields& fields, ResponseItem& item, bool is_custom) {
  item.kind = Kind::kResult;
  item.call_id = fields.required_text("call_id");
  if (!fields.has("output")) {
    fields.fail("output", fields.path_of("output") + ": expected a string or an array of parts, got nothing");
  }
  item.text = text_of(fields, "output");
  keep_id(item, is_custom ? "ctco_" : "fco_");
}

void read_search(const Fields& fields, ResponseItem& item) {
  item.kind = Kind::kHosted;
  item.name = file_search_definition().name;
  json::object arguments;
  arguments["queries"] = json::value_from(fields.texts("queries"));
  item.arguments = std::move(arguments);
  item.text = text_of_results(fields.find("results"));
  keep_id(item, "fs_");
  item.call_id = string_or(item.value, "id", "");
}

void read_code(const Fields& fields, ResponseItem& item) {
  item.kind = Kind::kHosted;
  item.is_foreign = true;
  item.name = code_tool_definition().name;
  item.arguments = json::object{{"code", fields.text("code").value_or("")}};
  item.text = text_of_outputs(fields.find("outputs"));
  (void)fields.text("container_id");
  keep_id(item, "ci_");
  item.call_id = string_or(item.value, "id", "");
}

/// What an mcp_call came to.
std::string text_of_remote(const Fields& fields) {
  const json::value* error = fields.find("error");
  if (error == nullptr) return fields.text("output").value_or("There is no result.");
  if (error->is_string()) return std::string(error->get_string());
  std::string text = string_or(*error, "message", "");
  const json::value* content = find_member(*error, "content");
  if (content != nullptr && content->is_array()) {
    for (const json::value& part : content->get_array()) text += string_or(part, "text", "");
  }
  return text.empty() ? "The call failed." : text;
}

/// mcp_call and mcp_approval_request.
void read_remote(const Fields& fields, ResponseItem& item, Kind kind) {
  item.kind = kind;
  item.is_foreign = true;
  item.name = mcp::tool_name_for(fields.required_text("server_label"), fields.required_text("name"));
  item.arguments = call_arguments(json::value(fields.text("arguments").value_or("")));
  item.text = text_of_remote(fields);
  keep_id(item, kind == Kind::kHosted ? "mcp_" : "mcpr_");
  item.call_id = string_or(item.value, "id", "");
}

void read_listing(const Fields& fields, ResponseItem& item) {
  item.kind = Kind::kListing;
  (void)fields.required_text("server_label");
  const json::array* tools = fields.array("tools");
  for (size_t i = 0; tools != nullptr && i < tools->size() && !fields.fault(); ++i) {
    const std::string place = fmt::format("tools[{}]", i);
    const json::object* tool = (*tools)[i].if_object();
    if (tool == nullptr) return fields.fail(place, fields.path_of(place) + ": expected an object");
    const Fields inner(*tool, fields.fault(), fields.path_of(place));
    (void)inner.required_text("name");
    if (inner.object("input_schema") == nullptr)
      inner.fail("input_schema", inner.path_of("input_schema") + ": expected an object");
  }
  keep_id(item, "mcpl_");
}

void read_approval(const Fields& fields, ResponseItem& item) {
  item.kind = Kind::kApprovalAnswer;
  item.call_id = fields.required_text("approval_request_id");
  const auto approve = fields.flag("approve");
  if (!approve) fields.fail("approve", fields.path_of("approve") + ": expected true or false");
  item.is_approved = approve.value_or(false);
  item.text = fields.text("reason").value_or("");
  keep_id(item, "mcpa_");
}

bool read_hosted_item(const Fields& fields, const std::string& type, ResponseItem& item) {
  if (type == "file_search_call")
    read_search(fields, item);
  else if (type == "code_interpreter_call")
    read_code(fields, item);
  else if (type == "mcp_call")
    read_remote(fields, item, Kind::kHosted);
  else if (type == "mcp_approval_request")
    read_remote(fields, item, Kind::kApprovalRequest);
  else if (type == "mcp_list_tools")
    read_listing(fields, item);
  else if (type == "mcp_approval_response")
    read_approval(fields, item);
  else
    return false;
  return true;
}

void read_item(const Fields& fields, ResponseItem& item) {
  const std::string type = fields.text("type").value_or(fields.has("role") ? "message" : "");
  if (type == "message") return read_message(fields, item);
  if (type == "reasoning") return read_reasoning(fields, item);
  if (type == "function_call" || type == "custom_tool_call") return read_call(fields, item, type[0] == 'c');
  if (type == "function_call_output" || type == "custom_tool_call_output") {
    return read_result(fields, item, type[0] == 'c');
  }
  if (read_hosted_item(fields, type, item)) return;
  fields.fail("type",
              fmt::format("{}: expected message, reasoning, function_call, function_call_output, custom_tool_call, "
                          "custom_tool_call_output, file_search_call, code_interpreter_call, mcp_list_tools, mcp_call, "
                          "mcp_approval_request, mcp_approval_response or item_reference, got '{}': the tools behind "
                          "such items are not here",
                          fields.path_of("type"), type),
              "unsupported_item");
}

ResponseItemPtr measured(std::shared_ptr<ResponseItem> item) {
  item->bytes = sizeof(ResponseItem) + json::serialize(item->value).size();
  return item;
}

ResponseItemPtr read_reference(const Fields& fields, const FindItem& find) {
  const std::string id = fields.required_text("id");
  if (fields.fault()) return nullptr;
  ResponseItemPtr item = find ? find(id) : nullptr;
  if (!item) {
    fields.fail("id",
                fmt::format("{}: there is no stored item '{}'; it may have been dropped, or not stored "
                            "(\"store\": false)",
                            fields.path_of("id"), id),
                "item_not_found");
  }
  return item;
}

json::object result_message(const std::string& call_id, const std::string& name, const std::string& text) {
  json::object result = chat_message("tool", text);
  result["tool_call_id"] = call_id;
  if (!name.empty()) result["name"] = name;
  return result;
}

/// One message of the model: what it thought, said and called; and what came of those calls that this server answered.
class AnswerMessage {
 public:
  /// `marks`: around strangers' words; null: none.
  explicit AnswerMessage(const UntrustedMarks* marks) : marks_(marks) {}

  void add(const ResponseItem& item, json::array& messages) {
    const bool is_call = item.kind == Kind::kCall || item.kind == Kind::kHosted;
    const bool has_more = !calls_.empty() || (!is_call && !content_.empty());
    const bool is_new_round = item.kind == Kind::kHosted && !results_.empty() && item.round != round_;
    if (is_open_ && ((!is_call && has_more) || is_new_round)) close(messages);
    is_open_ = true;
    if (item.kind == Kind::kReasoning) reasoning_ += (reasoning_.empty() ? "" : "\n") + item.text;
    if (item.kind == Kind::kMessage) content_ = item.text;
    if (is_call) calls_.push_back(make_tool_call(item.call_id, item.name, item.arguments));
    if (item.kind == Kind::kHosted) {
      round_ = item.round;
      const std::string text = item.is_foreign && marks_ != nullptr ? marks_->marked(item.text) : item.text;
      results_.push_back(result_message(item.call_id, item.name, text));
    }
  }

  void close(json::array& messages) {
    if (!is_open_) return;
    is_open_ = false;
    if (!content_.empty() || !calls_.empty()) {
      json::object message = chat_message("assistant", content_);
      if (!reasoning_.empty()) message["reasoning_content"] = reasoning_;
      if (!calls_.empty()) message["tool_calls"] = std::move(calls_);
      messages.push_back(std::move(message));
    }
    for (json::value& result : results_) messages.push_back(std::move(result));
    content_.clear();
    reasoning_.clear();
    calls_ = json::array();
    results_ = json::array();
  }

 private:
  bool is_open_ = false;
  std::string reasoning_;
  std::string content_;
  json::array calls_;
  json::array results_;
  int round_ = 0;  // of the last such call
  const UntrustedMarks* marks_;
};

/// A call that the client did not allow.
ResponseItem refused_call(const ResponseItem& request, const ResponseItem& answer) {
  ResponseItem call;
  call.kind = Kind::kHosted;
  call.call_id = request.call_id;
  call.name = request.name;
  call.arguments = request.arguments;
  call.text = "The user did not allow this call. Do not repeat it.";
  if (!answer.text.empty()) call.text += " The reason: " + answer.text;
  return call;
}

bool is_of_answer(const ResponseItem& item) {
  return item.kind == Kind::kReasoning || item.kind == Kind::kCall || item.kind == Kind::kHosted ||
         item.role == "assistant";
}

}  // namespace

std::string name_in_namespace(std::string_view space, std::string_view name) {
  if (space.empty()) return std::string(name);
  return fmt::format("{}{}{}", space, space.ends_with("__") ? "" : "__", name);
}

ResponseItems read_response_input(const Fields& body, const FindItem& find) {
  ResponseItems items;
  const json::value* input = body.find("input");
  if (input == nullptr) return items;
  if (input->is_string()) {
    auto item = std::make_shared<ResponseItem>();
    const json::object message = {{"role", "user"}, {"content", input->get_string()}};
    item->value = message;
    read_message(Fields(message, body.fault(), "input"), *item);
    items.push_back(measured(std::move(item)));
    return items;
  }
  const json::array* array = body.array("input");
  if (array == nullptr) return items;
  if (array->size() > kMaxItems) {
    body.fail("input", fmt::format("input: expected at most {} items, got {}", kMaxItems, array->size()));
  }
  for (size_t i = 0; i < array->size() && !body.fault(); ++i) {
    const std::string place = fmt::format("input[{}]", i);
    const json::object* object = (*array)[i].if_object();
    if (object == nullptr) {
      body.fail(place, fmt::format("{}: expected an object, got {}", place, kind_name((*array)[i])));
      break;
    }
    const Fields fields(*object, body.fault(), place);
    // The SDKs leave the type out where only a reference has an id and nothing else.
    if (fields.text("type").value_or(object->size() == 1 ? "item_reference" : "") == "item_reference") {
      items.push_back(read_reference(fields, find));
      continue;
    }
    auto item = std::make_shared<ResponseItem>();
    item->value = *object;
    read_item(fields, *item);
    items.push_back(measured(std::move(item)));
  }
  return items;
}

ResponseItemPtr made_item(const json::object& value) {
  auto item = std::make_shared<ResponseItem>();
  item->value = value;
  RequestFault fault;
  read_item(Fields(value, fault), *item);
  ONDOL_CHECK(!fault);
  return measured(std::move(item));
}

ResponseItemPtr made_hosted(const json::object& value, const std::string& text, int round) {
  auto item = std::make_shared<ResponseItem>();
  item->value = value;
  RequestFault fault;
  ONDOL_CHECK(read_hosted_item(Fields(value, fault), string_or(value, "type", ""), *item) && !fault);
  item->text = text;
  item->round = round;
  ResponseItemPtr made = measured(item);
  item->bytes += text.size();
  return made;
}

ResponseItemPtr find_approval_request(const ResponseItems& items, std::string_view id) {
  const auto found = std::find_if(items.rbegin(), items.rend(), [&](const ResponseItemPtr& item) {
    return item->kind == Kind::kApprovalRequest && item->call_id == id;
  });
  return found == items.rend() ? nullptr : *found;
}

json::array messages_of_items(std::string_view instructions, const ResponseItems& items, const std::string& letters) {
  json::array messages;
  const UntrustedMarks marks(letters);
  std::string system(instructions);
  if (!letters.empty()) system += (system.empty() ? "" : "\n\n") + UntrustedMarks::explanation();
  if (!system.empty()) messages.push_back(chat_message("system", system));
  bool is_introduced = letters.empty();
  AnswerMessage answer(letters.empty() ? nullptr : &marks);
  std::map<std::string, std::string> names;                  // of the tools that were called
  std::map<std::string_view, const ResponseItem*> requests;  // for approval, by id
  for (const ResponseItemPtr& item : items) {
    if (item->kind == Kind::kCall) names[item->call_id] = item->name;
    if (is_of_answer(*item)) {
      answer.add(*item, messages);
      continue;
    }
    // Approved calls are items of their own; what was asked and not answered was not called.
    if (item->kind == Kind::kApprovalRequest) requests[item->call_id] = item.get();
    if (item->kind == Kind::kListing || item->kind == Kind::kApprovalRequest) continue;
    if (item->kind == Kind::kApprovalAnswer) {
      const auto request = item->is_approved ? requests.end() : requests.find(item->call_id);
      if (request != requests.end()) answer.add(refused_call(*request->second, *item), messages);
      continue;
    }
    answer.close(messages);
    if (item->kind == Kind::kMessage) {
      const bool introduces = item->role == "user" && !std::exchange(is_introduced, true);
      messages.push_back(chat_message(item->role, introduces ? marks.introduction() + item->text : item->text));
      continue;
    }
    const auto name = names.find(item->call_id);
    messages.push_back(result_message(item->call_id, name == names.end() ? "" : name->second, item->text));
  }
  answer.close(messages);
  return messages;
}

}  // namespace ondol::server
