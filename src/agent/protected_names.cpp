#include "agent/protected_names.h"

#include <algorithm>
#include <iterator>

namespace ondol {
namespace {

constexpr std::string_view kNames[] = {".git",         ".hg",
                                       ".svn",         ".jj",
                                       ".env",         ".envrc",
                                       ".ssh",         ".gnupg",
                                       ".aws",         ".azure",
                                       ".gcloud",      ".kube",
                                       ".netrc",       "_netrc",
                                       ".pgpass",      ".my.cnf",
                                       ".npmrc",       ".pypirc",
                                       ".docker",      ".ondol",
                                       ".vault-token", ".git-credentials",
                                       ".htpasswd",    ".password-store",
                                       ".mozilla",     ".thunderbird",
                                       ".s3cfg",       ".boto",
                                       ".gem",         ".cargo-credentials",
                                       ".terraformrc", ".bash_history",
                                       ".zsh_history", ".python_history"};
constexpr std::string_view kBeginnings[] = {".env.", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"};
constexpr std::string_view kEnds[] = {".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk", ".gpg"};
/// Beginnings and ends that fit, but tell nothing.
constexpr std::string_view kHarmless[] = {".env.example", ".env.sample", ".env.template", ".env.dist"};

}  // namespace

bool is_protected_name(std::string_view name) {
  const auto fits = [&](std::string_view other) { return name == other; };
  if (std::any_of(std::begin(kHarmless), std::end(kHarmless), fits)) return false;
  return std::any_of(std::begin(kNames), std::end(kNames), fits) ||
         std::any_of(
             std::begin(kBeginnings), std::end(kBeginnings),
             [&](std::string_view beginning) { return name.starts_with(beginning) && !name.ends_with(".pub"); }) ||
         std::any_of(std::begin(kEnds), std::end(kEnds), [&](std::string_view end) { return name.ends_with(end); });
}

}  // namespace ondol
