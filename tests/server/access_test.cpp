// Who may ask: host names, origins, keys and their limits.
#include "server/access.h"

#include <thread>

#include "server/gate.h"
#include "tests/server/test_client.h"

namespace ondol::server {
namespace {

std::vector<Route> routes() {
  const auto ok = [](std::shared_ptr<const Request> in, ResponderPtr out) { out->send(200, "text/plain", in->client); };
  return {{.method = "GET", .pattern = "/ask", .handler = ok},
          {.method = "POST", .pattern = "/ask", .handler = ok},
          {.method = "POST", .pattern = "/v1/messages", .errors = ErrorStyle::kAnthropic, .handler = ok},
          {.method = "GET", .pattern = "/open", .needs_key = false, .handler = ok}};
}

std::string with_host(std::string_view host) {
  return fmt::format("GET /ask HTTP/1.1\r\nHost: {}\r\n\r\n", host);
}

TEST(Access, HostNames) {
  ServerOptions options;
  options.allowed_hosts = {"llm.example"};
  TestServer server(routes(), options);
  for (const char* host : {"localhost", "LocalHost:8080", "127.0.0.1:1", "[::1]:80", "192.168.1.20:8080", "[fe80::1]",
                           "llm.example", "LLM.EXAMPLE.:443", "web.localhost"}) {
    TestClient client(server.port());
    EXPECT_EQ(client.ask(with_host(host)).status, 200) << host;
  }
  for (const char* host :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "llm.example.evil", "1.2.3.4.5", "[::1",
        "a b", "localhost:x", "localhost:80:80", "user@localhost", "", ":80", "0x7f.1"}) {
    TestClient client(server.port());
    EXPECT_EQ(client.ask(with_host(host)).status, 403) << host;
  }
  TestClient client(server.port());
  EXPECT_EQ(client.ask("GET http://evil.example/ask HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 403);
  EXPECT_EQ(client.ask("GET http://localhost/ask HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 403);
}

TEST(Access, AnyHost) {
  ServerOptions options;
  options.allowed_hosts = {"*"};
  TestServer server(routes(), options);
  TestClient client(server.port());
  EXPECT_EQ(client.ask(with_host("evil.example")).status, 200);
}

TEST(Access, Origins) {
  ServerOptions options;
  options.allowed_origins = {"https://App.example/", "http://dev.example:*", "tauri://*"};
  const Access access(options);
  for (const char* origin : {"https://app.example", "http://dev.example:5173", "tauri://localhost"})
    EXPECT_TRUE(access.is_origin_allowed(origin)) << origin;
  for (const char* origin : {"http://app.example", "https://app.example:444", "https://app.example.evil", "null",
                             "http://dev.example", "http://dev.example:80.evil", "http://dev.example:", "https://x"})
    EXPECT_FALSE(access.is_origin_allowed(origin)) << origin;
  EXPECT_TRUE(Access::is_own_origin("http://localhost:8080", "localhost:8080"));
  EXPECT_TRUE(Access::is_own_origin("https://llm.example", "LLM.example:443"));
  EXPECT_FALSE(Access::is_own_origin("http://localhost:8081", "localhost:8080"));
  EXPECT_FALSE(Access::is_own_origin("http://localhost", "localhost:8080"));
  EXPECT_FALSE(Access::is_own_origin("http://evil.example:8080", "localhost:8080"));
  EXPECT_FALSE(Access::is_own_origin("null", "localhost:8080"));
}

TEST(Access, ForeignPagesAreRefused) {
  TestServer server(routes());
  TestClient client(server.port());
  EXPECT_EQ(client.ask(get("/ask", "Origin: http://localhost\r\n")).status, 200);
  const TestAnswer refused = client.ask(post("/ask", "x", "Origin: https://evil.example\r\n"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_FALSE(refused.headers.contains("access-control-allow-origin"));
  EXPECT_EQ(client.ask(get("/ask", "Origin: null\r\n")).status, 403);
  EXPECT_EQ(client.ask(get("/ask", "Origin: http://localhost:3000\r\n")).status, 403);
}

TEST(Access, Cors) {
  ServerOptions options;
  options.allowed_origins = {"https://app.example"};
  options.keys = {{.name = "alice", .key = "secret"}};
  TestServer server(routes(), options);
  TestClient client(server.port());
  const TestAnswer flight = client.ask(
      "OPTIONS /ask HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: "
      "POST\r\n"
      "Access-Control-Request-Headers: authorization,x-stainless-os\r\n"
      "Access-Control-Request-Private-Network: true\r\n\r\n");
  EXPECT_EQ(flight.status, 204);
  EXPECT_EQ(flight.headers.at("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(flight.headers.at("access-control-allow-headers"), "authorization,x-stainless-os");
  EXPECT_NE(flight.headers.at("access-control-allow-methods").find("POST"), std::string::npos);
  EXPECT_TRUE(flight.headers.contains("access-control-max-age"));
  EXPECT_EQ(flight.headers.at("access-control-allow-private-network"), "true");
  EXPECT_EQ(flight.headers.at("vary"), "Origin");
  const TestAnswer answer = client.ask(get("/ask", "Origin: https://app.example\r\nAuthorization: Bearer secret\r\n"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("access-control-allow-origin"), "https://app.example");
  EXPECT_NE(answer.headers.at("access-control-expose-headers").find("Mcp-Session-Id"), std::string::npos);
  const TestAnswer no_key = client.ask(get("/ask", "Origin: https://app.example\r\n"));
  EXPECT_EQ(client.ask(get("/ask", "x-api-key: secret\r\n")).headers.at("vary"), "Origin");
  EXPECT_EQ(no_key.status, 401) << "the page must be able to read why";
  EXPECT_EQ(no_key.headers.at("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(client
                .ask("OPTIONS /ask HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n"
                     "Access-Control-Request-Method: POST\r\n\r\n")
                .status,
            403);
}

TEST(Access, Keys) {
  ServerOptions options;
  options.keys = {{.name = "alice", .key = "secret"}, {.name = "bob", .key = "other"}};
  TestServer server(routes(), options);
  TestClient client(server.port());
  EXPECT_EQ(client.ask(get("/ask", "Authorization: Bearer secret\r\n")).body, "alice");
  EXPECT_EQ(client.ask(get("/ask", "authorization: bearer other\r\n")).body, "bob");
  EXPECT_EQ(client.ask(get("/ask", "x-api-key: other\r\n")).body, "bob");
  for (const char* header :
       {"", "Authorization: Bearer secre\r\n", "Authorization: Bearer secrets\r\n", "Authorization: secret\r\n",
        "Authorization: Bearer \r\n", "x-api-key: \r\n", "Authorization: Bearer wrong\r\nx-api-key: secret\r\n",
        "Authorization: Bearer secret\r\nAuthorization: Bearer secret\r\n"}) {
    const TestAnswer refused = client.ask(get("/ask", header));
    EXPECT_EQ(refused.status, 401) << header;
    EXPECT_EQ(refused.headers.at("www-authenticate"), "Bearer");
    EXPECT_EQ(parse_json(refused.body)->at("error").at("code").as_string(), "invalid_api_key");
  }
  const TestAnswer anthropic = client.ask(post("/v1/messages", "{}"));
  EXPECT_EQ(anthropic.status, 401);
  EXPECT_EQ(parse_json(anthropic.body)->at("error").at("type").as_string(), "authentication_error");
  EXPECT_EQ(client.ask(get("/open")).body, "127.0.0.1");
  EXPECT_EQ(client.ask(get("/open", "x-api-key: secret\r\n")).body, "alice");
  for (const RequestRecord& record : server.records()) {
    EXPECT_NE(record.client, "secret");
    EXPECT_NE(record.client, "other");
  }
}

TEST(Access, RequestsPerMinute) {
  ServerOptions options;
  options.keys = {{.name = "alice", .key = "a", .requests_per_minute = 3}, {.name = "bob", .key = "b"}};
  Access access(options);
  Request request;
  request.headers["x-api-key"] = "a";
  auto now = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(access.admit(request, true, now).error.has_value());
  const auto refused = access.admit(request, true, now);
  ASSERT_TRUE(refused.error.has_value());
  EXPECT_EQ(refused.error->status, 429);
  EXPECT_EQ(refused.error->headers.at(0), (std::pair<std::string, std::string>("Retry-After", "20")));
  EXPECT_TRUE(access.admit(request, true, now + std::chrono::seconds(19)).error.has_value());
  EXPECT_FALSE(access.admit(request, true, now + std::chrono::seconds(21)).error.has_value());
  EXPECT_TRUE(access.admit(request, true, now + std::chrono::seconds(21)).error.has_value());
  now += std::chrono::hours(1);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(access.admit(request, true, now).error.has_value());
  EXPECT_TRUE(access.admit(request, true, now).error.has_value());
  request.headers["x-api-key"] = "b";
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(access.admit(request, true, now).error.has_value());
}

TEST(Access, ConcurrentRequests) {
  ServerOptions options;
  options.keys = {{.name = "alice", .key = "a", .concurrent_requests = 2}};
  std::mutex mutex;
  std::vector<ResponderPtr> waiting;
  TestServer server({{.method = "GET",
                      .pattern = "/wait",
                      .handler =
                          [&](auto, ResponderPtr out) {
                            const std::lock_guard lock(mutex);
                            waiting.push_back(out);
                          }}},
                    options);
  const auto n_waiting = [&] {
    const std::lock_guard lock(mutex);
    return waiting.size();
  };
  TestClient one(server.port()), two(server.port()), three(server.port());
  const std::string ask = get("/wait", "x-api-key: a\r\n");
  one.send(ask);
  two.send(ask);
  ASSERT_TRUE(becomes_true([&] { return n_waiting() == 2; }));
  const TestAnswer refused = three.ask(ask);
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(refused.headers.contains("retry-after"));
  two.close();  // a client that leaves gives its place back
  ASSERT_TRUE(becomes_true([&] { return server.records().size() == 2; }));
  three.send(ask);
  ASSERT_TRUE(becomes_true([&] { return n_waiting() == 3; }));
  const std::lock_guard lock(mutex);
  for (const ResponderPtr& responder : waiting) responder->send(200, "text/plain", "ok");
  EXPECT_EQ(one.read_answer().status, 200);
  EXPECT_EQ(three.read_answer().status, 200);
}

TEST(Host, NamesHaveNoEmptyParts) {
  EXPECT_EQ(parse_host("example.com.:80")->host, "example.com");
  for (const char* text : {"..", ".", "a..b", ".localhost", "a..", ""}) EXPECT_FALSE(parse_host(text)) << text;
}

}  // namespace
}  // namespace ondol::server
