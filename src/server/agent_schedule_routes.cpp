#include "server/agent_schedule_routes.h"

#include <random>

#include <fmt/format.h>

#include "agent/jobs/schedules.h"
#include "server/agent_json.h"
#include "server/agent_requests.h"
#include "server/hook_signature.h"
#include "server/openai.h"
#include "server/ownership.h"

namespace ondol::server {
namespace {

constexpr ErrorStyle kStyle = ErrorStyle::kOpenAi;
constexpr size_t kMostHookBytes = size_t{64} << 10;

/// 256 bits from the system.
std::string new_secret() {
  std::random_device device;
  std::string secret;
  for (int i = 0; i < 8; ++i) secret += fmt::format("{:08x}", device());
  return secret;
}

const std::string& name_in(const Request& request) {
  return request.path_parameters.at("name");
}

HttpError unknown_schedule(const std::string& name) {
  return make_error(404, fmt::format("there is no schedule '{}'", name.substr(0, 100)), "schedule_not_found");
}

void send_failure(Responder& responder, const Error& error) {
  send_error(responder, kStyle, make_error(503, "the table of jobs: " + error.message()));
}

Result<std::optional<Schedule>> find(AgentService& agents, const std::string& name) {
  return agents.with_table([&](JobTable& table) { return Schedules(table).find(name); });
}

void list(AgentService& agents, const Request& request, Responder& responder) {
  const auto all = agents.with_table([&](JobTable& table) { return Schedules(table).list(); });
  if (!all) return send_failure(responder, all.error());
  json::array data;
  for (const Schedule& schedule : *all) {
    if (may_see(owner_of(request), schedule.owner)) data.push_back(schedule_as_json(schedule));
  }
  send_json(responder, json::object{{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

void put(Services& services, const Request& request, Responder& responder, const json::object& body) {
  AgentService& agents = *services.agents;
  WantedSchedule wanted = read_wanted_schedule(services, body);
  if (wanted.error) return send_error(responder, kStyle, *wanted.error);
  Schedule& schedule = wanted.schedule;
  schedule.owner = owner_of(request);
  if (schedule.kind == Schedule::Kind::kHook) schedule.secret = new_secret();
  const auto before = find(agents, schedule.name);
  if (!before) return send_failure(responder, before.error());
  if (*before && !may_see(schedule.owner, (*before)->owner)) {
    return send_error(responder, kStyle,
                      make_error(409, fmt::format("the name '{}' is taken", schedule.name), "name_taken"));
  }
  const auto kept = agents.with_table([&](JobTable& table) { return Schedules(table).put(schedule); });
  if (!kept) return send_error(responder, kStyle, make_error(422, kept.error().message()));
  const auto now = find(agents, schedule.name);
  if (!now || !*now) return send_failure(responder, now ? Error("the schedule is gone") : now.error());
  json::object shown = schedule_as_json(**now);
  if (schedule.kind == Schedule::Kind::kHook) shown["secret"] = schedule.secret;
  agents.wake();
  send_json(responder, shown);
}

/// Calls `use` with the schedule of the path, where its asker may see it.
void with_schedule(AgentService& agents, const Request& request, Responder& responder,
                   const std::function<void(const Schedule&)>& use) {
  const auto found = find(agents, name_in(request));
  if (!found) return send_failure(responder, found.error());
  if (!*found || !may_see(owner_of(request), (*found)->owner)) {
    return send_error(responder, kStyle, unknown_schedule(name_in(request)));
  }
  use(**found);
}

void remove(AgentService& agents, const Request& request, Responder& responder) {
  with_schedule(agents, request, responder, [&](const Schedule& schedule) {
    const auto removed = agents.with_table([&](JobTable& table) { return Schedules(table).remove(schedule.name); });
    if (!removed) return send_failure(responder, removed.error());
    send_json(responder,
              json::object{{"object", "agent.schedule.deleted"}, {"name", schedule.name}, {"deleted", *removed}});
  });
}

void run_now(AgentService& agents, const Request& request, Responder& responder) {
  with_schedule(agents, request, responder, [&](const Schedule& schedule) {
    send_new_job(agents, responder, 200, [&](JobTable& table) { return Schedules(table).add_job(schedule, "", ""); });
  });
}

/// Whoever calls has no key of this server, only the hook's secret.
void call(AgentService& agents, const Request& request, Responder& responder) {
  const auto found = find(agents, name_in(request));
  if (!found) return send_failure(responder, found.error());
  const bool is_hook = *found && (*found)->kind == Schedule::Kind::kHook;
  // As much work where there is no such hook, so that names are not found out.
  const std::string secret = is_hook ? (*found)->secret : new_secret();
  const bool may =
      may_call({request.header("authorization"), request.header("x-hub-signature-256"), request.body}, secret);
  if (!is_hook || !may) {
    return send_error(responder, kStyle,
                      make_error(401, "there is no hook of this name, or this is not its secret or signature"));
  }
  std::string_view delivery = request.header("idempotency-key");
  if (delivery.empty()) delivery = request.header("x-github-delivery");
  send_new_job(agents, responder, 202,
               [&](JobTable& table) { return Schedules(table).add_job(**found, request.body, delivery); });
}

}  // namespace

void add_schedule_routes(AgentHandlers& handlers, Services& services) {
  const std::string base = "/v1/agents/schedules";
  const auto plain = [&services](void (*handle)(AgentService&, const Request&, Responder&)) {
    return
        [&services, handle](const Request& request, const ResponderPtr& to) { handle(*services.agents, request, *to); };
  };
  handlers.on_worker("GET", base, plain(list));
  handlers.with_body(base, [&services](const Request& request, const ResponderPtr& to, const json::object& body) {
    put(services, request, *to, body);
  });
  handlers.on_worker("DELETE", base + "/{name}", plain(remove));
  handlers.on_worker("POST", base + "/{name}/run", plain(run_now));
  const auto called = [&services, handlers](const std::shared_ptr<const Request>& request, const ResponderPtr& to) {
    if (!handlers.refuse_where_disabled(*to)) call(*services.agents, *request, *to);
  };
  Route hook{"POST", "/v1/agents/hooks/{name}", kStyle, false, worker_handler(services, called)};
  hook.max_body_bytes = kMostHookBytes;
  handlers.routes.push_back(std::move(hook));
}

}  // namespace ondol::server
