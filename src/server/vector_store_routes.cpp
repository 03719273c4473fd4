#include "server/vector_store_routes.h"

#include <algorithm>
#include <ctime>
#include <span>

#include <fmt/ranges.h>

#include "retrieve/highlights.h"
#include "server/engine_generator.h"
#include "server/event_writer.h"
#include "server/openai.h"
#include "server/ownership.h"
#include "server/paging.h"
#include "server/random_id.h"
#include "server/scheduler_generator.h"
#include "server/vector_store_places.h"
#include "server/vector_store_requests.h"
#include "server/vector_store_search.h"
#include "server/vector_stores.h"

namespace ondol::server {
namespace {

constexpr ErrorStyle kStyle = ErrorStyle::kOpenAi;
constexpr size_t kUsuallyListed = 20;
constexpr size_t kMostListed = 100;

using RequestPtr = std::shared_ptr<const Request>;

std::string parameter(const Request& request, const char* name) {
  const auto found = request.path_parameters.find(name);
  return found == request.path_parameters.end() ? "" : found->second;
}

int64_t now_seconds() {
  return static_cast<int64_t>(std::time(nullptr));
}

void send_store(Responder& responder, const VectorStores::Outcome& outcome) {
  if (outcome.error) return send_error(responder, kStyle, *outcome.error);
  send_json(responder, shown(outcome.store, now_seconds()));
}

HttpError unknown_in(const VectorStore& store, const std::string& file) {
  return make_error(404, fmt::format("there is no file '{}' in '{}'", file.substr(0, 100), store.id), "file_not_found");
}

void send_file(Responder& responder, const VectorStores::Outcome& outcome, const std::string& file) {
  if (outcome.error) return send_error(responder, kStyle, *outcome.error);
  const AttachedFile* found = outcome.store.find(file);
  if (found == nullptr) return send_error(responder, kStyle, unknown_in(outcome.store, file));
  send_json(responder, shown(outcome.store, *found));
}

// Collections.

void create(Services& services, const Request& request, Responder& responder, const Fields& fields) {
  VectorStore wanted;
  wanted.owner = owner_of(request);
  read_vector_store(fields, wanted);
  read_file_ids(fields, services.files, wanted.owner, wanted);
  if (fields.fault()) return send_error(responder, kStyle, fields.fault().error());
  send_store(responder, services.vector_stores.create(std::move(wanted)));
}

void update(Services& services, const Request& request, Responder& responder, const Fields& fields) {
  const auto edit = [&](VectorStore& store) -> std::optional<HttpError> {
    read_vector_store(fields, store);
    if (fields.fault()) return fields.fault().error();
    store.last_active_at = now_seconds();
    return {};
  };
  send_store(responder, services.vector_stores.update(parameter(request, "id"), owner_of(request), edit));
}

void list(Services& services, const Request& request, Responder& responder) {
  const PageWish wish = read_page(request, kUsuallyListed, kMostListed);
  if (wish.error) return send_error(responder, kStyle, *wish.error);
  std::vector<json::object> all;
  for (const VectorStore& store : services.vector_stores.list(owner_of(request))) {
    all.push_back(shown(store, now_seconds()));
  }
  send_json(responder, page_of(std::move(all), wish));
}

void show(Services& services, const Request& request, Responder& responder) {
  send_store(responder, services.vector_stores.find(parameter(request, "id"), owner_of(request)));
}

void remove(Services& services, const Request& request, Responder& responder) {
  const std::string id = parameter(request, "id");
  const auto outcome = services.vector_stores.remove(id, owner_of(request));
  if (outcome.error) return send_error(responder, kStyle, *outcome.error);
  send_json(responder, json::object{{"id", id}, {"object", "vector_store.deleted"}, {"deleted", true}});
}

// Their files.

void attach(Services& services, const Request& request, Responder& responder, const Fields& fields) {
  AttachedFile file = read_attached_file(fields, services.files, owner_of(request));
  if (fields.fault()) return send_error(responder, kStyle, fields.fault().error());
  const std::string id = file.id;
  const std::string store = parameter(request, "id");
  send_file(responder, services.vector_stores.attach(store, owner_of(request), {std::move(file)}), id);
}

void update_file(Services& services, const Request& request, Responder& responder, const Fields& fields) {
  const std::string id = parameter(request, "file");
  const auto edit = [&](VectorStore& store) -> std::optional<HttpError> {
    AttachedFile* file = store.find(id);
    if (file == nullptr) return unknown_in(store, id);
    file->attributes = read_attributes(fields);
    if (fields.fault()) return fields.fault().error();
    return {};
  };
  send_file(responder, services.vector_stores.update(parameter(request, "id"), owner_of(request), edit), id);
}

/// Those of a batch, or all where it is "".
void list_files_of(const VectorStore& store, const std::string& batch, const Request& request, Responder& responder) {
  const PageWish wish = read_page(request, kUsuallyListed, kMostListed);
  if (wish.error) return send_error(responder, kStyle, *wish.error);
  const auto status = request.query.find("filter");
  std::vector<json::object> all;
  for (auto file = store.files.rbegin(); file != store.files.rend(); ++file) {
    const bool is_wanted = (batch.empty() || file->batch == batch) &&
                           (status == request.query.end() || status->second == status_name(file->status));
    if (is_wanted) all.push_back(shown(store, *file));
  }
  send_json(responder, page_of(std::move(all), wish));
}

void list_files(Services& services, const Request& request, Responder& responder) {
  const auto found = services.vector_stores.find(parameter(request, "id"), owner_of(request));
  if (found.error) return send_error(responder, kStyle, *found.error);
  list_files_of(found.store, "", request, responder);
}

void show_file(Services& services, const Request& request, Responder& responder) {
  send_file(responder, services.vector_stores.find(parameter(request, "id"), owner_of(request)),
            parameter(request, "file"));
}

/// Calls `send` with the collection and its file that the path names.
template <typename Send>
void with_file(Services& services, const Request& request, Responder& responder, const Send& send) {
  const auto found = services.vector_stores.find(parameter(request, "id"), owner_of(request));
  if (found.error) return send_error(responder, kStyle, *found.error);
  const AttachedFile* file = found.store.find(parameter(request, "file"));
  if (file == nullptr) return send_error(responder, kStyle, unknown_in(found.store, parameter(request, "file")));
  send(found.store, *file);
}

void send_content(Services& services, const Request& request, Responder& responder) {
  with_file(services, request, responder, [&](const VectorStore& store, const AttachedFile& file) {
    auto document = services.vector_stores.document(store, file);
    if (!document) return send_error(responder, kStyle, make_error(400, "there is no text of this file", "no_content"));
    json::object page = {{"object", "vector_store.file_content.page"}};
    page["data"] = json::array{json::object{{"type", "text"}, {"text", std::move(document->text)}}};
    page["has_more"] = false;
    page["next_page"] = nullptr;
    send_json(responder, page);
  });
}

void send_text(Services& services, const Request& request, Responder& responder) {
  with_file(services, request, responder, [&](const VectorStore& store, const AttachedFile& file) {
    send_document(services, request, responder, store, file);
  });
}

void detach(Services& services, const Request& request, Responder& responder) {
  const std::string file = parameter(request, "file");
  const auto outcome = services.vector_stores.detach(parameter(request, "id"), owner_of(request), file);
  if (outcome.error) return send_error(responder, kStyle, *outcome.error);
  send_json(responder, json::object{{"id", file}, {"object", "vector_store.file.deleted"}, {"deleted", true}});
}

// Batches of files.

/// Calls `send` with the collection and its batch that the path names.
template <typename Send>
void with_batch(Services& services, const Request& request, Responder& responder, const Send& send) {
  const auto found = services.vector_stores.find(parameter(request, "id"), owner_of(request));
  if (found.error) return send_error(responder, kStyle, *found.error);
  const std::string id = parameter(request, "batch");
  for (const FileBatch& batch : found.store.batches) {
    if (batch.id == id) return send(found.store, batch);
  }
  send_error(responder, kStyle, make_error(404, fmt::format("there is no file batch '{}'", id.substr(0, 100))));
}

void create_batch(Services& services, const Request& request, Responder& responder, const Fields& fields) {
  const FileBatch batch{random_id("vsfb_"), now_seconds()};
  auto files = read_file_batch(fields, services.files, owner_of(request), batch);
  if (fields.fault()) return send_error(responder, kStyle, fields.fault().error());
  const auto outcome =
      services.vector_stores.attach(parameter(request, "id"), owner_of(request), std::move(files), batch);
  if (outcome.error) return send_error(responder, kStyle, *outcome.error);
  send_json(responder, shown(outcome.store, batch));
}

void show_batch(Services& services, const Request& request, Responder& responder) {
  with_batch(services, request, responder,
             [&](const VectorStore& store, const FileBatch& batch) { send_json(responder, shown(store, batch)); });
}

void list_batch(Services& services, const Request& request, Responder& responder) {
  with_batch(services, request, responder, [&](const VectorStore& store, const FileBatch& batch) {
    list_files_of(store, batch.id, request, responder);
  });
}

void cancel_batch(Services& services, const Request& request, Responder& responder) {
  with_batch(services, request, responder, [&](const VectorStore& store, const FileBatch& batch) {
    const auto outcome = services.vector_stores.cancel(store.id, owner_of(request), batch.id);
    if (outcome.error) return send_error(responder, kStyle, *outcome.error);
    send_json(responder, shown(outcome.store, batch));
  });
}

// Search and answers.

json::array shown_highlights(std::string_view text, std::span<const std::string> queries) {
  json::array list;
  for (const ByteRange& range : highlights(text, fmt::format("{}", fmt::join(queries, " ")))) {
    list.push_back(json::object{{"start", range.start}, {"end", range.end}});
  }
  return list;
}

json::object shown(const FoundPiece& piece, std::span<const std::string> queries) {
  json::object result = {{"file_id", piece.file.id}, {"filename", piece.file.name}, {"score", piece.score}};
  result["attributes"] = piece.file.attributes;
  result["content"] = json::array{json::object{{"type", "text"}, {"text", piece.hit.text}}};
  json::object place = shown_place(piece.hit);
  place["highlights"] = shown_highlights(piece.hit.text, queries);
  result["ondol"] = std::move(place);
  return result;
}

void search(Services& services, const Request& request, Responder& responder, const Fields& fields) {
  const VectorSearch wish = read_vector_search(fields);
  if (fields.fault()) return send_error(responder, kStyle, fields.fault().error());
  const std::string id = parameter(request, "id");
  const FoundPieces found = search_stores(services.vector_stores, std::span(&id, 1), owner_of(request), wish);
  if (found.error) return send_error(responder, kStyle, *found.error);
  json::array data;
  for (const FoundPiece& piece : found.pieces) data.push_back(shown(piece, wish.queries));
  json::object page = {{"object", "vector_store.search_results.page"}};
  page["search_query"] = json::value_from(wish.queries);
  page["data"] = std::move(data);
  page["has_more"] = false;
  page["next_page"] = nullptr;
  send_json(responder, page);
}

/// Each claim as an event when it has passed its checks, then the whole answer.
void stream_answer(const Services& services, const VectorStores::Searchable& place, const VectorQuestion& wish,
                   TextGenerator* generator, const ResponderPtr& responder) {
  EventWriter events(responder);
  events.begin();
  const auto found = place.documents->answer(wish.question, wish.history, generator, [&](const Claim& claim) {
    events.event("claim", json_text(shown_claim(claim, place.store, services.files)));
    events.flush();
    return !responder->is_gone();
  });
  if (!found) return events.fail(kStyle, make_error(500, found.error().message()), "error");
  events.event("answer", json_text(shown_answer(*found, place.store, services.files)));
  events.end();
}

/// On a thread for questions.
void answer(const Services& services, const VectorStores::Searchable& place, const VectorQuestion& wish,
            TextGenerator* generator, const ResponderPtr& responder) {
  if (wish.streams) return stream_answer(services, place, wish, generator, responder);
  const auto found = place.documents->answer(wish.question, wish.history, generator,
                                             [&](const Claim&) { return !responder->is_gone(); });
  if (!found) return send_error(*responder, kStyle, make_error(500, found.error().message()));
  send_json(*responder, shown_answer(*found, place.store, services.files));
}

void answer_by_model(Services& services, const RequestPtr& request, const ResponderPtr& responder,
                     const VectorStores::Searchable& place, const VectorQuestion& wish,
                     const ModelPool::Outcome& model) {
  if (!follows_instructions(model.model->engine()) || !model.model->info().makes_text) {
    return answer(services, place, wish, nullptr, responder);
  }
  SchedulerGenerator::Terms terms;
  terms.client = request->client;
  terms.goes_on = [&services, responder] { return !services.vector_stores.is_ending() && !responder->is_gone(); };
  if (const auto error = services.models->adapters().choose(*model.model, model.adapter, {}, terms.adapters)) {
    return send_error(*responder, kStyle, *error);
  }
  SchedulerGenerator generator(model.model, std::move(terms));
  answer(services, place, wish, &generator, responder);
}

void ask(Services& services, const RequestPtr& request, const ResponderPtr& responder, const Fields& fields) {
  const VectorQuestion wish = read_vector_question(fields);
  if (fields.fault()) return send_error(*responder, kStyle, fields.fault().error());
  const auto place = services.vector_stores.searchable(parameter(*request, "id"), owner_of(*request));
  if (place.error) return send_error(*responder, kStyle, *place.error);
  if (!wish.model) {
    return services.vector_stores.post_question(
        [&services, place, wish, responder] { answer(services, place, wish, nullptr, responder); });
  }
  const auto ready = [&services, request, responder, place, wish](const ModelPool::Outcome& outcome) {
    if (outcome.error) return send_error(*responder, kStyle, *outcome.error);
    services.vector_stores.post_question([&services, request, responder, place, wish, outcome] {
      answer_by_model(services, request, responder, place, wish, outcome);
    });
  };
  services.models->use(*wish.model, ready, [responder] { return !responder->is_gone(); });
}

}  // namespace

std::vector<Route> vector_store_routes(Services& services) {
  std::vector<Route> routes;
  const auto checked = [&services](const RequestPtr& request, const ResponderPtr& to, std::function<void()> job) {
    if (const auto error = check_right(*request, "vector stores are kept and read")) {
      return send_error(*to, kStyle, *error);
    }
    services.vector_stores.post(std::move(job));
  };
  const auto without_body = [&](const char* method, const std::string& path, auto handle) {
    routes.push_back({method, "/v1/vector_stores" + path, kStyle, true,
                      [&services, checked, handle](const RequestPtr& request, const ResponderPtr& to) {
                        checked(request, to, [&services, request, to, handle] { handle(services, *request, *to); });
                      }});
  };
  const auto with_body = [&](const std::string& path, auto handle) {
    const auto handler = [&services, checked, handle](const RequestPtr& request, const ResponderPtr& to,
                                                      const json::object& body) {
      checked(request, to, [&services, request, to, body, handle] {
        RequestFault fault;
        handle(services, request, to, Fields(body, fault));
      });
    };
    routes.push_back({"POST", "/v1/vector_stores" + path, kStyle, true, json_handler(services, handler)});
  };
  const auto simple = [](auto handle) {
    return [handle](Services& all, const RequestPtr& request, const ResponderPtr& to, const Fields& fields) {
      handle(all, *request, *to, fields);
    };
  };
  with_body("", simple(create));
  without_body("GET", "", list);
  without_body("GET", "/{id}", show);
  with_body("/{id}", simple(update));
  without_body("DELETE", "/{id}", remove);
  with_body("/{id}/files", simple(attach));
  without_body("GET", "/{id}/files", list_files);
  without_body("GET", "/{id}/files/{file}", show_file);
  with_body("/{id}/files/{file}", simple(update_file));
  without_body("DELETE", "/{id}/files/{file}", detach);
  without_body("GET", "/{id}/files/{file}/content", send_content);
  without_body("GET", "/{id}/files/{file}/text", send_text);
  with_body("/{id}/file_batches", simple(create_batch));
  without_body("GET", "/{id}/file_batches/{batch}", show_batch);
  without_body("GET", "/{id}/file_batches/{batch}/files", list_batch);
  without_body("POST", "/{id}/file_batches/{batch}/cancel", cancel_batch);
  with_body("/{id}/search", simple(search));
  with_body("/{id}/ask", ask);
  return routes;
}

}  // namespace ondol::server
