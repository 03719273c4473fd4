// What strangers say to a hook, and patterns of files: the first line is the pattern or the headers, the rest the body
// or the path.
#include "agent/jobs/cron.h"
#include "base/check.h"
#include "retrieve/ignore_rules.h"
#include "server/hook_signature.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string_view head = bytes.substr(0, bytes.find('\n'));
  const std::string_view rest = head.size() < bytes.size() ? bytes.substr(head.size() + 1) : std::string_view();
  using ondol::server::may_call;
  // Nobody has the secret but who has it.
  ONDOL_CHECK(!may_call({head, "", rest}, ""));
  ONDOL_CHECK(!may_call({"", head, rest}, ""));
  std::string scheme(head.substr(0, 6));
  for (char& c : scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const bool knows = scheme == "bearer" && head.substr(6) == " s3cret";
  ONDOL_CHECK(may_call({head, "", rest}, "s3cret") == knows);
  // A signature that is there must be right, whatever else is.
  if (!head.starts_with("sha256=")) ONDOL_CHECK(head.empty() || !may_call({"Bearer s3cret", head, rest}, "s3cret"));
  (void)may_call({"", head, rest}, "s3cret");
  if (head.size() <= 64 && rest.size() <= 256) (void)ondol::fits_pattern(rest, head);
  const auto times = ondol::Cron::parse(head);
  if (times) (void)times->next_after(1'700'000'000);
  return 0;
}
