// MIME: mail in parts (RFC 5322, 2045 to 2047, 2231). Refuses nothing: what does not fit is text.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ondol {

/// "text/plain; charset=utf-8": the value in lower case, and its parameters, decoded.
struct MimeValue {
  std::string value;
  std::map<std::string, std::string> parameters;  // names in lower case
};

/// A mail or one part of it. Texts point into what was given.
struct MimePart {
  /// Of the first header of that name, in lower case: unfolded, as it stands.
  std::map<std::string, std::string> headers;
  std::string_view body;

  static MimePart of(std::string_view bytes);
  /// A header for people: encoded words decoded. UTF-8; empty when there is none.
  std::string text(const std::string& name) const;
  MimeValue parsed(const std::string& name) const;
  /// Without its transfer encoding.
  std::string decoded_body() const;
  /// The bodies between a multipart's boundaries; at most `most`.
  std::vector<std::string_view> parts(std::string_view boundary, size_t most) const;
};

/// RFC 2047: "=?EUC-KR?B?...?=" within a header, as UTF-8.
std::string decode_encoded_words(std::string_view header);

}  // namespace ondol
