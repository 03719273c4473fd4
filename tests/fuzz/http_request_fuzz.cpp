// What an HTTP client sends, on any bytes: whole requests through the parser and the gate as the server uses them, the
// fields of a JSON body, percent-encoding, host names, and what goes into logs.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/event_stream.h"
#include "server/gate.h"
#include "server/json_fields.h"
#include "server/request_log.h"
#include "server/request_parser.h"
#include "server/static_files.h"
#include "server/url.h"
#include "text/unicode.h"

namespace {

using namespace ondol::server;

constexpr size_t kMaxHeaderBytes = 1024;
constexpr size_t kMaxBodyBytes = 2048;

struct Outcome {
  RequestParser::Progress progress = RequestParser::Progress::kNeedMore;
  std::string method, target, body;
  int status = 0;
  bool operator==(const Outcome&) const = default;
};

// The first request of `input`, fed in parts of `step` bytes.
Outcome parse(std::string_view input, size_t step, RequestHead& head) {
  RequestParser parser(kMaxHeaderBytes);
  Outcome outcome;
  std::string bytes;
  while (!input.empty()) {
    bytes.append(input.substr(0, step));
    input.remove_prefix(std::min(step, input.size()));
    outcome.progress = parser.feed(bytes);
    if (outcome.progress == RequestParser::Progress::kHead) {
      head = parser.head();
      outcome.method = head.method;
      outcome.target = head.target;
      parser.set_max_body_bytes(kMaxBodyBytes);
      outcome.progress = parser.feed(bytes);
    }
    ONDOL_CHECK(parser.body_bytes() <= kMaxBodyBytes);
    if (outcome.progress == RequestParser::Progress::kDone) {
      outcome.body = parser.take_body();
      break;
    }
    if (outcome.progress == RequestParser::Progress::kFailed) {
      outcome.status = parser.error().status;
      break;
    }
    ONDOL_CHECK(bytes.size() <= kMaxHeaderBytes);
  }
  return outcome;
}

Gate& gate() {
  static Gate* const gate = [] {
    ServerOptions options;
    options.keys = {{.name = "alice", .key = "secret", .requests_per_minute = 60, .concurrent_requests = 2}};
    options.allowed_origins = {"https://app.example", "http://dev.example:*", "tauri://*"};
    const Handler handler = [](auto, auto) {};
    auto router = Router::create({{.method = "GET", .pattern = "/", .needs_key = false, .handler = handler},
                                  {.method = "GET", .pattern = "/v1/models/{name...}", .handler = handler},
                                  {.method = "POST", .pattern = "/v1/{kind}/completions", .handler = handler}});
    return new Gate(options, std::move(router).value());
  }();
  return *gate;
}

void check_verdict(const RequestHead& head) {
  const Verdict verdict = gate().judge(head, "127.0.0.1", std::chrono::steady_clock::now());
  const Request& request = *verdict.request;
  ONDOL_CHECK(ondol::is_valid_utf8(request.path) && is_sane_request_id(request.id));
  for (const auto& [name, value] : request.query) ONDOL_CHECK(ondol::is_valid_utf8(name + value));
  for (const auto& [name, value] : verdict.headers)
    ONDOL_CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  RequestRecord record;
  record.path = request.path;
  record.method = request.method;
  for (const std::string& line : {log_text(record, 0), log_json(record, 0)})
    for (const char c : line) ONDOL_CHECK(static_cast<unsigned char>(c) >= 0x20);
  (void)accepts_gzip(request.header("accept-encoding"));
  if (verdict.error) {
    for (const ErrorStyle style : {ErrorStyle::kOpenAi, ErrorStyle::kAnthropic, ErrorStyle::kOllama})
      (void)error_body(style, *verdict.error, request.id);
  }
}

void read_fields(const std::string& body) {
  Request request;
  request.body = body;
  const auto object = read_json_object(request);
  if (!object) return;
  const JsonPath list(JsonPath::root(), "list");
  for (const auto& [name, value] : *object) {
    const JsonPath place(list, name);
    const auto check = [&](const auto& result) {
      if (result) return;
      ONDOL_CHECK(ondol::is_valid_utf8(result.error().message()));
      (void)field_error(result.error());
    };
    check(field<std::string>(*object, name, list));
    check(field<int>(*object, name, list));
    check(field<uint64_t>(*object, name, list));
    check(field<float>(*object, name, list));
    check(field<std::vector<std::string>>(*object, name, list));
    check(field_between<double>(*object, name, 0, 1));
    check(read_json<const ondol::json::array*>(value, place));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  RequestHead head, split_head;
  const Outcome whole = parse(input, input.size(), head);
  if (!head.method.empty()) check_verdict(head);
  read_fields(whole.body.empty() ? input : whole.body);

  // However the bytes arrive, the request is the same. (A wrong one may be refused sooner or later, and what is longer
  // than the limit by the parts in which it came.)
  const Outcome split = parse(input, 1 + size % 7, split_head);
  const auto is_done = [](const Outcome& outcome) { return outcome.progress == RequestParser::Progress::kDone; };
  if (is_done(whole) && is_done(split)) ONDOL_CHECK(whole == split);
  if (is_done(whole) != is_done(split)) ONDOL_CHECK((is_done(whole) ? split : whole).status == 431);

  (void)percent_decode(input, true);
  (void)parse_target(input);
  if (const auto host = parse_host(input)) ONDOL_CHECK(parse_host(host->is_address ? "[::1]" : host->host).has_value());
  (void)Access::is_own_origin(input, "localhost:8080");
  (void)gunzip(input, 1 << 20);
  const std::string event = format_event(input, input);
  ONDOL_CHECK(event.ends_with("\n\n") && event.find("\n\n") == event.size() - 2);
  return 0;
}
