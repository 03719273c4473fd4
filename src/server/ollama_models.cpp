// GET /api/version, tags and ps, POST /api/show, DELETE /api/delete; and what is refused: copy, create, push.
#include <openssl/evp.h>

#include <fmt/format.h>

#include "server/iso_time.h"
#include "server/ollama.h"
#include "server/openai.h"

namespace ondol::server {
namespace {

constexpr ErrorStyle kStyle = ErrorStyle::kOllama;
/// Of Ollama: clients ask for features by it.
constexpr const char* kVersion = "0.12.0";
constexpr std::chrono::hours kForever{24 * 365 * 100};

/// Ollama's digests are of a model's manifest; this one, too, changes with the model, without reading gigabytes.
std::string digest_of(const StoredModel& model) {
  const std::string about = fmt::format("{} {} {}", model.path, model.size_bytes, model.modified_unix_seconds);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(about.data(), about.size(), digest, &size, EVP_sha256(), nullptr);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

/// "3.2B", "596.0M"
std::string shown_parameters(int64_t n) {
  const auto count = static_cast<double>(n);
  return n >= 1'000'000'000 ? fmt::format("{:.1f}B", count / 1e9) : fmt::format("{:.1f}M", count / 1e6);
}

json::object details_of(const StoredModel& model, const Result<ModelInfo>& info) {
  const std::string family = info ? info->architecture : "";
  json::object details = {{"parent_model", ""}, {"format", model.path.ends_with(".gguf") ? "gguf" : "safetensors"}};
  details["family"] = family;
  details["families"] = json::array{family};
  details["parameter_size"] = info ? shown_parameters(info->parameters) : "";
  details["quantization_level"] = info ? info->quantization : "";
  return details;
}

json::object entry_of(const StoredModel& model, const Result<ModelInfo>& info) {
  json::object entry = {{"name", model.name}, {"model", model.name}};
  entry["modified_at"] = iso_time(from_unix_seconds(model.modified_unix_seconds));
  entry["size"] = model.size_bytes;
  entry["digest"] = digest_of(model);
  entry["details"] = details_of(model, info);
  return entry;
}

json::array capabilities_of(const ModelInfo& info) {
  if (!info.makes_text) return {"embedding"};
  json::array all = {"completion"};
  if (info.has_tools) all.push_back("tools");
  if (info.has_reasoning) all.push_back("thinking");
  return all;
}

void list(Services& services, Responder& responder) {
  const ModelCatalog& catalog = services.models->catalog();
  json::array models;
  for (const StoredModel& model : catalog.list()) models.push_back(entry_of(model, catalog.info(model)));
  for (const RegisteredAdapter& adapter : services.models->adapters().list()) {
    const auto found = catalog.find(adapter.model);
    if (found.error) continue;
    json::object entry = entry_of(found.model, catalog.info(found.model));
    entry["name"] = adapter.name;
    entry["model"] = adapter.name;
    entry["details"].as_object()["parent_model"] = adapter.model;
    models.push_back(std::move(entry));
  }
  send_json(responder, json::object{{"models", std::move(models)}});
}

void list_loaded(Services& services, Responder& responder) {
  const ModelCatalog& catalog = services.models->catalog();
  json::array models;
  for (const ModelPool::Loaded& loaded : services.models->loaded()) {
    const auto found = catalog.find(loaded.model->id());
    json::object entry = entry_of(found.model, loaded.model->info());
    const MemoryPlan& plan = loaded.model->engine().plan();
    entry["name"] = loaded.model->id();
    entry["model"] = loaded.model->id();
    entry["size"] = plan.weights_bytes + plan.working_bytes + plan.kv_bytes_per_token * plan.context_length;
    entry["size_vram"] = 0;  // models run on the processor
    entry["context_length"] = loaded.model->engine().context_length();
    const auto now = std::chrono::system_clock::now();
    entry["expires_at"] = iso_time(now + loaded.expires_in.value_or(std::chrono::seconds(kForever)));
    models.push_back(std::move(entry));
  }
  send_json(responder, json::object{{"models", std::move(models)}});
}

void show(Services& services, Responder& responder, const json::object& body) {
  RequestFault fault;
  const std::string name = read_ollama_name(services, Fields(body, fault));
  if (fault) return send_error(responder, kStyle, fault.error());
  const ModelCatalog& catalog = services.models->catalog();
  const auto found = services.models->resolve(name);
  if (found.error) return send_error(responder, kStyle, *found.error);
  const auto info = catalog.info(found.model);
  if (!info) return send_error(responder, kStyle, make_error(500, info.error().message()));
  const std::string& family = info->architecture;
  json::object about = {{"general.architecture", family}, {"general.parameter_count", info->parameters}};
  about[family + ".context_length"] = info->context_length;
  about[family + ".embedding_length"] = info->embedding_length;
  json::object answer = {{"modelfile", ""}, {"parameters", ""}, {"license", ""}};
  answer["template"] = info->template_source;
  answer["details"] = details_of(found.model, info);
  if (!found.adapter.empty()) answer["details"].as_object()["parent_model"] = found.model.name;
  answer["model_info"] = std::move(about);
  answer["capabilities"] = capabilities_of(*info);
  answer["modified_at"] = iso_time(from_unix_seconds(found.model.modified_unix_seconds));
  send_json(responder, answer);
}

void remove(Services& services, Responder& responder, const json::object& body) {
  RequestFault fault;
  const std::string name = read_ollama_name(services, Fields(body, fault));
  if (!fault && name.empty()) fault.set("model", "model: expected the name of the model to delete");
  if (fault) return send_error(responder, kStyle, fault.error());
  const ModelCatalog& catalog = services.models->catalog();
  const auto found = services.models->resolve(name);
  if (found.error) return send_error(responder, kStyle, *found.error);
  if (!found.adapter.empty()) {
    return send_error(responder, kStyle,
                      make_error(400, fmt::format("'{}' is an adapter of '{}': take it out with DELETE /v1/adapters/{}",
                                                  name, found.model.name, found.adapter)));
  }
  const auto removed = catalog.store().remove(found.model.name);
  if (!removed) return send_error(responder, kStyle, make_error(400, removed.error().message()));
  services.models->set_keep_alive(found.model.name, std::chrono::seconds(0));
  responder.send(200, "application/json", "");
}

Handler refusal(const char* message) {
  return [message](const std::shared_ptr<const Request>&, const ResponderPtr& responder) {
    send_error(*responder, kStyle, make_error(400, message));
  };
}

}  // namespace

std::vector<Route> ollama_model_routes(Services& services) {
  std::vector<Route> routes;
  const auto add = [&](const char* method, const char* path, Handler handler) {
    routes.push_back({method, path, kStyle, true, std::move(handler)});
  };
  const auto get = [&](const char* path, auto handle) {
    add("GET", path, worker_handler(services, [&services, handle](const auto&, const ResponderPtr& responder) {
          handle(services, *responder);
        }));
  };
  const auto with_body = [&](const char* method, const char* path, auto handle) {
    const auto handler = [&services, handle](const auto&, const ResponderPtr& responder, const json::object& body) {
      handle(services, *responder, body);
    };
    add(method, path, json_handler(services, handler, kStyle));
  };
  add("GET", "/api/version", [](const auto&, const ResponderPtr& responder) {
    send_json(*responder, json::object{{"version", kVersion}});
  });
  get("/api/tags", list);
  get("/api/ps", list_loaded);
  with_body("POST", "/api/show", show);
  with_body("DELETE", "/api/delete", remove);
  add("POST", "/api/copy", refusal("copy: models have the names of their files; a second name is not offered"));
  add("POST", "/api/create",
      refusal("create: models are files; convert and quantize them with ondol convert and ondol "
              "quantize, and put system prompts and parameters into the requests"));
  add("POST", "/api/push", refusal("push: publishing models is not offered"));
  return routes;
}

}  // namespace ondol::server
