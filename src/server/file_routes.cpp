#include <fmt/format.h>

#include "base/files.h"
#include "server/files.h"
#include "server/openai.h"
#include "server/ownership.h"
#include "server/paging.h"
#include "server/upload.h"

namespace ondol::server {
namespace {

constexpr ErrorStyle kStyle = ErrorStyle::kOpenAi;
constexpr size_t kMostListed = 10000;
constexpr size_t kMaxAroundFile = size_t{1} << 20;  // boundaries and fields

json::object shown(const KeptFile& file) {
  json::object object = {{"id", file.id}, {"object", "file"}, {"bytes", file.size_bytes}};
  object["created_at"] = file.created_at;
  object["expires_at"] = nullptr;
  object["filename"] = file.name;
  object["purpose"] = file.purpose;
  object["status"] = "processed";
  object["status_details"] = nullptr;
  return object;
}

std::string id_in(const Request& request) {
  const auto id = request.path_parameters.find("id");
  return id == request.path_parameters.end() ? "" : id->second;
}

void post(const Request& request, Responder& responder) {
  auto& upload = static_cast<Upload&>(*request.sink);
  const Upload::Outcome outcome = upload.keep(owner_of(request));
  if (outcome.error) return send_error(responder, kStyle, *outcome.error);
  send_json(responder, shown(outcome.file));
}

void list(Services& services, const Request& request, Responder& responder) {
  const PageWish wish = read_page(request, kMostListed, kMostListed);
  if (wish.error) return send_error(responder, kStyle, *wish.error);
  const auto purpose = request.query.find("purpose");
  std::vector<json::object> all;
  for (const KeptFile& file : services.files.list(owner_of(request))) {
    if (purpose == request.query.end() || purpose->second == file.purpose) all.push_back(shown(file));
  }
  send_json(responder, page_of(std::move(all), wish));
}

void show(const KeptFile& file, Services&, Responder& responder) {
  send_json(responder, shown(file));
}

void send_content(const KeptFile& file, Services& services, Responder& responder) {
  auto content = read_file(file.path, services.files.limits().one_file_bytes);
  if (!content) return send_error(responder, kStyle, make_error(500, content.error().message()));
  responder.send(200, "application/octet-stream", std::move(*content));
}

void remove(const KeptFile& file, Services& services, Responder& responder) {
  services.files.remove(file.id, file.owner);
  send_json(responder, json::object{{"id", file.id}, {"object", "file"}, {"deleted", true}});
}

}  // namespace

HttpError unknown_file(const std::string& id, std::string parameter) {
  HttpError error = make_error(404, fmt::format("there is no file '{}'", id.substr(0, 100)), "file_not_found");
  error.parameter = std::move(parameter);
  return error;
}

std::vector<Route> file_routes(Services& services) {
  std::vector<Route> routes;
  const auto on_worker = [&](const char* method, const char* path, auto handle) -> Route& {
    const auto handler = [handle](const std::shared_ptr<const Request>& request, const ResponderPtr& responder) {
      if (const auto error = check_right(*request, "files are kept and read")) {
        return send_error(*responder, kStyle, *error);
      }
      handle(*request, *responder);
    };
    return routes.emplace_back(Route{method, path, kStyle, true, worker_handler(services, handler)});
  };
  const auto of_file = [&services](auto handle) {
    return [&services, handle](const Request& request, Responder& responder) {
      const auto file = services.files.find(id_in(request), owner_of(request));
      if (!file) return send_error(responder, kStyle, unknown_file(id_in(request), "id"));
      handle(*file, services, responder);
    };
  };
  Route& upload = on_worker("POST", "/v1/files", post);
  upload.make_sink = [&services](const Request& request) {
    return std::make_shared<Upload>(services.files, request.header("content-type"));
  };
  upload.max_body_bytes = services.files.limits().one_file_bytes + kMaxAroundFile;
  on_worker("GET", "/v1/files", [&services](const Request& request, Responder& to) { list(services, request, to); });
  on_worker("GET", "/v1/files/{id}", of_file(show));
  on_worker("GET", "/v1/files/{id}/content", of_file(send_content));
  on_worker("DELETE", "/v1/files/{id}", of_file(remove));
  return routes;
}

}  // namespace ondol::server
