#include "text/byte_trie.h"

namespace ondol {

uint32_t ByteTrie::add_child(uint32_t node, unsigned char byte) {
  if ((n_edges_ + 1) * 2 > edges_.size()) {
    std::vector<Edge> old(edges_.size() * 2);
    old.swap(edges_);
    for (const Edge& edge : old) {
      if (edge.key != 0) edges_[slot_of(edge.key)] = edge;
    }
  }
  const uint64_t key = uint64_t{node} * 256 + byte;
  Edge& edge = edges_[slot_of(key)];
  if (edge.key == 0) {
    edge = {key, static_cast<uint32_t>(values_.size())};
    values_.push_back(kNoToken);
    ++n_edges_;
  }
  return edge.node;
}

void ByteTrie::insert(std::string_view key, TokenId value) {
  if (key.empty()) return;
  uint32_t& first = root_[static_cast<unsigned char>(key[0])];
  if (first == 0) {
    first = static_cast<uint32_t>(values_.size());
    values_.push_back(kNoToken);
  }
  uint32_t node = first;
  for (const char byte : key.substr(1)) node = add_child(node, static_cast<unsigned char>(byte));
  if (values_[node] == kNoToken) values_[node] = value;
}

}  // namespace ondol
