#include "server/request_log.h"

#include <ctime>

#include <fmt/format.h>

#include "base/json.h"

namespace ondol::server {
namespace {

std::string iso_time(int64_t unix_seconds) {
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm time{};
  gmtime_r(&seconds, &time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", time.tm_year + 1900, time.tm_mon + 1, time.tm_mday,
                     time.tm_hour, time.tm_min, time.tm_sec);
}

// ASCII control characters, and C1 controls (U+0080 to U+009F), which terminals obey too.
std::string printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
      out += fmt::format("\\x{:02x}", next);
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string log_text(const RequestRecord& record, int64_t unix_seconds) {
  return fmt::format("{} {} {} {} {} {:.3f} s, {} B in, {} B out{} [{}]", iso_time(unix_seconds),
                     printable(record.client), record.method.empty() ? "-" : record.method,
                     record.path.empty() ? "-" : printable(record.path), record.status, record.seconds,
                     record.request_bytes, record.response_bytes, record.gone ? ", client gone" : "", record.id);
}

std::string log_json(const RequestRecord& record, int64_t unix_seconds) {
  return json::serialize(json::object{{"time", iso_time(unix_seconds)},
                                      {"id", record.id},
                                      {"client", record.client},
                                      {"method", record.method},
                                      {"path", record.path},
                                      {"route", record.route},
                                      {"status", record.status},
                                      {"seconds", record.seconds},
                                      {"request_bytes", record.request_bytes},
                                      {"response_bytes", record.response_bytes},
                                      {"gone", record.gone}});
}

void count_request(Metrics& metrics, const RequestRecord& record) {
  // By pattern, never by path: what clients make up must not become a label.
  const std::string route = record.route.empty() ? "none" : record.route;
  metrics
      .counter("ondol_http_requests_total", "Requests answered, by route and status",
               {{"route", route}, {"status", std::to_string(record.status)}})
      .add();
  metrics
      .histogram("ondol_http_request_seconds", "Seconds from a request's first byte to its answer's last",
                 latency_bounds(), {{"route", route}})
      .observe(record.seconds);
  metrics.counter("ondol_http_request_bytes_total", "Bytes of request bodies")
      .add(static_cast<double>(record.request_bytes));
  metrics.counter("ondol_http_response_bytes_total", "Bytes of answer bodies")
      .add(static_cast<double>(record.response_bytes));
  if (record.gone)
    metrics.counter("ondol_http_clients_gone_total", "Clients that left before their answer's end").add();
}

}  // namespace ondol::server
