#include "server/responses_output.h"

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
      // The free text of a custom tool is told when the arguments around it are whole.
      if (!is_custom_ && !is_search_) emit_in_item("response.function_call_arguments.delta", {{"delta", delta.text}});
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
  searches_.clear();
  blank_.clear();
  pending_logprobs_.clear();
}

void ResponseOutput::searched(const Search& search, json::value results) {
  json::object& item = items_[search.item].as_object();
  item["status"] = "completed";
  item["results"] = std::move(results);
  emit_("response.file_search_call.completed", {{"item_id", item["id"]}, {"output_index", search.item}});
  emit_("response.output_item.done", {{"output_index", search.item}, {"item", item}});
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
  for (const Search& search : searches_) {
    json::value& status = items_[search.item].as_object()["status"];
    if (status == "searching") status = "incomplete";
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
  has_answer_ = true;
  blank_.clear();
  pending_logprobs_.clear();
  const auto tool = tools_.by_name.find(delta.text);
  const bool is_known = tool != tools_.by_name.end();
  is_custom_ = is_known && tool->second.is_custom;
  is_search_ = is_known && tool->second.is_search;
  if (is_search_) {
    open(Open::kCall,
         {{"id", random_id("fs_")}, {"type", "file_search_call"}, {"queries", json::array()}, {"results", nullptr}});
    return emit_in_item("response.file_search_call.in_progress", {});
  }
  has_calls_ = true;
  json::object item = {{"id", random_id(is_custom_ ? "ctc_" : "fc_")},
                       {"type", is_custom_ ? "custom_tool_call" : "function_call"},
                       {"call_id", delta.id},
                       {"name", is_known ? tool->second.name : delta.text}};
  if (is_known && !tool->second.space.empty()) item["namespace"] = tool->second.space;
  item[is_custom_ ? "input" : "arguments"] = "";
  open(Open::kCall, std::move(item));
}

void ResponseOutput::close(std::string_view status) {
  if (open_ == Open::kNothing) return;
  if (open_ == Open::kMessage) close_message();
  if (open_ == Open::kReasoning) close_reasoning();
  if (open_ == Open::kCall && is_search_) return close_search(status == "completed");
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

/// It is done when it was searched for.
void ResponseOutput::close_search(bool is_whole) {
  open_ = Open::kNothing;
  if (!is_whole) {
    item()["status"] = "incomplete";
    emit_("response.output_item.done", {{"output_index", items_.size() - 1}, {"item", items_.back()}});
    return;
  }
  std::vector<std::string> queries = file_search_queries(text_);
  item()["queries"] = json::value_from(queries);
  item()["status"] = "searching";
  emit_in_item("response.file_search_call.searching", {});
  searches_.push_back({items_.size() - 1, std::move(queries)});
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
