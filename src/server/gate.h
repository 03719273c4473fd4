// Gate: decides from a request's head whether it is heard, by which route, and which headers every answer to it gets.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "server/access.h"
#include "server/request_parser.h"
#include "server/router.h"

namespace ondol::server {

struct Verdict {
  std::shared_ptr<Request> request;  // without its body
  const Route* route = nullptr;      // null: answer with `error`, or with 204
  std::optional<HttpError> error;
  ErrorStyle style = ErrorStyle::kOpenAi;
  Headers headers;             // of the answer: x-request-id, CORS
  std::shared_ptr<void> slot;  // counts the request as running until it goes
};

class Gate {
 public:
  Gate(const ServerOptions& options, Router router);

  Verdict judge(const RequestHead& head, const std::string& address, std::chrono::steady_clock::time_point now);

 private:
  std::optional<HttpError> check_host(const RequestHead& head, const std::string& authority) const;
  std::optional<HttpError> check_origin(Verdict& verdict) const;
  void answer_options(Verdict& verdict, const std::vector<std::string>& segments) const;

  Router router_;
  Access access_;
  size_t max_body_bytes_;
};

/// "req_" and 24 random letters and digits.
std::string make_request_id();

/// At most 64 of A-Z a-z 0-9 _ -, so that it can stand in headers and logs.
bool is_sane_request_id(std::string_view id);

}  // namespace ondol::server
