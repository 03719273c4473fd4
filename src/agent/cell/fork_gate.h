// ForkGate: a confined program's new processes and threads wait here, are counted, and let through or refused.
//
// The kernel's own limit of processes does not bind root, and counts all of a user's. A fork bomb without a process
// namespace would grow faster than anybody can end it; here it stops at its limit, and at the gate's end for good.
#pragma once

#include <cstdint>

#include "base/descriptor.h"

namespace ondol::cell {

class ForkGate {
 public:
  /// In the process that becomes the program, once: sends its gate through the socket. False, with errno: the kernel
  /// has none (before Linux 5.5), or a process that this one comes from has one already.
  static bool build(int socket);

  /// In the process that guards it: what build() sent. Not open when the other process ended before.
  static ForkGate receive(int socket, int64_t most);

  /// To be polled for reading; -1 where there is none.
  int descriptor() const { return listener_.get(); }
  /// Lets the process that waits go on, or refuses it (EAGAIN) where there are as many as may be.
  void answer();
  /// From here on nothing new begins.
  void close() { listener_.close(); }

 private:
  ForkGate(int listener, int64_t most) : listener_(listener), most_(most) {}
  bool has_place();

  Descriptor listener_;
  int64_t most_;
  int64_t n_counted_ = 0;  // processes and threads, when they were last counted
  int64_t n_since_ = 0;    // let through since then
};

}  // namespace ondol::cell
