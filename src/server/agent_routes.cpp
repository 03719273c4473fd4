#include "server/agent_routes.h"

#include <charconv>

#include <fmt/format.h>

#include "agent/sandbox.h"
#include "server/agent_json.h"
#include "server/agent_requests.h"
#include "server/agent_schedule_routes.h"
#include "server/agent_service.h"
#include "server/openai.h"
#include "server/ownership.h"
#include "server/paging.h"

namespace ondol::server {
namespace {

constexpr ErrorStyle kStyle = ErrorStyle::kOpenAi;
constexpr size_t kUsuallyListed = 20;
constexpr size_t kMostListed = 1000;
constexpr size_t kMostSteps = 10'000;
constexpr size_t kMostBody = size_t{1} << 20;
constexpr JobState kStates[] = {JobState::kWaiting, JobState::kRunning, JobState::kAsking,
                                JobState::kDone,    JobState::kFailed,  JobState::kCancelled};

/// A whole number; `otherwise` for what is none.
int64_t number_in(std::string_view text, int64_t otherwise) {
  int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size() ? otherwise : number;
}

int64_t id_in(const Request& request) {
  return number_in(request.path_parameters.at("id"), -1);
}

void send_failure(Responder& responder, const Error& error) {
  send_error(responder, kStyle, make_error(503, "the table of jobs: " + error.message()));
}

/// The job of the path, where its asker may see it; otherwise it answers 404, and there is none.
std::optional<JobRecord> find_job(AgentService& agents, const Request& request, Responder& responder) {
  const int64_t id = id_in(request);
  auto job = agents.with_table([&](JobTable& table) { return table.find(id); });
  if (!job) {
    send_failure(responder, job.error());
    return {};
  }
  if (*job && may_see(owner_of(request), (*job)->owner)) return std::move(*job);
  send_error(responder, kStyle,
             make_error(404, fmt::format("there is no job {}", request.path_parameters.at("id").substr(0, 40)),
                        "job_not_found"));
  return {};
}

void show(Services& services, Responder& responder) {
  static std::mutex mutex;
  static std::string sandbox;  // is tried once, with a real run
  json::object shown = {{"object", "agents"}, {"enabled", services.agents != nullptr}};
  json::array workspaces;
  if (services.agents != nullptr) {
    for (const std::string& folder : services.agents->workspaces()) workspaces.push_back(json::string(folder));
    shown["tools"] = agent_tools_as_json(services.agents->options().places);
    const std::lock_guard lock(mutex);
    if (sandbox.empty()) {
      const auto tried = Sandbox::open();
      sandbox = tried ? (*tried)->description() : tried.error().message();
    }
    shown["sandbox"] = sandbox;
  } else {
    shown["tools"] = json::array{};
    shown["sandbox"] = nullptr;
  }
  shown["workspaces"] = std::move(workspaces);
  send_json(responder, shown);
}

void add(Services& services, const Request& request, Responder& responder, const json::object& body) {
  RequestFault fault;
  WantedJob wanted = read_wanted_job(services, Fields(body, fault));
  if (wanted.error) return send_error(responder, kStyle, *wanted.error);
  // A name is its owner's own.
  const std::string owner = owner_of(request);
  const std::string name = wanted.name.empty() ? "" : fmt::format("api/{}/{}", owner, wanted.name);
  json::value work = work_of(wanted.task);
  if (!wanted.name.empty()) work.get_object()["name"] = wanted.name;
  send_new_job(*services.agents, responder, 200,
               [&](JobTable& table) { return table.add({.name = name, .work = std::move(work), .owner = owner}); });
}

void list(AgentService& agents, const Request& request, Responder& responder) {
  const PageWish wish = read_page(request, kUsuallyListed, kMostListed);
  if (wish.error) return send_error(responder, kStyle, *wish.error);
  JobQuery query{.asker = owner_of(request)};
  if (const auto state = request.query.find("state"); state != request.query.end() && !state->second.empty()) {
    for (const JobState one : kStates) {
      if (name_of(one) == state->second) query.state = one;
    }
    if (!query.state) {
      return send_error(responder, kStyle,
                        make_error(400, fmt::format("state: expected waiting, running, asking, done, failed or "
                                                    "cancelled, got '{}'",
                                                    state->second.substr(0, 100))));
    }
  }
  query.before = wish.after.empty() ? 0 : number_in(wish.after, -1);
  if (query.before < 0) return send_error(responder, kStyle, make_error(400, "after: expected the id of a job"));
  const auto jobs =
      agents.with_table([&](JobTable& table) { return table.list(static_cast<int64_t>(wish.limit) + 1, query); });
  if (!jobs) return send_failure(responder, jobs.error());
  json::array data;
  for (size_t i = 0; i < std::min(jobs->size(), wish.limit); ++i) data.push_back(job_as_json((*jobs)[i]));
  send_json(responder,
            json::object{{"object", "list"}, {"data", std::move(data)}, {"has_more", jobs->size() > wish.limit}});
}

/// Makes a change that depends on the job's state; `refusal` says what speaks against it.
void change(AgentService& agents, const Request& request, Responder& responder, const std::string& refusal,
            const std::function<Result<bool>(JobTable& table, const JobRecord& job)>& make) {
  const auto job = find_job(agents, request, responder);
  if (!job) return;
  const auto changed = agents.with_table([&](JobTable& table) { return make(table, *job); });
  if (!changed) return send_failure(responder, changed.error());
  agents.wake();
  const auto now = agents.with_table([&](JobTable& table) { return table.find(job->id); });
  if (!now || !*now) return send_failure(responder, now ? Error("the job is gone") : now.error());
  if (*changed) return send_json(responder, job_as_json(**now));
  send_error(
      responder, kStyle,
      make_error(409, fmt::format("job {} {} (it is {})", job->id, refusal, name_of((*now)->state)), "wrong_state"));
}

void answer(AgentService& agents, const Request& request, Responder& responder, const json::object& body) {
  const std::string given = string_or(json::value(body), "answer", "");
  if (given != "yes" && given != "no" && given != "always") {
    return send_error(responder, kStyle, make_error(400, "answer: expected yes, no or always"));
  }
  change(agents, request, responder, "does not ask anything",
         [&](JobTable& table, const JobRecord& job) { return table.answer(job.id, given); });
}

void cancel(AgentService& agents, const Request& request, Responder& responder) {
  change(agents, request, responder, "has ended", [](JobTable& table, const JobRecord& job) -> Result<bool> {
    if (job.state == JobState::kCancelled) return true;
    return table.cancel(job.id);
  });
}

void resume(AgentService& agents, const Request& request, Responder& responder, const json::object& body) {
  const auto job = find_job(agents, request, responder);
  if (!job) return;
  if (!has_ended(job->state)) {
    return send_error(
        responder, kStyle,
        make_error(409, fmt::format("job {} is {}; it can be resumed when it has ended", job->id, name_of(job->state)),
                   "wrong_state"));
  }
  if (session_of(*job).empty()) {
    return send_error(responder, kStyle,
                      make_error(409, fmt::format("job {} never began, so there is no session to go on with", job->id),
                                 "wrong_state"));
  }
  RequestFault fault;
  const std::string goal = Fields(body, fault).text("goal").value_or("");
  if (fault) return send_error(responder, kStyle, fault.error());
  json::object work = job->work.is_object() ? job->work.get_object() : json::object();
  for (const char* key : {"given", "trigger", "name"}) work.erase(key);
  const std::string earlier = string_or(job->work, "goal", "");
  if (!earlier.empty()) work["earlier_goal"] = earlier;
  work["goal"] = goal;
  work["resume"] = session_of(*job);
  send_new_job(agents, responder, 200, [&](JobTable& table) {
    return table.add({.work = std::move(work), .owner = owner_of(request), .home = job->home});
  });
}

void steps(AgentService& agents, const Request& request, const ResponderPtr& responder) {
  const auto job = find_job(agents, request, *responder);
  if (!job) return;
  const auto found = request.query.find("after");
  int64_t after = found == request.query.end() ? -1 : number_in(found->second, -1);
  if (request.header("accept").find("text/event-stream") != std::string_view::npos) {
    after = number_in(request.header("last-event-id"), after);
    if (agents.streams().add_steps(job->id, after, responder)) return;
    return send_error(*responder, kStyle, make_error(503, "too many listen to agents; try again later"));
  }
  const std::string session = session_of(*job);
  SessionTail tail(agents.options().places.sessions() + "/" + session + "/steps.jsonl", after);
  json::array data;
  bool has_more = false;
  while (!session.empty() && !has_more) {
    auto next = tail.next();
    if (!next) return send_error(*responder, kStyle, make_error(500, next.error().message()));
    if (next->empty()) break;
    for (const json::object& step : *next) data.push_back(step_as_json(step));
    has_more = data.size() >= kMostSteps;
  }
  send_json(*responder,
            json::object{
                {"object", "list"}, {"data", std::move(data)}, {"state", name_of(job->state)}, {"has_more", has_more}});
}

void events(AgentService& agents, const Request& request, const ResponderPtr& responder) {
  if (agents.streams().add_jobs(owner_of(request), responder)) return;
  send_error(*responder, kStyle, make_error(503, "too many listen to agents; try again later"));
}

}  // namespace

void send_new_job(AgentService& agents, Responder& responder, int status,
                  const std::function<Result<int64_t>(JobTable& table)>& add) {
  constexpr int64_t kMostWaiting = 10'000;
  const auto added = agents.with_table([&](JobTable& table) -> Result<std::optional<JobRecord>> {
    if (ONDOL_TRY(table.count(JobState::kWaiting)) >= kMostWaiting) return std::optional<JobRecord>();
    return table.find(ONDOL_TRY(add(table)));
  });
  if (!added) return send_failure(responder, added.error());
  if (!*added) {
    return send_error(responder, kStyle,
                      make_error(503, fmt::format("{} jobs are waiting; try again later", kMostWaiting)));
  }
  agents.wake();
  responder.send(status, "application/json", json_text(job_as_json(**added)));
}

AgentHandlers::AgentHandlers(Services& services) : services_(services) {}

bool AgentHandlers::refuse(const Request& request, Responder& responder) const {
  if (const auto error = check_right(request, "agents are put to work")) {
    send_error(responder, kStyle, *error);
    return true;
  }
  return refuse_where_disabled(responder);
}

bool AgentHandlers::refuse_where_disabled(Responder& responder) const {
  if (services_.agents != nullptr) return false;
  send_error(responder, kStyle,
             make_error(404, "agents do not work here; start the server with --workspace DIR", "agents_not_enabled"));
  return true;
}

void AgentHandlers::on_worker(const char* method, const std::string& path, Handle handle) {
  const auto checked = [this_ = *this, handle = std::move(handle)](const std::shared_ptr<const Request>& request,
                                                                   const ResponderPtr& responder) {
    if (!this_.refuse(*request, *responder)) handle(*request, responder);
  };
  routes.push_back({method, path, kStyle, true, worker_handler(services_, checked)});
}

void AgentHandlers::with_body(const std::string& path, HandleBody handle) {
  const auto run = [handle = std::move(handle)](const Request& request, const ResponderPtr& responder) {
    // Nothing is an empty object: some of these requests need no body.
    if (request.body.empty()) return handle(request, responder, json::object());
    const auto body = read_json_object(request);
    if (!body) return send_error(*responder, kStyle, field_error(body.error()));
    handle(request, responder, *body);
  };
  on_worker("POST", path, run);
  routes.back().max_body_bytes = kMostBody;
}

std::vector<Route> agent_routes(Services& services) {
  AgentHandlers handlers(services);
  const std::string jobs = "/v1/agents/jobs";
  const auto agents = [&services]() -> AgentService& { return *services.agents; };
  const auto plain = [agents](void (*handle)(AgentService&, const Request&, Responder&)) {
    return [agents, handle](const Request& request, const ResponderPtr& to) { handle(agents(), request, *to); };
  };
  const auto streaming = [agents](void (*handle)(AgentService&, const Request&, const ResponderPtr&)) {
    return [agents, handle](const Request& request, const ResponderPtr& to) { handle(agents(), request, to); };
  };
  handlers.routes.push_back(
      {"GET", "/v1/agents", kStyle, true,
       worker_handler(services, [&services](const std::shared_ptr<const Request>& request, const ResponderPtr& to) {
         if (const auto error = check_right(*request, "agents are put to work")) return send_error(*to, kStyle, *error);
         show(services, *to);
       })});
  handlers.with_body(jobs, [&services](const Request& request, const ResponderPtr& to, const json::object& body) {
    add(services, request, *to, body);
  });
  handlers.on_worker("GET", jobs, plain(list));
  handlers.on_worker("GET", jobs + "/{id}", [agents](const Request& request, const ResponderPtr& to) {
    if (const auto job = find_job(agents(), request, *to)) send_json(*to, job_as_json(*job));
  });
  handlers.with_body(jobs + "/{id}/answer",
                     [agents](const Request& request, const ResponderPtr& to, const json::object& body) {
                       answer(agents(), request, *to, body);
                     });
  handlers.on_worker("POST", jobs + "/{id}/cancel", plain(cancel));
  handlers.with_body(jobs + "/{id}/resume",
                     [agents](const Request& request, const ResponderPtr& to, const json::object& body) {
                       resume(agents(), request, *to, body);
                     });
  handlers.on_worker("GET", jobs + "/{id}/steps", streaming(steps));
  handlers.on_worker("GET", "/v1/agents/events", streaming(events));
  add_schedule_routes(handlers, services);
  return std::move(handlers.routes);
}

}  // namespace ondol::server
