// The two kinds of Sandbox. Both are started by ondol-cell; Sandbox::open tries whether they work.
#pragma once

#include <memory>
#include <string>

#include "agent/sandbox.h"

namespace ondol {

/// Error: bubblewrap is not installed, or this build has no filter of system calls.
Result<std::unique_ptr<Sandbox>> make_bubblewrap_sandbox(const std::string& cell);

/// Error: the kernel has no Landlock, or this build has no filter of system calls.
Result<std::unique_ptr<Sandbox>> make_landlock_sandbox(const std::string& cell);

}  // namespace ondol
