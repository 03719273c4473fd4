#include <algorithm>

#include <fmt/format.h>

#include "server/json_fields.h"
#include "server/openai.h"
#include "server/ownership.h"
#include "server/paging.h"
#include "server/tuning.h"

namespace ondol::server {
namespace {

constexpr ErrorStyle kStyle = ErrorStyle::kOpenAi;
constexpr size_t kUsuallyListed = 20;
constexpr size_t kMostListed = 10000;

std::string id_in(const Request& request) {
  const auto id = request.path_parameters.find("id");
  return id == request.path_parameters.end() ? "" : id->second;
}

std::string event_id(const TuningJob& job, char kind, int64_t n) {
  return fmt::format("ftevent-{}-{}{}", job.id.substr(job.id.find('-') + 1), kind, n);
}

json::object event_of(const TuningJob& job, const TuningMessage& message, size_t n) {
  json::object event = {{"object", "fine_tuning.job.event"}, {"id", event_id(job, 'm', static_cast<int64_t>(n))}};
  event["created_at"] = message.time;
  event["level"] = message.level;
  event["message"] = message.text;
  event["type"] = "message";
  event["data"] = nullptr;
  return event;
}

json::object event_of(const TuningJob& job, const train::LoggedStep& step) {
  json::object event = {{"object", "fine_tuning.job.event"}, {"id", event_id(job, 's', step.step)}};
  event["created_at"] = step.time;
  event["level"] = "info";
  event["message"] =
      fmt::format("Step {}/{}: training loss={:.4f}{}", step.step, job.n_steps, step.loss,
                  step.validation_loss ? fmt::format(", validation loss={:.4f}", *step.validation_loss) : "");
  event["type"] = "metrics";
  json::object data = {{"step", step.step}, {"total_steps", job.n_steps}, {"train_loss", step.loss}};
  if (step.validation_loss) data["full_valid_loss"] = *step.validation_loss;
  data["tokens_per_s"] = step.tokens_per_s;
  data["lr"] = step.rate;
  data["grad_norm"] = step.gradient_norm;
  if (step.preferences) {
    data["margin"] = step.preferences->margin;
    data["accuracy"] = step.preferences->accuracy;
  }
  event["data"] = std::move(data);
  return event;
}

void send_outcome(Responder& responder, const TuningJobs::Outcome& outcome) {
  if (outcome.error) return send_error(responder, kStyle, *outcome.error);
  send_json(responder, shown(outcome.job));
}

void list(TuningJobs& jobs, const Request& request, Responder& responder) {
  const PageWish wish = read_page(request, kUsuallyListed, kMostListed);
  if (wish.error) return send_error(responder, kStyle, *wish.error);
  std::vector<json::object> all;
  for (const TuningJob& job : jobs.list(owner_of(request))) all.push_back(shown(job));
  send_json(responder, page_of(std::move(all), wish));
}

void list_events(TuningJobs& jobs, const TuningJob& job, const Request& request, Responder& responder) {
  const PageWish wish = read_page(request, kUsuallyListed, kMostListed);
  if (wish.error) return send_error(responder, kStyle, *wish.error);
  std::vector<json::object> events = tuning_events(job, jobs.steps(job.id));
  std::reverse(events.begin(), events.end());
  send_json(responder, page_of(std::move(events), wish));
}

void list_checkpoints(TuningJobs&, const TuningJob& job, const Request& request, Responder& responder) {
  const PageWish wish = read_page(request, 10, kMostListed);
  if (wish.error) return send_error(responder, kStyle, *wish.error);
  std::vector<json::object> all;
  for (auto it = job.checkpoints.rbegin(); it != job.checkpoints.rend(); ++it) all.push_back(shown(job, *it));
  send_json(responder, page_of(std::move(all), wish));
}

void remove(TuningJobs& jobs, const Request& request, Responder& responder) {
  const TuningJobs::Outcome outcome = jobs.remove(id_in(request), owner_of(request));
  if (outcome.error) return send_error(responder, kStyle, *outcome.error);
  send_json(responder, json::object{{"id", outcome.job.id}, {"object", "fine_tuning.job"}, {"deleted", true}});
}

}  // namespace

std::vector<json::object> tuning_events(const TuningJob& job, const std::vector<train::LoggedStep>& steps) {
  std::vector<json::object> events;
  auto step = steps.begin();
  for (size_t i = 0; i < job.messages.size(); ++i) {
    for (; step != steps.end() && step->step <= job.messages[i].after_step; ++step) {
      events.push_back(event_of(job, *step));
    }
    events.push_back(event_of(job, job.messages[i], i));
  }
  for (; step != steps.end(); ++step) events.push_back(event_of(job, *step));
  return events;
}

std::vector<Route> tuning_routes(Services& services) {
  std::vector<Route> routes;
  TuningJobs& jobs = services.tuning;
  const auto checked = [](auto handle) {
    return [handle](const std::shared_ptr<const Request>& request, const ResponderPtr& responder, auto&&... more) {
      if (const auto error = check_right(*request, "models are taught")) return send_error(*responder, kStyle, *error);
      handle(*request, responder, more...);
    };
  };
  const std::string base = "/v1/fine_tuning/jobs";
  const auto on_worker = [&](const char* method, const std::string& path, auto handle) {
    const auto handler = checked([handle](const Request& request, const ResponderPtr& to) { handle(request, *to); });
    routes.push_back({method, base + path, kStyle, true, worker_handler(services, handler)});
  };
  const auto with_body = [&](const std::string& path, auto handle) {
    routes.push_back({"POST", path, kStyle, true, json_handler(services, checked(handle))});
  };
  const auto of_job = [&](auto handle) {
    return [&jobs, handle](const Request& request, Responder& responder) {
      const TuningJobs::Outcome found = jobs.find(id_in(request), owner_of(request));
      if (found.error) return send_error(responder, kStyle, *found.error);
      handle(jobs, found.job, request, responder);
    };
  };
  using Change = TuningJobs::Outcome (TuningJobs::*)(const std::string&, const std::string&);
  const auto change = [&](const char* path, Change make) {
    on_worker("POST", path, [&jobs, make](const Request& request, Responder& responder) {
      send_outcome(responder, (jobs.*make)(id_in(request), owner_of(request)));
    });
  };
  with_body(base, [&jobs](const Request& request, const ResponderPtr& to, const json::object& body) {
    send_outcome(*to, jobs.create(body, owner_of(request)));
  });
  with_body(
      "/v1/fine_tuning/preview", [&jobs](const Request& request, const ResponderPtr& to, const json::object& body) {
        jobs.preview(body, owner_of(request), [to](const json::object& found, const std::optional<HttpError>& error) {
          if (error) return send_error(*to, kStyle, *error);
          send_json(*to, found);
        });
      });
  on_worker("GET", "", [&jobs](const Request& request, Responder& to) { list(jobs, request, to); });
  on_worker("GET", "/{id}", of_job([](TuningJobs&, const TuningJob& job, const Request&, Responder& to) {
              send_json(to, shown(job));
            }));
  on_worker("DELETE", "/{id}", [&jobs](const Request& request, Responder& to) { remove(jobs, request, to); });
  on_worker("GET", "/{id}/events", of_job(list_events));
  on_worker("GET", "/{id}/checkpoints", of_job(list_checkpoints));
  change("/{id}/cancel", &TuningJobs::cancel);
  change("/{id}/pause", &TuningJobs::pause);
  change("/{id}/resume", &TuningJobs::resume);
  return routes;
}

}  // namespace ondol::server
