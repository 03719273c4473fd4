// What a handler sees of HTTP: a request that was read whole and checked, and a way to answer at once or in pieces.
//
// Sockets, limits and time-outs are in connection.cpp; who may ask what is decided in gate.h before a handler is
// called. Handlers run on the server's I/O thread and must not block: long work goes to a Scheduler or a worker.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace ondol::server {

/// Takes a body that is too long to be held, piece by piece, on the I/O thread. It goes with the request.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual void write(std::string_view piece) = 0;
};

struct Request {
  std::string method;
  std::string path;  // decoded, without the query; valid UTF-8
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;          // names in lower case; repeated ones are joined by ", "
  std::map<std::string, std::string> path_parameters;  // "{id}" of the route
  std::string body;
  std::shared_ptr<BodySink> sink;  // has the body instead, where the route wants it so
  std::string id;                  // of this request, for logs and x-request-id
  std::string client;              // name of the API key, or the peer's address: fairness and limits go by it
  std::string address;             // of the peer

  std::string_view header(std::string_view lower_case_name) const;  // "" when absent
};

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The way back to one client. Safe to call from any thread; calls after the client has gone, and calls out of order
/// (a second answer), are ignored. When the last reference goes without an answer, the client gets error 500, or, if
/// the answer had begun, loses the connection, so that it cannot take a part for the whole.
class Responder {
 public:
  virtual ~Responder() = default;

  /// The whole answer.
  virtual void send(int status, std::string_view content_type, std::string body, Headers headers = {}) = 0;

  /// An answer in pieces: begin, then write as often as wanted, then end. Pieces that the client does not take wait in
  /// a bounded buffer; when that is full the client is dropped (is_gone() is true and on_gone is called).
  virtual void begin(int status, std::string_view content_type, Headers headers = {}) = 0;
  virtual void write(std::string piece) = 0;
  virtual void end() = 0;

  /// Writes `piece` whenever the answer, once begun, has been silent for so long (to about a quarter of a second), so
  /// that proxies and clients do not take a long thought for a lost connection. Until end().
  virtual void keep_alive(std::string /*piece*/, std::chrono::milliseconds /*silence*/) {}

  /// Called once if the client goes away before the answer has ended: from the I/O thread, or, when it had already
  /// gone, at once. Never after end().
  virtual void on_gone(std::function<void()> callback) = 0;
  virtual bool is_gone() const = 0;

  /// Of the request that is answered.
  virtual std::string_view request_id() const { return {}; }
};
using ResponderPtr = std::shared_ptr<Responder>;

/// Families of APIs write errors in their own shape.
enum class ErrorStyle { kOpenAi, kAnthropic, kOllama };

/// The family of a path that has no route: /api/ is Ollama's, /v1/messages Anthropic's, all else OpenAI's.
ErrorStyle error_style_of(std::string_view path);

struct HttpError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";  // OpenAI's and Anthropic's; see error_type()
  std::string code = {};                       // machine-readable, e.g. "context_length_exceeded"; "" is null
  std::string parameter = {};                  // the field at fault, e.g. "messages[2].role"; "" is null
  Headers headers = {};                        // to send with it, e.g. Retry-After
};

/// An error whose type is the usual one of its status.
HttpError make_error(int status, std::string message, std::string code = {});

/// The body of an error. Anthropic's type follows from the status where `error.type` is none of that family.
std::string error_body(ErrorStyle style, const HttpError& error, std::string_view request_id);
void send_error(Responder& responder, ErrorStyle style, const HttpError& error);

/// "Not Found" of 404; "Status" of what has no name.
std::string_view reason_phrase(int status);

using Handler = std::function<void(std::shared_ptr<const Request>, ResponderPtr)>;

/// A pattern's segments are text, "{name}" for any one segment, or, last, "{name...}" for all that is left (at least
/// one segment). Where several match, text wins over a name and a name over the rest.
/// A route for GET answers HEAD too; what it sends as a body is counted and left out.
struct Route {
  std::string method;   // "GET"
  std::string pattern;  // "/v1/responses/{id}"
  ErrorStyle errors = ErrorStyle::kOpenAi;
  bool needs_key = true;  // when keys are set at all
  Handler handler;
  /// Makes what takes the body, once the head is known and nothing speaks against the request.
  std::function<std::shared_ptr<BodySink>(const Request&)> make_sink = {};
  size_t max_body_bytes = 0;  // 0: as for the others
};

}  // namespace ondol::server
