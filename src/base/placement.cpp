#include "base/placement.h"

#include <sched.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/cgroup.h"
#include "base/check.h"

namespace ondol {
namespace {

/// A processor and how many of its core's hyperthreads come before it.
struct Candidate {
  const Processor* processor;
  int turn;
};

/// First one thread of every core, the fast ones first, and from all nodes by turns.
std::vector<Candidate> in_order_of_use(std::span<const Processor> processors) {
  using Key = std::tuple<int, double, int>;  // turn, slowness, how many such the node has before
  std::map<int, int> turns;
  std::map<std::tuple<int, double, int>, int> taken;
  std::vector<std::pair<Key, Candidate>> keyed;
  for (const Processor& processor : processors) {
    const int turn = turns[processor.core]++;
    const int number = taken[{turn, processor.speed, processor.node}]++;
    keyed.push_back({{turn, -processor.speed, number}, {&processor, turn}});
  }
  std::stable_sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Candidate> candidates;
  for (const auto& [key, candidate] : keyed) candidates.push_back(candidate);
  return candidates;
}

/// A node with `n` cores: the caller's, or else the one with the most of them. -1: there is none.
int node_with_cores(std::span<const Candidate> candidates, int n, int caller) {
  std::map<int, int> cores;
  int preferred = -1;
  for (const Candidate& candidate : candidates) {
    cores[candidate.processor->node] += candidate.turn == 0;
    if (candidate.processor->id == caller) preferred = candidate.processor->node;
  }
  if (preferred >= 0 && cores[preferred] >= n) return preferred;
  const auto largest =
      std::max_element(cores.begin(), cores.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return largest->second >= n ? largest->first : -1;
}

std::vector<int> like(const Processor& wanted, std::span<const Processor> processors) {
  std::vector<int> ids;
  for (const Processor& other : processors) {
    if (other.node == wanted.node && other.speed == wanted.speed) ids.push_back(other.id);
  }
  return ids;
}

}  // namespace

std::vector<Seat> place_threads(std::span<const Processor> processors, int n_threads, int caller) {
  ONDOL_CHECK(n_threads > 0);
  if (processors.empty()) return std::vector<Seat>(static_cast<size_t>(n_threads));
  std::vector<Candidate> candidates = in_order_of_use(processors);
  if (const int node = node_with_cores(candidates, n_threads, caller); node >= 0) {
    std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.processor->node != node; });
  }
  std::map<int, int> nodes;
  std::vector<Seat> seats;
  for (int i = 0; i < n_threads; ++i) {
    const Processor& processor = *candidates[static_cast<size_t>(i) % candidates.size()].processor;
    const int node = nodes.emplace(processor.node, static_cast<int>(nodes.size())).first->second;
    std::vector<int> ids = like(processor, processors);
    if (ids.size() == processors.size()) ids.clear();
    seats.push_back({node, processor.speed, std::move(ids)});
  }
  return seats;
}

void take_seat(const Seat& seat) {
  if (seat.processors.empty()) return;
  const int highest = *std::max_element(seat.processors.begin(), seat.processors.end());
  std::vector<cpu_set_t> sets(static_cast<size_t>(highest / CPU_SETSIZE + 1));
  const size_t bytes = sets.size() * sizeof(cpu_set_t);
  for (const int id : seat.processors) CPU_SET_S(static_cast<size_t>(id), bytes, sets.data());
  ::sched_setaffinity(0, bytes, sets.data());
}

int default_threads() {
  static const int n = [] {
    const ProcessorCounts counts = count_processors(this_topology());
    const int wanted = counts.cores == 1 ? counts.processors : counts.cores;
    const int quota = this_cgroup_processor_limit();
    return std::max(1, quota > 0 ? std::min(wanted, quota) : wanted);
  }();
  return n;
}

}  // namespace ondol
