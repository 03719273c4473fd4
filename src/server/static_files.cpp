#include "server/static_files.h"

#include <fmt/format.h>
#include <boost/beast/zlib/inflate_stream.hpp>

namespace ondol::server {
namespace {

constexpr std::string_view kContentSecurityPolicy =
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'";

std::string_view trim(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

std::string_view next_item(std::string_view& list, char separator) {
  const std::string_view item = list.substr(0, list.find(separator));
  list.remove_prefix(std::min(list.size(), item.size() + 1));
  return trim(item);
}

bool is_known_to(std::string_view if_none_match, std::string_view hash) {
  while (!if_none_match.empty()) {
    std::string_view tag = next_item(if_none_match, ',');
    if (tag == "*") return true;
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag.size() == hash.size() + 2 && tag.substr(1, hash.size()) == hash) return true;
  }
  return false;
}

void serve(const EmbeddedFile& file, const Request& request, Responder& out) {
  Headers headers = {
      {"ETag", fmt::format("W/\"{}\"", file.hash)},
      {"Vary", "Accept-Encoding"},
      {"Cache-Control", file.path.starts_with("assets/") ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Content-Security-Policy", std::string(kContentSecurityPolicy)},
      {"Referrer-Policy", "no-referrer"},
      {"X-Frame-Options", "DENY"},
      {"Cross-Origin-Opener-Policy", "same-origin"}};
  if (is_known_to(request.header("if-none-match"), file.hash)) {
    out.send(304, "", "", std::move(headers));
    return;
  }
  if (accepts_gzip(request.header("accept-encoding"))) {
    headers.emplace_back("Content-Encoding", "gzip");
    out.send(200, file.content_type, std::string(file.gzip), std::move(headers));
    return;
  }
  auto plain = gunzip(file.gzip);
  if (!plain) {
    send_error(out, ErrorStyle::kOpenAi, make_error(500, fmt::format("{}: {}", file.path, plain.error().message())));
    return;
  }
  out.send(200, file.content_type, std::move(*plain), std::move(headers));
}

// The length of a gzip header; nothing when there is none.
std::optional<size_t> gzip_header_bytes(std::string_view gzip) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(gzip[i]); };
  if (gzip.size() < 18 || byte(0) != 0x1f || byte(1) != 0x8b || byte(2) != 8) return std::nullopt;
  constexpr unsigned kHeaderCrc = 2, kExtra = 4, kName = 8, kComment = 16;
  const unsigned flags = byte(3);
  size_t offset = 10;
  if (flags & kExtra) offset += 2 + byte(10) + 256u * byte(11);
  for (const unsigned text : {kName, kComment}) {
    if (!(flags & text)) continue;
    const size_t end = gzip.find('\0', offset);
    if (end == std::string_view::npos) return std::nullopt;
    offset = end + 1;
  }
  if (flags & kHeaderCrc) offset += 2;
  if (offset + 8 > gzip.size()) return std::nullopt;
  return offset;
}

}  // namespace

Result<std::string> gunzip(std::string_view gzip, size_t limit_bytes) {
  namespace zlib = boost::beast::zlib;
  const auto offset = gzip_header_bytes(gzip);
  if (!offset) return Error("not gzip");
  zlib::inflate_stream inflate;
  zlib::z_params state;
  state.next_in = gzip.data() + *offset;
  state.avail_in = gzip.size() - *offset - 8;  // before the checksum and the length
  std::string out;
  std::string buffer(size_t{64} << 10, '\0');
  boost::system::error_code code;
  while (code != zlib::error::end_of_stream) {
    state.next_out = buffer.data();
    state.avail_out = buffer.size();
    inflate.write(state, zlib::Flush::sync, code);
    out.append(buffer, 0, buffer.size() - state.avail_out);
    if (out.size() > limit_bytes) return Error(fmt::format("more than {} bytes", limit_bytes));
    if (code && code != zlib::error::end_of_stream) return Error("not valid gzip: " + code.message());
  }
  return out;
}

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    std::string_view item = next_item(accept_encoding, ',');
    const std::string_view coding = next_item(item, ';');
    item = trim(item);
    const bool is_refused = item.starts_with("q=0") && item.find_first_not_of("0.", 2) == std::string_view::npos;
    if (coding == "gzip" || coding == "x-gzip") return !is_refused;
    if (coding == "*") any = !is_refused;
  }
  return any;
}

std::vector<Route> static_routes(std::span<const EmbeddedFile> files) {
  std::vector<Route> routes;
  const auto add = [&](std::string pattern, const EmbeddedFile& file) {
    Route route;
    route.method = "GET";
    route.pattern = std::move(pattern);
    route.needs_key = false;
    route.handler = [file](std::shared_ptr<const Request> request, ResponderPtr out) { serve(file, *request, *out); };
    routes.push_back(std::move(route));
  };
  for (const EmbeddedFile& file : files) {
    add("/" + std::string(file.path), file);
    if (file.path == "index.html") add("/", file);
  }
  return routes;
}

}  // namespace ondol::server
