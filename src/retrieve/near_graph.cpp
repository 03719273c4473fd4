#include "retrieve/near_graph.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/hash.h"
#include "base/random.h"

namespace ondol {
namespace {

/// A batch is a small share of the graph, because its nodes do not find each other.
constexpr size_t kBatchShare = 64;
constexpr size_t kLargestBatch = 1024;

constexpr size_t kBlockNumbers = 32;  // of Q8_0

uint32_t check_of(std::span<const uint8_t> row) {
  return static_cast<uint32_t>(hash_bytes(row).low);
}

void prefetch(const uint8_t* vector, size_t size_bytes) {
  for (size_t at = 0; at < size_bytes; at += 64) __builtin_prefetch(vector + at);
}

constexpr auto kIsNearer = [](const auto& a, const auto& b) {
  return a.nearness != b.nearness ? a.nearness > b.nearness : a.node < b.node;
};
constexpr auto kIsFarther = [](const auto& a, const auto& b) { return kIsNearer(b, a); };

}  // namespace

/// One node of sixteen is on the next layer, too. The same for the same number, so that nothing needs to be remembered.
uint8_t NearGraph::top_of(size_t node) {
  const double uniform = 1 - Random(node).uniform();
  const double layer = -std::log(uniform) / std::log(static_cast<double>(kMostLinks));
  return static_cast<uint8_t>(std::min(layer, static_cast<double>(kHighestLayer)));
}

void NearGraph::append(const Node& node) {
  nodes_.push_back(node);
  nodes_.back().upper_at = static_cast<uint32_t>(upper_.size());
  base_.resize(base_.size() + kBaseSize);
  upper_.resize(upper_.size() + node.top * kUpperSize);
  row_of_.push_back(kNone);
  is_changed_.resize(n_blocks(), 1);
}

std::vector<uint32_t> NearGraph::bind(const VectorRows& rows) {
  rows_ = &rows;
  n_parts_ = static_cast<size_t>(rows.columns()) / kBlockNumbers;
  std::vector<uint32_t> in_order(nodes_.size());
  std::iota(in_order.begin(), in_order.end(), 0u);
  const auto place = [&](uint32_t node) { return std::pair(nodes_[node].chunk, nodes_[node].part); };
  const auto comes_before = [&](uint32_t a, uint32_t b) { return place(a) < place(b); };
  if (!std::is_sorted(in_order.begin(), in_order.end(), comes_before)) {
    std::sort(in_order.begin(), in_order.end(), comes_before);
  }
  row_of_.assign(nodes_.size(), kNone);
  n_dead_ = nodes_.size();
  std::vector<uint32_t> without;
  const std::span<const int64_t> chunks = rows.chunks();
  auto next = in_order.begin();
  uint32_t part = 0;
  for (uint32_t row = 0; row < rows.size(); ++row) {
    part = row > 0 && chunks[row - 1] == chunks[row] ? part + 1 : 0;
    const std::pair wanted(chunks[row], part);
    bool is_found = false;
    for (; next != in_order.end() && place(*next) <= wanted; ++next) {
      if (is_found || place(*next) != wanted || nodes_[*next].check != check_of(rows.row(row))) continue;
      row_of_[*next] = row;
      --n_dead_;
      is_found = true;
    }
    if (!is_found) without.push_back(row);
  }
  find_entry();
  return without;
}

void NearGraph::find_entry() {
  entry_ = kNone;
  for (uint32_t node = 0; node < nodes_.size(); ++node) {
    if (row_of_[node] != kNone && (entry_ == kNone || nodes_[node].top > nodes_[entry_].top)) entry_ = node;
  }
}

/// The live nodes that one step leads to, those behind dead ones included.
void NearGraph::take_fresh(uint32_t node, size_t layer, Walk& walk) const {
  walk.fresh.clear();
  walk.through.assign(1, node);
  while (!walk.through.empty()) {
    const uint32_t* list = links(walk.through.back(), layer);
    walk.through.pop_back();
    for (uint32_t i = 1; i <= list[0]; ++i) {
      const uint32_t to = list[i];
      if (std::exchange(walk.marks[to], walk.walk) == walk.walk) continue;
      (row_of_[to] == kNone ? walk.through : walk.fresh).push_back(to);
    }
  }
}

/// From walk.best to the n_looks nearest that are found, the nearest first.
void NearGraph::walk_layer(const uint8_t* vector, size_t layer, size_t n_looks, Walk& walk) const {
  walk.marks.resize(nodes_.size());
  if (++walk.walk == 0) {
    std::fill(walk.marks.begin(), walk.marks.end(), 0);
    walk.walk = 1;
  }
  std::vector<Found>& best = walk.best;  // the farthest is at the front
  std::vector<Found>& ahead = walk.ahead;
  for (const Found& found : best) walk.marks[found.node] = walk.walk;
  ahead = best;
  std::make_heap(ahead.begin(), ahead.end(), kIsFarther);
  std::make_heap(best.begin(), best.end(), kIsNearer);
  while (!ahead.empty()) {
    std::pop_heap(ahead.begin(), ahead.end(), kIsFarther);
    const Found from = ahead.back();
    ahead.pop_back();
    if (best.size() >= n_looks && from.nearness < best.front().nearness) break;
    take_fresh(from.node, layer, walk);
    for (const uint32_t node : walk.fresh) prefetch(vector_of(node), rows_->row_size_bytes());
    for (const uint32_t node : walk.fresh) {
      const Found found{nearness(vector, node), node};
      if (best.size() >= n_looks && !(found.nearness > best.front().nearness)) continue;
      ahead.push_back(found);
      std::push_heap(ahead.begin(), ahead.end(), kIsFarther);
      best.push_back(found);
      std::push_heap(best.begin(), best.end(), kIsNearer);
      if (best.size() <= n_looks) continue;
      std::pop_heap(best.begin(), best.end(), kIsNearer);
      best.pop_back();
    }
  }
  std::sort(best.begin(), best.end(), kIsNearer);
}

/// From the entry down to the nearest node of the layer above this one.
void NearGraph::start_walk(const uint8_t* vector, size_t layer, Walk& walk) const {
  walk.best.assign(1, {nearness(vector, entry_), entry_});
  for (size_t above = nodes_[entry_].top; above > layer; --above) walk_layer(vector, above, 1, walk);
}

std::vector<uint32_t> NearGraph::nearest(std::span<const float> question, size_t n_looks) const {
  std::vector<uint32_t> rows;
  if (entry_ == kNone || n_looks == 0) return rows;
  const std::vector<uint8_t> vector = VectorRows::encoded({question.begin(), question.end()});
  if (vector.size() != rows_->row_size_bytes()) return rows;
  start_walk(vector.data(), 0, question_walk_);
  walk_layer(vector.data(), 0, n_looks, question_walk_);
  for (const Found& found : question_walk_.best) rows.push_back(row_of_[found.node]);
  return rows;
}

/// Neighbours that lie in different directions: each is nearer to the node than to those before it.
std::vector<uint32_t> NearGraph::chosen(std::span<const Found> nearest_first, size_t most) const {
  std::vector<uint32_t> kept;
  for (const Found& found : nearest_first) {
    const bool is_apart = std::all_of(kept.begin(), kept.end(), [&](uint32_t other) {
      return !(nearness(vector_of(found.node), other) > found.nearness);
    });
    if (is_apart) kept.push_back(found.node);
    if (kept.size() == most) break;
  }
  return kept;
}

NearGraph::Neighbours NearGraph::neighbours_of(uint32_t row, size_t top, Walk& walk) const {
  Neighbours neighbours(top + 1);
  if (entry_ == kNone) return neighbours;
  const uint8_t* vector = rows_->row(row).data();
  const size_t first = std::min<size_t>(top, nodes_[entry_].top);
  start_walk(vector, first, walk);
  for (size_t layer = first + 1; layer-- > 0;) {
    walk_layer(vector, layer, kBuildLooks, walk);
    neighbours[layer] = chosen(walk.best, kMostLinks);
  }
  return neighbours;
}

size_t NearGraph::add_batch(std::span<const uint32_t> rows, ThreadPool& pool) {
  const size_t n = std::min({rows.size(), std::max<size_t>(nodes_.size() / kBatchShare, 1), kLargestBatch});
  const size_t first = nodes_.size();
  std::vector<Neighbours> neighbours(n);
  walks_.resize(static_cast<size_t>(pool.size()));
  pool.run(static_cast<int64_t>(n), 4, [&](int64_t begin, int64_t end, int thread) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      neighbours[i] = neighbours_of(rows[i], top_of(first + i), walks_[static_cast<size_t>(thread)]);
    }
  });
  std::vector<BackLink> back_links;
  for (size_t i = 0; i < n; ++i) {
    const auto number = static_cast<uint32_t>(first + i);
    const int64_t chunk = rows_->chunks()[rows[i]];
    uint32_t part = 0;
    while (part < rows[i] && rows_->chunks()[rows[i] - part - 1] == chunk) ++part;
    append({chunk, part, check_of(rows_->row(rows[i])), 0, top_of(number)});
    row_of_.back() = rows[i];
    for (uint32_t layer = 0; layer < neighbours[i].size(); ++layer) {
      uint32_t* list = links(number, layer);
      for (const uint32_t to : neighbours[i][layer]) {
        list[++list[0]] = to;
        back_links.push_back({to, layer, number});
      }
    }
    is_changed_[number / kBlockNodes] = 1;
  }
  link_all_back(back_links, pool);
  for (size_t node = first; node < nodes_.size(); ++node) {
    if (entry_ == kNone || nodes_[node].top > nodes_[entry_].top) entry_ = static_cast<uint32_t>(node);
  }
  return n;
}

