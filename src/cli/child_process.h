// Running another program for what it prints. Bounded in memory, and it ends when it is told to: the child leads a
// process group of its own, which is ended as a whole, and it does not outlive this process.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/result.h"

namespace ondol::cli {

struct ChildCommand {
  std::string path;
  std::vector<std::string> arguments;    // the first is the program's own name
  std::vector<std::string> environment;  // "NAME=value", in place of what this process has
};

struct ChildOutput {
  int exit_status = 0;  // as a shell gives it: 128 + n after signal n
  std::string text;     // standard output
  std::string errors;   // the end of standard error
};

/// Runs it with nothing on standard input. Fails when it cannot be started, when it prints more than 16 MiB, and when
/// `stop` becomes true, after the child has ended.
Result<ChildOutput> run_child(const ChildCommand& command, const std::atomic<bool>& stop);

}  // namespace ondol::cli
