// SealedState: what a server lets a client carry from one request to the next, so that it need not remember it: a JSON
// object with an expiry, authenticated (HMAC-SHA256) with a key that only this process has. It can be read, not
// changed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace ondol::mcp {

class SealedState {
 public:
  SealedState();  // with a fresh key

  /// `purpose` says for which request it counts; it is not part of the text.
  std::string seal(const json::object& state, std::string_view purpose, int64_t expires_unix_seconds) const;
  /// Error: it was changed, is for another purpose, or is too old.
  Result<json::object> open(std::string_view text, std::string_view purpose, int64_t now_unix_seconds) const;

 private:
  std::string code_of(std::string_view body, std::string_view purpose) const;

  std::array<unsigned char, 32> key_{};
};

/// SHA-256 in hexadecimal digits.
std::string digest_of(std::string_view text);

/// 32 hexadecimal digits that nobody can guess.
std::string secret_id();

}  // namespace ondol::mcp
