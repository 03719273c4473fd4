// CallFilter: the system calls that confined programs may not make, as a program for the kernel (seccomp).
//
// A list of what is refused, since programs of all kinds are run: what reaches other processes, the kernel's insides,
// namespaces and mounts, memory that no limit counts, sockets of kinds that have no use, and the terminal.
#pragma once

#include "base/descriptor.h"
#include "base/result.h"

namespace ondol {

struct CallFilter {
  /// For a program without namespaces of its own, where files are held by Landlock: no sockets, and none of the calls
  /// that Landlock does not see.
  bool has_no_namespaces = false;
  /// Signals reach only the program's own processes already (Landlock's version 6, or a namespace).
  bool signals_are_scoped = true;
};

/// A file in memory with the filter, at its beginning. Error: built without libseccomp.
Result<Descriptor> make_call_filter(const CallFilter& wish);

}  // namespace ondol
