// Server: accepts connections and hands requests to routes. HTTP/1.1 with keep-alive, with or without TLS.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/http.h"

namespace ondol::server {

struct ApiKey {
  std::string name;  // for logs and fairness; never the key itself
  std::string key;
  int requests_per_minute = 0;  // 0: no limit
  int concurrent_requests = 0;  // 0: no limit
};

struct ServerOptions {
  std::string host = "127.0.0.1";  // an address or a name; "::" is every address of both families
  int port = 8080;                 // 0: any free one (see Server::port)
  std::vector<ApiKey> keys = {};   // none: everybody who can connect may ask
  /// Beyond the server's own: "https://app.example", "http://localhost:*" (any port), "tauri://*" (any host, not for
  /// http and https), "null"; "*" is everybody.
  std::vector<std::string> allowed_origins = {};
  /// Names in Host beyond localhost, addresses, `host` and this machine's name; "*" is any.
  std::vector<std::string> allowed_hosts = {};
  std::string tls_certificate = {};  // PEM files; empty: plain HTTP
  std::string tls_key = {};
  size_t max_body_bytes = size_t{64} << 20;
  size_t max_all_bodies_bytes = size_t{512} << 20;  // of all requests together, until they are answered
  size_t max_header_bytes = size_t{32} << 10;
  std::chrono::seconds header_timeout{15};  // for a request line and headers to arrive
  std::chrono::seconds body_timeout{120};
  std::chrono::seconds idle_timeout{75};      // of a kept connection
  std::chrono::seconds write_timeout{60};     // without the client taking anything
  size_t max_unsent_bytes = size_t{8} << 20;  // of one answer in pieces
  int max_connections = 1024;
};

/// Told about every request that was answered, for logs and metrics. Bytes are those of bodies.
struct RequestRecord {
  std::string id;
  std::string client;
  std::string method;  // "" when the request could not be read
  std::string path;
  std::string route;  // the pattern, "" when none matched
  int status = 0;     // 0 when the client left before there was one
  size_t request_bytes = 0;
  size_t response_bytes = 0;
  double seconds = 0;  // from the request's first byte to the answer's last
  bool gone = false;   // the client left first
};

class Server {
 public:
  /// Called on the I/O thread.
  using Recorder = std::function<void(const RequestRecord&)>;

  /// Binds and listens; fails with the address and what is wrong (taken, not allowed, bad certificate).
  static Result<std::unique_ptr<Server>> create(const ServerOptions& options, std::vector<Route> routes,
                                                Recorder recorder = {});
  virtual ~Server() = default;

  virtual int port() const = 0;
  virtual std::string url() const = 0;
  /// Serves until stop(); returns when every connection has ended. Once.
  virtual void run() = 0;
  /// From any thread (not from inside a signal handler): accept nothing more, finish running requests for at most
  /// `grace`, then cut them. A second call may shorten the time.
  virtual void stop(std::chrono::seconds grace) = 0;
  /// Open connections, for metrics. From any thread.
  virtual int connection_count() const = 0;
};

}  // namespace ondol::server
