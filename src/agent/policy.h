// Policy: what an agent may do without asking. Three scopes crossed with three ways of asking.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/tool.h"

namespace ondol {

/// What may happen at all.
enum class Scope {
  kReadOnly,   // Effect::kReads at most
  kWorkspace,  // and changes of the workspace, by confined programs without network
  kFull,       // and the network (hosts of the allow list), devices, other programs' tools
};

/// What happens with a call that changes something (more than Effect::kReads) and lies within the scope.
enum class Approval {
  kAsk,    // somebody must approve it, once or for good
  kAuto,   // it is done, but see Taint
  kNever,  // it is refused: nobody is there to ask
};

struct Policy {
  Scope scope = Scope::kWorkspace;
  Approval approval = Approval::kAsk;
  std::vector<std::string> hosts;  // allowed: "example.org", "*.example.org"; ports as "localhost:8080"
};

/// What a session has met, which narrows what it may do: once words of strangers have been read, secrets and the
/// network are not available together without asking, whatever the policy.
struct Taint {
  bool has_untrusted_text = false;
  bool has_secrets = false;
};

enum class Verdict { kAllowed, kMustAsk, kRefused };

struct Ruling {
  Verdict verdict = Verdict::kRefused;
  std::string reason;  // for the person who is asked, or for the model that is refused
  /// Of kMustAsk: an earlier "always" answers it. Not where strangers' words may have led to the call.
  bool can_be_remembered = true;
};

/// Pure: the whole rule in one place. `hosts` are those the call will talk to; `names_secrets`: its arguments name a
/// file that holds secrets (secrets.h).
Ruling rule(const Policy& policy, const Taint& taint, Effect effect, const std::vector<std::string>& hosts,
            bool names_secrets = false);

/// Whether the host is on the list: the same name, or below a "*." entry. Names are compared without case, and a port
/// that the entry does not name may be any of 80 and 443.
bool host_is_allowed(const std::vector<std::string>& allowed, std::string_view host);

std::optional<Scope> scope_named(std::string_view name);        // "read-only", "workspace", "full"
std::optional<Approval> approval_named(std::string_view name);  // "ask", "auto", "never"

}  // namespace ondol
