// SecretFilter: keeps passwords, keys and tokens out of prompts and logs.
//
// Two kinds are known: the values of environment variables whose names say that they are secret, wherever and in
// whatever common encoding they turn up, and texts that look like keys (private keys, tokens with well-known
// beginnings, passwords in addresses and settings). Each becomes "[secret: what it was]".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace ondol {

class SecretFilter {
 public:
  /// `environment`: "NAME=value" each.
  explicit SecretFilter(const std::vector<std::string>& environment = {});
  /// With this process's environment.
  static SecretFilter of_process();

  struct Filtered {
    std::string text;
    int n_secrets = 0;
  };
  Filtered filter(std::string_view text) const;
  /// All strings in a value.
  json::value filter(const json::value& value) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;  // value and name, the longest first
};

/// Whether an environment variable of this name holds a secret.
bool is_secret_name(std::string_view name);

/// Whether a file of this path is one that holds secrets (".env", "id_rsa", "*.pem", ".netrc", ...).
bool is_secret_path(std::string_view path);

/// Whether one of the call's arguments, or a word in one (a command's), is such a path.
bool names_secret_path(const json::value& arguments);

}  // namespace ondol
