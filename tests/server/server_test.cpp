// What the server does with bytes: requests in all their shapes, answers whole and in pieces.
#include "server/server.h"

#include <mutex>

#include "tests/server/test_client.h"

namespace ondol::server {
namespace {

Route route(std::string method, std::string pattern, Handler handler) {
  return {.method = std::move(method), .pattern = std::move(pattern), .handler = std::move(handler)};
}

std::vector<Route> echo_routes() {
  return {
      route("GET", "/hello", [](auto, ResponderPtr out) { out->send(200, "text/plain", "hello"); }),
      route("POST", "/echo", [](auto in, ResponderPtr out) { out->send(200, "text/plain", in->body); }),
      route("GET", "/things/{id}",
            [](auto in, ResponderPtr out) {
              out->send(200, "text/plain",
                        in->path_parameters.at("id") + "?" + (in->query.contains("q") ? in->query.at("q") : ""));
            }),
      route("GET", "/pieces",
            [](auto, ResponderPtr out) {
              out->begin(200, "text/event-stream", {{"X-Test", "a\r\nInjected: b"}});
              for (int i = 0; i < 5; ++i) out->write(fmt::format("piece {}\n", i));
              out->end();
            }),
      route("GET", "/throws", [](auto, ResponderPtr) { throw std::runtime_error("oh dear"); }),
      route("GET", "/forgets", [](auto, ResponderPtr) {}),
      route("GET", "/breaks",
            [](auto, ResponderPtr out) {
              out->begin(200, "text/plain");
              out->write("half");
            }),
  };
}

TEST(Server, AnswersAndKeepsTheConnection) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    const TestAnswer answer = client.ask(get("/hello"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.headers.at("content-type"), "text/plain");
    EXPECT_TRUE(answer.headers.at("x-request-id").starts_with("req_"));
    EXPECT_TRUE(answer.headers.at("date").ends_with(" GMT"));
    EXPECT_FALSE(answer.headers.contains("connection"));
  }
  EXPECT_EQ(client.ask(post("/echo", std::string(300000, 'x'))).body, std::string(300000, 'x'));
  EXPECT_TRUE(server->url() == fmt::format("http://127.0.0.1:{}", server.port())) << server->url();
}

TEST(Server, PipelinedRequestsAreAnsweredInOrder) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  std::string all;
  for (int i = 0; i < 100; ++i) all += post("/echo", fmt::format("body {}", i));
  client.send(all + get("/pieces") + get("/hello"));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(client.read_answer().body, fmt::format("body {}", i));
  EXPECT_EQ(client.read_answer().body, "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n");
  EXPECT_EQ(client.read_answer().body, "hello");
}

TEST(Server, ARequestMayComeByteByByte) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  for (const char c : post("/echo", "slow")) client.send(std::string(1, c));
  EXPECT_EQ(client.read_answer().body, "slow");
}

TEST(Server, PipelinedRequestsOfAClientThatClosesItsSideAreAnswered) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  client.send(get("/hello") + get("/hello"));
  client.half_close();
  EXPECT_EQ(client.read_answer().body, "hello");
  EXPECT_EQ(client.read_answer().body, "hello");
  EXPECT_TRUE(client.is_closed_within(1000));
}

TEST(Server, ChunkedRequestBody) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  const std::string head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(client.ask(head + "5;name=value\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n").body, "hello world");
  client.send(head);
  for (const char c : std::string("3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n")) client.send(std::string(1, c));
  EXPECT_EQ(client.read_answer().body, "abc0123456789abcdef");
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

TEST(Server, AnswersInPieces) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  const TestAnswer answer = client.ask(get("/pieces"));
  EXPECT_EQ(answer.headers.at("transfer-encoding"), "chunked");
  EXPECT_EQ(answer.headers.at("x-test"), "a  Injected: b");
  EXPECT_FALSE(answer.headers.contains("injected"));
  EXPECT_EQ(answer.body, "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n");
  EXPECT_TRUE(answer.is_complete);
}

