#include "server/responses_run.h"

#include <ctime>

#include "server/openai.h"
#include "server/random_id.h"

namespace ondol::server {
namespace {

// Memory that JSON takes, next to its text.
constexpr size_t kJsonFactor = 3;

/// Of one more round.
AnswerUsage sum_of(AnswerUsage all, const AnswerUsage& more) {
  all.n_prompt += more.n_prompt;
  all.n_cached += more.n_cached;
  all.n_generated += more.n_generated;
  all.n_reasoning += more.n_reasoning;
  all.queue_seconds += more.queue_seconds;
  all.prompt_seconds += more.prompt_seconds;
  all.token_seconds += more.token_seconds;
  return all;
}

json::object usage_object(const AnswerUsage& usage) {
  return {{"input_tokens", usage.n_prompt},
          {"input_tokens_details", {{"cached_tokens", usage.n_cached}, {"cache_write_tokens", 0}}},
          {"output_tokens", usage.n_generated},
          {"output_tokens_details", {{"reasoning_tokens", usage.n_reasoning}}},
          {"total_tokens", usage.n_prompt + usage.n_generated}};
}

/// With this API's names of parameters.
HttpError in_these_words(HttpError error) {
  if (error.parameter == "messages") error.parameter = "input";
  return error;
}

}  // namespace

ResponseRun::ResponseRun(ResponseRequest request, ResponseItems history, std::string owner,
                         const std::shared_ptr<ResponseStore>& store)
    : id_(random_id("resp_", 48)),
      request_(std::move(request)),
      history_(std::move(history)),
      owner_(std::move(owner)),
      store_(store),
      created_(std::time(nullptr)),
      keeps_events_(request_.stores && (request_.streams || request_.in_background)),
      tools_(request_.tools),
      output_(tools_, request_.wants_summary,
              [this](std::string_view type, json::object fields) { emit_locked(type, std::move(fields)); }),
      status_("in_progress"),
      model_(request_.chat.model) {}

ResponseItems ResponseRun::prompt_items() const {
  ResponseItems items = history_;
  items.insert(items.end(), request_.input.begin(), request_.input.end());
  const std::lock_guard lock(mutex_);
  const ResponseItems made = made_locked();
  items.insert(items.end(), made.begin(), made.end());
  return items;
}

ChatRequest ResponseRun::chat() const {
  ChatRequest chat = request_.chat;
  const std::lock_guard lock(mutex_);
  chat.tools.insert(chat.tools.end(), added_tools_.begin(), added_tools_.end());
  if (n_left_locked() <= 0) std::erase_if(chat.tools, [&](const auto& tool) { return is_hosted_locked(tool.name); });
  if (chat.tools.empty()) chat.tool_choice = ToolChoice::kAuto;
  if (round_ == 0) return chat;
  // What had to be called has been called; an answer is to come of it.
  chat.tool_choice = ToolChoice::kAuto;
  if (usage_ && chat.max_tokens > 0) chat.max_tokens = std::max(1, chat.max_tokens - usage_->n_generated);
  return chat;
}

bool ResponseRun::is_hosted_locked(const std::string& tool) const {
  const auto known = tools_.by_name.find(tool);
  return known != tools_.by_name.end() && known->second.runner != ToolRunner::kClient;
}

ResponseItems ResponseRun::conversation() const {
  ResponseItems items = history_;
  items.insert(items.end(), request_.input.begin(), request_.input.end());
  const std::lock_guard lock(mutex_);
  items.insert(items.end(), made_.begin(), made_.end());
  return items;
}

ResponseItems ResponseRun::made_locked() const {
  ResponseItems made;
  for (size_t i = 0; i < output_.items().size(); ++i) {
    const json::object& item = output_.items()[i].as_object();
    const auto told = told_.find(i);
    made.push_back(told == told_.end() ? made_item(item) : made_hosted(item, told->second.text, told->second.round));
  }
  return made;
}

ResponseItems ResponseRun::own_items() const {
  ResponseItems items = request_.input;
  const std::lock_guard lock(mutex_);
  items.insert(items.end(), made_.begin(), made_.end());
  return items;
}

json::object ResponseRun::response() const {
  const std::lock_guard lock(mutex_);
  return response_locked();
}

json::object ResponseRun::response_locked() const {
  json::object response = {{"id", id_}, {"object", "response"}, {"created_at", created_}, {"status", status_}};
  response["completed_at"] = completed_ == 0 ? json::value(nullptr) : json::value(completed_);
  response["error"] = error_;
  response["incomplete_details"] = nullptr;
  if (status_ == "incomplete") response["incomplete_details"] = {{"reason", "max_output_tokens"}};
  response["model"] = model_;
  response["output"] = output_.items();
  for (const auto& [key, value] : request_.echo) response[key] = value;
  response["usage"] = usage_ ? json::value(usage_object(*usage_)) : json::value(nullptr);
  if (json::object extras = extras_locked(); !extras.empty()) response["ondol"] = std::move(extras);
  return response;
}

json::object ResponseRun::extras_locked() const {
  json::object extras;
  if (!request_.tools.ignored.empty()) extras["ignored_tools"] = json::value_from(request_.tools.ignored);
  if (n_dropped_ > 0) extras["dropped_items"] = n_dropped_;
  if (usage_) extras["timings"] = openai_timings(*usage_);
  return extras;
}

void ResponseRun::answer(ResponderPtr responder) {
  const std::lock_guard lock(mutex_);
  whole_ = std::move(responder);
}

void ResponseRun::follow(ResponderPtr responder, size_t from) {
  const std::lock_guard lock(mutex_);
  EventWriter writer(std::move(responder));
  if (is_announced_) writer.begin();
  for (size_t i = from; i < events_.size(); ++i) writer.event(events_[i].type, events_[i].text);
  writer.flush();
  if (is_over_) return writer.end();
  followers_.push_back(std::move(writer));
}

void ResponseRun::queue() {
  const std::lock_guard lock(mutex_);
  status_ = "queued";
  announce_locked();
  emit_response_locked("response.queued");
  flush_locked();
}

void ResponseRun::set_next(std::function<void()> next) {
  const std::lock_guard lock(mutex_);
  next_ = std::move(next);
}

void ResponseRun::open() {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  open_locked();
  flush_locked();
}

size_t ResponseRun::begin_listing(const std::string& label) {
  const std::lock_guard lock(mutex_);
  if (is_over_) return 0;
  const size_t item = output_.begin_listing(label);
  flush_locked();
  return item;
}

void ResponseRun::end_listing(size_t item, const json::array& tools, const std::string& error) {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  output_.end_listing(item, tools, error);
  flush_locked();
}

HostedCall ResponseRun::begin_approved(const std::string& tool, const std::string& arguments,
                                       const std::string& request_id) {
  const std::lock_guard lock(mutex_);
  if (is_over_) return {};
  const HostedCall call = output_.begin_approved(tool, arguments, request_id);
  flush_locked();
  return call;
}

void ResponseRun::add_tool(const ToolDefinition& definition, const ResponseTool& shown) {
  const std::lock_guard lock(mutex_);
  if (tools_.by_name.emplace(definition.name, shown).second) added_tools_.push_back(definition);
}

bool ResponseRun::has_tool(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return tools_.by_name.contains(name);
}

ResponseTool ResponseRun::tool(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = tools_.by_name.find(name);
  return found == tools_.by_name.end() ? ResponseTool{name, ""} : found->second;
}

std::vector<HostedCall> ResponseRun::hosted_calls() const {
  const std::lock_guard lock(mutex_);
  return is_over_ ? std::vector<HostedCall>() : output_.hosted_calls();
}

int ResponseRun::n_left_locked() const {
  return request_.most_calls - static_cast<int>(told_.size());
}

int ResponseRun::n_tokens() const {
  const std::lock_guard lock(mutex_);
  return n_tokens_;
}

int ResponseRun::n_calls_left() const {
  const std::lock_guard lock(mutex_);
  return n_left_locked();
}

void ResponseRun::ran(const HostedCall& call, const HostedResult& result) {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  // What was approved belongs to no round of the model's.
  const bool has_begun = usage_.has_value();
  told_[call.item] = {result.text, has_begun ? round_ : -1};
  output_.ran(call, result);
  flush_locked();
}

bool ResponseRun::begin_round() {
  const std::lock_guard lock(mutex_);
  const bool is_wanted =
      !is_over_ && !output_.hosted_calls().empty() && !output_.has_calls() && reason_ != FinishReason::kLength;
  if (!is_wanted) return false;
  ++round_;
  output_.begin_round();
  return true;
}

std::string ResponseRun::message() const {
  const std::lock_guard lock(mutex_);
  return output_.message();
}

void ResponseRun::finish(json::array annotations) {
  const std::lock_guard lock(mutex_);
  if (!is_over_) finish_locked(end_status(), std::move(annotations));
}

void ResponseRun::set_run(const std::shared_ptr<AnswerRun>& run) {
  bool is_cancelled;
  {
    const std::lock_guard lock(mutex_);
    run_ = run;
    is_cancelled = status_ == "cancelled";
  }
  if (is_cancelled) run->cancel();
}

void ResponseRun::cancel() {
  std::shared_ptr<AnswerRun> run;
  {
    const std::lock_guard lock(mutex_);
    if (is_over_) return;
    finish_locked("cancelled");
    run = run_.lock();
  }
  if (run) run->cancel();
}

void ResponseRun::note_dropped(size_t n_items) {
  const std::lock_guard lock(mutex_);
  n_dropped_ = n_items;
}

void ResponseRun::waiting() {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  announce_locked();
  flush_locked();
}

void ResponseRun::begin(const AnswerStart& start) {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  if (round_ > 0) return;
  model_ = start.model;
  open_locked();
  flush_locked();
}

void ResponseRun::open_locked() {
  status_ = "in_progress";
  announce_locked();
  if (!std::exchange(is_open_, true)) emit_response_locked("response.in_progress");
}

/// From here on it exists.
void ResponseRun::announce_locked() {
  if (is_announced_) return;
  is_announced_ = true;
  emit_response_locked("response.created");
  store_locked();
}

void ResponseRun::delta(int, const AnswerDelta& delta) {
  const std::lock_guard lock(mutex_);
  if (!is_over_) output_.delta(delta);
}

void ResponseRun::token(int, const TokenReport& report) {
  const std::lock_guard lock(mutex_);
  if (!is_over_) output_.token(report);
}

void ResponseRun::flush() {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  output_.flush();
  flush_locked();
}

void ResponseRun::choice_end(int, FinishReason reason, const std::string&) {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  reason_ = reason;
}

void ResponseRun::end(const AnswerUsage& usage) {
  std::function<void()> next;
  {
    const std::lock_guard lock(mutex_);
    if (is_over_) return;
    usage_ = usage_ ? sum_of(*usage_, usage) : usage;
    n_tokens_ = usage.n_prompt + usage.n_generated;
    next = next_;
    if (!next || (output_.hosted_calls().empty() && told_.empty())) return finish_locked(end_status());
  }
  next();
}

void ResponseRun::fail(const HttpError& given) {
  const HttpError error = in_these_words(given);
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  if (is_announced_ && error.code == "cancelled") return finish_locked("cancelled");
  // Those who wait for the whole get the status that the error has.
  if (const ResponderPtr responder = std::exchange(whole_, nullptr)) send_error(*responder, ErrorStyle::kOpenAi, error);
  if (is_announced_) {
    error_ = json::object{{"code", error.status < 500 ? "invalid_prompt" : "server_error"}, {"message", error.message}};
    return finish_locked("failed");
  }
  is_over_ = true;
  for (EventWriter& follower : followers_) follower.fail(ErrorStyle::kOpenAi, error);
  followers_.clear();
}

void ResponseRun::emit_response_locked(std::string_view type) {
  if (!keeps_events_ && followers_.empty()) return;
  json::object fields;
  fields["response"] = response_locked();
  emit_locked(type, std::move(fields));
}

void ResponseRun::emit_locked(std::string_view type, json::object fields) {
  if (!keeps_events_ && followers_.empty()) return;
  json::object event = {{"type", type}, {"sequence_number", n_events_++}};
  for (auto& [key, value] : fields) event[key] = std::move(value);
  std::string text = json::serialize(event);
  for (EventWriter& follower : followers_) follower.event(type, text);
  if (!keeps_events_) return;
  event_bytes_ += type.size() + text.size() + sizeof(Event);
  events_.push_back({std::string(type), std::move(text)});
}

void ResponseRun::flush_locked() {
  for (EventWriter& follower : followers_) follower.flush();
}

void ResponseRun::finish_locked(const char* status, json::array annotations) {
  status_ = status;
  // What was not finished stays as far as it came.
  output_.end(status_ == "completed" ? reason_ : FinishReason::kLength, std::move(annotations));
  made_ = made_locked();
  next_ = nullptr;
  completed_ = std::time(nullptr);
  is_over_ = true;
  // There is no event for what was cancelled; clients wait for one of three.
  emit_response_locked(status_ == "completed" ? "response.completed"
                       : status_ == "failed"  ? "response.failed"
                                              : "response.incomplete");
  for (EventWriter& follower : followers_) follower.end();
  followers_.clear();
  if (const ResponderPtr responder = std::exchange(whole_, nullptr)) send_json(*responder, response_locked());
  store_locked();
}

void ResponseRun::store_locked() {
  if (!request_.stores) return;
  if (const auto store = store_.lock()) store->put(shared_from_this(), bytes_locked());
}

size_t ResponseRun::bytes_locked() const {
  size_t bytes = sizeof(ResponseRun) + event_bytes_ + kJsonFactor * json::serialize(response_locked()).size();
  for (const ResponseItems* items : {&history_, &request_.input, &made_}) {
    for (const ResponseItemPtr& item : *items) bytes += kJsonFactor * item->bytes;
  }
  return bytes;
}

}  // namespace ondol::server
