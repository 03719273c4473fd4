// What a handler sees of HTTP: a request that was read whole and checked, and a way to answer at once or in pieces.
//
// Sockets, TLS, limits and time-outs are in connection.cpp; who may ask what is decided in access.h before a handler
// is called. Handlers run on the server's I/O thread and must not block: long work goes to a Scheduler or a worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace ondol::server {

struct Request {
  std::string method;
  std::string path;  // decoded, without the query
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;          // names in lower case
  std::map<std::string, std::string> path_parameters;  // "{id}" of the route
  std::string body;
  std::string id;      // of this request, for logs and x-request-id
  std::string client;  // name of the API key, or the peer's address: fairness and limits go by it

  std::string_view header(std::string_view lower_case_name) const;  // "" when absent
};

/// The way back to one client. Safe to call from any thread; calls after the client has gone are ignored.
class Responder {
 public:
  virtual ~Responder() = default;

  /// The whole answer.
  virtual void send(int status, std::string_view content_type, std::string body,
                    std::vector<std::pair<std::string, std::string>> headers = {}) = 0;

  /// An answer in pieces: begin, then write as often as wanted, then end. Pieces that the client does not take wait in
  /// a bounded buffer; when that is full the client is dropped (gone() is true and on_gone is called).
  virtual void begin(int status, std::string_view content_type,
                     std::vector<std::pair<std::string, std::string>> headers = {}) = 0;
  virtual void write(std::string piece) = 0;
  virtual void end() = 0;

  /// Called once, from the I/O thread, if the client goes away before the answer has ended.
  virtual void on_gone(std::function<void()> callback) = 0;
  virtual bool is_gone() const = 0;
};
using ResponderPtr = std::shared_ptr<Responder>;

/// Families of APIs write errors in their own shape.
enum class ErrorStyle { kOpenAi, kAnthropic, kOllama };

struct HttpError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::string code = {};       // machine-readable, e.g. "context_length_exceeded"; "" is null
  std::string parameter = {};  // the field at fault, e.g. "messages[2].role"; "" is null
};
void send_error(Responder& responder, ErrorStyle style, const HttpError& error);

using Handler = std::function<void(std::shared_ptr<const Request>, ResponderPtr)>;

struct Route {
  std::string method;   // "GET"
  std::string pattern;  // "/v1/responses/{id}"
  ErrorStyle errors = ErrorStyle::kOpenAi;
  bool needs_key = true;  // when keys are set at all
  Handler handler;
};

}  // namespace ondol::server
