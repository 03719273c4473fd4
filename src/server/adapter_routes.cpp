// Putting adapters in and taking them out while the server runs.
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "server/adapters.h"
#include "server/for_objects.h"
#include "server/openai.h"
#include "server/ownership.h"

namespace ondol::server {
namespace {

constexpr double kMaxFactor = 1e6;
constexpr size_t kMaxListBytes = size_t{1} << 20;
constexpr ErrorStyle kStyle = ErrorStyle::kOpenAi;

void refuse(Responder& responder, const HttpError& error) {
  send_error(responder, kStyle, error);
}

/// As it was written: factors are floats inside.
double shown_factor(float factor) {
  return std::round(static_cast<double>(factor) * 1e6) / 1e6;
}

json::object shown(const RegisteredAdapter& entry) {
  json::object object = {{"object", "adapter"}, {"id", entry.id}, {"name", entry.name}, {"model", entry.model}};
  object["path"] = entry.path;
  object["factor"] = shown_factor(entry.factor);
  object["usual_factor"] = shown_factor(entry.usual_factor);
  object["state"] = entry.adapter ? "loaded" : entry.problem.empty() ? "available" : "failed";
  if (entry.adapter) object["size_bytes"] = entry.adapter->size_bytes();
  if (!entry.problem.empty()) object["problem"] = entry.problem;
  return object;
}

/// Files of this machine are read by whoever may put adapters in.
std::optional<HttpError> check_right(const Request& request) {
  return check_right(request, "adapters are changed");
}

struct Wanted {
  std::string model;
  RegisteredAdapter adapter;
  bool replaces = false;
};

using Done = std::function<void(Responder&, const RegisteredAdapter&)>;

/// Loads the model where it is not loaded, then the adapter.
void add(Services& services, const ResponderPtr& responder, Wanted wanted, Done done) {
  const std::string model = wanted.model;
  services.models->use(
      model, [&services, responder, wanted = std::move(wanted), done = std::move(done)](ModelPool::Outcome outcome) {
        if (outcome.error) return refuse(*responder, *outcome.error);
        services.workers.post([&services, responder, wanted, done, model = std::move(outcome.model)] {
          const auto added = services.models->add_adapter(*model, wanted.adapter, wanted.replaces);
          if (added.error) return refuse(*responder, *added.error);
          done(*responder, added.entry);
        });
      });
}

void post_adapter(Services& services, const ResponderPtr& responder, const json::object& body) {
  RequestFault fault;
  const Fields fields(body, fault);
  Wanted wanted;
  wanted.model = fields.text("model").value_or("");
  wanted.adapter.path = fields.required_text("path");
  wanted.adapter.name = fields.text("name").value_or(std::filesystem::path(wanted.adapter.path).stem().string());
  wanted.adapter.factor = static_cast<float>(fields.number("factor", -kMaxFactor, kMaxFactor).value_or(1));
  wanted.adapter.usual_factor = static_cast<float>(fields.number("usual_factor", -kMaxFactor, kMaxFactor).value_or(0));
  wanted.replaces = fields.flag("replace").value_or(false);
  if (fault) return refuse(*responder, fault.error());
  add(services, responder, std::move(wanted),
      [](Responder& to, const RegisteredAdapter& entry) { to.send(201, "application/json", json_text(shown(entry))); });
}

void list(Services& services, Responder& responder) {
  json::array data;
  for (const RegisteredAdapter& entry : services.models->adapters().list()) data.push_back(shown(entry));
  send_json(responder, json::object{{"object", "list"}, {"data", std::move(data)}});
}

std::string name_in(const Request& request) {
  const auto name = request.path_parameters.find("name");
  return name == request.path_parameters.end() ? "" : name->second;
}

void show(Services& services, const Request& request, Responder& responder) {
  const AdapterRegistry& adapters = services.models->adapters();
  const auto entry = adapters.find(name_in(request));
  if (!entry) return refuse(responder, unknown_adapter("", name_in(request), adapters.list()));
  send_json(responder, shown(*entry));
}

void remove(Services& services, const Request& request, Responder& responder) {
  AdapterRegistry& adapters = services.models->adapters();
  const std::string name = name_in(request);
  if (!adapters.remove(name)) return refuse(responder, unknown_adapter("", name, adapters.list()));
  send_json(responder, json::object{{"object", "adapter"}, {"name", name}, {"deleted", true}});
}

// vLLM's.

void load_as_vllm(Services& services, const ResponderPtr& responder, const json::object& body) {
  RequestFault fault;
  const Fields fields(body, fault);
  Wanted wanted;
  wanted.model = fields.text("base_model_name").value_or("");
  wanted.adapter.name = fields.required_text("lora_name");
  wanted.adapter.path = fields.required_text("lora_path");
  wanted.replaces = fields.flag("load_inplace").value_or(false);
  if (fault) return refuse(*responder, fault.error());
  add(services, responder, std::move(wanted), [](Responder& to, const RegisteredAdapter& entry) {
    to.send(200, "text/plain; charset=utf-8",
            fmt::format("Success: LoRA adapter '{}' added successfully.", entry.name));
  });
}

void unload_as_vllm(Services& services, const ResponderPtr& responder, const json::object& body) {
  RequestFault fault;
  const std::string name = Fields(body, fault).required_text("lora_name");
  if (fault) return refuse(*responder, fault.error());
  AdapterRegistry& adapters = services.models->adapters();
  if (!adapters.remove(name)) return refuse(*responder, unknown_adapter("", name, adapters.list()));
  responder->send(200, "text/plain; charset=utf-8",
                  fmt::format("Success: LoRA adapter '{}' removed successfully.", name));
}

// llama.cpp's.

void list_as_llama(Services& services, const Request& request, Responder& responder) {
  const auto asked = request.query.find("model");
  const auto found = services.models->resolve(asked == request.query.end() ? "" : asked->second);
  if (found.error) return refuse(responder, *found.error);
  json::array all;
  for (const RegisteredAdapter& entry : services.models->adapters().list(found.model.name)) {
    json::object object = {{"id", entry.id}, {"path", entry.path}};
    object["scale"] = shown_factor(entry.usual_factor);
    object["name"] = entry.name;
    all.push_back(std::move(object));
  }
  send_json(responder, all);
}

AdapterChoice read_choice(const Fields& fields) {
  AdapterChoice choice;
  if (const auto id = fields.integer("id", 0, INT32_MAX)) choice.id = static_cast<int>(*id);
  choice.name = fields.text("name").value_or("");
  if (!choice.id && choice.name.empty())
    fields.fail("id", fields.path_of("id") + ": expected an id or a name, got none");
  for (const char* key : {"scale", "factor"}) {
    if (const auto factor = fields.number(key, -kMaxFactor, kMaxFactor)) choice.factor = static_cast<float>(*factor);
  }
  return choice;
}

/// The body is a list.
void set_as_llama(Services& services, const Request& request, Responder& responder) {
  if (request.body.size() > kMaxListBytes) {
    return refuse(responder, make_error(413, fmt::format("expected at most {} bytes", kMaxListBytes)));
  }
  const auto document = parse_json(request.body);
  if (!document) return refuse(responder, make_error(400, document.error().message()));
  json::object wrapped;
  wrapped["adapters"] = *document;
  RequestFault fault;
  std::vector<AdapterChoice> choices;
  for_objects(Fields(wrapped, fault), "adapters", [&](const Fields& entry) { choices.push_back(read_choice(entry)); });
  if (fault) return refuse(responder, fault.error());
  const auto asked = request.query.find("model");
  const auto found = services.models->resolve(asked == request.query.end() ? "" : asked->second);
  if (found.error) return refuse(responder, *found.error);
  if (const auto error = services.models->adapters().set_usual(found.model.name, choices)) {
    return refuse(responder, *error);
  }
  send_json(responder, json::object{{"success", true}});
}

}  // namespace

AdapterChoices read_adapter_choices(const Fields& fields) {
  if (!fields.has("lora")) return {};
  std::vector<AdapterChoice> choices;
  for_objects(fields, "lora", [&](const Fields& entry) { choices.push_back(read_choice(entry)); });
  return choices;
}

std::vector<Route> adapter_routes(Services& services) {
  std::vector<Route> routes;
  const auto on_worker = [&](const char* method, const char* path, auto handle) {
    const bool changes = std::string_view(method) != "GET";
    const auto handler = [&services, handle, changes](const std::shared_ptr<const Request>& request,
                                                      const ResponderPtr& responder) {
      if (const auto error = changes ? check_right(*request) : std::nullopt) return refuse(*responder, *error);
      handle(services, *request, *responder);
    };
    routes.push_back({method, path, kStyle, true, worker_handler(services, handler)});
  };
  const auto with_body = [&](const char* path, auto handle) {
    const auto handler = [&services, handle](const std::shared_ptr<const Request>& request,
                                             const ResponderPtr& responder, const json::object& body) {
      if (const auto error = check_right(*request)) return refuse(*responder, *error);
      handle(services, responder, body);
    };
    routes.push_back({"POST", path, kStyle, true, json_handler(services, handler)});
  };
  on_worker("GET", "/v1/adapters", [](Services& all, const Request&, Responder& to) { list(all, to); });
  with_body("/v1/adapters", post_adapter);
  on_worker("GET", "/v1/adapters/{name...}", show);
  on_worker("DELETE", "/v1/adapters/{name...}", remove);
  with_body("/v1/load_lora_adapter", load_as_vllm);
  with_body("/v1/unload_lora_adapter", unload_as_vllm);
  on_worker("GET", "/lora-adapters", list_as_llama);
  on_worker("POST", "/lora-adapters", set_as_llama);
  return routes;
}

}  // namespace ondol::server
