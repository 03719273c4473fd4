// ProcessTree: what a process and all that came from it use, as /proc tells. This is what holds a whole run to its
// limits: the kernel's own limits are for single processes, and do not bind root. Also part of ondol-cell: it needs no
// library.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace ondol {

struct ProcessTree {
  int64_t n_processes = 0;    // with threads, without the root
  uint64_t memory_bytes = 0;  // resident or swapped, without files; what is shared counts for everybody
};

/// Processes below `root`; at most `most` are looked for.
std::vector<pid_t> processes_below(pid_t root, size_t most);

ProcessTree measure_processes(const std::vector<pid_t>& processes);

/// Bytes on disk of files that the processes hold open, and that have no name any more.
uint64_t nameless_file_bytes(const std::vector<pid_t>& processes);

}  // namespace ondol
