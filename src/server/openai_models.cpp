// GET /v1/models and /v1/models/{id}, with what a person wants to know about a model before choosing it.
#include <fmt/format.h>

#include "server/anthropic.h"
#include "server/openai.h"

namespace ondol::server {
namespace {

/// What explain() says, in numbers, for those who say it in other words.
json::object numbers_of(const MemoryPlan& plan) {
  json::object numbers = {{"weights_bytes", plan.weights_bytes}, {"working_bytes", plan.working_bytes}};
  numbers["kv_bytes_per_token"] = plan.kv_bytes_per_token;
  numbers["kv_bytes"] = plan.kv_bytes_per_token * plan.context_length;
  numbers["available_bytes"] = plan.available_bytes;
  numbers["context_length"] = plan.context_length;
  numbers["context_wanted"] = plan.context_wanted;
  numbers["fitting_context"] = plan.fitting_context();  // negative: not even the weights fit
  numbers["fits"] = plan.fits;
  return numbers;
}

json::object describe(const StoredModel& model, const ModelCatalog& catalog,
                      const std::vector<ModelPool::Loaded>& loaded) {
  json::object about = {{"state", "available"}, {"size_bytes", model.size_bytes}};
  const auto is_this = [&](const ModelPool::Loaded& l) { return l.model->id() == model.name; };
  const auto found = std::find_if(loaded.begin(), loaded.end(), is_this);
  const bool is_loaded = found != loaded.end();
  Result<ModelInfo> info = is_loaded ? Result<ModelInfo>(found->model->info()) : catalog.info(model);
  if (!info) {
    about["fits"] = false;
    about["plan"] = info.error().message();
    about["context_length"] = 0;
    about["architecture"] = "";
    about["quantization"] = "";
    about["has_tools"] = false;
    about["has_reasoning"] = false;
    return about;
  }
  about["state"] = is_loaded ? "loaded" : "available";
  about["context_length"] = info->context_length;
  about["fits"] = info->plan.fits;
  about["plan"] = info->plan.explain();
  about["memory"] = numbers_of(info->plan);
  about["architecture"] = info->architecture;
  about["quantization"] = info->quantization;
  about["parameters"] = info->parameters;
  about["makes_text"] = info->makes_text;
  about["scores_pairs"] = info->scores_pairs;
  about["has_template"] = info->has_template;
  about["has_tools"] = info->has_tools;
  about["has_reasoning"] = info->has_reasoning;
  if (is_loaded) about["loaded_context"] = found->model->engine().context_length();
  return about;
}

json::object entry_of(const StoredModel& model, const ModelCatalog& catalog,
                      const std::vector<ModelPool::Loaded>& loaded) {
  json::object entry = {
      {"id", model.name}, {"object", "model"}, {"created", model.modified_unix_seconds}, {"owned_by", "ondol"}};
  entry["ondol"] = describe(model, catalog, loaded);
  return entry;
}

/// An adapter is a model to clients, as with vLLM; what is said about it is said about its model.
json::object entry_of(const RegisteredAdapter& adapter, const StoredModel& model, const ModelCatalog& catalog,
                      const std::vector<ModelPool::Loaded>& loaded) {
  json::object entry = entry_of(model, catalog, loaded);
  entry["id"] = adapter.name;
  entry["root"] = adapter.path;
  entry["parent"] = adapter.model;
  json::object about = {{"name", adapter.name}, {"model", adapter.model}};
  about["factor"] = adapter.factor;
  entry["ondol"].as_object()["adapter"] = std::move(about);
  return entry;
}

/// The models and the adapters, under the names that requests may use.
std::vector<StoredModel> names(const ModelPool& models) {
  std::vector<StoredModel> all = models.catalog().list();
  for (const RegisteredAdapter& adapter : models.adapters().list()) {
    StoredModel named = models.catalog().find(adapter.model).model;
    named.name = adapter.name;
    all.push_back(std::move(named));
  }
  return all;
}

/// Anthropic's clients ask the same path for another form.
bool is_anthropic(const Request& request) {
  return !request.header("anthropic-version").empty();
}

void list(Services& services, const Request& request, Responder& responder) {
  const ModelCatalog& catalog = services.models->catalog();
  if (is_anthropic(request)) return send_json(responder, anthropic_model_list(names(*services.models)));
  const auto loaded = services.models->loaded();
  json::array data;
  for (const StoredModel& model : catalog.list()) data.push_back(entry_of(model, catalog, loaded));
  for (const RegisteredAdapter& adapter : services.models->adapters().list()) {
    const auto found = catalog.find(adapter.model);
    if (!found.error) data.push_back(entry_of(adapter, found.model, catalog, loaded));
  }
  send_json(responder, json::object{{"object", "list"}, {"data", std::move(data)}});
}

void show(Services& services, const Request& request, Responder& responder) {
  const ModelCatalog& catalog = services.models->catalog();
  const auto id = request.path_parameters.find("id");
  auto found = services.models->resolve(id == request.path_parameters.end() ? "" : id->second);
  if (is_anthropic(request)) {
    if (found.error) return send_error(responder, ErrorStyle::kAnthropic, *found.error);
    if (!found.adapter.empty()) found.model.name = found.adapter;
    return send_json(responder, anthropic_model(found.model));
  }
  if (found.error) return send_error(responder, ErrorStyle::kOpenAi, *found.error);
  if (const auto adapter = services.models->adapters().find(found.adapter)) {
    return send_json(responder, entry_of(*adapter, found.model, catalog, services.models->loaded()));
  }
  send_json(responder, entry_of(found.model, catalog, services.models->loaded()));
}

}  // namespace

std::vector<Route> openai_model_routes(Services& services) {
  std::vector<Route> routes;
  const auto get = [&](const char* path, auto handle) {
    const auto handler = [&services, handle](const std::shared_ptr<const Request>& request,
                                             const ResponderPtr& responder) { handle(services, *request, *responder); };
    routes.push_back({"GET", path, ErrorStyle::kOpenAi, true, worker_handler(services, handler)});
  };
  get("/v1/models", list);
  get("/models", list);
  get("/v1/models/{id...}", show);  // names have slashes
  return routes;
}

}  // namespace ondol::server
