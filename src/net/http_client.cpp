#include "net/http_client.h"

#include <sys/socket.h>

#include <cctype>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <curl/curl.h>
#include <fmt/format.h>
#include <boost/asio/ip/tcp.hpp>

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxHeaderBytes = 64 << 10;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

void initialise_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// One transfer, as libcurl's callbacks see it.
struct Transfer {
  CURL* curl;
  HttpReply reply;
  const HttpSink* sink;
  const std::atomic<bool>* cancel;
  const std::function<bool()>& goes_on;
  size_t max_body_bytes;
  int stall_timeout_ms;
  size_t header_bytes = 0;
  bool began = false;
  bool stalled = false;
  bool too_large = false;
  bool was_forbidden = false;  // HttpLimits::may_reach
  Clock::time_point last_byte = Clock::now();

  // Called behind the headers, however long the body takes.
  bool begin() {
    if (began) return true;
    began = true;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    return sink == nullptr || !sink->begin || sink->begin(reply);
  }

  bool take(std::span<const char> bytes) {
    last_byte = Clock::now();
    if (!begin()) return false;
    if (sink != nullptr) return !sink->data || sink->data(bytes);
    if (reply.body.size() + bytes.size() > max_body_bytes) {
      too_large = true;
      return false;
    }
    reply.body.append(bytes.data(), bytes.size());
    return true;
  }
};

size_t on_header(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size * count);
  transfer.last_byte = Clock::now();
  transfer.header_bytes += line.size();
  if (transfer.header_bytes > kMaxHeaderBytes) return 0;
  if (line.starts_with("HTTP/")) transfer.reply.headers.clear();  // the final reply after "100 Continue" or a proxy's
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    transfer.reply.headers[lower(std::string(line.substr(0, colon)))] = trimmed(line.substr(colon + 1));
  }
  long status = 0;
  curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
  if (trimmed(line).empty() && status >= 200 && !transfer.begin()) {
    transfer.reply.stopped = true;
    return 0;
  }
  return line.size();
}

size_t on_data(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const size_t n_bytes = size * count;
  if (transfer.take({data, n_bytes})) return n_bytes;
  transfer.reply.stopped = !transfer.too_large;
  return CURL_WRITEFUNC_ERROR;
}

// Called about once a second, and more often while data flows.
int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  const bool is_cancelled = transfer.cancel != nullptr && transfer.cancel->load();
  if (is_cancelled || (transfer.goes_on != nullptr && !transfer.goes_on())) {
    transfer.reply.stopped = true;
    return 1;
  }
  const auto silence = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - transfer.last_byte).count();
  transfer.stalled = silence > transfer.stall_timeout_ms;
  return transfer.stalled ? 1 : 0;
}

struct AddressGuard {
  const std::function<bool(const boost::asio::ip::address&)>& may_reach;
  bool& was_forbidden;
};