void NearGraph::link_all_back(std::vector<BackLink>& back_links, ThreadPool& pool) {
  std::sort(back_links.begin(), back_links.end(), [](const BackLink& a, const BackLink& b) {
    return std::tuple(a.node, a.layer, a.to) < std::tuple(b.node, b.layer, b.to);
  });
  std::vector<std::span<const BackLink>> places;
  const std::span<const BackLink> all = back_links;
  for (size_t start = 0, end = 0; start < all.size(); start = end) {
    while (end < all.size() && all[end].node == all[start].node && all[end].layer == all[start].layer) ++end;
    places.push_back(all.subspan(start, end - start));
    is_changed_[all[start].node / kBlockNodes] = 1;
  }
  pool.run(static_cast<int64_t>(places.size()), 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) link_back(places[static_cast<size_t>(i)]);
  });
}

/// When they get too many, those that lie in different directions stay, and dead ones go.
void NearGraph::link_back(std::span<const BackLink> same_place) {
  const uint32_t node = same_place.front().node;
  const size_t layer = same_place.front().layer, most = most_links(layer);
  uint32_t* list = links(node, layer);
  if (list[0] + same_place.size() <= most) {
    for (const BackLink& link : same_place) list[++list[0]] = link.to;
    return;
  }
  std::vector<Found> candidates;
  const uint8_t* vector = vector_of(node);
  const auto add = [&](uint32_t to) {
    if (row_of_[to] != kNone) candidates.push_back({nearness(vector, to), to});
  };
  for (uint32_t i = 1; i <= list[0]; ++i) add(list[i]);
  for (const BackLink& link : same_place) add(link.to);
  std::sort(candidates.begin(), candidates.end(), kIsNearer);
  const std::vector<uint32_t> kept = chosen(candidates, most);
  list[0] = static_cast<uint32_t>(kept.size());
  std::copy(kept.begin(), kept.end(), list + 1);
}

}  // namespace ondol
