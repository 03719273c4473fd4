// Topology: the processors that this process may use, and how they differ.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace ondol {

/// One logical processor.
struct Processor {
  int id = 0;        // the kernel's number
  int core = 0;      // the lowest number among the hyperthreads that share its core
  int node = 0;      // the memory it is near to (NUMA), as the kernel numbers it
  double speed = 1;  // 1 for a fast core; for an efficiency core, what it reaches of that, between 0 and 1
};

/// Numbers of the processors in this thread's affinity mask, rising.
std::vector<int> allowed_processors();

/// The processors `ids`, as the kernel describes them below `sysfs` (normally /sys). What it leaves out is taken to be
/// a core of its own, as fast as any, on node 0. Speeds come from the first of these files that each of `ids` has:
/// cpu_capacity, acpi_cppc/highest_perf, cpufreq/cpuinfo_max_freq. Those above 0.8 of the highest count as equal: the
/// cores of one kind differ by as much in what they are rated for.
std::vector<Processor> read_topology(const std::string& sysfs, std::span<const int> ids);

/// This machine, as it was when first asked.
const std::vector<Processor>& this_topology();

/// How many of each kind there are.
struct ProcessorCounts {
  int processors = 0;
  int cores = 0;             // of which ...
  int efficiency_cores = 0;  // ... are slower ones
  int nodes = 0;
};
ProcessorCounts count_processors(std::span<const Processor> processors);

}  // namespace ondol
