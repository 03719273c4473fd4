// What clients cannot do: hold memory, time or connections beyond their bounds; and what they may rely on when they
// leave, or when the server does.
#include <atomic>
#include <mutex>

#include "server/event_stream.h"
#include "tests/server/test_client.h"

namespace ondol::server {
namespace {

using Clock = std::chrono::steady_clock;

Route route(std::string method, std::string pattern, Handler handler) {
  return {.method = std::move(method), .pattern = std::move(pattern), .handler = std::move(handler)};
}

Route hello() {
  return route("GET", "/hello", [](auto, ResponderPtr out) { out->send(200, "text/plain", "hello"); });
}

Route echo() {
  return route("POST", "/echo", [](auto in, ResponderPtr out) { out->send(200, "text/plain", in->body); });
}

// A route that keeps what it is given until the test answers.
class Held {
 public:
  Route route() {
    return server::route("GET", "/hold", [this](auto, ResponderPtr out) {
      out->on_gone([this] { ++n_gone; });
      const std::lock_guard lock(mutex_);
      responders_.push_back(out);
    });
  }
  bool waits(size_t n = 1) {
    return becomes_true([&] {
      const std::lock_guard lock(mutex_);
      return responders_.size() >= n;
    });
  }
  ResponderPtr at(size_t i) {
    const std::lock_guard lock(mutex_);
    return responders_.at(i);
  }

  std::atomic<int> n_gone{0};

