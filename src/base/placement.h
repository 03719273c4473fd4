// Placement: where the threads of a pool go on processors that differ.
#pragma once

#include <span>
#include <vector>

#include "base/topology.h"

namespace ondol {

/// Where one thread works.
struct Seat {
  int node = 0;                 // counted from 0 among those of the same placement
  double speed = 1;             // of its core: see Processor
  std::vector<int> processors;  // those that it may run on: of one node and one speed. Empty: any, for all are alike
};

/// Seats for `n_threads` (at least 1), the caller's first. Each core gets one thread before any gets two, fast cores
/// before efficiency cores. Threads that have cores enough on one node stay there, near one memory, and near the
/// processor on which the `caller` runs (-1: unknown) if that is possible; otherwise they spread evenly over all. A
/// thread may move among the processors of its kind: fixed to one, it would wait for whoever else is there.
std::vector<Seat> place_threads(std::span<const Processor> processors, int n_threads, int caller = -1);

/// From now on this thread runs on the seat's processors only. Where the kernel refuses, it runs where it may.
void take_seat(const Seat& seat);

/// How many threads compute unless told otherwise: one for each core, as hyperthreads share what multiplies, or both
/// hyperthreads of a single core. No more than the cgroup's quota.
int default_threads();

}  // namespace ondol