TEST(Server, Http10) {
  TestServer server(echo_routes());
  {
    TestClient client(server.port());
    const TestAnswer answer = client.ask("GET /pieces HTTP/1.0\r\n\r\n");
    EXPECT_FALSE(answer.headers.contains("transfer-encoding"));
    EXPECT_EQ(answer.headers.at("connection"), "close");
    EXPECT_EQ(answer.body, "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n");
  }
  TestClient client(server.port());
  EXPECT_EQ(client.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").headers.at("connection"), "keep-alive");
  EXPECT_EQ(client.ask("GET /hello HTTP/1.0\r\n\r\n").body, "hello");
  EXPECT_TRUE(client.is_closed_within(1000));
}

TEST(Server, Head) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  EXPECT_EQ(client.ask("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").headers.at("content-length"), "5");
  EXPECT_EQ(client.ask("HEAD /pieces HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
  EXPECT_EQ(client.ask("HEAD /no HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 404);
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

TEST(Server, ExpectContinue) {
  TestServer server(echo_routes(), {.max_body_bytes = 100});
  TestClient client(server.port());
  const auto head = [](int length) {
    return fmt::format("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
                       length);
  };
  EXPECT_EQ(client.ask(head(5)).status, 100);
  EXPECT_EQ(client.ask("hello").body, "hello");
  const TestAnswer refused = client.ask(head(101));
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.headers.at("connection"), "close");
  EXPECT_TRUE(client.is_closed_within(4000));
  TestClient other(server.port());
  EXPECT_EQ(other.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n").status, 417);
}

TEST(Server, Routes) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  EXPECT_EQ(client.ask(get("/things/a%2Fb%20c?q=1+2%26&r")).body, "a/b c?1 2&");
  EXPECT_EQ(client.ask(get("//things/7/")).body, "7?");
  EXPECT_EQ(client.ask(get("http://localhost/hello?x")).body, "hello");
  const TestAnswer wrong = client.ask(post("/hello", "body"));
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.at("allow"), "GET, HEAD");
  const TestAnswer options = client.ask("OPTIONS /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.headers.at("allow"), "GET, HEAD, OPTIONS");
  EXPECT_FALSE(options.headers.contains("content-length"));
}

TEST(Server, ErrorsHaveTheShapeOfTheirFamily) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  const auto body = [&](std::string_view path) {
    const TestAnswer answer = client.ask(get(path, "x-request-id: my-id_1\r\n"));
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.headers.at("content-type"), "application/json");
    EXPECT_EQ(answer.headers.at("x-request-id"), "my-id_1");
    return parse_json(answer.body).value();
  };
  const json::value openai = body("/v1/nothing");
  EXPECT_EQ(openai.at("error").at("message").as_string(), "no such path: GET /v1/nothing");
  EXPECT_EQ(openai.at("error").at("type").as_string(), "not_found_error");
  EXPECT_EQ(openai.at("error").at("code").as_string(), "unknown_url");
  EXPECT_TRUE(openai.at("error").at("param").is_null());
  const json::value anthropic = body("/v1/messages/nothing");
  EXPECT_EQ(anthropic.at("type").as_string(), "error");
  EXPECT_EQ(anthropic.at("error").at("type").as_string(), "not_found_error");
  EXPECT_EQ(anthropic.at("request_id").as_string(), "my-id_1");
  EXPECT_EQ(body("/api/nothing").at("error").as_string(), "no such path: GET /api/nothing");
}

TEST(Server, HandlersThatFail) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  const TestAnswer thrown = client.ask(get("/throws"));
  EXPECT_EQ(thrown.status, 500);
  EXPECT_NE(thrown.body.find("oh dear"), std::string::npos);
  EXPECT_EQ(client.ask(get("/forgets")).status, 500);
  const TestAnswer half = client.ask(get("/breaks"));
  EXPECT_FALSE(half.is_complete);
  EXPECT_TRUE(client.is_closed_within(1000));
}

TEST(Server, RequestIdsThatAreNotSaneAreReplaced) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  for (const std::string& id : {std::string(65, 'a'), std::string("a b"), std::string("a\"b"), std::string("\xff")})
    EXPECT_TRUE(
        client.ask(get("/hello", "x-request-id: " + id + "\r\n")).headers.at("x-request-id").starts_with("req_"));
  EXPECT_EQ(client.ask(get("/hello", "x-request-id: " + std::string(64, 'a') + "\r\n")).headers.at("x-request-id"),
            std::string(64, 'a'));
}

TEST(Server, RecordsRequests) {
  TestServer server(echo_routes());
  TestClient client(server.port());
  client.ask(post("/echo", "12345", "x-request-id: one\r\n"));
  client.ask(get("/none"));
  ASSERT_TRUE(becomes_true([&] { return server.records().size() == 2; }));
  const auto records = server.records();
  EXPECT_EQ(records[0].id, "one");
  EXPECT_EQ(records[0].client, "127.0.0.1");
  EXPECT_EQ(records[0].method, "POST");
  EXPECT_EQ(records[0].path, "/echo");
  EXPECT_EQ(records[0].route, "/echo");
  EXPECT_EQ(records[0].status, 200);
  EXPECT_EQ(records[0].request_bytes, 5u);
  EXPECT_EQ(records[0].response_bytes, 5u);
  EXPECT_GE(records[0].seconds, 0);
  EXPECT_LT(records[0].seconds, 5);
  EXPECT_FALSE(records[0].gone);
  EXPECT_EQ(records[1].route, "");
  EXPECT_EQ(records[1].status, 404);
}

TEST(Server, MalformedRequests) {
  TestServer server(echo_routes());
  const std::string host = "Host: localhost\r\n";
  const std::vector<std::pair<std::string, int>> cases = {
      {"nonsense\r\n\r\n", 400},
      {"GET /hello HTTP/2.0\r\n" + host + "\r\n", 400},
      {"GET /hello HTTP/1.1\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"GET /hello HTTP/1.1\r\n" + host + "Bad Name: x\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n" + host + "Name : x\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\nHost: localhost\n\n", 400},
      {"GET hello HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /%zz HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /%00 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /%ff HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /../hello HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /hello?%a HTTP/1.1\r\n" + host + "\r\n", 400},
      {"POST /echo HTTP/1.1\r\n" + host + "Content-Length: 5x\r\n\r\nhello", 400},
      {"POST /echo HTTP/1.1\r\n" + host + "Content-Length: -5\r\n\r\nhello", 400},
      {"POST /echo HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\nhello", 400},
      {"POST /echo HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
      {"POST /echo HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\nhello", 501},
      {"POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"POST /echo HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX\r\n", 400},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
  };
  for (const auto& [request, status] : cases) {
    TestClient client(server.port());
    EXPECT_EQ(client.ask(request).status, status) << request;
  }
  TestClient client(server.port());
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
}

}  // namespace
}  // namespace ondol::server
