// A NearGraph as bytes. Of each node: chunk (8 bytes), part (4), check (4), and for each of its layers from the lowest
// how many links it has (1) and their nodes (4 each). All little endian. The number of layers follows from the node's.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "retrieve/near_graph.h"

namespace ondol {
namespace {

constexpr size_t kMostNodes = size_t{1} << 31;

template <typename Number>
void put(std::vector<uint8_t>& bytes, Number number) {
  const size_t at = bytes.size();
  bytes.resize(at + sizeof(number));
  std::memcpy(bytes.data() + at, &number, sizeof(number));
}

template <typename Number>
bool take(std::span<const uint8_t>& bytes, Number& number) {
  if (bytes.size() < sizeof(number)) return false;
  std::memcpy(&number, bytes.data(), sizeof(number));
  bytes = bytes.subspan(sizeof(number));
  return true;
}

}  // namespace

std::vector<uint8_t> NearGraph::block(size_t block) const {
  std::vector<uint8_t> bytes;
  const size_t end = std::min((block + 1) * kBlockNodes, nodes_.size());
  for (size_t i = block * kBlockNodes; i < end; ++i) {
    const Node& node = nodes_[i];
    put(bytes, node.chunk);
    put(bytes, node.part);
    put(bytes, node.check);
    for (size_t layer = 0; layer <= node.top; ++layer) {
      const uint32_t* list = links(static_cast<uint32_t>(i), layer);
      put(bytes, static_cast<uint8_t>(list[0]));
      for (uint32_t k = 1; k <= list[0]; ++k) put(bytes, list[k]);
    }
  }
  return bytes;
}

Result<void> NearGraph::add_block(std::span<const uint8_t> bytes) {
  const Error damaged(fmt::format("block {} of the graph of vectors is damaged", n_blocks()));
  if (nodes_.size() % kBlockNodes != 0 || bytes.empty()) return damaged;
  for (size_t n = 0; !bytes.empty(); ++n) {
    if (n == kBlockNodes || nodes_.size() == kMostNodes) return damaged;
    Node node;
    node.top = top_of(nodes_.size());
    if (!take(bytes, node.chunk) || !take(bytes, node.part) || !take(bytes, node.check)) return damaged;
    append(node);
    for (size_t layer = 0; layer <= node.top; ++layer) {
      uint32_t* list = links(static_cast<uint32_t>(nodes_.size() - 1), layer);
      uint8_t n_links = 0;
      if (!take(bytes, n_links) || n_links > most_links(layer)) return damaged;
      for (uint32_t k = 1; k <= n_links; ++k) {
        if (!take(bytes, list[k])) return damaged;
      }
      list[0] = n_links;
    }
  }
  return {};
}

Result<void> NearGraph::check() const {
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    for (size_t layer = 0; layer <= nodes_[i].top; ++layer) {
      const uint32_t* list = links(i, layer);
      for (uint32_t k = 1; k <= list[0]; ++k) {
        if (list[k] < nodes_.size() && nodes_[list[k]].top >= layer) continue;
        return Error(fmt::format("the graph of vectors is damaged: node {} has a link to {}", i, list[k]));
      }
    }
  }
  return {};
}

}  // namespace ondol
