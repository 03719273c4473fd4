#include "server/container_routes.h"

#include <fmt/format.h>

#include "server/container_files.h"
#include "server/files.h"
#include "server/openai.h"
#include "server/ownership.h"
#include "server/paging.h"
#include "server/upload.h"

namespace ondol::server {
namespace {

constexpr ErrorStyle kStyle = ErrorStyle::kOpenAi;
constexpr size_t kUsualListed = 20;
constexpr size_t kMostListed = 100;
constexpr size_t kMostNameBytes = 256;
constexpr size_t kMostFileIds = 64;
constexpr size_t kMostJsonBytes = size_t{64} << 10;
constexpr size_t kMaxAroundFile = size_t{1} << 20;  // boundaries and fields

HttpError wrong(std::string parameter, std::string message) {
  HttpError error = make_error(400, std::move(message));
  error.parameter = std::move(parameter);
  return error;
}

std::string segment(const Request& request, const char* name) {
  const auto found = request.path_parameters.find(name);
  return found == request.path_parameters.end() ? "" : found->second;
}

int64_t minutes_of(std::chrono::milliseconds time) {
  return std::chrono::duration_cast<std::chrono::minutes>(time).count();
}

/// Where programs have so much memory: "1g".
std::string memory_of(const CodeContainers& containers) {
  return fmt::format("{}g", containers.limits().memory_bytes >> 30);
}

json::object shown(const CodeContainers& containers, const CodeContainers::Listed& one) {
  json::object object = {{"id", one.container->id}, {"object", "container"}};
  object["created_at"] = one.container->created_at;
  object["name"] = one.container->name;
  object["status"] = "running";
  object["last_active_at"] = one.last_active_at;
  object["expires_after"] = {{"anchor", "last_active_at"}, {"minutes", minutes_of(one.container->idle)}};
  object["memory_limit"] = memory_of(containers);
  object["network_policy"] = {{"type", "disabled"}};
  return object;
}

json::object shown(const CodeContainer& container, const ContainerFile& file) {
  json::object object = {{"id", file.id}, {"object", "container.file"}, {"container_id", container.id}};
  object["created_at"] = file.changed_at;
  object["bytes"] = file.size_bytes;
  object["path"] = file.path;
  object["source"] = file.is_given ? "user" : "assistant";
  return object;
}

/// A body that is a file with its fields, or a JSON object.
class FileBody final : public BodySink {
 public:
  FileBody(FileStore& files, const Request& request) {
    if (request.header("content-type").starts_with("multipart/"))
      upload_ = std::make_unique<Upload>(files, request.header("content-type"));
  }
  void write(std::string_view piece) override {
    if (upload_) return upload_->write(piece);
    text_.append(piece.substr(0, kMostJsonBytes + 1 - text_.size()));
  }
  Upload* upload() const { return upload_.get(); }
  const std::string& text() const { return text_; }

 private:
  std::unique_ptr<Upload> upload_;
  std::string text_;  // of at most one byte more than is read
};

/// What a request for a container asks for that is not to be had here, or is wrong.
CodeContainerWish read_wish(const Fields& fields, const CodeContainers& containers) {
  CodeContainerWish wish;
  wish.name = fields.required_text("name");
  if (wish.name.size() > kMostNameBytes)
    fields.fail("name", fmt::format("name: expected at most {} bytes, got {}", kMostNameBytes, wish.name.size()));
  const int64_t most_minutes = std::max<int64_t>(minutes_of(containers.limits().idle), 1);
  if (const json::object* expiry = fields.object("expires_after")) {
    const Fields parts(*expiry, fields.fault(), "expires_after");
    if (parts.required_text("anchor") != "last_active_at")
      parts.fail("anchor", "expires_after.anchor: expected last_active_at");
    if (!parts.has("minutes")) parts.fail("minutes", "expires_after.minutes: expected a number, but it is missing");
    wish.idle = std::chrono::minutes(parts.integer("minutes", 1, most_minutes).value_or(most_minutes));
  }
  const std::string memory = fields.text("memory_limit").value_or(memory_of(containers));
  if (memory != memory_of(containers))
    fields.fail("memory_limit",
                fmt::format("memory_limit: expected {}, which programs have here", memory_of(containers)));
  if (const json::object* network = fields.object("network_policy")) {
    if (string_or(*network, "type", "") != "disabled")
      fields.fail("network_policy", "network_policy: expected disabled; programs have no network here");
  }
  if (const json::array* skills = fields.array("skills"); skills != nullptr && !skills->empty())
    fields.fail("skills", "skills: expected none; containers have no skills here");
  return wish;
}

class ContainerApi {
 public:
  explicit ContainerApi(Services& services) : services_(services) {}

