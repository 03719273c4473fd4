// Confinement: what this process may do from now on, for code that reads what strangers wrote.
//
// Three layers, each as far as the kernel has it. Limits (setrlimit): memory, processor time, no files written, no core
// files. A filter of system calls (seccomp): no network, no files opened for writing, no new processes or threads, no
// other program unless that is asked for. Rules for files (Landlock): only the named ones can be read. They hold for
// the rest of the process's life and for whatever program it becomes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace ondol {

/// The address sanitizer reserves terabytes of address space, which then has no limit.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kLimitsMemory = false;
#elif defined(__has_feature)
constexpr bool kLimitsMemory = !__has_feature(address_sanitizer);
#else
constexpr bool kLimitsMemory = true;
#endif

struct Confinement {
  /// Files and folders that may be read; what is not there is passed over.
  std::vector<std::string> readable;
  /// The process may become another program that lies below `readable`.
  bool may_execute = false;
  uint64_t most_memory_bytes = uint64_t{1} << 30;  // of address space
  uint64_t most_cpu_seconds = 60;
};

/// What the kernel enforces besides the limits.
struct Confined {
  bool system_calls = false;
  bool files = false;
};

/// Confines the calling process, which must have one thread. Error: limits could not be set; then nothing that
/// strangers wrote should be read.
Result<Confined> confine_process(const Confinement& wish);

}  // namespace ondol
