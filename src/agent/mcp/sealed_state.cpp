#include "agent/mcp/sealed_state.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/check.h"

namespace ondol::mcp {
namespace {

std::string hex(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

SealedState::SealedState() {
  ONDOL_CHECK(RAND_bytes(key_.data(), static_cast<int>(key_.size())) == 1);
}

std::string SealedState::code_of(std::string_view body, std::string_view purpose) const {
  const std::string text = fmt::format("{}\n{}", purpose, body);
  std::array<unsigned char, 32> code{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), code.data(), &size);
  return hex(code);
}

std::string SealedState::seal(const json::object& state, std::string_view purpose, int64_t expires_unix_seconds) const {
  const std::string body = base64(json_text(json::object{{"state", state}, {"expires", expires_unix_seconds}}));
  return body + "." + code_of(body, purpose);
}

Result<json::object> SealedState::open(std::string_view text, std::string_view purpose,
                                       int64_t now_unix_seconds) const {
  const Error refusal("requestState is not what this server gave out for this request");
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return refusal;
  const std::string expected = code_of(text.substr(0, dot), purpose);
  const std::string_view given = text.substr(dot + 1);
  if (given.size() != expected.size() || CRYPTO_memcmp(given.data(), expected.data(), given.size()) != 0)
    return refusal;
  const auto bytes = decode_base64(text.substr(0, dot));
  if (!bytes) return refusal;
  const json::value content = ONDOL_TRY(parse_json(*bytes));
  if (int_or(content, "expires", 0) < now_unix_seconds) return Error("requestState is too old; begin again");
  return content.as_object().at("state").as_object();
}

std::string digest_of(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return hex(digest);
}

std::string secret_id() {
  std::array<unsigned char, 16> bytes{};
  ONDOL_CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  return hex(bytes);
}

}  // namespace ondol::mcp
