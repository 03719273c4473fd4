#include "server/responses_output.h"

#include <fmt/format.h>

#include "server/openai_logprobs.h"
#include "server/random_id.h"

namespace ondol::server {
namespace {

json::object text_part(const std::string& text, const json::array& annotations, const json::array& logprobs) {
  return {{"type", "output_text"}, {"text", text}, {"annotations", annotations}, {"logprobs", logprobs}};
}

json::object reasoning_part(const std::string& text) {
  return {{"type", "reasoning_text"}, {"text", text}};
}

json::object summary_part(const std::string& text) {
  return {{"type", "summary_text"}, {"text", text}};
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

void append(json::array& to, json::array& from) {
  for (json::value& value : from) to.push_back(std::move(value));
  from.clear();
}

}  // namespace

ResponseOutput::ResponseOutput(const ResponseTools& tools, bool wants_summary, Emit emit)
    : tools_(tools), wants_summary_(wants_summary), emit_(std::move(emit)) {}

void ResponseOutput::delta(const AnswerDelta& delta) {
  using Kind = AnswerDelta::Kind;
  switch (delta.kind) {
    case Kind::kReasoning:
      return add_reasoning(delta.text);
    case Kind::kContent:
      return add_content(delta.text);
    case Kind::kCallBegin:
      return open_call(delta);
    case Kind::kCallArguments:
      if (open_ != Open::kCall) return;
      text_ += delta.text;
      // What is taken out of the arguments (a free text, a program) is told when they are whole.
      if (runner_ == ToolRunner::kRemote && !must_ask_)
        emit_in_item("response.mcp_call_arguments.delta", {{"delta", delta.text}});
      if (!is_custom_ && runner_ == ToolRunner::kClient)
        emit_in_item("response.function_call_arguments.delta", {{"delta", delta.text}});
      return;
    case Kind::kCallEnd:
      if (open_ == Open::kCall) close("completed");
      return;
  }
}

void ResponseOutput::token(const TokenReport& report) {
  if (open_ != Open::kCall) pending_logprobs_.push_back(openai_logprob(report));
}

void ResponseOutput::add_content(const std::string& text) {
  if (open_ != Open::kMessage) {
    // Line breaks between a thought and a call are no message.
    blank_ += text;
    if (is_blank(blank_)) return;
    open_message();
    pending_text_ = std::exchange(blank_, {});
    return;
  }
  pending_text_ += text;
}

void ResponseOutput::add_reasoning(const std::string& text) {
  if (open_ != Open::kReasoning) open_reasoning();
  pending_text_ += text;
}

void ResponseOutput::flush() {
  if (pending_text_.empty()) return;
  text_ += pending_text_;
  const std::string text = std::exchange(pending_text_, {});
  if (open_ == Open::kMessage) {
    json::object fields = {{"content_index", 0}, {"delta", text}};
    fields["logprobs"] = pending_logprobs_;
    append(logprobs_, pending_logprobs_);
    emit_in_item("response.output_text.delta", std::move(fields));
  } else {
    emit_in_item("response.reasoning_text.delta", {{"content_index", 0}, {"delta", text}});
    if (wants_summary_) {
      emit_in_item("response.reasoning_summary_text.delta", {{"summary_index", 0}, {"delta", text}});
    }
  }
}

void ResponseOutput::begin_round() {
  has_answer_ = false;
  has_calls_ = false;
  hosted_calls_.clear();
  blank_.clear();
  pending_logprobs_.clear();
}

void ResponseOutput::ran(const HostedCall& call, const HostedResult& result) {
  using End = HostedResult::End;
  json::object& item = items_[call.item].as_object();
  item["status"] = result.end == End::kCompleted ? "completed" : result.end == End::kFailed ? "failed" : "incomplete";
  for (const auto& [key, value] : result.shown) item[key] = value;
  // Calls of other servers alone have an event for failure.
  const bool has_failed = call.runner == ToolRunner::kRemote && result.end != End::kCompleted;
  const std::string type =
      fmt::format("response.{}.{}", std::string_view(item["type"].as_string()), has_failed ? "failed" : "completed");
  emit_(type, {{"item_id", item["id"]}, {"output_index", call.item}});
  emit_("response.output_item.done", {{"output_index", call.item}, {"item", item}});
}

size_t ResponseOutput::begin_listing(const std::string& label) {
  items_.push_back(json::object{
      {"id", random_id("mcpl_")}, {"type", "mcp_list_tools"}, {"server_label", label}, {"tools", json::array()}});
  item()["error"] = nullptr;
  emit_("response.output_item.added", {{"output_index", items_.size() - 1}, {"item", items_.back()}});
  emit_in_item("response.mcp_list_tools.in_progress", {});
  return items_.size() - 1;
}

void ResponseOutput::end_listing(size_t at, const json::array& tools, const std::string& error) {
  json::object& listing = items_[at].as_object();
  listing["tools"] = tools;
  if (!error.empty()) listing["error"] = error;
  emit_(error.empty() ? "response.mcp_list_tools.completed" : "response.mcp_list_tools.failed",
        {{"item_id", listing["id"]}, {"output_index", at}});
  emit_("response.output_item.done", {{"output_index", at}, {"item", listing}});
}

HostedCall ResponseOutput::begin_approved(const std::string& tool, const std::string& arguments,
                                          const std::string& request_id) {
  tool_ = tool;
  runner_ = ToolRunner::kRemote;
  must_ask_ = false;
  open_hosted(tool);
  text_ = arguments;
  item()["approval_request_id"] = request_id;
  open_ = Open::kNothing;
  close_remote();
  const HostedCall call = hosted_calls_.back();
  hosted_calls_.pop_back();
  return call;
}

void ResponseOutput::end(FinishReason reason, json::array annotations) {
  annotations_ = std::move(annotations);
  const bool is_cut = reason == FinishReason::kLength;
  if (open_ == Open::kReasoning && !is_cut) close("completed");
  // An answer of nothing, or of white space alone, is still a message.
  if (open_ == Open::kNothing && ((!has_answer_ && !is_cut) || (!blank_.empty() && items_.empty()))) {
    open_message();
    pending_text_ = std::exchange(blank_, {});
  }
  close(is_cut ? "incomplete" : "completed");
  for (const HostedCall& call : hosted_calls_) {
    json::value& status = items_[call.item].as_object()["status"];
    if (status == "searching" || status == "interpreting" || status == "calling") status = "incomplete";
  }
}

void ResponseOutput::open(Open kind, json::object item) {
  close("completed");
  open_ = kind;
  text_.clear();
  item["status"] = "in_progress";
  items_.push_back(std::move(item));
  emit_("response.output_item.added", {{"output_index", items_.size() - 1}, {"item", items_.back()}});
}

void ResponseOutput::open_message() {
  has_answer_ = true;
  open(Open::kMessage,
       {{"id", random_id("msg_")}, {"type", "message"}, {"role", "assistant"}, {"content", json::array()}});
  logprobs_.clear();
  emit_part("response.content_part.added", text_part("", {}, {}));
}

void ResponseOutput::open_reasoning() {
  open(Open::kReasoning,
       {{"id", random_id("rs_")}, {"type", "reasoning"}, {"summary", json::array()}, {"content", json::array()}});
  emit_part("response.content_part.added", reasoning_part(""));
  if (wants_summary_) {
    emit_in_item("response.reasoning_summary_part.added", {{"summary_index", 0}, {"part", summary_part("")}});
  }
}

void ResponseOutput::open_call(const AnswerDelta& delta) {
  close("completed");
  has_answer_ = true;
  blank_.clear();
  pending_logprobs_.clear();
  const auto tool = tools_.by_name.find(delta.text);
  const bool is_known = tool != tools_.by_name.end();
  is_custom_ = is_known && tool->second.is_custom;
  runner_ = is_known ? tool->second.runner : ToolRunner::kClient;
  must_ask_ = is_known && tool->second.must_ask;
  tool_ = delta.text;
  if (runner_ != ToolRunner::kClient) return open_hosted(delta.text);
  has_calls_ = true;
  json::object item = {{"id", random_id(is_custom_ ? "ctc_" : "fc_")},
                       {"type", is_custom_ ? "custom_tool_call" : "function_call"},
                       {"call_id", delta.id},
                       {"name", is_known ? tool->second.name : delta.text}};
  if (is_known && !tool->second.space.empty()) item["namespace"] = tool->second.space;
  item[is_custom_ ? "input" : "arguments"] = "";
  open(Open::kCall, std::move(item));
}

void ResponseOutput::open_hosted(const std::string& name) {
  if (must_ask_) {
    close("completed");
    open_ = Open::kCall;
    text_.clear();
    return;
  }
  if (runner_ == ToolRunner::kFileSearch) {
    open(Open::kCall,
         {{"id", random_id("fs_")}, {"type", "file_search_call"}, {"queries", json::array()}, {"results", nullptr}});
    return emit_in_item("response.file_search_call.in_progress", {});
  }
  if (runner_ == ToolRunner::kCode) {
    const std::string container = tools_.code ? tools_.code->container : "";
    json::object item = {{"id", random_id("ci_")}, {"type", "code_interpreter_call"}, {"code", ""}};
    item["container_id"] = container;
    item["outputs"] = nullptr;
    open(Open::kCall, std::move(item));
    return emit_in_item("response.code_interpreter_call.in_progress", {});
  }
  const auto tool = tools_.by_name.find(name);
  const bool is_known = tool != tools_.by_name.end();
  json::object item = {{"id", random_id("mcp_")}, {"type", "mcp_call"}, {"arguments", ""}};
  item["name"] = is_known ? tool->second.name : name;
  item["server_label"] = is_known ? tool->second.space : "";
  for (const char* empty : {"approval_request_id", "output", "error"}) item[empty] = nullptr;
  open(Open::kCall, std::move(item));
  emit_in_item("response.mcp_call.in_progress", {});
}

void ResponseOutput::close(std::string_view status) {
  if (open_ == Open::kNothing) return;
  if (open_ == Open::kMessage) close_message();
  if (open_ == Open::kReasoning) close_reasoning();
  if (open_ == Open::kCall && runner_ != ToolRunner::kClient) return close_hosted(status == "completed");
  if (open_ == Open::kCall) close_call();
  open_ = Open::kNothing;
  item()["status"] = status;
  emit_("response.output_item.done", {{"output_index", items_.size() - 1}, {"item", items_.back()}});
}

void ResponseOutput::close_message() {
  flush();
  append(logprobs_, pending_logprobs_);
  emit_in_item("response.output_text.done", {{"content_index", 0}, {"text", text_}, {"logprobs", logprobs_}});
  for (size_t i = 0; i < annotations_.size(); ++i) {
    json::object fields = {{"content_index", 0}, {"annotation_index", i}};
    fields["annotation"] = annotations_[i];
    emit_in_item("response.output_text.annotation.added", std::move(fields));
  }
  json::object part = text_part(text_, annotations_, logprobs_);
  annotations_.clear();
  item()["content"] = json::array{part};
  emit_part("response.content_part.done", std::move(part));
}

void ResponseOutput::close_reasoning() {
  flush();
  emit_in_item("response.reasoning_text.done", {{"content_index", 0}, {"text", text_}});
  item()["content"] = json::array{reasoning_part(text_)};
  emit_part("response.content_part.done", reasoning_part(text_));
  if (!wants_summary_) return;
  emit_in_item("response.reasoning_summary_text.done", {{"summary_index", 0}, {"text", text_}});
  emit_in_item("response.reasoning_summary_part.done", {{"summary_index", 0}, {"part", summary_part(text_)}});
  item()["summary"] = json::array{summary_part(text_)};
}

/// It is done when it has run.
void ResponseOutput::close_hosted(bool is_whole) {
  open_ = Open::kNothing;
  // Where the answer was cut off, the end of a call may be told all the same. Half a program is none.
  const auto arguments = parse_json(text_);
  is_whole = is_whole && (runner_ == ToolRunner::kFileSearch || (arguments && arguments->is_object()));
  if (must_ask_) {
    if (is_whole) close_approval_request();
    return;
  }
  if (!is_whole) {
    item()["status"] = "incomplete";
    emit_("response.output_item.done", {{"output_index", items_.size() - 1}, {"item", items_.back()}});
    return;
  }
  if (runner_ == ToolRunner::kFileSearch) return close_search();
  if (runner_ == ToolRunner::kCode) return close_code();
  close_remote();
}

void ResponseOutput::close_search() {
  item()["queries"] = json::value_from(file_search_queries(text_));
  item()["status"] = "searching";
  emit_in_item("response.file_search_call.searching", {});
  hosted_calls_.push_back({runner_, items_.size() - 1, tool_, text_});
}

void ResponseOutput::close_code() {
  const std::string code = code_of_call(text_);
  item()["code"] = code;
  emit_in_item("response.code_interpreter_call_code.delta", {{"delta", code}});
  emit_in_item("response.code_interpreter_call_code.done", {{"code", code}});
  item()["status"] = "interpreting";
  emit_in_item("response.code_interpreter_call.interpreting", {});
  hosted_calls_.push_back({runner_, items_.size() - 1, tool_, text_});
}

void ResponseOutput::close_remote() {
  item()["arguments"] = text_;
  item()["status"] = "calling";
  emit_in_item("response.mcp_call_arguments.done", {{"arguments", text_}});
  hosted_calls_.push_back({runner_, items_.size() - 1, tool_, text_});
}

/// The call is the client's to approve, with which another response begins.
void ResponseOutput::close_approval_request() {
  const ResponseTool& tool = tools_.by_name.at(tool_);
  has_calls_ = true;
  items_.push_back(json::object{{"id", random_id("mcpr_")},
                                {"type", "mcp_approval_request"},
                                {"arguments", text_},
                                {"name", tool.name},
                                {"server_label", tool.space}});
  emit_("response.output_item.added", {{"output_index", items_.size() - 1}, {"item", items_.back()}});
  emit_("response.output_item.done", {{"output_index", items_.size() - 1}, {"item", items_.back()}});
}

void ResponseOutput::close_call() {
  if (!is_custom_) {
    item()["arguments"] = text_;
    emit_in_item("response.function_call_arguments.done", {{"name", item()["name"]}, {"arguments", text_}});
    return;
  }
  const std::string input = custom_input(text_);
  item()["input"] = input;
  emit_in_item("response.custom_tool_call_input.delta", {{"delta", input}});
  emit_in_item("response.custom_tool_call_input.done", {{"input", input}});
}

void ResponseOutput::emit_in_item(std::string_view type, json::object fields) {
  fields["item_id"] = item()["id"];
  fields["output_index"] = items_.size() - 1;
  emit_(type, std::move(fields));
}

void ResponseOutput::emit_part(std::string_view type, json::object part) {
  json::object fields = {{"content_index", 0}};
  fields["part"] = std::move(part);
  emit_in_item(type, std::move(fields));
}

}  // namespace ondol::server
