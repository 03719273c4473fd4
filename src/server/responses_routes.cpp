// /v1/responses: OpenAI's Responses API, with responses that are kept.
#include "server/responses.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "server/openai.h"
#include "server/ownership.h"
#include "server/responses_rounds.h"

namespace ondol::server {
namespace {

constexpr size_t kMaxListed = 100;
constexpr size_t kUsuallyListed = 20;

using StorePtr = std::shared_ptr<ResponseStore>;
using RequestPtr = std::shared_ptr<const Request>;

ResponsePtr find_response(ResponseStore& store, const Request& request, const std::string& id) {
  ResponsePtr response = store.find(id);
  return response && response->owner() == owner_of(request) ? response : nullptr;
}

FindItem stored_items(const StorePtr& store, const std::string& owner) {
  // Collected when the first is asked for.
  auto items = std::make_shared<std::map<std::string, ResponseItemPtr, std::less<>>>();
  auto is_filled = std::make_shared<bool>(false);
  return [=](std::string_view id) -> ResponseItemPtr {
    if (!*is_filled) {
      *is_filled = true;
      for (const ResponsePtr& response : store->all()) {
        if (response->owner() != owner) continue;
        for (const ResponseItemPtr& item : response->own_items())
          items->emplace(string_or(item->value, "id", ""), item);
      }
    }
    const auto found = items->find(id);
    return found == items->end() ? nullptr : found->second;
  };
}

void refuse(Responder& responder, int status, std::string message, std::string code, std::string parameter = {}) {
  HttpError error = make_error(status, std::move(message), std::move(code));
  error.parameter = std::move(parameter);
  send_error(responder, ErrorStyle::kOpenAi, error);
}

/// The request of the body and the conversation that it continues; or the client has its answer.
struct Asked {
  ResponseRequest request;
  ResponseItems history;
};
std::optional<Asked> read_request(Services& services, const StorePtr& store, const Request& request,
                                  Responder& responder, const json::object& body) {
  RequestFault fault;
  Asked asked;
  const OfferedTools offered{services.hosted.runs_code(), services.hosted.reaches_servers()};
  asked.request = read_response_request(Fields(body, fault), stored_items(store, owner_of(request)), offered);
  asked.request.chat.client = request.client;
  if (fault) {
    send_error(responder, ErrorStyle::kOpenAi, fault.error());
    return {};
  }
  const std::string& id = asked.request.previous_id;
  if (id.empty()) return asked;
  const ResponsePtr previous = find_response(*store, request, id);
  if (!previous || !previous->is_over()) {
    refuse(responder, 400,
           previous
               ? fmt::format("the response '{}' is still being made", id)
               : fmt::format("there is no stored response '{}'; it may have been deleted or dropped, or not stored "
                             "(\"store\": false): send the conversation as input",
                             id),
           previous ? "previous_response_not_over" : "previous_response_not_found", "previous_response_id");
    return {};
  }
  asked.history = previous->conversation();
  return asked;
}

void create(Services& services, const StorePtr& store, const Request& request, const ResponderPtr& responder,
            const json::object& body) {
  auto asked = read_request(services, store, request, *responder, body);
  if (!asked) return;
  HostedNeeds needs;
  if (const auto error = prepare_hosted(services, asked->request, asked->history, request, needs)) {
    return send_error(*responder, ErrorStyle::kOpenAi, *error);
  }
  const auto run =
      std::make_shared<ResponseRun>(std::move(asked->request), std::move(asked->history), owner_of(request), store);
  const ResponseRequest& wanted = run->request();
  if (wanted.streams) run->follow(responder, 0);
  if (!wanted.streams && !wanted.in_background) run->answer(responder);
  if (wanted.in_background) run->queue();
  if (wanted.in_background && !wanted.streams) send_json(*responder, run->response());
  start_response(services, run, wanted.in_background ? nullptr : responder, std::move(needs));
}

void count(Services& services, const StorePtr& store, const Request& request, const ResponderPtr& responder,
           const json::object& body) {
  auto asked = read_request(services, store, request, *responder, body);
  if (!asked) return;
  set_letters(services, asked->request, asked->history, request);
  ChatRequest chat = std::move(asked->request.chat);
  ResponseItems items = std::move(asked->history);
  items.insert(items.end(), asked->request.input.begin(), asked->request.input.end());
  chat.messages = messages_of_items(asked->request.instructions, items, asked->request.letters);
  const std::string name = chat.model;
  services.models->use(name, [&services, responder, chat = std::move(chat)](ModelPool::Outcome outcome) {
    if (outcome.error) return send_error(*responder, ErrorStyle::kOpenAi, *outcome.error);
    services.workers.post([responder, chat, model = std::move(outcome.model)] {
      ChatPrompt prompt;
      if (const auto error = make_chat_prompt(*model, chat, prompt)) {
        return send_error(*responder, ErrorStyle::kOpenAi, *error);
      }
      send_json(*responder, json::object{{"object", "response.input_tokens"}, {"input_tokens", prompt.tokens.size()}});
    });
  });
}

std::string query_of(const Request& request, const char* key) {
  const auto found = request.query.find(key);
  return found == request.query.end() ? "" : found->second;
}

std::optional<size_t> number_of(std::string_view text) {
  size_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return {};
  return number;
}

void get(const Request& request, const ResponderPtr& responder, const ResponsePtr& response) {
  if (query_of(request, "stream") != "true") return send_json(*responder, response->response());
  if (!response->keeps_events()) {
    return refuse(*responder, 400,
                  "its events were not kept: only responses that were made with stream or background "
                  "can be streamed again",
                  "not_streamable", "stream");
  }
  const std::string after = query_of(request, "starting_after");
  const auto number = after.empty() ? std::optional<size_t>() : number_of(after);
  if (!after.empty() && (!number || *number == SIZE_MAX)) {
    return refuse(*responder, 400, "starting_after: expected a whole number", "", "starting_after");
  }
  response->follow(responder, number ? *number + 1 : 0);
}

void cancel(const Request&, const ResponderPtr& responder, const ResponsePtr& response) {
  response->cancel();
  send_json(*responder, response->response());
}

void list_input(const Request& request, const ResponderPtr& responder, const ResponsePtr& response) {
  const std::string limit_text = query_of(request, "limit");
  const auto limit = limit_text.empty() ? std::optional(kUsuallyListed) : number_of(limit_text);
  if (!limit || *limit < 1 || *limit > kMaxListed) {
    return refuse(*responder, 400, fmt::format("limit: expected a number from 1 to {}", kMaxListed), "", "limit");
  }
  ResponseItems items = response->request().input;
  if (query_of(request, "order") != "asc") std::reverse(items.begin(), items.end());
  auto at = items.begin();
  if (const std::string after = query_of(request, "after"); !after.empty()) {
    at = std::find_if(items.begin(), items.end(),
                      [&](const ResponseItemPtr& item) { return string_or(item->value, "id", "") == after; });
    if (at == items.end()) return refuse(*responder, 400, "after: there is no such item", "", "after");
    ++at;
  }
  json::array data;
  for (; at != items.end() && data.size() < *limit; ++at) data.push_back((*at)->value);
  json::object list = {
      {"object", "list"}, {"first_id", nullptr}, {"last_id", nullptr}, {"has_more", at != items.end()}};
  if (!data.empty()) {
    list["first_id"] = data.front().at("id");
    list["last_id"] = data.back().at("id");
  }
  list["data"] = std::move(data);
  send_json(*responder, list);
}

}  // namespace

std::vector<Route> response_routes_in(Services& services, const StorePtr& store) {
  std::vector<Route> routes;
  const auto add = [&](const char* method, const char* path, Handler handler) {
    routes.push_back({method, path, ErrorStyle::kOpenAi, true, std::move(handler)});
  };
  const auto post = [&](const char* path, auto handle) {
    add("POST", path,
        json_handler(services, [&services, store, handle](const RequestPtr& request, const ResponderPtr& responder,
                                                          const json::object& body) {
          handle(services, store, *request, responder, body);
        }));
  };
  const auto for_one = [&](const char* method, const char* path, auto handle) {
    add(method, path,
        worker_handler(services, [store, handle](const RequestPtr& request, const ResponderPtr& responder) {
          const std::string& id = request->path_parameters.at("id");
          const ResponsePtr response = find_response(*store, *request, id);
          if (response) return handle(*request, responder, response);
          refuse(*responder, 404, fmt::format("there is no stored response '{}'", id), "response_not_found",
                 "response_id");
        }));
  };
  post("/v1/responses", create);
  post("/responses", create);
  post("/v1/responses/input_tokens", count);
  for_one("GET", "/v1/responses/{id}", get);
  for_one("POST", "/v1/responses/{id}/cancel", cancel);
  for_one("GET", "/v1/responses/{id}/input_items", list_input);
  for_one("DELETE", "/v1/responses/{id}",
          [store](const Request&, const ResponderPtr& responder, const ResponsePtr& response) {
            response->cancel();
            store->remove(response->id());
            send_json(*responder, json::object{{"id", response->id()}, {"object", "response"}, {"deleted", true}});
          });
  return routes;
}

std::vector<Route> response_routes(Services& services) {
  return response_routes_in(services, make_memory_response_store());
}

}  // namespace ondol::server
