// Sandbox: runs a program that a model wrote or chose, so that it can change the workspace and nothing else.
//
// With bubblewrap: the system read-only, only the workspace writable, fresh /tmp, /dev and /proc, own user, PID, IPC
// and network namespaces, a filter of system calls, limits. Where namespaces are refused: Landlock with the same
// filter. Where neither works there is no Sandbox, and the error says how to enable one: nothing ever runs unconfined.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ondol {

struct SandboxLimits {
  double seconds = 60;
  uint64_t memory_bytes = uint64_t{2} << 30;
  uint64_t file_bytes = uint64_t{256} << 20;  // of a file that it writes
  uint64_t disk_bytes = uint64_t{1} << 30;    // that the workspace may grow by during the run, and of its /tmp
  int64_t files = 100'000;                    // that the workspace and its /tmp may gain
  int processes = 128;                        // with their threads
  uint64_t output_bytes = uint64_t{1} << 20;  // that are kept; the rest is read and thrown away
};

struct SandboxedCommand {
  std::vector<std::string> arguments;    // the program first, looked up in the system's folders
  std::string workspace;                 // absolute; where it starts
  bool may_write = true;                 // the workspace is read-only otherwise
  std::vector<std::string> hidden;       // below the workspace: seen as empty (".git", ".env")
  std::string input;                     // its standard input
  /// What its standard input, output and error are instead, for whoever talks with it while it runs; they stay the
  /// caller's. Empty, or three.
  std::vector<int> descriptors;
  std::vector<std::string> environment;  // "NAME=value", beside PATH, HOME (the workspace), LANG and TMPDIR
  /// A Unix socket of the proxy that reaches the allowed hosts ("" is no network at all). Inside, HTTP_PROXY,
  /// HTTPS_PROXY and ALL_PROXY name it.
  std::string proxy_socket;
  SandboxLimits limits;
};

struct SandboxedRun {
  int exit_status = -1;  // -1: a signal
  int signal = 0;
  bool timed_out = false;
  bool was_stopped = false;  // goes_on said so
  bool output_was_cut = false;
  bool disk_was_full = false;            // disk_bytes or files were reached, and it was ended
  bool memory_was_full = false;          // memory_bytes were reached by all together, and they were ended
  bool processes_were_too_many = false;  // and were ended
  std::string output;                    // standard output and error, in the order in which they came
  double seconds = 0;
};

class Sandbox {
 public:
  enum class Kind { kBubblewrap, kLandlock };

  /// Tries the ways in order, each with a real run. `wish`: "", "bubblewrap" or "landlock". Error: none works, with
  /// what was tried, and how to enable it.
  /// `cell` is the program ondol-cell, which is otherwise looked for beside this one.
  static Result<std::unique_ptr<Sandbox>> open(std::string_view wish = "", const std::string& cell = "");
  virtual ~Sandbox() = default;

  virtual Kind kind() const = 0;
  /// For `ondol doctor`: "bubblewrap 0.8.0 with seccomp, own network namespace".
  virtual std::string description() const = 0;
  /// Every process that it started is gone when it returns. Error: it could not be started; the program's own failure
  /// is in the SandboxedRun. From several threads at once.
  virtual Result<SandboxedRun> run(const SandboxedCommand& command, const std::function<bool()>& goes_on) = 0;
};

}  // namespace ondol
