#include "server/gate.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "server/url.h"

namespace ondol::server {
namespace {

constexpr std::string_view kMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
constexpr std::string_view kUsualHeaders =
    "Authorization, Content-Type, X-Api-Key, X-Request-Id, Anthropic-Version, "
    "Mcp-Session-Id, Mcp-Protocol-Version, Last-Event-ID";
constexpr std::string_view kExposedHeaders = "x-request-id, Mcp-Session-Id, Mcp-Protocol-Version, Retry-After";

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// A list of header names, fit to be sent back.
bool is_name_list(std::string_view text) {
  return !text.empty() && text.size() <= 1024 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '_' || c == ',' || c == ' ';
  });
}

std::string join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out.append(out.empty() ? "" : ", ").append(part);
  return out;
}

bool is_same_text(std::string_view a, std::string_view lower) {
  return a.size() == lower.size() && std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) {
           return (x >= 'A' && x <= 'Z' ? x + ('a' - 'A') : x) == y;
         });
}

}  // namespace

std::string make_request_id() {
  static constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  unsigned char bytes[24];
  RAND_bytes(bytes, sizeof bytes);
  std::string id = "req_";
  for (const unsigned char byte : bytes) id += kAlphabet[byte % kAlphabet.size()];
  return id;
}

bool is_sane_request_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 &&
         std::all_of(id.begin(), id.end(), [](char c) { return is_letter_or_digit(c) || c == '_' || c == '-'; });
}

Gate::Gate(const ServerOptions& options, Router router)
    : router_(std::move(router)), access_(options), max_body_bytes_(options.max_body_bytes) {}

std::optional<HttpError> Gate::check_host(const RequestHead& head, const std::string& authority) const {
  const auto header = head.headers.find("host");
  if (header == head.headers.end() && head.is_http_1_0 && authority.empty()) return std::nullopt;
  if (header == head.headers.end() && !head.is_http_1_0) return make_error(400, "the Host header is missing");
  for (const std::string& host :
       {authority.empty() ? header->second : authority, header == head.headers.end() ? authority : header->second})
    if (!access_.is_host_allowed(host))
      return make_error(403,
                        fmt::format("the host name '{}' is not one of this server's; allow it with --allow-host",
                                    host.substr(0, 100)),
                        "host_not_allowed");
  return std::nullopt;
}

// Adds the headers that let an allowed page of another origin read the answer.
std::optional<HttpError> Gate::check_origin(Verdict& verdict) const {
  const Request& request = *verdict.request;
  const std::string_view origin = request.header("origin");
  if (!origin.empty() || access_.has_origins()) verdict.headers.emplace_back("Vary", "Origin");
  if (origin.empty()) return std::nullopt;
  if (Access::is_own_origin(origin, request.header("host"))) return std::nullopt;
  if (!access_.is_origin_allowed(origin))
    return make_error(
        403,
        fmt::format("pages of '{}' may not ask this server; allow them with --allow-origin", origin.substr(0, 100)),
        "origin_not_allowed");
  verdict.headers.emplace_back("Access-Control-Allow-Origin", origin);
  verdict.headers.emplace_back("Access-Control-Expose-Headers", kExposedHeaders);
  return std::nullopt;
}

void Gate::answer_options(Verdict& verdict, const std::vector<std::string>& segments) const {
  const Request& request = *verdict.request;
  Router::Match match = router_.match("OPTIONS", segments);
  match.allowed.emplace_back("OPTIONS");
  verdict.headers.emplace_back("Allow", request.path == "*" ? std::string(kMethods) : join(match.allowed));
  if (request.header("origin").empty() || request.header("access-control-request-method").empty()) return;
  const std::string_view wanted = request.header("access-control-request-headers");
  verdict.headers.emplace_back("Access-Control-Allow-Methods", kMethods);
  verdict.headers.emplace_back("Access-Control-Allow-Headers", is_name_list(wanted) ? wanted : kUsualHeaders);
  verdict.headers.emplace_back("Access-Control-Max-Age", "7200");
  if (request.header("access-control-request-private-network") == "true")
    verdict.headers.emplace_back("Access-Control-Allow-Private-Network", "true");
}

Verdict Gate::judge(const RequestHead& head, const std::string& address, std::chrono::steady_clock::time_point now) {
  Verdict verdict;
  verdict.request = std::make_shared<Request>();
  Request& request = *verdict.request;
  request.method = head.method;
  request.headers = head.headers;
  request.address = address;
  request.client = address;
  const std::string_view given_id = request.header("x-request-id");
  request.id = is_sane_request_id(given_id) ? std::string(given_id) : make_request_id();
  verdict.headers.emplace_back("x-request-id", request.id);
  const auto refuse = [&](HttpError error) {
    verdict.error = std::move(error);
    return std::move(verdict);
  };

  auto target = parse_target(head.target);
  if (!target) return refuse(make_error(400, target.error().message()));
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  verdict.style = error_style_of(request.path);
  if (auto error = check_host(head, target->authority)) return refuse(std::move(*error));
  if (auto error = check_origin(verdict)) return refuse(std::move(*error));

  Router::Match match = router_.match(head.method, target->segments);
  if (match.route == nullptr && head.method == "OPTIONS") {
    answer_options(verdict, target->segments);
    return verdict;
  }
  if (match.route == nullptr && match.allowed.empty())
    return refuse(make_error(404, fmt::format("no such path: {} {}", head.method, request.path), "unknown_url"));
  verdict.style = match.route != nullptr ? match.route->errors : match.any->errors;
  if (match.route == nullptr) {
    HttpError error = make_error(405, fmt::format("{} is not a method of {}", head.method, request.path));
    error.headers.emplace_back("Allow", join(match.allowed));
    return refuse(std::move(error));
  }
  request.path_parameters = std::move(match.parameters);
  auto admission = access_.admit(request, match.route->needs_key, now);
  request.client = std::move(admission.client);
  if (admission.error) return refuse(std::move(*admission.error));
  if (const auto expect = request.header("expect"); !expect.empty() && !is_same_text(expect, "100-continue"))
    return refuse(make_error(417, "Expect: only 100-continue is known"));
  if (const auto encoding = request.header("content-encoding");
      !encoding.empty() && !is_same_text(encoding, "identity"))
    return refuse(make_error(415, "Content-Encoding: request bodies must come uncompressed"));
  const size_t limit = match.route->max_body_bytes > 0 ? match.route->max_body_bytes : max_body_bytes_;
  if (head.content_length > limit)
    return refuse(make_error(
        413, fmt::format("the request's body has {} bytes; at most {} are allowed", head.content_length, limit)));
  verdict.slot = std::move(admission.slot);
  verdict.route = match.route;
  return verdict;
}

}  // namespace ondol::server
