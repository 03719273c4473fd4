#include "server/access.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace ondol::server {
namespace {

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

bool is_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_address(const std::string& text, int family) {
  unsigned char bytes[16];
  return inet_pton(family, text.c_str(), bytes) == 1;
}

std::string own_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? lower_case(name) : std::string();
}

std::string_view default_port(std::string_view scheme) {
  return scheme == "http" ? "80" : scheme == "https" ? "443" : "";
}

std::string_view given_key(const Request& request) {
  const std::string_view authorization = request.header("authorization");
  if (authorization.size() > 7 && lower_case(authorization.substr(0, 7)) == "bearer ") {
    const size_t start = authorization.find_first_not_of(' ', 7);
    return start == std::string_view::npos ? std::string_view() : authorization.substr(start);
  }
  return request.header("x-api-key");
}

HttpError too_many(std::string message, double seconds) {
  HttpError error = make_error(429, std::move(message), "rate_limit_exceeded");
  error.headers.emplace_back("Retry-After", fmt::format("{}", std::max(1, static_cast<int>(std::ceil(seconds)))));
  return error;
}

}  // namespace

std::optional<HostAndPort> parse_host(std::string_view text) {
  HostAndPort out;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    out.host = lower_case(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
    if (!is_address(out.host, AF_INET6)) return std::nullopt;
    out.is_address = true;
  } else {
    const std::string_view name = text.substr(0, text.find(':'));
    text.remove_prefix(name.size());
    out.host = lower_case(name);
    if (out.host.ends_with('.')) out.host.pop_back();
    // No part between two dots may be empty.
    if (out.host.empty() || out.host.starts_with('.') || out.host.ends_with('.')) return std::nullopt;
    if (out.host.find("..") != std::string::npos) return std::nullopt;
    for (const char c : out.host)
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_')) return std::nullopt;
    out.is_address = is_address(out.host, AF_INET);
  }
  if (text.empty()) return out;
  out.port = text.substr(1);
  if (text[0] != ':' || !is_digits(out.port) || out.port.size() > 5) return std::nullopt;
  return out;
}

Access::Access(const ServerOptions& options) {
  for (const ApiKey& key : options.keys) {
    Key entry{.options = key, .digest = {}};
    SHA256(reinterpret_cast<const unsigned char*>(key.key.data()), key.key.size(), entry.digest.data());
    entry.tokens = key.requests_per_minute;
    keys_.push_back(std::move(entry));
  }
  for (const std::string& origin : options.allowed_origins) {
    any_origin_ = any_origin_ || origin == "*";
    origins_.push_back(lower_case(origin.ends_with('/') && !origin.ends_with("//")
                                      ? std::string_view(origin).substr(0, origin.size() - 1)
                                      : std::string_view(origin)));
  }
  hosts_ = {"localhost", lower_case(options.host)};
  if (const std::string name = own_name(); !name.empty()) {
    hosts_.push_back(name);
    hosts_.push_back(name.substr(0, name.find('.')) + ".local");
  }
  for (const std::string& host : options.allowed_hosts) {
    any_host_ = any_host_ || host == "*";
    const auto parsed = parse_host(host);
    if (parsed) hosts_.push_back(parsed->host);
  }
}

bool Access::is_host_allowed(std::string_view text) const {
  const auto parsed = parse_host(text);
  if (!parsed) return false;
  if (any_host_ || parsed->is_address || parsed->host.ends_with(".localhost")) return true;
  return std::find(hosts_.begin(), hosts_.end(), parsed->host) != hosts_.end();
}

bool Access::is_own_origin(std::string_view origin, std::string_view host) {
  const size_t colon = origin.find("://");
  if (colon == std::string_view::npos) return false;
  const std::string scheme = lower_case(origin.substr(0, colon));
  if (scheme != "http" && scheme != "https") return false;
  auto theirs = parse_host(origin.substr(colon + 3));
  auto ours = parse_host(host);
  if (!theirs || !ours) return false;
  if (theirs->port.empty()) theirs->port = default_port(scheme);
  if (ours->port.empty()) ours->port = default_port(scheme);
  return theirs->host == ours->host && theirs->port == ours->port;
}

bool Access::is_origin_allowed(std::string_view text) const {
  if (any_origin_) return true;
  const std::string origin = lower_case(text);
  for (const std::string& allowed : origins_) {
    if (allowed == origin) return true;
    if (!allowed.ends_with('*')) continue;
    const std::string_view start = std::string_view(allowed).substr(0, allowed.size() - 1);
    if (!origin.starts_with(start)) continue;
    const std::string_view rest = std::string_view(origin).substr(start.size());
    if (start.ends_with("://") && !start.starts_with("http:") && !start.starts_with("https:")) return true;
    if (start.ends_with(':') && !rest.empty() && is_digits(rest)) return true;
  }
  return false;
}

// Digests have one length and are compared in constant time, with every key: time tells nothing about any.
Access::Key* Access::find_key(std::string_view given) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(given.data()), given.size(), digest.data());
  Key* found = nullptr;
  for (Key& key : keys_)
    if (CRYPTO_memcmp(digest.data(), key.digest.data(), digest.size()) == 0) found = &key;
  return given.empty() ? nullptr : found;
}

Access::Admission Access::admit(const Request& request, bool needs_key, std::chrono::steady_clock::time_point now) {
  Admission admission;
  admission.client = request.address;
  if (keys_.empty()) return admission;
  const std::string_view given = given_key(request);
  Key* key = find_key(given);
  if (key == nullptr && !needs_key) return admission;
  if (key == nullptr) {
    admission.error =
        make_error(401,
                   given.empty() ? "an API key is needed: send 'Authorization: Bearer KEY' or 'x-api-key: KEY'"
                                 : "this API key is not known here",
                   "invalid_api_key");
    admission.error->headers.emplace_back("WWW-Authenticate", "Bearer");
    return admission;
  }
  admission.client = key->options.name;
  if (key->options.concurrent_requests > 0 && *key->running >= key->options.concurrent_requests) {
    admission.error = too_many(
        fmt::format("the key '{}' has {} requests running, which is its limit", key->options.name, *key->running), 1);
    return admission;
  }
  if (key->options.requests_per_minute > 0) {
    const double rate = key->options.requests_per_minute / 60.0;
    if (key->refilled != std::chrono::steady_clock::time_point{}) {
      const double seconds = std::chrono::duration<double>(now - key->refilled).count();
      key->tokens = std::min<double>(key->options.requests_per_minute, key->tokens + seconds * rate);
    }
    key->refilled = now;
    if (key->tokens < 1) {
      admission.error = too_many(fmt::format("the key '{}' may make {} requests per minute", key->options.name,
                                             key->options.requests_per_minute),
                                 (1 - key->tokens) / rate);
      return admission;
    }
    key->tokens -= 1;
  }
  ++*key->running;
  admission.slot = std::shared_ptr<void>(nullptr, [running = key->running](void*) { --*running; });
  return admission;
}

}  // namespace ondol::server
