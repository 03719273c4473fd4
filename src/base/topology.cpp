#include "base/topology.h"

#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace ondol {
namespace {

constexpr double kFastCore = 0.8;         // of the highest speed
constexpr double kAtomSpeed = 0.5;        // where the kernel names Intel's efficiency cores but no speeds
constexpr int kProcessorLimit = 1 << 16;  // no kernel numbers more

/// The numbers in a list such as "0-3,8,10-11". What is no list ends it.
std::vector<int> parse_list(const std::string& text) {
  std::vector<int> numbers;
  std::istringstream list(text);
  for (std::string part; std::getline(list, part, ',');) {
    std::istringstream range(part);
    int first = 0;
    if (!(range >> first) || first < 0 || first >= kProcessorLimit) break;
    int last = first;
    char dash = 0;
    if (range >> dash && (dash != '-' || !(range >> last))) break;
    for (int i = first; i <= std::min(last, kProcessorLimit - 1); ++i) numbers.push_back(i);
  }
  return numbers;
}

std::vector<int> read_list(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return parse_list(line);
}

double read_positive(const std::string& path) {
  std::ifstream file(path);
  double value = 0;
  return file >> value && value > 0 ? value : 0;
}

std::string folder_of(const std::string& sysfs, int id) {
  return sysfs + "/devices/system/cpu/cpu" + std::to_string(id);
}

int core_of(const std::string& sysfs, int id) {
  for (const char* name : {"/topology/core_cpus_list", "/topology/thread_siblings_list"}) {
    const std::vector<int> threads = read_list(folder_of(sysfs, id) + name);
    if (std::find(threads.begin(), threads.end(), id) != threads.end())
      return *std::min_element(threads.begin(), threads.end());
  }
  return id;
}

void read_nodes(const std::string& sysfs, std::span<Processor> processors) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(sysfs + "/devices/system/node", ignored)) {
    const std::string name = entry.path().filename();
    int node = 0;
    if (!name.starts_with("node") || !(std::istringstream(name.substr(4)) >> node)) continue;
    const std::vector<int> members = read_list(entry.path().string() + "/cpulist");
    const std::set<int> set(members.begin(), members.end());
    for (Processor& processor : processors) {
      if (set.contains(processor.id)) processor.node = node;
    }
  }
}

/// Whether each processor has a positive number in this file of its folder. Then they are the speeds.
bool read_speeds(const std::string& sysfs, const std::string& file, std::span<Processor> processors) {
  std::vector<double> speeds;
  for (const Processor& processor : processors) {
    speeds.push_back(read_positive(folder_of(sysfs, processor.id) + file));
    if (speeds.back() == 0) return false;
  }
  const double highest = *std::max_element(speeds.begin(), speeds.end());
  for (size_t i = 0; i < speeds.size(); ++i) {
    const double speed = speeds[i] / highest;
    processors[i].speed = speed >= kFastCore ? 1 : speed;
  }
  return true;
}

/// Intel's efficiency cores have a device of their own for counting events, beside that of the fast cores. Virtual
/// machines may show it, but no speeds.
void slow_atoms_down(const std::string& sysfs, std::span<Processor> processors) {
  const std::vector<int> atoms = read_list(sysfs + "/devices/cpu_atom/cpus");
  const auto is_atom = [&](const Processor& processor) {
    return std::find(atoms.begin(), atoms.end(), processor.id) != atoms.end();
  };
  if (std::all_of(processors.begin(), processors.end(), is_atom)) return;
  for (Processor& processor : processors) {
    if (is_atom(processor) && processor.speed == 1) processor.speed = kAtomSpeed;
  }
}

}  // namespace

std::vector<int> allowed_processors() {
  for (int size = CPU_SETSIZE; size <= kProcessorLimit; size *= 2) {
    std::vector<cpu_set_t> sets(static_cast<size_t>(size / CPU_SETSIZE));
    const size_t bytes = sets.size() * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, sets.data()) != 0) continue;  // this kernel has room for more of them
    std::vector<int> ids;
    for (int id = 0; id < size; ++id) {
      if (CPU_ISSET_S(static_cast<size_t>(id), bytes, sets.data())) ids.push_back(id);
    }
    return ids;
  }
  std::vector<int> ids(std::max(1u, std::thread::hardware_concurrency()));
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int>(i);
  return ids;
}

std::vector<Processor> read_topology(const std::string& sysfs, std::span<const int> ids) {
  std::vector<Processor> processors;
  for (const int id : ids) processors.push_back({.id = id, .core = core_of(sysfs, id), .node = 0, .speed = 1});
  if (processors.empty()) return processors;
  read_nodes(sysfs, processors);
  for (const char* file : {"/cpu_capacity", "/acpi_cppc/highest_perf", "/cpufreq/cpuinfo_max_freq"}) {
    if (read_speeds(sysfs, file, processors)) break;
  }
  slow_atoms_down(sysfs, processors);
  return processors;
}

const std::vector<Processor>& this_topology() {
  static const std::vector<Processor> processors = read_topology("/sys", allowed_processors());
  return processors;
}

ProcessorCounts count_processors(std::span<const Processor> processors) {
  std::set<int> cores;
  std::set<int> slow;
  std::set<int> nodes;
  for (const Processor& processor : processors) {
    cores.insert(processor.core);
    nodes.insert(processor.node);
    if (processor.speed < 1) slow.insert(processor.core);
  }
  return {static_cast<int>(processors.size()), static_cast<int>(cores.size()), static_cast<int>(slow.size()),
          static_cast<int>(nodes.size())};
}

}  // namespace ondol