  void make(const Request& request, Responder& to, const json::object& body) const {
    RequestFault fault;
    const Fields fields(body, fault);
    const CodeContainerWish wish = read_wish(fields, containers());
    const std::vector<std::string> ids = fields.texts("file_ids");
    if (ids.size() > kMostFileIds)
      fields.fail("file_ids", fmt::format("file_ids: expected at most {} files", kMostFileIds));
    if (fault) return send_error(to, kStyle, fault.error());
    auto made = containers().make(owner_of(request), wish);
    if (!made) return send_error(to, kStyle, make_error(503, made.error().message(), "no_container"));
    services_.hosted.watch_containers();
    for (const std::string& id : ids) {
      const auto error = put_kept(**made, id, "file_ids");
      if (!error) continue;
      containers().remove((*made)->id, owner_of(request));
      return send_error(to, kStyle, *error);
    }
    send_container(to, *made);
  }

  void list(const Request& request, Responder& to) const {
    const PageWish wish = read_page(request, kUsualListed, kMostListed);
    if (wish.error) return send_error(to, kStyle, *wish.error);
    const auto name = request.query.find("name");
    std::vector<json::object> all;
    for (const CodeContainers::Listed& one : containers().list(owner_of(request))) {
      if (name == request.query.end() || name->second == one.container->name) all.push_back(shown(containers(), one));
    }
    send_json(to, page_of(std::move(all), wish));
  }

  void show(const Request&, Responder& to, const CodeContainerPtr& container) const { send_container(to, container); }

  void remove(const Request& request, Responder& to, const CodeContainerPtr& container) const {
    containers().remove(container->id, owner_of(request));
    send_json(to, json::object{{"id", container->id}, {"object", "container.deleted"}, {"deleted", true}});
  }

  void list_files(const Request& request, Responder& to, const CodeContainerPtr& container) const {
    const PageWish wish = read_page(request, kUsualListed, kMostListed);
    if (wish.error) return send_error(to, kStyle, *wish.error);
    std::vector<json::object> all;
    for (const ContainerFile& file : list_container_files(*container)) all.push_back(shown(*container, file));
    send_json(to, page_of(std::move(all), wish));
  }

  void add_file(const Request& request, Responder& to, const CodeContainerPtr& container) const {
    const auto& body = static_cast<const FileBody&>(*request.sink);
    KeptFile file;
    if (body.upload() != nullptr) {
      Upload::Outcome outcome = body.upload()->received();
      if (outcome.error) return send_error(to, kStyle, *outcome.error);
      file = std::move(outcome.file);
    } else {
      const auto parsed = body.text().size() > kMostJsonBytes ? Error("too long") : parse_json(body.text());
      const std::string id = parsed ? string_or(*parsed, "file_id", "") : "";
      if (id.empty()) return send_error(to, kStyle, wrong("file", "expected a form with a 'file', or a 'file_id'"));
      const auto kept = services_.files.find(id, container->owner);
      if (!kept) return send_error(to, kStyle, unknown_file(id, "file_id"));
      file = *kept;
    }
    std::unique_lock lock(container->mutex, std::try_to_lock);
    if (!lock) return send_error(to, kStyle, busy());
    const auto there = put_in_container(*container, file, containers().limits().bytes);
    lock.unlock();  // who has the answer may ask for more at once
    if (!there) return send_error(to, kStyle, wrong("file", "file: " + there.error().message()));
    send_json(to, shown(*container, *there));
  }

  void show_file(Responder& to, const CodeContainer& container, const ContainerFile& file) const {
    send_json(to, shown(container, file));
  }

  void send_content(Responder& to, const CodeContainer& container, const ContainerFile& file) const {
    auto content = read_container_file(container, file, containers().limits().bytes);
    if (!content) return send_error(to, kStyle, make_error(409, content.error().message()));
    to.send(200, "application/octet-stream", std::move(*content));
  }

  void remove_file(Responder& to, CodeContainer& container, const ContainerFile& file) const {
    std::unique_lock lock(container.mutex, std::try_to_lock);
    if (!lock) return send_error(to, kStyle, busy());
    const auto removed = remove_container_file(container, file);
    lock.unlock();
    if (!removed) return send_error(to, kStyle, make_error(409, removed.error().message()));
    send_json(to, json::object{{"id", file.id}, {"object", "container.file.deleted"}, {"deleted", true}});
  }

