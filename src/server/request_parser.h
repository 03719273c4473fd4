// RequestParser: bytes of one connection to one request, with limits. Knows nothing of sockets; Beast does the grammar.
//
// Stricter than Beast where leniency lets two readers of the same bytes disagree: encodings other than "chunked",
// chunked bodies in HTTP/1.0, several Host headers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "server/http.h"

namespace ondol::server {

struct RequestHead {
  std::string method;
  std::string target;
  bool is_http_1_0 = false;
  bool keep_alive = false;
  bool is_chunked = false;
  uint64_t content_length = 0;
  std::map<std::string, std::string> headers;  // names in lower case
};

class RequestParser {
 public:
  enum class Progress { kNeedMore, kHead, kDone, kFailed };

  explicit RequestParser(size_t max_header_bytes);
  ~RequestParser();

  /// Takes what it can use from the front of `bytes`. kHead comes once, when the head is known and before any of the
  /// body is read; kDone when the request is complete, and what follows it stays in `bytes`.
  Progress feed(std::string& bytes);

  const RequestHead& head() const;  // from kHead on
  size_t body_bytes() const;        // so far, without what was taken
  void set_max_body_bytes(size_t bytes);
  std::string take_body_part();    // what there is of it so far
  std::string take_body();         // from kDone on
  const HttpError& error() const;  // from kFailed on

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ondol::server
