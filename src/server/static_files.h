// Static files: a web page that is built into the program (cmake/embed_files.cmake), served with headers that let it
// load nothing from elsewhere and run no inline script.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/http.h"

namespace ondol::server {

struct EmbeddedFile {
  std::string_view path;  // "assets/app.js"
  std::string_view content_type;
  std::string_view gzip;
  std::string_view hash;  // of the content; for ETag
};

/// A route without a key for every file; index.html answers "/" too. Files in assets/, whose names change with their
/// content, may be kept for good; the others are asked for again, which If-None-Match makes cheap.
std::vector<Route> static_routes(std::span<const EmbeddedFile> files);

/// Undoes gzip (RFC 1952), for clients that do not take it. At most `limit_bytes`.
Result<std::string> gunzip(std::string_view gzip, size_t limit_bytes = size_t{64} << 20);

/// Whether Accept-Encoding lets us answer with gzip (RFC 9110, section 12.5.3).
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace ondol::server
