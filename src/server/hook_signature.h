// Who may call a hook: whoever knows its secret, and shows it or signs the body with it.
#pragma once

#include <string>
#include <string_view>

namespace ondol::server {

/// What a call brings. Absent headers are "".
struct HookCall {
  std::string_view authorization;  // "Bearer SECRET"
  std::string_view signature;      // X-Hub-Signature-256: "sha256=" and the HMAC-SHA256 of the body in hexadecimal
  std::string_view body;
};

/// Takes the same time whatever is wrong with the secret or signature. A signature that is there must be right. An
/// empty secret is nobody's.
bool may_call(const HookCall& call, std::string_view secret);

}  // namespace ondol::server
