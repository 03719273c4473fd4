// What is looked at before a response is made, of the tools that this server runs itself.
#include <algorithm>

#include <fmt/format.h>

#include "server/ownership.h"
#include "server/responses_rounds.h"
#include "server/vector_stores.h"

namespace ondol::server {
namespace {

using Kind = ResponseItem::Kind;

constexpr size_t kMostAnswers = 64;  // to approval requests

std::optional<HttpError> check_file_search(Services& services, const ResponseTools& tools, const Request& request) {
  if (!tools.search) return {};
  if (auto error = check_right(request, "vector stores are searched")) return error;
  for (const std::string& id : tools.search->stores) {
    if (services.vector_stores.has(id, owner_of(request))) continue;
    HttpError error = unknown_vector_store(id);
    error.parameter = "tools";
    return error;
  }
  return {};
}

std::vector<std::string> containers_of(const ResponseItems& history, const ResponseItems& input) {
  std::vector<std::string> ids;
  for (const ResponseItems* items : {&history, &input}) {
    for (const ResponseItemPtr& item : *items) {
      std::string id = string_or(item->value, "container_id", "");
      if (item->kind == Kind::kHosted && !id.empty()) ids.push_back(std::move(id));
    }
  }
  return ids;
}

std::optional<HttpError> check_code(Services& services, ResponseRequest& request, const ResponseItems& history,
                                    const Request& http, HostedNeeds& needs) {
  if (!request.tools.code) return {};
  if (auto error = check_right(http, "programs are run")) return error;
  ReadyContainer ready = ready_container(services.hosted, services.files, *request.tools.code,
                                         containers_of(history, request.input), owner_of(http));
  if (ready.error) return std::move(ready.error);
  needs.container = std::move(ready.container);
  request.tools.code->container = needs.container->id;
  return {};
}

std::optional<HttpError> check_servers(Services& services, ResponseRequest& request, const Request& http,
                                       HostedNeeds& needs) {
  if (request.tools.remote.empty()) return {};
  if (auto error = check_right(http, "MCP servers are asked")) return error;
  for (const RemoteServer& server : request.tools.remote) {
    if (auto error = check_remote_server(services.hosted.mcp_hosts(), server)) return error;
  }
  needs.servers = std::move(request.tools.remote);
  request.tools.remote.clear();
  return {};
}

/// An answer to what nobody asked, or about a server that the request does not name.
std::optional<HttpError> check_approvals(const ResponseRequest& request, const ResponseItems& history,
                                         HostedNeeds& needs) {
  ResponseItems all = history;
  all.insert(all.end(), request.input.begin(), request.input.end());
  size_t n_answers = 0;
  for (const ResponseItemPtr& item : request.input) {
    if (item->kind != Kind::kApprovalAnswer) continue;
    if (++n_answers > kMostAnswers)
      return make_error(400, fmt::format("input: expected at most {} answers to approval requests", kMostAnswers));
    const ResponseItemPtr asked = find_approval_request(all, item->call_id);
    std::string wrong;
    if (!asked) wrong = fmt::format("there is no approval request '{}' in this conversation", item->call_id);
    const std::string label = asked ? string_or(asked->value, "server_label", "") : "";
    const bool has_server = std::any_of(needs.servers.begin(), needs.servers.end(),
                                        [&](const RemoteServer& server) { return server.label == label; });
    if (asked && item->is_approved && !has_server)
      wrong = fmt::format("the tools must have the MCP server '{}' again, to which the approved call goes", label);
    needs.is_given_back = needs.is_given_back || item->is_approved;
    if (wrong.empty()) continue;
    HttpError error = make_error(400, "input: " + wrong, "mcp_approval");
    error.parameter = "input";
    return error;
  }
  return {};
}

bool is_foreign(const ResponseItemPtr& item) {
  return item->is_foreign;
}

}  // namespace

void set_letters(Services& services, ResponseRequest& request, const ResponseItems& history, const Request& http) {
  const bool may_be_foreign = request.tools.has_programs() || std::ranges::any_of(history, is_foreign) ||
                              std::ranges::any_of(request.input, is_foreign);
  if (!may_be_foreign) return;
  const ResponseItems& first = history.empty() ? request.input : history;
  request.letters = services.hosted.letters(owner_of(http), first.empty() ? "" : first.front()->text);
}

std::optional<HttpError> prepare_hosted(Services& services, ResponseRequest& request, const ResponseItems& history,
                                        const Request& http, HostedNeeds& needs) {
  set_letters(services, request, history, http);
  if (auto error = check_file_search(services, request.tools, http)) return error;
  if (auto error = check_code(services, request, history, http, needs)) return error;
  if (auto error = check_servers(services, request, http, needs)) return error;
  return check_approvals(request, history, needs);
}

}  // namespace ondol::server
