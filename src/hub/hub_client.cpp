#include "hub/hub_client.h"

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <thread>

#include <fmt/format.h>

#include "base/files.h"

namespace ondol {
namespace {

constexpr int kMaxRedirects = 8;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string first_line(std::string text) {
  text.resize(std::min(text.find_first_of(" \t\r\n"), text.size()));
  return text;
}

std::string token_from_environment() {
  if (const std::string token = first_line(variable("HF_TOKEN")); !token.empty()) return token;
  std::string path = variable("HF_TOKEN_PATH");
  if (path.empty()) {
    const std::string home =
        variable("HF_HOME").empty() ? variable("HOME") + "/.cache/huggingface" : variable("HF_HOME");
    path = home + "/token";
  }
  const auto content = read_file(path, 4096);
  return content ? first_line(*content) : "";
}

// Quotes and the mark of a weak tag say nothing about the version.
std::string bare_etag(std::string etag) {
  if (etag.starts_with("W/")) etag.erase(0, 2);
  std::erase(etag, '"');
  return etag;
}

bool is_redirect(const HttpReply& reply) {
  return reply.status >= 300 && reply.status < 400 && !reply.redirect_url.empty();
}

// A number of bytes from a header; false if it is absent or odd.
bool read_size(const std::string& text, uint64_t& size) {
  if (text.empty() || text.size() > 15 || text.find_first_not_of("0123456789") != std::string::npos) return false;
  size = std::stoull(text);
  return true;
}

}  // namespace

HubOptions HubOptions::from_environment() {
  HubOptions options;
  if (const std::string endpoint = variable("HF_ENDPOINT"); !endpoint.empty()) options.endpoint = endpoint;
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  options.token = token_from_environment();
  const std::string offline = variable("HF_HUB_OFFLINE");
  options.offline = !offline.empty() && offline != "0" && offline != "false";
  return options;
}

std::vector<std::string> HubClient::headers_for(const std::string& url) const {
  if (options_.token.empty() || !same_origin(url, options_.endpoint)) return {};
  return {"Authorization: Bearer " + options_.token};
}

// One reply without following redirects, tried again when that may help.
Result<HttpReply> HubClient::get(const std::string& url, bool head) const {
  if (options_.offline) return Error("the hub is not asked: HF_HUB_OFFLINE is set");
  HttpClient client(options_.http, options_.cancel);
  for (int attempt = 1;; ++attempt) {
    HttpReply reply = client.send({url, headers_for(url), head});
    if (reply.stopped) return Error("stopped");
    const bool may_pass = !reply.transport_error.empty() || reply.status == 429 || reply.status >= 500;
    if (!may_pass) return reply;
    int64_t delay_ms = int64_t{options_.first_delay_ms} << (attempt - 1);
    if (reply.status == 429 || reply.status == 503) {
      const int64_t seconds = retry_after_seconds(reply.header("retry-after"), std::time(nullptr), 0);
      if (seconds > options_.max_retry_after_s)
        return Error(fmt::format("{} asks to wait {} s; try again then", options_.endpoint, seconds));
      delay_ms = std::max(delay_ms, seconds * 1000);
    }
    if (attempt >= options_.max_attempts) {
      if (reply.transport_error.empty()) return reply;
      return Error(
          fmt::format("{}: cannot be reached: {}; is there a network?", options_.endpoint, reply.transport_error));
    }
    for (int64_t waited = 0; waited < delay_ms; waited += 20) {
      if (options_.cancel != nullptr && options_.cancel->load()) return Error("stopped");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

Error HubClient::error_from(const HttpReply& reply, const std::string& what) const {
  if (reply.status == 401 || reply.status == 403) {
    const std::string hint = options_.token.empty()
                                 ? "set HF_TOKEN to a token of yours (https://huggingface.co/settings/tokens)"
                                 : "your token has no access to it";
    return Error(fmt::format(
        "{}: not allowed ({}): the repository is private, gated or unknown; accept its terms at {}/{} and {}", what,
        reply.status, options_.endpoint, what, hint));
  }
  if (reply.status == 404) return Error(fmt::format("{}: not found at {}", what, options_.endpoint));
  if (reply.status == 429)
    return Error(fmt::format("{}: {} is limiting requests; wait a little, or set HF_TOKEN", what, options_.endpoint));
  return Error(fmt::format("{}: {} answered {}", what, options_.endpoint, reply.status));
}

Result<Repository> HubClient::repository(const HubName& name) const {
  std::string url = fmt::format("{}/api/models/{}/revision/{}?blobs=true", options_.endpoint,
                                encode_path(name.repository), encode_path(name.revision));
  for (int hop = 0; hop < kMaxRedirects; ++hop) {
    const HttpReply reply = ONDOL_TRY(get(url, false).in(name.repository));
    if (is_redirect(reply) && same_origin(reply.redirect_url, options_.endpoint)) {  // the repository was renamed
      url = reply.redirect_url;
      continue;
    }
    if (reply.status == 200) return parse_repository(reply.body).in(name.repository);
    const Error error = error_from(reply, name.repository);
    // The hub answers 401 for unknown repositories, too.
    if (reply.status != 404 && reply.status != 401) return error;
    const auto similar = search(name.repository.substr(name.repository.find('/') + 1));
    return similar.empty() ? error
                           : Error(fmt::format("{}; did you mean: {}", error.message(), fmt::join(similar, ", ")));
  }
  return Error(fmt::format("{}: too many redirects", name.repository));
}

Result<DownloadSource> HubClient::locate(const Repository& repository, const HubFile& file) const {
  const std::string revision = repository.revision.empty() ? "main" : repository.revision;
  const std::string what = repository.name + "/" + file.path;
  std::string url = fmt::format("{}/{}/resolve/{}/{}", options_.endpoint, encode_path(repository.name),
                                encode_path(revision), encode_path(file.path));
  DownloadSource source;
  source.identity = file.sha256;
  bool has_size = false;
  for (int hop = 0; hop < kMaxRedirects; ++hop) {
    const HttpReply reply = ONDOL_TRY(get(url, true).in(what));
    if (!is_redirect(reply) && reply.status != 200) {
      return error_from(reply, repository.name);
    }
    has_size = read_size(reply.header("x-linked-size"), source.size) || has_size;
    const std::string etag =
        reply.header("x-linked-etag").empty() ? reply.header("etag") : reply.header("x-linked-etag");
    if (source.identity.empty()) source.identity = bare_etag(etag);
    if (reply.status == 200) {
      has_size = has_size || read_size(reply.header("content-length"), source.size);
      source.etag = reply.header("etag");
    } else {
      if (options_.endpoint.starts_with("https:") && !reply.redirect_url.starts_with("https:"))
        return Error(fmt::format("{}: refused a redirect to an address without TLS", what));
      url = reply.redirect_url;
      if (same_origin(url, options_.endpoint)) continue;
    }
    // An address elsewhere is signed for GET alone, so it is taken as it is.
    if (!has_size && file.size == 0) return Error(fmt::format("{}: the hub did not say how large it is", what));
    if (!has_size) source.size = file.size;
    source.url = url;
    source.headers = headers_for(url);
    return source;
  }
  return Error(fmt::format("{}: too many redirects", what));
}

std::vector<std::string> HubClient::search(const std::string& words) const {
  const auto reply = get(
      fmt::format("{}/api/models?search={}&filter=gguf&sort=downloads&limit=5", options_.endpoint, encode_path(words)),
      false);
  if (!reply || reply->status != 200) return {};
  return parse_search(reply->body);
}

}  // namespace ondol
