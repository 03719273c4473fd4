#include "server/hook_signature.h"

#include <array>
#include <optional>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace ondol::server {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Digest digest_of(std::string_view text) {
  Digest digest;
  SHA256(bytes_of(text), text.size(), digest.data());
  return digest;
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return {};
}

std::optional<Digest> parse_signature(std::string_view text) {
  constexpr std::string_view kKind = "sha256=";
  Digest digest;
  if (!text.starts_with(kKind) || text.size() != kKind.size() + 2 * digest.size()) return {};
  text.remove_prefix(kKind.size());
  for (size_t i = 0; i < digest.size(); ++i) {
    const auto high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
    if (!high || !low) return {};
    digest[i] = static_cast<unsigned char>(*high << 4 | *low);
  }
  return digest;
}

bool is_same(const Digest& a, const Digest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// Names of schemes are without case (RFC 9110, section 11.1).
std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return {};
  for (size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) return {};
  }
  return authorization.substr(kScheme.size());
}

}  // namespace

bool may_call(const HookCall& call, std::string_view secret) {
  if (secret.empty()) return false;
  if (!call.signature.empty()) {
    const auto given = parse_signature(call.signature);
    Digest expected{};
    unsigned length = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes_of(call.body), call.body.size(),
         expected.data(), &length);
    return given && length == expected.size() && is_same(*given, expected);
  }
  const std::string_view bearer = bearer_of(call.authorization);
  // Digests have one length, so that time tells nothing about the secret's.
  return !bearer.empty() && is_same(digest_of(bearer), digest_of(secret));
}

}  // namespace ondol::server
