#include "server/multipart.h"

#include <algorithm>

#include <fmt/format.h>

#include "text/unicode.h"

namespace ondol::server {
namespace {

constexpr size_t kMaxBoundaryBytes = 70;  // RFC 2046, section 5.1.1

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool may_be_in_boundary(char c) {
  const bool is_letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return is_letter_or_digit || std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

/// A value in quotes, of which `text` begins with the first; it is cut off. Nothing when they do not end.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string value;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    // Browsers escape with percent signs instead, so that a backslash is one of a path unless a quote follows.
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
    value += text[i];
  }
  return {};
}

/// The value of a parameter in what follows the first semicolon of a header. Nothing when it is absent or malformed.
std::optional<std::string> parameter(std::string_view header, std::string_view wanted) {
  size_t semicolon = header.find(';');
  while (semicolon != std::string_view::npos) {
    std::string_view rest = trimmed(header.substr(semicolon + 1));
    const size_t equals = rest.find_first_of("=;");
    if (equals == std::string_view::npos) return {};
    const std::string name = lower_case(trimmed(rest.substr(0, equals)));
    if (rest[equals] == ';') {
      header = rest;
      semicolon = equals;
      continue;
    }
    rest = trimmed(rest.substr(equals + 1));
    std::optional<std::string> value;
    if (!rest.empty() && rest.front() == '"') {
      value = take_quoted(rest);
      if (!value) return {};
    } else {
      value = std::string(trimmed(rest.substr(0, rest.find(';'))));
    }
    if (name == wanted) return value;
    header = rest;
    semicolon = header.find(';');
  }
  return {};
}

Result<MultipartHead> read_head(std::string_view headers) {
  while (!headers.empty()) {
    const size_t end = std::min(headers.find("\r\n"), headers.size());
    const std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + 2, headers.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      return Error(fmt::format("multipart body: expected a header of a part, got {} bytes without a colon", end));
    }
    if (lower_case(trimmed(line.substr(0, colon))) != "content-disposition") continue;
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (lower_case(trimmed(value.substr(0, value.find(';')))) != "form-data") break;
    auto name = parameter(value, "name");
    if (!name) break;
    MultipartHead head{std::move(*name), parameter(value, "filename")};
    if (!is_valid_utf8(head.name) || (head.file_name && !is_valid_utf8(*head.file_name))) {
      return Error("multipart body: expected names in UTF-8");
    }
    return head;
  }
  return Error("multipart body: expected parts with Content-Disposition: form-data; name=\"...\"");
}

}  // namespace

Result<std::string> multipart_boundary(std::string_view content_type) {
  if (lower_case(trimmed(content_type.substr(0, content_type.find(';')))) != "multipart/form-data") {
    return Error(fmt::format("Content-Type: expected multipart/form-data, got '{}'", content_type.substr(0, 100)));
  }
  const auto boundary = parameter(content_type, "boundary");
  const bool is_sane = boundary && !boundary->empty() && boundary->size() <= kMaxBoundaryBytes &&
                       std::all_of(boundary->begin(), boundary->end(), may_be_in_boundary) && boundary->back() != ' ';
  if (!is_sane) return Error("Content-Type: expected a boundary of 1 to 70 characters");
  return *boundary;
}

Result<void> MultipartParser::feed(std::string_view bytes) {
  if (state_ == State::kEpilogue) return {};
  rest_.append(bytes);
  bool goes_on = true;
  while (goes_on) {
    switch (state_) {
      case State::kPreamble:
      case State::kData:
        goes_on = take_data();
        break;
      case State::kAfterDelimiter:
        goes_on = ONDOL_TRY(take_delimiter_end());
        break;
      case State::kHeaders:
        goes_on = ONDOL_TRY(take_headers());
        break;
      case State::kEpilogue:
        rest_.clear();
        goes_on = false;
    }
  }
  return {};
}

/// Up to the next delimiter, or as far as none can have begun. False when more is needed.
bool MultipartParser::take_data() {
  const size_t found = rest_.find(delimiter_);
  const bool is_found = found != std::string::npos;
  const size_t kept = std::min(rest_.size(), delimiter_.size() - 1);
  const size_t n = is_found ? found : rest_.size() - kept;
  if (state_ == State::kData && n > 0) events_.on_data(std::string_view(rest_).substr(0, n));
  rest_.erase(0, is_found ? found + delimiter_.size() : n);
  if (is_found) state_ = State::kAfterDelimiter;
  return is_found;
}

/// "--" ends the body, a line's end (perhaps behind spaces) begins a part.
Result<bool> MultipartParser::take_delimiter_end() {
  if (rest_.size() < 2) return false;
  if (rest_.starts_with("--")) {
    state_ = State::kEpilogue;
    return true;
  }
  const size_t padding = std::min(rest_.find_first_not_of(" \t"), rest_.size());
  if (padding > kMaxHeaderBytes) return Error("multipart body: expected the end of a line behind a boundary");
  if (rest_.size() < padding + 2) return false;
  if (rest_.compare(padding, 2, "\r\n") != 0) {
    return Error("multipart body: expected the end of a line behind a boundary");
  }
  if (++n_parts_ > kMaxParts) return Error(fmt::format("multipart body: expected at most {} parts", kMaxParts));
  rest_.erase(0, padding);  // the line's end stays: headers that are empty end with it
  state_ = State::kHeaders;
  return true;
}

Result<bool> MultipartParser::take_headers() {
  const size_t end = rest_.find("\r\n\r\n");
  if (std::min(end, rest_.size()) > kMaxHeaderBytes) {
    return Error(fmt::format("multipart body: expected headers of at most {} bytes", kMaxHeaderBytes));
  }
  if (end == std::string::npos) return false;
  events_.on_part(ONDOL_TRY(read_head(std::string_view(rest_).substr(2, end < 2 ? 0 : end - 2))));
  rest_.erase(0, end + 4);
  state_ = State::kData;
  return true;
}

}  // namespace ondol::server
