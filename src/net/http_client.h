// HTTP on libcurl, the one client of the program: one request at a time, redirects left to the caller, connections kept
// alive. What leaves this machine goes through here.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "base/result.h"

namespace ondol {

struct HttpLimits {
  int connect_timeout_ms = 15'000;
  int stall_timeout_ms = 30'000;       // without a single byte
  int total_timeout_ms = 0;            // of a request as a whole; 0: none
  std::function<bool()> goes_on = {};  // asked about once a second; false ends a transfer
  /// Asked about the very address that is about to be reached, whatever a name meant before. Then no proxy of the
  /// environment is used, behind which addresses would not be seen. Null: any will do.
  std::function<bool(const boost::asio::ip::address& address)> may_reach = {};
};

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"; "Name;" has an empty value
  bool head = false;
  std::string method = {};  // "" is GET, or HEAD
  std::string body = {};    // of any other method
};

/// How a request went. Without a status there is a transport error: no network, a cut connection, a stall.
struct HttpReply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string redirect_url;                    // absolute, for 3xx
  std::string body;                            // when there was no sink
  std::string transport_error;                 // empty: the reply came through whole
  bool stopped = false;                        // a sink said no, or `cancel` was set

  bool complete() const { return transport_error.empty() && !stopped; }
  std::string header(const std::string& name) const;
};

/// Receives a reply's body. `begin` is called once, with status and headers; what returns false ends the transfer.
struct HttpSink {
  std::function<bool(const HttpReply&)> begin;
  std::function<bool(std::span<const char>)> data;
};

/// One connection's worth of requests. Not for several threads at once.
class HttpClient {
 public:
  explicit HttpClient(HttpLimits limits = {}, const std::atomic<bool>* cancel = nullptr);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) = delete;

  /// Without a sink the body is kept, up to `max_body_bytes`.
  HttpReply send(const HttpRequest& request, const HttpSink* sink = nullptr, size_t max_body_bytes = size_t{64} << 20);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

/// Whether two URLs lead to the same scheme, host and port, so that a token for one may be sent to the other.
bool same_origin(const std::string& left, const std::string& right);

/// Where a URL leads, as libcurl reads it, so that no other reading decides.
struct UrlOrigin {
  std::string scheme;  // these three in lower case
  std::string host;    // an IPv6 address in brackets
  int port = 0;
  bool has_user = false;  // "user@host"
};
/// Error: it is no URL with a host.
Result<UrlOrigin> origin_of(const std::string& url);

/// Percent-encodes a path, leaving its slashes.
std::string encode_path(const std::string& path);

/// Seconds to wait by a Retry-After header, which is a number or a date; `fallback` if it is neither.
int64_t retry_after_seconds(const std::string& value, int64_t now_unix_seconds, int64_t fallback);

}  // namespace ondol
