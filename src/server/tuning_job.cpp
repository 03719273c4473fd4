#include "server/tuning_job.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "server/tuning_errors.h"

namespace ondol::server {
namespace {

using Status = TuningStatus;
constexpr std::array<std::pair<Status, std::string_view>, 7> kNames = {{{Status::kValidating, "validating_files"},
                                                                        {Status::kQueued, "queued"},
                                                                        {Status::kRunning, "running"},
                                                                        {Status::kPaused, "paused"},
                                                                        {Status::kSucceeded, "succeeded"},
                                                                        {Status::kFailed, "failed"},
                                                                        {Status::kCancelled, "cancelled"}}};

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value() : json::value(text);
}

json::value number_or_null(const std::optional<double>& number) {
  return number ? json::value(*number) : json::value();
}

std::optional<double> optional_number(const json::value& object, std::string_view key) {
  const json::value* value = find_member(object, key);
  return value != nullptr && value->is_number() ? std::optional(value->to_number<double>()) : std::nullopt;
}

void read_lists(const json::value& document, TuningJob& job) {
  if (const json::value* messages = find_member(document, "messages"); messages != nullptr && messages->is_array()) {
    for (const json::value& entry : messages->get_array()) {
      job.messages.push_back({int_or(entry, "time", 0), string_or(entry, "level", "info"), string_or(entry, "text", ""),
                              int_or(entry, "after_step", 0)});
    }
  }
  if (const json::value* all = find_member(document, "checkpoints"); all != nullptr && all->is_array()) {
    for (const json::value& entry : all->get_array()) {
      job.checkpoints.push_back({int_or(entry, "step", 0), int_or(entry, "time", 0), double_or(entry, "loss", 0),
                                 optional_number(entry, "validation_loss")});
    }
  }
}

}  // namespace

std::string_view status_name(TuningStatus status) {
  for (const auto& [of, name] : kNames) {
    if (of == status) return name;
  }
  return "";
}

bool may_become(TuningStatus from, TuningStatus to) {
  if (has_ended(from) || from == to) return false;
  switch (to) {
    case Status::kValidating:
      return false;
    case Status::kQueued:
      return true;
    case Status::kRunning:
      return from == Status::kQueued;
    case Status::kPaused:
      return from == Status::kQueued || from == Status::kRunning;
    case Status::kSucceeded:
      return from == Status::kRunning;
    case Status::kFailed:
    case Status::kCancelled:
      return true;
  }
  return false;
}

json::object to_document(const TuningJob& job) {
  json::object document = {{"id", job.id}, {"owner", job.owner}, {"base", job.base}, {"adapter", job.adapter}};
  document["status"] = status_name(job.status);
  document["created_at"] = job.created_at;
  document["finished_at"] = job.finished_at;
  document["asked"] = job.asked;
  if (job.error) document["error"] = shown(*job.error);
  document["has_result"] = job.has_result;
  document["trained_tokens"] = job.trained_tokens;
  document["n_examples"] = job.n_examples;
  document["n_steps"] = job.n_steps;
  json::array messages;
  for (const TuningMessage& message : job.messages) {
    messages.push_back(json::object{
        {"time", message.time}, {"level", message.level}, {"text", message.text}, {"after_step", message.after_step}});
  }
  document["messages"] = std::move(messages);
  json::array checkpoints;
  for (const TuningCheckpoint& checkpoint : job.checkpoints) {
    checkpoints.push_back(json::object{{"step", checkpoint.step},
                                       {"time", checkpoint.time},
                                       {"loss", checkpoint.loss},
                                       {"validation_loss", number_or_null(checkpoint.validation_loss)}});
  }
  document["checkpoints"] = std::move(checkpoints);
  return document;
}

Result<TuningJob> from_document(const json::value& document) {
  TuningJob job;
  job.id = string_or(document, "id", "");
  job.owner = string_or(document, "owner", "");
  job.base = string_or(document, "base", "");
  job.adapter = string_or(document, "adapter", "");
  const std::string status = string_or(document, "status", "");
  bool is_known = false;
  for (const auto& [of, name] : kNames) {
    if (name != status) continue;
    job.status = of;
    is_known = true;
  }
  const json::value* asked = find_member(document, "asked");
  if (!is_known || job.id.empty() || job.base.empty() || asked == nullptr || !asked->is_object()) {
    return Error("expected a job, with its id, base, status and what was asked");
  }
  job.asked = asked->get_object();
  RequestFault fault;
  job.request = read_tuning_request(Fields(job.asked, fault));
  if (fault) return Error(fault.error().message);
  job.created_at = int_or(document, "created_at", 0);
  job.finished_at = int_or(document, "finished_at", 0);
  if (const json::value* error = find_member(document, "error")) {
    job.error = TuningError{string_or(*error, "code", ""), string_or(*error, "message", ""),
                            string_or(*error, "param", ""), int_or(*error, "line", 0)};
  }
  job.has_result = bool_or(document, "has_result", false);
  job.trained_tokens = int_or(document, "trained_tokens", 0);
  job.n_examples = int_or(document, "n_examples", 0);
  job.n_steps = int_or(document, "n_steps", 0);
  read_lists(document, job);
  return job;
}

json::object shown(const TuningJob& job) {
  json::object object = {{"id", job.id}, {"object", "fine_tuning.job"}, {"created_at", job.created_at}};
  object["error"] = job.error ? json::value(shown(*job.error)) : json::value();
  object["fine_tuned_model"] = job.has_result ? json::value(job.model_name()) : json::value();
  object["finished_at"] = job.finished_at > 0 ? json::value(job.finished_at) : json::value();
  object["hyperparameters"] = job.request.hyperparameters_shown;
  object["model"] = job.base;
  object["organization_id"] = "ondol";
  object["result_files"] = json::array();
  object["status"] = status_name(job.status);
  object["trained_tokens"] = has_ended(job.status) ? json::value(job.trained_tokens) : json::value();
  object["training_file"] = job.request.training_file;
  object["validation_file"] = text_or_null(job.request.validation_file);
  object["estimated_finish"] = nullptr;
  object["integrations"] = json::array();
  object["metadata"] = job.request.metadata;
  object["method"] = job.request.method_shown;
  object["seed"] = job.request.options.lora.seed;
  object["user_provided_suffix"] = text_or_null(job.request.suffix);
  json::object own = {{"n_examples", job.n_examples}, {"steps", job.n_steps}};
  const bool is_live = job.request.is_live && !job.checkpoints.empty() && job.status != Status::kFailed;
  own["live_model"] = is_live ? json::value(job.model_name()) : json::value();
  if (const json::value* asked = job.asked.if_contains("ondol")) own["asked"] = *asked;
  object["ondol"] = std::move(own);
  return object;
}

json::object shown(const TuningJob& job, const TuningCheckpoint& checkpoint) {
  json::object metrics = {{"step", checkpoint.step}, {"train_loss", checkpoint.loss}};
  if (checkpoint.validation_loss) metrics["full_valid_loss"] = *checkpoint.validation_loss;
  json::object object = {{"id", fmt::format("ftckpt-{}-{}", job.id.substr(job.id.find('-') + 1), checkpoint.step)}};
  object["object"] = "fine_tuning.job.checkpoint";
  object["created_at"] = checkpoint.time;
  object["fine_tuned_model_checkpoint"] = fmt::format("{}:{}", job.base, job.checkpoint_adapter(checkpoint.step));
  object["fine_tuning_job_id"] = job.id;
  object["metrics"] = std::move(metrics);
  object["step_number"] = checkpoint.step;
  return object;
}

}  // namespace ondol::server
