#include "agent/proxy_request.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "agent/host_list.h"

namespace ondol {
namespace {

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kMarks.find(c) != kMarks.npos;
  });
}

bool is_printable(std::string_view text, bool may_have_space) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte > 0x20 && byte != 0x7F) || (may_have_space && (c == ' ' || c == '\t'));
  });
}

std::string lower(std::string_view text) {
  std::string small(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return small;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// The text up to a line's end, which is cut off `rest`.
Result<std::string_view> take_line(std::string_view& rest) {
  const size_t end = rest.find("\r\n");
  if (end == rest.npos) return Error("expected lines that end with CR LF");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

struct Header {
  std::string name;  // in small letters
  std::string_view value;
};

Result<std::vector<Header>> parse_headers(std::string_view rest) {
  std::vector<Header> headers;
  while (true) {
    const std::string_view line = ONDOL_TRY(take_line(rest));
    if (line.empty()) break;
    const size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon)) || !is_printable(line.substr(colon + 1), true))
      return Error("a header of the request is malformed");
    headers.push_back({lower(line.substr(0, colon)), trimmed(line.substr(colon + 1))});
  }
  if (!rest.empty()) return Error("expected the head of a request alone");
  const auto count = [&](std::string_view name) {
    return std::count_if(headers.begin(), headers.end(), [&](const Header& header) { return header.name == name; });
  };
  if (count("content-length") + count("transfer-encoding") > 1)
    return Error("the length of the request's body is given twice");
  return headers;
}

/// Headers of the connection between program and proxy (RFC 9110, section 7.6.1), and those that it names itself.
std::vector<std::string> names_to_drop(const std::vector<Header>& headers) {
  std::vector<std::string> names = {"connection", "keep-alive", "host", "te", "trailer", "upgrade", "expect"};
  for (const Header& header : headers) {
    if (header.name != "connection") continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      const std::string name = lower(trimmed(rest.substr(0, comma)));
      // The body's length must not be lost on the way.
      if (name != "content-length" && name != "transfer-encoding") names.push_back(name);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return names;
}

}  // namespace

Result<ProxyRequest> parse_proxy_request(std::string_view head) {
  if (head.size() > kMostProxyHeadBytes) return Error("the head of the request is too long");
  const std::string_view line = ONDOL_TRY(take_line(head));
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == line.npos || first == last) return Error("expected METHOD TARGET HTTP/1.1");
  const std::string_view method = line.substr(0, first), version = line.substr(last + 1);
  std::string_view target = line.substr(first + 1, last - first - 1);
  if (!is_token(method) || (version != "HTTP/1.1" && version != "HTTP/1.0") || !is_printable(target, false))
    return Error("expected METHOD TARGET HTTP/1.1");
  const std::vector<Header> headers = ONDOL_TRY(parse_headers(head));
  ProxyRequest request;
  request.is_tunnel = method == "CONNECT";
  constexpr std::string_view kScheme = "http://";
  if (!request.is_tunnel) {
    if (lower(target.substr(0, kScheme.size())) != kScheme)
      return Error("expected the target http://HOST/PATH, or CONNECT for everything else");
    target.remove_prefix(kScheme.size());
  }
  const std::string_view authority = target.substr(0, target.find_first_of("/?#"));
  HostAndPort place = ONDOL_TRY(parse_host_and_port(authority, request.is_tunnel ? 0 : 80));
  if (place.port == 0) return Error("expected CONNECT HOST:PORT");
  request.host = std::move(place.host);
  request.port = place.port;
  std::string_view path = target.substr(authority.size());
  if (request.is_tunnel) {
    if (!path.empty()) return Error("expected CONNECT HOST:PORT");
    return request;
  }
  path = path.substr(0, path.find('#'));
  request.head =
      fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\n", method, path.starts_with('/') ? "" : "/", path, authority);
  const std::vector<std::string> dropped = names_to_drop(headers);
  for (const Header& header : headers) {
    if (header.name.starts_with("proxy-") || std::find(dropped.begin(), dropped.end(), header.name) != dropped.end())
      continue;
    request.head += fmt::format("{}: {}\r\n", header.name, header.value);
  }
  request.head += "Connection: close\r\n\r\n";
  return request;
}

}  // namespace ondol
