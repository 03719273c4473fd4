#include "server/http.h"

#include <set>

namespace ondol::server {
namespace {

// What the client libraries of each family know: see their tables of exceptions by status and type.
std::string openai_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

std::string anthropic_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    case 504:
      return "timeout_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

}  // namespace

std::string_view Request::header(std::string_view lower_case_name) const {
  const auto found = headers.find(std::string(lower_case_name));
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

ErrorStyle error_style_of(std::string_view path) {
  if (path.starts_with("/api/")) return ErrorStyle::kOllama;
  if (path == "/v1/messages" || path.starts_with("/v1/messages/")) return ErrorStyle::kAnthropic;
  return ErrorStyle::kOpenAi;
}

HttpError make_error(int status, std::string message, std::string code) {
  HttpError error;
  error.status = status;
  error.message = std::move(message);
  error.type = openai_type(status);
  error.code = std::move(code);
  return error;
}

std::string error_body(ErrorStyle style, const HttpError& error, std::string_view request_id) {
  json::object body;
  switch (style) {
    case ErrorStyle::kOllama:
      body["error"] = error.message;
      break;
    case ErrorStyle::kAnthropic: {
      static const std::set<std::string> kTypes = {"invalid_request_error", "authentication_error", "permission_error",
                                                   "not_found_error",       "request_too_large",    "rate_limit_error",
                                                   "overloaded_error",      "timeout_error",        "api_error"};
      const bool is_general = error.type == HttpError{}.type || !kTypes.contains(error.type);
      body["type"] = "error";
      body["error"] =
          json::object{{"type", is_general ? anthropic_type(error.status) : error.type}, {"message", error.message}};
      if (!request_id.empty()) body["request_id"] = request_id;
      break;
    }
    case ErrorStyle::kOpenAi:
      body["error"] = json::object{{"message", error.message},
                                   {"type", error.type},
                                   {"param", text_or_null(error.parameter)},
                                   {"code", text_or_null(error.code)}};
      break;
  }
  return json::serialize(body);
}

void send_error(Responder& responder, ErrorStyle style, const HttpError& error) {
  responder.send(error.status, "application/json", error_body(style, error, responder.request_id()), error.headers);
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 529:
      return "Overloaded";
    default:
      return "Status";
  }
}

}  // namespace ondol::server
