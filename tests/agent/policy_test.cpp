#include "agent/policy.h"

#include <gtest/gtest.h>

namespace ondol {
namespace {

constexpr Scope kScopes[] = {Scope::kReadOnly, Scope::kWorkspace, Scope::kFull};
constexpr Approval kApprovals[] = {Approval::kAsk, Approval::kAuto, Approval::kNever};
constexpr Effect kEffects[] = {Effect::kNone, Effect::kReads, Effect::kChangesWorkspace, Effect::kReachesOut};

/// The rule as the documentation states it, in another form: a list of reasons for and against.
Verdict expected(const Policy& policy, const Taint& taint, Effect effect, bool has_hosts, bool hosts_allowed,
                 bool names_secrets) {
  const bool reaches_out = effect == Effect::kReachesOut || has_hosts;
  if (effect >= Effect::kChangesWorkspace && policy.scope == Scope::kReadOnly) return Verdict::kRefused;
  if (reaches_out && policy.scope != Scope::kFull) return Verdict::kRefused;
  if (has_hosts && !hosts_allowed) return Verdict::kRefused;
  const bool is_together = reaches_out && taint.has_untrusted_text && (taint.has_secrets || names_secrets);
  const bool secrets_after_strangers = taint.has_untrusted_text && names_secrets;
  const bool changes = effect >= Effect::kChangesWorkspace || reaches_out;
  const bool needs_approval =
      is_together || secrets_after_strangers || ((changes || names_secrets) && policy.approval != Approval::kAuto);
  if (!needs_approval) return Verdict::kAllowed;
  return policy.approval == Approval::kNever ? Verdict::kRefused : Verdict::kMustAsk;
}

TEST(Policy, TheWholeTable) {
  int n = 0;
  for (const Scope scope : kScopes) {
    for (const Approval approval : kApprovals) {
      for (const Effect effect : kEffects) {
        for (int bits = 0; bits < 32; ++bits) {
          const bool untrusted = bits & 1, secrets = bits & 2, has_hosts = bits & 4, listed = bits & 8,
                     names = bits & 16;
          Policy policy{scope, approval, {}};
          if (listed) policy.hosts = {"example.org"};
          const std::vector<std::string> hosts =
              has_hosts ? std::vector<std::string>{"example.org"} : std::vector<std::string>{};
          const Ruling ruling = rule(policy, {untrusted, secrets}, effect, hosts, names);
          EXPECT_EQ(ruling.verdict, expected(policy, {untrusted, secrets}, effect, has_hosts, listed, names))
              << "scope " << int(scope) << " approval " << int(approval) << " effect " << int(effect) << " bits " << bits;
          EXPECT_EQ(ruling.reason.empty(), ruling.verdict == Verdict::kAllowed);
          // What strangers may have led to is asked about every time.
          const bool by_strangers = untrusted && (names || (secrets && (has_hosts || effect == Effect::kReachesOut)));
          if (ruling.verdict == Verdict::kMustAsk) {
            EXPECT_EQ(ruling.can_be_remembered, !by_strangers) << bits;
          }
          ++n;
        }
      }
    }
  }
  EXPECT_EQ(n, 3 * 3 * 4 * 32);
}

TEST(Policy, AWiderPolicyNeverAllowsLess) {
  for (const Effect effect : kEffects) {
    for (int bits = 0; bits < 8; ++bits) {
      const Taint taint{(bits & 1) != 0, (bits & 2) != 0};
      int last = 2;
      for (const Scope scope : kScopes) {
        const Ruling ruling = rule({scope, Approval::kAuto, {}}, taint, effect, {}, (bits & 4) != 0);
        EXPECT_LE(static_cast<int>(ruling.verdict), last);
        last = static_cast<int>(ruling.verdict);
      }
    }
  }
}

TEST(Policy, OneHostThatIsNotListedRefusesTheCall) {
  const Policy policy{Scope::kFull, Approval::kAuto, {"example.org"}};
  EXPECT_EQ(rule(policy, {}, Effect::kReachesOut, {"example.org"}).verdict, Verdict::kAllowed);
  const Ruling ruling = rule(policy, {}, Effect::kReachesOut, {"example.org", "evil.test"});
  EXPECT_EQ(ruling.verdict, Verdict::kRefused);
  EXPECT_NE(ruling.reason.find("--allow-host evil.test"), std::string::npos);
}

TEST(Policy, Hosts) {
  const std::vector<std::string> list = {"example.org", "*.wiki.test", "localhost:8080", "[::1]:80"};
  for (const char* host : {"example.org", "EXAMPLE.org", "example.org:443", "example.org:80", "a.wiki.test",
                           "a.b.wiki.test", "localhost:8080", "[::1]:80"}) {
    EXPECT_TRUE(host_is_allowed(list, host)) << host;
  }
  for (const char* host : {"", "example.org.evil.test", "notexample.org", "sub.example.org", "wiki.test", ".wiki.test",
                           "evilwiki.test", "localhost", "localhost:80", "example.org:8080", "example.org@evil.test",
                           "*.wiki.test.evil"}) {
    EXPECT_FALSE(host_is_allowed(list, host)) << host;
  }
  EXPECT_FALSE(host_is_allowed({""}, ""));
  EXPECT_FALSE(host_is_allowed({"*."}, "x."));
}

TEST(Policy, Names) {
  EXPECT_EQ(scope_named("read-only"), Scope::kReadOnly);
  EXPECT_EQ(scope_named("workspace"), Scope::kWorkspace);
  EXPECT_EQ(scope_named("full"), Scope::kFull);
  EXPECT_FALSE(scope_named("Full"));
  EXPECT_EQ(approval_named("ask"), Approval::kAsk);
  EXPECT_EQ(approval_named("auto"), Approval::kAuto);
  EXPECT_EQ(approval_named("never"), Approval::kNever);
  EXPECT_FALSE(approval_named(""));
}

}  // namespace
}  // namespace ondol
