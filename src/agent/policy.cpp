#include "agent/policy.h"

#include <algorithm>

#include <fmt/format.h>

namespace ondol {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

struct HostAndPort {
  std::string host;
  std::string port;  // "" is none
};

HostAndPort split(std::string_view text) {
  const std::string name = lower(text);
  const size_t colon = name.rfind(':');
  // An IPv6 address is full of colons; with a port it stands in brackets.
  const bool is_address = std::count(name.begin(), name.end(), ':') > 1 && !name.ends_with(']') &&
                          (colon == 0 || name[colon - 1] != ']');
  if (colon == std::string::npos || is_address || name.ends_with(']')) return {name, ""};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

bool fits(std::string_view entry, const HostAndPort& wanted) {
  const HostAndPort allowed = split(entry);
  const bool is_plain_port = wanted.port.empty() || wanted.port == "80" || wanted.port == "443";
  if (allowed.port.empty() ? !is_plain_port : allowed.port != wanted.port) return false;
  if (!allowed.host.starts_with("*.")) return !allowed.host.empty() && allowed.host == wanted.host;
  const std::string_view suffix = std::string_view(allowed.host).substr(1);  // ".example.org"
  return suffix.size() > 1 && wanted.host.size() > suffix.size() && wanted.host.ends_with(suffix);
}

std::string_view in_words(Effect effect) {
  switch (effect) {
    case Effect::kNone:
      return "does nothing outside";
    case Effect::kReads:
      return "reads";
    case Effect::kChangesWorkspace:
      return "changes the workspace";
    case Effect::kReachesOut:
      return "reaches out of this computer or to other programs";
  }
  return "";
}

Ruling refused(std::string reason) {
  return {Verdict::kRefused, std::move(reason), false};
}

/// The call lies within the scope, but somebody has to say yes.
Ruling ask(const Policy& policy, std::string reason, bool can_be_remembered) {
  if (policy.approval == Approval::kNever) {
    return refused(reason + ", which needs approval, and nobody is there to give it (approval: never)");
  }
  return {Verdict::kMustAsk, std::move(reason), can_be_remembered};
}

/// What the scope alone forbids; "" where it does not.
std::string beyond_scope(const Policy& policy, Effect effect, const std::vector<std::string>& hosts) {
  if (effect > Effect::kReads && policy.scope == Scope::kReadOnly) {
    return fmt::format("it {}, and the scope is read-only", in_words(effect));
  }
  if (effect == Effect::kReachesOut && policy.scope != Scope::kFull) {
    return fmt::format("it {}, and the scope is the workspace; hint: --scope full", in_words(effect));
  }
  for (const std::string& host : hosts) {
    if (policy.scope != Scope::kFull) return fmt::format("it talks to {}, which needs --scope full", host);
    if (!host_is_allowed(policy.hosts, host)) {
      return fmt::format("{} is not among the allowed hosts; hint: --allow-host {}", host, host);
    }
  }
  return "";
}

}  // namespace

bool host_is_allowed(const std::vector<std::string>& allowed, std::string_view host) {
  const HostAndPort wanted = split(host);
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& entry) { return fits(entry, wanted); });
}

Ruling rule(const Policy& policy, const Taint& taint, Effect effect, const std::vector<std::string>& hosts,
            bool names_secrets) {
  const std::string beyond = beyond_scope(policy, effect, hosts);
  if (!beyond.empty()) return refused(beyond);
  // Whatever a tool says of itself: who names hosts reaches out.
  const bool reaches_out = effect == Effect::kReachesOut || !hosts.empty();

  if (taint.has_untrusted_text && reaches_out && (taint.has_secrets || names_secrets)) {
    return ask(policy, "words of strangers and secrets were read, and it reaches out", false);
  }
  if (taint.has_untrusted_text && names_secrets) {
    return ask(policy, "words of strangers were read, and it asks for a file with secrets", false);
  }
  if (names_secrets && policy.approval != Approval::kAuto) return ask(policy, "it asks for a file with secrets", true);
  if (effect <= Effect::kReads && !reaches_out) return {Verdict::kAllowed, "", true};
  if (policy.approval == Approval::kAuto) return {Verdict::kAllowed, "", true};
  return ask(policy, fmt::format("it {}", in_words(reaches_out ? Effect::kReachesOut : effect)), true);
}

std::optional<Scope> scope_named(std::string_view name) {
  if (name == "read-only") return Scope::kReadOnly;
  if (name == "workspace") return Scope::kWorkspace;
  if (name == "full") return Scope::kFull;
  return {};
}

std::optional<Approval> approval_named(std::string_view name) {
  if (name == "ask") return Approval::kAsk;
  if (name == "auto") return Approval::kAuto;
  if (name == "never") return Approval::kNever;
  return {};
}

}  // namespace ondol