 private:
  std::mutex mutex_;
  std::vector<ResponderPtr> responders_;
};

TEST(Limits, BodyThatIsTooLong) {
  ServerOptions options;
  options.max_body_bytes = 1000;
  TestServer server({hello(), echo()}, options);
  {
    TestClient client(server.port());
    EXPECT_EQ(client.ask(post("/echo", std::string(1001, 'x'))).status, 413);
    EXPECT_EQ(client.ask(post("/echo", std::string(1000, 'x'))).status, 200) << "a small one is read and forgotten";
  }
  {
    TestClient client(server.port());
    EXPECT_EQ(client.ask(post("/echo", std::string(3000000, 'x'))).status, 413) << "and a large one does not lose it";
    EXPECT_TRUE(client.is_closed_within(4000));
  }
  TestClient client(server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) client.send("64\r\n" + std::string(100, 'x') + "\r\n");
  EXPECT_EQ(client.read_answer().status, 413);
  EXPECT_TRUE(client.is_closed_within(4000));
}

TEST(Limits, BodiesTogether) {
  ServerOptions options;
  options.max_all_bodies_bytes = 150000;
  TestServer server({hello(), echo()}, options);
  TestClient first(server.port()), second(server.port());
  first.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100001\r\n\r\n" + std::string(100000, 'x'));
  EXPECT_EQ(second.ask(get("/hello")).status, 200);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const TestAnswer refused = second.ask(post("/echo", std::string(100000, 'x')));
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.headers.contains("retry-after"));
  EXPECT_EQ(first.ask("x").body.size(), 100001u);
  TestClient third(server.port());
  EXPECT_EQ(third.ask(post("/echo", std::string(100000, 'x'))).status, 200) << "what was answered is given back";
}

TEST(Limits, HeadersThatAreTooLong) {
  ServerOptions options;
  options.max_header_bytes = 4096;
  TestServer server({hello(), echo()}, options);
  const std::vector<std::string> requests = {
      get("/hello", "X: " + std::string(5000, 'x') + "\r\n"),
      get("/" + std::string(5000, 'x')),
      get("/hello", "X: " + std::string(5000, 'x')),
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5;" + std::string(50000, 'x'),
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + std::string(50000, 'x'),
  };
  for (const std::string& request : requests) {
    TestClient client(server.port());
    EXPECT_EQ(client.ask(request).status, 431) << request.substr(0, 100);
  }
}

TEST(Limits, SlowRequests) {
  ServerOptions options;
  options.header_timeout = std::chrono::seconds(1);
  options.body_timeout = std::chrono::seconds(1);
  options.idle_timeout = std::chrono::seconds(2);
  TestServer server({hello(), echo()}, options);
  TestClient silent(server.port()), header(server.port()), body(server.port()), idle(server.port());
  body.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx");
  EXPECT_EQ(idle.ask(get("/hello")).status, 200);
  const auto start = Clock::now();
  // A byte now and then does not buy time.
  std::atomic<bool> is_over{false};
  std::thread trickle([&] {
    for (const char c : get("/hello", "X: " + std::string(1000, 'x') + "\r\n")) {
      if (is_over || !header.send(std::string(1, c))) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  EXPECT_EQ(header.read_answer().status, 408);
  EXPECT_EQ(body.read_answer().status, 408);
  EXPECT_LT(Clock::now() - start, std::chrono::milliseconds(2500));
  EXPECT_TRUE(silent.is_closed_within(1000));
  EXPECT_TRUE(silent.buffer().empty());
  is_over = true;
  trickle.join();
  EXPECT_TRUE(idle.is_closed_within(2500));
}

TEST(Limits, AClientThatDoesNotReadIsDropped) {
  ServerOptions options;
  options.max_unsent_bytes = 1 << 20;
  Held held;
  TestServer server({held.route()}, options);
  TestClient client(server.port(), 4096);
  client.send(get("/hold"));
  ASSERT_TRUE(held.waits());
  const ResponderPtr out = held.at(0);
  out->begin(200, "text/plain");
  size_t written = 0;
  while (!out->is_gone() && written < (size_t{64} << 20)) {
    out->write(std::string(10000, 'x'));
    written += 10000;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  EXPECT_TRUE(out->is_gone());
  EXPECT_TRUE(becomes_true([&] { return held.n_gone == 1; }));
  EXPECT_LT(written, size_t{16} << 20) << "one megabyte of ours and what the kernel's socket buffers take";
}

TEST(Limits, ASlowReaderHoldsUpNobodyAndGetsAll) {
  ServerOptions options;
  options.write_timeout = std::chrono::seconds(1);
  const std::string big(size_t{20} << 20, 'x');
  TestServer server({hello(), route("GET", "/big", [&](auto, ResponderPtr out) { out->send(200, "text/plain", big); })},
                    options);
  TestClient slow(server.port(), 4096), steady(server.port()), other(server.port());
  slow.send(get("/big"));
  steady.send(get("/big"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(slow.receive(1));  // one byte at a time
    const auto start = Clock::now();
    EXPECT_EQ(other.ask(get("/hello")).status, 200);
    EXPECT_LT(Clock::now() - start, std::chrono::milliseconds(500));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(steady.read_answer().body.size(), big.size());
  // It takes next to nothing, so that the socket stays full: dropped, and its answer with it.
  EXPECT_TRUE(becomes_true([&] { return server->connection_count() == 2; }, 4000));
}

TEST(Limits, AClientThatLeavesIsNoticed) {
  Held held;
  TestServer server({held.route(), hello()});
  {
    TestClient client(server.port());
    client.send(get("/hold"));
    ASSERT_TRUE(held.waits());
    EXPECT_FALSE(held.at(0)->is_gone());
  }
  EXPECT_TRUE(becomes_true([&] { return held.n_gone == 1; }, 1000));
  EXPECT_TRUE(held.at(0)->is_gone());
  held.at(0)->send(200, "text/plain", "too late");

  TestClient client(server.port());
  client.send(get("/hold"));
  ASSERT_TRUE(held.waits(2));
  held.at(1)->begin(200, "text/event-stream");
  held.at(1)->write("data: 1\n\n");
  EXPECT_TRUE(client.receive());
  client.close();
  EXPECT_TRUE(becomes_true([&] { return held.n_gone == 2; }, 1000));
  bool told = false;
  held.at(1)->on_gone([&] { told = true; });
  EXPECT_TRUE(told);
  ASSERT_TRUE(becomes_true([&] { return server.records().size() == 2; }));
  EXPECT_TRUE(server.records()[0].gone);
  EXPECT_EQ(server.records()[0].status, 0);
  EXPECT_TRUE(server.records()[1].gone);
  EXPECT_EQ(server.records()[1].status, 200);
}

TEST(Limits, OnGoneMayHoldTheResponder) {
  Held held;
  std::atomic<bool> has_ended{false};
  TestServer server({route("GET", "/cycle", [&](auto, ResponderPtr out) {
    out->on_gone([out] { (void)out->is_gone(); });
    out->begin(200, "text/plain");
    out->end();
    has_ended = true;
  })});
  TestClient client(server.port());
  EXPECT_TRUE(client.ask(get("/cycle")).is_complete);
  EXPECT_TRUE(has_ended);
}

TEST(Limits, AnswersFromManyThreads) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  TestServer server({route("GET", "/stream", [&](auto, ResponderPtr out) {
    const std::lock_guard lock(mutex);
    threads.emplace_back([out] {
      out->begin(200, "text/plain");
      for (int i = 0; i < 200; ++i) out->write(fmt::format("{:04}", i));
      out->end();
    });
  })});
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<TestClient>(server.port()));
  for (const auto& client : clients) ASSERT_TRUE(client->send(get("/stream")));
  std::string expected;
  for (int i = 0; i < 200; ++i) expected += fmt::format("{:04}", i);
  for (const auto& client : clients) EXPECT_EQ(client->read_answer().body, expected);
  EXPECT_EQ(server->connection_count(), 200);
  server.stop(1);
  for (std::thread& thread : threads) thread.join();
}

TEST(Limits, TooManyConnections) {
  ServerOptions options;
  options.max_connections = 3;
  TestServer server({hello()}, options);
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<TestClient>(server.port()));
    EXPECT_EQ(clients.back()->ask(get("/hello")).status, 200);
  }
  TestClient refused(server.port());
  const TestAnswer answer = refused.ask(get("/hello"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.headers.contains("retry-after"));
  EXPECT_TRUE(refused.is_closed_within(3000));
  clients.clear();
  EXPECT_TRUE(becomes_true([&] { return server->connection_count() == 0; }));
  TestClient again(server.port());
  EXPECT_EQ(again.ask(get("/hello")).status, 200);
}

TEST(Limits, PingsInSilence) {
  Held held;
  TestServer server({held.route()});
  TestClient client(server.port());
  client.send(get("/hold"));
  ASSERT_TRUE(held.waits());
  begin_events(*held.at(0));
  held.at(0)->keep_alive(format_comment("ping"), std::chrono::milliseconds(300));
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  held.at(0)->write(format_data("done"));
  held.at(0)->end();
  const std::string body = client.read_answer().body;
  EXPECT_TRUE(body.starts_with(": ping\n\n: ping\n\n")) << body;
  EXPECT_TRUE(body.ends_with("data: done\n\n"));
}

TEST(Limits, AStoppedServerFinishesWhatRuns) {
  Held held;
  TestServer server({held.route(), hello()});
  TestClient running(server.port()), idle(server.port());
  EXPECT_EQ(idle.ask(get("/hello")).status, 200);
  running.send(get("/hold"));
  ASSERT_TRUE(held.waits());
  held.at(0)->begin(200, "text/plain");
  held.at(0)->write("begun, ");
  std::thread stopper([&] { server.stop(10); });
  EXPECT_TRUE(idle.is_closed_within(1000));
  TestClient late(server.port());
  EXPECT_FALSE(late.is_connected());
  held.at(0)->write("and ended");
  held.at(0)->end();
  const TestAnswer answer = running.read_answer();
  EXPECT_EQ(answer.body, "begun, and ended");
  EXPECT_TRUE(answer.is_complete);
  running.close();
  stopper.join();
}

TEST(Limits, AStoppedServerCutsAfterTheGrace) {
  Held held;
  TestServer server({held.route()});
  TestClient client(server.port());
  client.send(get("/hold"));
  ASSERT_TRUE(held.waits());
  const auto start = Clock::now();
  server.stop(1);
  const auto time = Clock::now() - start;
  EXPECT_GT(time, std::chrono::milliseconds(900));
  EXPECT_LT(time, std::chrono::milliseconds(3000));
  EXPECT_EQ(held.n_gone, 1);
  held.at(0)->send(200, "text/plain", "nobody is there");
}

TEST(Limits, AnswersOutliveTheServer) {
  Held held;
  {
    TestServer server({held.route()});
    TestClient client(server.port());
    client.send(get("/hold"));
    ASSERT_TRUE(held.waits());
  }
  EXPECT_TRUE(held.at(0)->is_gone());
  held.at(0)->begin(200, "text/plain");
  held.at(0)->write("x");
  held.at(0)->end();
}

TEST(Limits, ErrorsOfListening) {
  TestServer server({hello()});
  ServerOptions options;
  options.port = server.port();
  const auto taken = Server::create(options, {hello()});
  ASSERT_FALSE(taken.has_value());
  EXPECT_NE(taken.error().message().find(fmt::format("127.0.0.1:{}: cannot listen", server.port())), std::string::npos);
  EXPECT_NE(taken.error().message().find("--port"), std::string::npos);
  options.host = "192.0.2.1";
  EXPECT_FALSE(Server::create(options, {hello()}).has_value());
  options.host = "not a name";
  EXPECT_FALSE(Server::create(options, {hello()}).has_value());
  options = {};
  options.port = 0;
  EXPECT_FALSE(Server::create(options, {hello(), hello()}).has_value());
}

}  // namespace
}  // namespace ondol::server