curl_socket_t on_open(void* user, curlsocktype, curl_sockaddr* address) {
  const auto& guard = *static_cast<AddressGuard*>(user);
  boost::asio::ip::tcp::endpoint endpoint;
  const bool is_ip =
      (address->family == AF_INET || address->family == AF_INET6) && address->addrlen <= endpoint.capacity();
  if (is_ip) std::memcpy(endpoint.data(), &address->addr, address->addrlen);
  guard.was_forbidden = !is_ip || !guard.may_reach(endpoint.address());
  if (guard.was_forbidden) return CURL_SOCKET_BAD;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void set_method(CURL* curl, const HttpRequest& request) {
  if (!request.body.empty() || request.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

struct UrlParts {
  std::string scheme, host, port;
  bool has_user = false;
  bool valid = false;
};

UrlParts parts_of(const std::string& url) {
  UrlParts parts;
  CURLU* handle = curl_url();
  const auto get = [handle](CURLUPart part, std::string& out, unsigned flags) {
    char* text = nullptr;
    const bool found = curl_url_get(handle, part, &text, flags) == CURLUE_OK;
    if (found) out = lower(text);
    curl_free(text);
    return found;
  };
  parts.valid = curl_url_set(handle, CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
                get(CURLUPART_SCHEME, parts.scheme, 0) && get(CURLUPART_HOST, parts.host, 0) &&
                get(CURLUPART_PORT, parts.port, CURLU_DEFAULT_PORT);
  std::string user;
  parts.has_user = get(CURLUPART_USER, user, 0);
  curl_url_cleanup(handle);
  return parts;
}

}  // namespace

struct HttpClient::Handle {
  HttpLimits limits;
  const std::atomic<bool>* cancel;
  CURL* curl;

  Handle(HttpLimits limits, const std::atomic<bool>* cancel)
      : limits(std::move(limits)), cancel(cancel), curl(curl_easy_init()) {}
  ~Handle() { curl_easy_cleanup(curl); }
};

HttpClient::HttpClient(HttpLimits limits, const std::atomic<bool>* cancel) {
  initialise_curl();
  handle_ = std::make_unique<Handle>(std::move(limits), cancel);
}

HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;

std::string HttpReply::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

HttpReply HttpClient::send(const HttpRequest& request, const HttpSink* sink, size_t max_body_bytes) {
  CURL* curl = handle_->curl;
  const HttpLimits& limits = handle_->limits;
  Transfer transfer{curl, {}, sink, handle_->cancel, limits.goes_on, max_body_bytes, limits.stall_timeout_ms};
  curl_easy_reset(curl);  // keeps connections
  curl_slist* headers = nullptr;
  for (const std::string& header : request.headers) headers = curl_slist_append(headers, header.c_str());
  char message[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "ondol/0.1");
  curl_easy_setopt(curl, CURLOPT_NOBODY, request.head ? 1L : 0L);
  if (!request.method.empty()) set_method(curl, request);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(handle_->limits.connect_timeout_ms));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(handle_->limits.total_timeout_ms));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's are not the server's
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  AddressGuard guard{limits.may_reach, transfer.was_forbidden};
  if (limits.may_reach) {
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &guard);
  }
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  if (code == CURLE_OK && !transfer.begin()) transfer.reply.stopped = true;
  char* redirect = nullptr;
  curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &redirect);
  if (redirect != nullptr) transfer.reply.redirect_url = redirect;
  if (code == CURLE_OK || transfer.reply.stopped) return std::move(transfer.reply);
  if (transfer.stalled) {
    transfer.reply.transport_error = fmt::format("no data for {} s", (handle_->limits.stall_timeout_ms + 999) / 1000);
  } else if (transfer.was_forbidden) {
    transfer.reply.transport_error = "its address may not be reached from here";
  } else if (transfer.too_large) {
    transfer.reply.transport_error = fmt::format("the reply is larger than {} bytes", max_body_bytes);
  } else {
    transfer.reply.transport_error = message[0] != '\0' ? message : curl_easy_strerror(code);
  }
  return std::move(transfer.reply);
}

bool same_origin(const std::string& left, const std::string& right) {
  const UrlParts a = parts_of(left);
  const UrlParts b = parts_of(right);
  return a.valid && b.valid && a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

Result<UrlOrigin> origin_of(const std::string& url) {
  const UrlParts parts = parts_of(url);
  UrlOrigin origin{parts.scheme, parts.host, std::atoi(parts.port.c_str()), parts.has_user};
  if (!parts.valid || origin.host.empty() || origin.port <= 0)
    return Error(fmt::format("'{}': expected an address like https://example.org/path", url.substr(0, 200)));
  return origin;
}

std::string encode_path(const std::string& path) {
  std::string result;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~' || c == '/';
    result += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return result;
}

int64_t retry_after_seconds(const std::string& value, int64_t now_unix_seconds, int64_t fallback) {
  if (value.empty()) return fallback;
  if (value.size() < 10 && value.find_first_not_of("0123456789") == std::string::npos) return std::stoll(value);
  const int64_t date = curl_getdate(value.c_str(), nullptr);
  return date < 0 ? fallback : std::max<int64_t>(0, date - now_unix_seconds);
}

}  // namespace ondol
