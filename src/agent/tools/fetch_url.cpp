#include <curl/curl.h>
#include <sys/socket.h>

#include <memory>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/ip/tcp.hpp>

#include "agent/printable_text.h"
#include "agent/tools/plain_tool.h"
#include "agent/tools/tools.h"

namespace ondol {
namespace {

constexpr size_t kMostBytes = 8 << 20;
constexpr int kMostRedirections = 5;
constexpr long kConnectMs = 15'000, kWholeMs = 60'000;

struct CurlDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Curl = std::unique_ptr<CURL, CurlDeleter>;
using CurlUrl = std::unique_ptr<CURLU, CurlDeleter>;

struct Place {
  std::string url;  // as it is fetched
  HostAndPort host;
  bool is_usual_port = false;
};

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return "";
  std::string value = text;
  curl_free(text);
  return value;
}

/// An address as libcurl itself reads it, so that no other reading decides. `base` is what it may be relative to.
Result<Place> place_of(const std::string& base, const std::string& text) {
  const CurlUrl url(curl_url());
  if ((!base.empty() && curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK) ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return Error(fmt::format("'{}': expected an address like https://example.org/page", text));
  }
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return Error(fmt::format("{}: expected http or https", text));
  if (!part_of(url.get(), CURLUPART_USER).empty()) return Error("an address with a user's name is not fetched");
  Place place;
  place.url = part_of(url.get(), CURLUPART_URL);
  const std::string host = part_of(url.get(), CURLUPART_HOST), port = part_of(url.get(), CURLUPART_PORT);
  place.host = ONDOL_TRY(parse_host_and_port(host + ":" + port, 0));
  place.is_usual_port = (scheme == "http" && place.host.port == 80) || (scheme == "https" && place.host.port == 443);
  return place;
}

std::string name_of(const Place& place) {
  return place.is_usual_port ? place.host.host : fmt::format("{}:{}", place.host.host, place.host.port);
}

struct Transfer {
  bool must_be_public = true;
  bool was_private = false;
  bool was_too_large = false;
  std::string body;
  const std::function<bool()>* goes_on = nullptr;
};

size_t on_data(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.was_too_large = transfer.body.size() + size * count > kMostBytes;
  if (transfer.was_too_large) return 0;
  transfer.body.append(data, size * count);
  return size * count;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& goes_on = *static_cast<Transfer*>(user)->goes_on;
  return goes_on && !goes_on() ? 1 : 0;
}

/// Sees the very address that is about to be reached, whatever a name meant before.
curl_socket_t on_open(void* user, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(user);
  boost::asio::ip::tcp::endpoint endpoint;
  if (address->addrlen > endpoint.capacity()) return CURL_SOCKET_BAD;
  std::memcpy(endpoint.data(), &address->addr, address->addrlen);
  const bool is_ip = address->family == AF_INET || address->family == AF_INET6;
  transfer.was_private = !is_ip || (transfer.must_be_public && !is_public_address(endpoint.address()));
  if (transfer.was_private) return CURL_SOCKET_BAD;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

struct Reply {
  long status = 0;
  std::string type;
  std::string location;
  std::string body;
};

class FetchUrl : public PlainTool {
 public:
  FetchUrl(HostList hosts, DocumentReader* page_reader)
      : PlainTool("fetch_url", "Reads a page of the web, as plain text.", R"({"url": {"type": "string"}})",
                  R"(["url"])", Effect::kReachesOut),
        hosts_(std::move(hosts)),
        page_reader_(page_reader) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  }

  std::vector<std::string> hosts(const json::object& arguments) const override {
    const auto place = place_of("", string_or(arguments, "url", ""));
    return place ? std::vector<std::string>{name_of(*place)} : std::vector<std::string>();
  }

  Result<std::string> preview(const json::object& arguments, ToolContext&) override {
    const Place place = ONDOL_TRY(place_of("", string_or(arguments, "url", "")));
    if (hosts_.match(place.host.host, place.host.port) == HostList::Match::kNone)
      return Error(fmt::format("{}: is not among the allowed hosts", name_of(place)));
    return fmt::format("fetch {}", printable_text(place.url));
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    std::string base, next = string_or(arguments, "url", "");
    for (int i = 0; i <= kMostRedirections; ++i) {
      const auto place = place_of(base, next);
      if (!place) return mistake(place.error().message());
      const auto reply = fetch(*place, context.goes_on);
      if (!reply) return mistake(reply.error().message());
      const bool is_elsewhere = reply->status >= 300 && reply->status < 400 && !reply->location.empty();
      if (!is_elsewhere) return result_of(*place, *reply, context.goes_on);
      base = place->url;
      next = reply->location;
    }
    return mistake("the address leads on too often");
  }

 private:
  Result<Reply> fetch(const Place& place, const std::function<bool()>& goes_on) const {
    const HostList::Match match = hosts_.match(place.host.host, place.host.port);
    if (match == HostList::Match::kNone)
      return Error(fmt::format("{}: is not among the allowed hosts", name_of(place)));
    const Curl curl(curl_easy_init());
    if (!curl) return Error("libcurl: no memory");
    Transfer transfer;
    transfer.must_be_public = match == HostList::Match::kPublic;
    transfer.goes_on = &goes_on;
    const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl.get(), option, value); };
    set(CURLOPT_URL, place.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_PROXY, "");  // the addresses that are reached must be seen here
    set(CURLOPT_USERAGENT, "ondol/0.1");
    set(CURLOPT_ACCEPT_ENCODING, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
    set(CURLOPT_TIMEOUT_MS, kWholeMs);
    set(CURLOPT_OPENSOCKETFUNCTION, on_open);
    set(CURLOPT_OPENSOCKETDATA, &transfer);
    set(CURLOPT_WRITEFUNCTION, on_data);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_XFERINFODATA, &transfer);
    const CURLcode code = curl_easy_perform(curl.get());
    if (transfer.was_private)
      return Error(
          fmt::format("{}: leads to an address that is not public; HOST:PORT must be allowed", name_of(place)));
    if (transfer.was_too_large) return Error(fmt::format("{}: is larger than {} MiB", place.url, kMostBytes >> 20));
    if (code != CURLE_OK) return Error(fmt::format("{}: {}", place.url, curl_easy_strerror(code)));
    Reply reply;
    char *type = nullptr, *location = nullptr;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &reply.status);
    curl_easy_getinfo(curl.get(), CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(curl.get(), CURLINFO_REDIRECT_URL, &location);
    reply.type = type == nullptr ? "" : type;
    reply.location = location == nullptr ? "" : location;
    reply.body = std::move(transfer.body);
    return reply;
  }

  /// HTML and other documents by the reader that the collections use, which parses them in a process of its own.
  Result<ToolResult> result_of(const Place& place, const Reply& reply, const std::function<bool()>& goes_on) const {
    std::string text = reply.body;
    const bool is_page = reply.type.starts_with("text/html") || reply.type.starts_with("application/xhtml");
    const bool is_plain = !is_page && reply.body.find('\0') == reply.body.npos;
    if (!is_plain) {
      if (page_reader_ == nullptr) return mistake(fmt::format("{}: {} cannot be read here", place.url, reply.type));
      const std::string path = place.url.substr(0, place.url.find_first_of("?#"));
      auto document = page_reader_->read(is_page ? "page.html" : path.substr(path.rfind('/') + 1), text, goes_on);
      if (!document) return mistake(fmt::format("{}: {}", place.url, document.error().message()));
      text = document->title.empty() ? document->text : fmt::format("{}\n\n{}", document->title, document->text);
    }
    ToolResult result = foreign_words(printable_text(text));
    result.is_error = reply.status >= 400;
    if (result.is_error) result.text = fmt::format("status {}\n{}", reply.status, result.text);
    return result;
  }

  HostList hosts_;
  DocumentReader* page_reader_;
};

}  // namespace

std::unique_ptr<Tool> make_fetch_url(HostList hosts, DocumentReader* page_reader) {
  return std::make_unique<FetchUrl>(std::move(hosts), page_reader);
}

}  // namespace ondol