  /// None: it may go on. Where nothing is offered, the routes are as if they were not there, but say why.
  std::optional<HttpError> refusal(const Request& request) const {
    if (!services_.hosted.runs_code()) {
      return make_error(404, "this server runs no programs; its owner can allow it: ondol serve --code-interpreter",
                        "not_offered");
    }
    return check_right(request, "containers are used");
  }

  CodeContainers& containers() const { return services_.hosted.containers(); }

 private:
  static HttpError busy() {
    HttpError error = make_error(409, "a program is running in this container; try again when it has ended", "busy");
    error.headers = {{"retry-after", "2"}};
    return error;
  }

  void send_container(Responder& to, const CodeContainerPtr& container) const {
    send_json(to, shown(containers(), CodeContainers::listed_now(container)));
  }

  std::optional<HttpError> put_kept(CodeContainer& container, const std::string& id, const char* parameter) const {
    const auto file = services_.files.find(id, container.owner);
    if (!file) return unknown_file(id, parameter);
    const std::lock_guard lock(container.mutex);
    const auto put = put_in_container(container, *file, containers().limits().bytes);
    if (put) return {};
    return wrong(parameter, fmt::format("{}: '{}' could not be put there: {}", parameter, id, put.error().message()));
  }

  Services& services_;
};

using Handle = void (ContainerApi::*)(const Request& request, Responder& to, const CodeContainerPtr& container) const;

HttpError unknown(std::string_view what, const std::string& id) {
  HttpError error = make_error(404, fmt::format("there is no {} '{}'; it may have expired", what, id.substr(0, 100)),
                               "container_not_found");
  error.parameter = "id";
  return error;
}

}  // namespace

std::vector<Route> container_routes(Services& services) {
  const ContainerApi api(services);
  std::vector<Route> routes;
  const auto on_worker = [&](const char* method, const std::string& path, auto handle) -> Route& {
    const auto handler = [api, handle](const std::shared_ptr<const Request>& request, const ResponderPtr& to) {
      if (const auto error = api.refusal(*request)) return send_error(*to, kStyle, *error);
      handle(*request, *to);
    };
    return routes.emplace_back(Route{method, path, kStyle, true, worker_handler(services, handler)});
  };
  const auto of_one = [api](Handle handle) {
    return [api, handle](const Request& request, Responder& to) {
      const auto container = api.containers().find(segment(request, "id"), owner_of(request));
      if (!container) return send_error(to, kStyle, unknown("container", segment(request, "id")));
      (api.*handle)(request, to, container);
    };
  };
  const auto of_file = [api](auto handle) {
    return [api, handle](const Request& request, Responder& to) {
      const auto container = api.containers().find(segment(request, "id"), owner_of(request));
      if (!container) return send_error(to, kStyle, unknown("container", segment(request, "id")));
      const auto file = find_container_file(*container, segment(request, "file"));
      if (!file) return send_error(to, kStyle, unknown("file", segment(request, "file")));
      (api.*handle)(to, *container, *file);
    };
  };
  const std::string all = "/v1/containers", one = all + "/{id}", files = one + "/files", file = files + "/{file}";
  const auto make = [api](const std::shared_ptr<const Request>& request, const ResponderPtr& to,
                          const json::object& body) {
    if (const auto error = api.refusal(*request)) return send_error(*to, kStyle, *error);
    api.make(*request, *to, body);
  };
  routes.push_back({"POST", all, kStyle, true, json_handler(services, make)});
  on_worker("GET", all, [api](const Request& request, Responder& to) { api.list(request, to); });
  on_worker("GET", one, of_one(&ContainerApi::show));
  on_worker("DELETE", one, of_one(&ContainerApi::remove));
  on_worker("GET", files, of_one(&ContainerApi::list_files));
  Route& upload = on_worker("POST", files, of_one(&ContainerApi::add_file));
  upload.make_sink = [&services](const Request& request) {
    return std::make_shared<FileBody>(services.files, request);
  };
  upload.max_body_bytes = CodeContainerLimits().bytes + kMaxAroundFile;
  on_worker("GET", file, of_file(&ContainerApi::show_file));
  on_worker("GET", file + "/content", of_file(&ContainerApi::send_content));
  on_worker("DELETE", file, of_file(&ContainerApi::remove_file));
  return routes;
}

}  // namespace ondol::server
