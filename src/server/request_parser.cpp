#include "server/request_parser.h"

#include <fmt/format.h>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/parser.hpp>

namespace ondol::server {
namespace {

namespace http = boost::beast::http;

// A body that grows as bytes come. Beast's own reserves what Content-Length claims, which costs a liar nothing.
struct Body {
  struct value_type {
    std::string bytes;
    size_t max_bytes = 0;
  };

  class reader {
   public:
    template <bool is_request, typename Fields>
    reader(http::header<is_request, Fields>&, value_type& body) : body_(body) {}

    void init(const boost::optional<uint64_t>&, boost::system::error_code& code) { code = {}; }

    template <typename Buffers>
    size_t put(const Buffers& buffers, boost::system::error_code& code) {
      size_t taken = 0;
      for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
        if (buffer.size() > body_.max_bytes - body_.bytes.size()) {
          code = http::error::body_limit;
          return taken;
        }
        body_.bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
        taken += buffer.size();
      }
      code = {};
      return taken;
    }

    void finish(boost::system::error_code& code) { code = {}; }

   private:
    value_type& body_;
  };
};

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

HttpError explain(boost::system::error_code code, size_t max_header_bytes) {
  if (code == http::error::header_limit)
    return make_error(431, fmt::format("the request line and headers are longer than {} bytes", max_header_bytes));
  if (code == http::error::body_limit) return make_error(413, "the request's body is too long");
  if (code == http::error::bad_version)
    return make_error(400, "expected a request line that ends with HTTP/1.1 or HTTP/1.0, CR and LF");
  return make_error(400, "not a valid HTTP request: " + code.message());
}

}  // namespace

/// "0", CR LF, CR LF: nothing chunked ends with fewer bytes.
constexpr size_t kShortestChunk = 5;

struct RequestParser::State {
  explicit State(size_t header_bytes) : max_header_bytes(header_bytes) {
    parser.header_limit(static_cast<uint32_t>(std::min<size_t>(header_bytes, UINT32_MAX)));
    parser.body_limit(boost::none);  // Body holds the limit, so that the head is known when it is exceeded
    parser.eager(false);
  }

  bool read_head();

  const size_t max_header_bytes;
  http::request_parser<Body> parser;
  bool has_head = false;
  RequestHead head;
  HttpError error;
};

// False, with `error` set, for a head that Beast lets pass and should not.
bool RequestParser::State::read_head() {
  const auto& message = parser.get();
  head.method = std::string(message.method_string());
  head.target = std::string(message.target());
  head.is_http_1_0 = message.version() < 11;
  head.keep_alive = parser.keep_alive();
  head.is_chunked = parser.chunked();
  head.content_length = parser.content_length().value_or(0);
  for (const auto& field : message) {
    const std::string name = lower_case(std::string_view(field.name_string().data(), field.name_string().size()));
    const std::string_view value(field.value().data(), field.value().size());
    const auto [entry, is_new] = head.headers.emplace(name, value);
    if (is_new) continue;
    if (name == "host") {
      error = make_error(400, "the request has several Host headers");
      return false;
    }
    entry->second.append(name == "cookie" ? "; " : ", ").append(value);
  }
  const auto encoding = head.headers.find("transfer-encoding");
  if (encoding == head.headers.end()) return true;
  if (lower_case(encoding->second) != "chunked") {
    error = make_error(501, "Transfer-Encoding: expected chunked, got '" + encoding->second + "'");
    return false;
  }
  if (head.is_http_1_0) error = make_error(400, "Transfer-Encoding is not part of HTTP/1.0");
  return !head.is_http_1_0;
}

RequestParser::RequestParser(size_t max_header_bytes) : state_(std::make_unique<State>(max_header_bytes)) {}
RequestParser::~RequestParser() = default;

RequestParser::Progress RequestParser::feed(std::string& bytes) {
  State& state = *state_;
  size_t taken = 0;
  Progress progress = Progress::kNeedMore;
  while (progress == Progress::kNeedMore) {
    if (state.has_head && state.parser.is_done()) {
      progress = Progress::kDone;
      break;
    }
    // Beast takes it for granted that so much is there once it has seen the last chunk.
    const bool may_be_last = state.has_head && state.head.is_chunked && taken < bytes.size() && bytes[taken] == '0';
    if (may_be_last && bytes.size() - taken < kShortestChunk) break;
    boost::system::error_code code;
    const size_t used = state.parser.put(boost::asio::const_buffer(bytes.data() + taken, bytes.size() - taken), code);
    taken += used;
    if (!state.has_head && state.parser.is_header_done() && !code) {
      state.has_head = true;
      progress = state.read_head() ? Progress::kHead : Progress::kFailed;
    } else if (code == http::error::need_more) {
      // Beast bounds the head, but not the line before a chunk nor the trailers after the last.
      if (bytes.size() - taken <= state.max_header_bytes) break;
      state.error = make_error(431, fmt::format("a chunk's header is longer than {} bytes", state.max_header_bytes));
      progress = Progress::kFailed;
    } else if (code) {
      state.error = explain(code, state.max_header_bytes);
      progress = Progress::kFailed;
    } else if (used == 0 && !state.parser.is_done()) {
      break;  // all was used up
    }
  }
  bytes.erase(0, taken);
  return progress;
}

const RequestHead& RequestParser::head() const {
  return state_->head;
}
size_t RequestParser::body_bytes() const {
  return state_->parser.get().body().bytes.size();
}
void RequestParser::set_max_body_bytes(size_t bytes) {
  state_->parser.get().body().max_bytes = bytes;
}
std::string RequestParser::take_body_part() {
  auto& body = state_->parser.get().body();
  body.max_bytes -= body.bytes.size();
  return std::exchange(body.bytes, {});
}
std::string RequestParser::take_body() {
  return std::move(state_->parser.get().body().bytes);
}
const HttpError& RequestParser::error() const {
  return state_->error;
}

}  // namespace ondol::server
