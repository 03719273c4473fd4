// NearGraph: vectors linked to near ones, so that the nearest to a question are found by walking (hierarchical
// navigable small worlds, HNSW; Malkov and Yashunin, 2016).
//
// A node stands for a row of VectorRows, by the number of its chunk, its part and a check of its bytes. It owns the
// links only: rows are bound to it after both were read. A node whose row is gone has no vector any more but keeps its
// links, and is walked through; many of these are a reason to make the graph anew.
//
// Nodes are added in batches: all of a batch look for their neighbours in the graph as it was before, and then each
// node's new links are put to it by one thread, so that the graph does not depend on the number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "retrieve/row_product.h"
#include "retrieve/vector_rows.h"

namespace ondol {

class NearGraph {
 public:
  static constexpr size_t kBlockNodes = 4096;
  static constexpr uint32_t kNone = ~uint32_t{0};

  NearGraph() = default;

  size_t n_nodes() const { return nodes_.size(); }
  /// Those without a row, after bind().
  size_t n_dead() const { return n_dead_; }

  /// Finds the row of each node. `rows` must stay as they are as long as the graph is used. The rows that no node
  /// stands for, ascending.
  std::vector<uint32_t> bind(const VectorRows& rows);

  /// Adds nodes for some of these rows, in their order; as many as one batch takes. How many these were.
  size_t add_batch(std::span<const uint32_t> rows, ThreadPool& pool);

  /// About the n nearest rows to a question, and some more; `n_looks` >= n trades time for fewer misses.
  std::vector<uint32_t> nearest(std::span<const float> question, size_t n_looks) const;

  // In blocks of kBlockNodes nodes each, which are written again when something in them has changed.
  size_t n_blocks() const { return (nodes_.size() + kBlockNodes - 1) / kBlockNodes; }
  bool is_block_changed(size_t block) const { return is_changed_[block] != 0; }
  void forget_changes() { is_changed_.assign(is_changed_.size(), 0); }
  std::vector<uint8_t> block(size_t block) const;
  /// Puts the next block behind those that are there. Error: bytes that block() did not make.
  Result<void> add_block(std::span<const uint8_t> bytes);
  /// After the last block. Error: links to nodes that are not there.
  Result<void> check() const;

 private:
  static constexpr size_t kMostLinks = 16;      // of a node on the upper layers
  static constexpr size_t kMostBaseLinks = 32;  // and on the lowest
  static constexpr size_t kBuildLooks = 100;    // candidates for a new node's neighbours
  static constexpr int kHighestLayer = 15;
  static constexpr float kFarthest = -4;
  static constexpr size_t kUpperSize = kMostLinks + 1;  // with how many they are
  static constexpr size_t kBaseSize = kMostBaseLinks + 1;

  struct Node {
    int64_t chunk = 0;
    uint32_t part = 0;
    uint32_t check = 0;
    uint32_t upper_at = 0;  // in upper_, of layer 1
    uint8_t top = 0;        // its highest layer
  };
  struct Found {
    float nearness = 0;
    uint32_t node = 0;
  };
  /// What one thread needs to walk.
  struct Walk {
    std::vector<uint32_t> marks;  // by node: the walk that was here last
    uint32_t walk = 0;
    std::vector<uint32_t> through, fresh;
    std::vector<Found> ahead, best;
  };
  /// Of a new node, layer by layer from the lowest.
  using Neighbours = std::vector<std::vector<uint32_t>>;
  /// From a new node back to it.
  struct BackLink {
    uint32_t node = 0;
    uint32_t layer = 0;
    uint32_t to = 0;
  };

  static size_t most_links(size_t layer) { return layer == 0 ? kMostBaseLinks : kMostLinks; }
  static uint8_t top_of(size_t node);
  /// How many, and to where.
  const uint32_t* links(uint32_t node, size_t layer) const {
    return layer == 0 ? &base_[node * kBaseSize] : &upper_[nodes_[node].upper_at + (layer - 1) * kUpperSize];
  }
  uint32_t* links(uint32_t node, size_t layer) {
    return layer == 0 ? &base_[node * kBaseSize] : &upper_[nodes_[node].upper_at + (layer - 1) * kUpperSize];
  }
  const uint8_t* vector_of(uint32_t node) const { return rows_->row(row_of_[node]).data(); }
  float nearness(const uint8_t* vector, uint32_t node) const {
    const float product = product_(vector, vector_of(node), n_parts_);
    return product > kFarthest ? product : kFarthest;  // what is no number is not near
  }

  void append(const Node& node);
  void find_entry();
  void take_fresh(uint32_t node, size_t layer, Walk& walk) const;
  void walk_layer(const uint8_t* vector, size_t layer, size_t n_looks, Walk& walk) const;
  void start_walk(const uint8_t* vector, size_t layer, Walk& walk) const;
  std::vector<uint32_t> chosen(std::span<const Found> nearest_first, size_t most) const;
  Neighbours neighbours_of(uint32_t row, size_t top, Walk& walk) const;
  void link_back(std::span<const BackLink> same_place);
  void link_all_back(std::vector<BackLink>& back_links, ThreadPool& pool);

  RowProduct product_ = best_row_product();
  const VectorRows* rows_ = nullptr;
  size_t n_parts_ = 0;  // blocks of a row
  std::vector<Node> nodes_;
  std::vector<uint32_t> row_of_;     // by node; kNone: it is dead
  std::vector<uint32_t> base_;       // [nodes][kBaseSize]: how many links, and to where
  std::vector<uint32_t> upper_;      // [layers above the lowest of all nodes][kUpperSize]
  std::vector<uint8_t> is_changed_;  // by block
  size_t n_dead_ = 0;
  uint32_t entry_ = kNone;   // the live node with the highest layer
  std::vector<Walk> walks_;  // by thread
  mutable Walk question_walk_;
};

}  // namespace ondol
