// Requests that bring files, as clients send them.
#pragma once

#include <string>

#include "api_client.h"

namespace ondol::server {

inline constexpr const char* kBoundary = "----a1b2c3";

inline std::string form_field(const std::string& name, const std::string& value) {
  return fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", kBoundary, name, value);
}
inline std::string form_file(const std::string& name, const std::string& content) {
  return fmt::format(
      "--{}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: "
      "application/octet-stream\r\n\r\n{}\r\n",
      kBoundary, name, content);
}
inline ApiAnswer post_form(const ApiClient& client, const std::string& parts, const std::string& path = "/v1/files") {
  return client.ask("POST", path, parts + fmt::format("--{}--\r\n", kBoundary),
                    std::string("multipart/form-data; boundary=") + kBoundary);
}
inline ApiAnswer upload(const ApiClient& client, const std::string& name, const std::string& content,
                        const std::string& purpose = "fine-tune") {
  return post_form(client, form_field("purpose", purpose) + form_file(name, content));
}

}  // namespace ondol::server
