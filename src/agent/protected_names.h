// Names of files that hold keys, passwords or other programs' trust, and that agents see only when they are allowed to.
#pragma once

#include <string_view>

namespace ondol {

/// Of one file or folder, without its path: ".git", ".env", "id_rsa", "server.pem".
bool is_protected_name(std::string_view name);

}  // namespace ondol
