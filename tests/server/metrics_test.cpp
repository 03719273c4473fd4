#include "server/metrics.h"

#include <limits>
#include <thread>

#include "server/request_log.h"

namespace ondol::server {
namespace {

TEST(Metrics, Render) {
  Metrics metrics;
  metrics.counter("b_total", "Bees\nand \\ \"so\"", {{"kind", "a\"b\\c\nd"}}).add(2);
  metrics.counter("b_total", "ignored", {{"kind", "a\"b\\c\nd"}}).add();
  metrics.counter("b_total", "ignored", {{"kind", "x"}, {"of", "y"}}).add(-5);
  metrics.gauge("a", "Eh", [] { return 1.5; });
  metrics.gauge("inf", "Big", [] { return std::numeric_limits<double>::infinity(); });
  metrics.gauge("gone", "Gone", [] { return 1.0; });
  metrics.remove("gone");
  Histogram& histogram = metrics.histogram("h_seconds", "Time", {0.5, 1}, {{"r", "/"}});
  for (const double value : {0.5, 0.75, 3.0}) histogram.observe(value);
  EXPECT_EQ(metrics.render(),
            "# HELP a Eh\n# TYPE a gauge\na 1.5\n"
            "# HELP b_total Bees\\nand \\\\ \"so\"\n# TYPE b_total counter\n"
            "b_total{kind=\"a\\\"b\\\\c\\nd\"} 3\n"
            "b_total{kind=\"x\",of=\"y\"} 0\n"
            "# HELP h_seconds Time\n# TYPE h_seconds histogram\n"
            "h_seconds_bucket{r=\"/\",le=\"0.5\"} 1\n"
            "h_seconds_bucket{r=\"/\",le=\"1\"} 2\n"
            "h_seconds_bucket{r=\"/\",le=\"+Inf\"} 3\n"
            "h_seconds_sum{r=\"/\"} 4.25\n"
            "h_seconds_count{r=\"/\"} 3\n"
            "# HELP inf Big\n# TYPE inf gauge\ninf +Inf\n");
}

TEST(Metrics, AFamilyIsBounded) {
  Metrics metrics;
  for (size_t i = 0; i < Metrics::kMaxSeries + 50; ++i)
    metrics.counter("c_total", "C", {{"name", std::to_string(i)}}).add();
  EXPECT_EQ(metrics.counter("c_total", "C", {{"name", "new"}}).value(), 50);
  EXPECT_NE(metrics.render().find("c_total{name=\"other\"} 50\n"), std::string::npos);
}

TEST(Metrics, ThreadsAddUp) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        metrics.counter("c_total", "C").add();
        metrics.histogram("h", "H", {1}).observe(0.25);
        if (i % 100 == 0) metrics.render();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(metrics.counter("c_total", "C").value(), 4000);
  EXPECT_NE(metrics.render().find("h_sum 1000\nh_count 4000\n"), std::string::npos);
}

TEST(RequestLog, Lines) {
  const RequestRecord record = {.id = "req_1",
                                .client = "alice",
                                .method = "POST",
                                .path =
                                    "/v1/a\x1b[2J\xc2\x9b"
                                    "b",
                                .route = "/v1/{x}",
                                .status = 200,
                                .request_bytes = 12,
                                .response_bytes = 34,
                                .seconds = 1.5,
                                .gone = true};
  EXPECT_EQ(log_text(record, 1768469400),
            "2026-01-15T09:30:00Z alice POST /v1/a\\x1b[2J\\x9bb 200 1.500 s, 12 B in, 34 B out, client gone [req_1]");
  const std::string line = log_json(record, 1768469400);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const json::value parsed = parse_json(line).value();
  EXPECT_EQ(parsed.at("time").as_string(), "2026-01-15T09:30:00Z");
  EXPECT_EQ(parsed.at("client").as_string(), "alice");
  EXPECT_EQ(parsed.at("status").as_int64(), 200);
  EXPECT_EQ(parsed.at("path").as_string(), record.path);
  EXPECT_TRUE(parsed.at("gone").as_bool());
}

TEST(RequestLog, Counts) {
  Metrics metrics;
  RequestRecord record;
  record.path = "/made/up";
  record.status = 404;
  record.request_bytes = 3;
  record.seconds = 0.2;
  count_request(metrics, record);
  const std::string text = metrics.render();
  EXPECT_NE(text.find("ondol_http_requests_total{route=\"none\",status=\"404\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("ondol_http_request_seconds_bucket{route=\"none\",le=\"0.25\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("ondol_http_request_bytes_total 3\n"), std::string::npos);
  EXPECT_EQ(text.find("/made/up"), std::string::npos);
}

}  // namespace
}  // namespace ondol::server
