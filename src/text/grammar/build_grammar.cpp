// From the builder's parts to a Grammar: drops what no text matches, and finds what the matcher has to know.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "text/grammar/builder_state.h"

namespace ondol {
namespace {

using grammar::Container;
using grammar::Node;
using grammar::NodeId;
using grammar::TermId;
using grammar::TermStore;

constexpr size_t kMaxNodes = 200'000;

class Compiler {
 public:
  explicit Compiler(GrammarBuilder::State& from)
      : from_(from), import_(from.terms, to_->terms), target_(from.nodes.size(), -1), new_id_(from.nodes.size(), -1) {}

  Result<GrammarPtr> compile(int root) {
    if (from_.nodes.size() > kMaxNodes || from_.terms.overflowed()) return Error("grammar: too large");
    for (size_t id = 0; id < from_.nodes.size(); ++id) ONDOL_TRY(resolve(static_cast<int>(id)));
    collect(root);
    find_productive();
    if (!productive_[at(target_[at(root)])]) return Error("grammar: no text matches it");
    copy_nodes();
    to_->root = new_id_[at(target_[at(root)])];
    find_nullable();
    ONDOL_TRY(find_order());
    if (to_->terms.overflowed() || from_.terms.overflowed()) return Error("grammar: too large");
    return GrammarPtr(std::move(to_));
  }

 private:
  static size_t at(int id) { return static_cast<size_t>(id); }

  /// What a part stands for once forward parts are followed.
  Result<void> resolve(int id) {
    std::vector<int> chain;
    int end = id;
    while (target_[at(end)] < 0 && from_.nodes[at(end)].kind == Node::Kind::kForward) {
      const Node& node = from_.nodes[at(end)];
      if (node.parts.empty()) return Error(fmt::format("grammar: '{}' is used but not defined", node.text));
      if (chain.size() > from_.nodes.size()) return Error(fmt::format("grammar: '{}' is defined by itself", node.text));
      chain.push_back(end);
      end = node.parts[0];
    }
    if (target_[at(end)] >= 0) end = target_[at(end)];
    for (const int link : chain) {
      target_[at(link)] = end;
      const std::string& name = from_.nodes[at(link)].text;
      if (!name.empty()) names_.emplace(end, name);
    }
    target_[at(id)] = end;
    return {};
  }

  /// The parts of `id` behind forward parts.
  std::vector<int> parts_of(int id) const {
    const Node& node = from_.nodes[at(id)];
    std::vector<int> parts = node.parts;
    if (node.kind == Node::Kind::kContainer) {
      for (const Container::Member& member : from_.containers[at(node.container)].members)
        parts.push_back(member.value);
    }
    for (int& part : parts) part = target_[at(part)];
    return parts;
  }

  void collect(int root) {
    std::vector<bool> seen(from_.nodes.size(), false);
    std::vector<int> pending = {target_[at(root)]};
    seen[at(pending[0])] = true;
    while (!pending.empty()) {
      const int id = pending.back();
      pending.pop_back();
      reached_.push_back(id);
      for (const int part : parts_of(id)) {
        if (seen[at(part)]) continue;
        seen[at(part)] = true;
        pending.push_back(part);
      }
    }
  }

  /// Whether some text matches, going by what is known of the parts.
  bool is_productive(int id) {
    const Node& node = from_.nodes[at(id)];
    const auto known = [&](int part) { return productive_[at(target_[at(part)])]; };
    switch (node.kind) {
      case Node::Kind::kLexeme:
        return from_.terms.is_live(node.term);
      case Node::Kind::kSpecial:
      case Node::Kind::kToken:
      case Node::Kind::kNotToken:
        return true;
      case Node::Kind::kSequence:
        return std::all_of(node.parts.begin(), node.parts.end(), known);
      case Node::Kind::kChoice:
        return std::any_of(node.parts.begin(), node.parts.end(), known);
      case Node::Kind::kRepeat:
        return node.least == 0 || known(node.parts[0]);
      case Node::Kind::kForward:
        return false;
      case Node::Kind::kContainer:
        break;
    }
    Container container = from_.containers[at(node.container)];
    mark_productive(container);
    return container.settle();
  }

  void mark_productive(Container& container) {
    for (Container::Member& member : container.members) {
      member.productive = from_.terms.is_live(member.key) && productive_[at(target_[at(member.value)])];
    }
  }

  void find_productive() {
    productive_.assign(from_.nodes.size(), false);
    for (bool changed = true; changed;) {
      changed = false;
      // What was reached later is more often a part of what was reached earlier.
      for (size_t i = reached_.size(); i-- > 0;) {
        const int id = reached_[i];
        if (productive_[at(id)] || !is_productive(id)) continue;
        productive_[at(id)] = changed = true;
      }
    }
  }

  void copy_nodes() {
    std::map<TermId, NodeId> lexemes;
    const auto add = [&](int id) { new_id_[at(id)] = static_cast<NodeId>(to_->nodes.size()); };
    for (const int id : reached_) {
      if (!productive_[at(id)]) continue;
      Node node = from_.nodes[at(id)];
      if (node.kind == Node::Kind::kRepeat && !productive_[at(target_[at(node.parts[0])])]) {
        node = {.kind = Node::Kind::kLexeme, .term = TermStore::kEmpty};
      }
      if (node.kind == Node::Kind::kLexeme) {
        node.term = import_(node.term);
        const auto known = lexemes.find(node.term);
        if (known != lexemes.end()) {
          new_id_[at(id)] = known->second;
          continue;
        }
        lexemes[node.term] = static_cast<NodeId>(to_->nodes.size());
      }
      add(id);
      to_->nodes.push_back(std::move(node));
    }
    for (Node& node : to_->nodes) {
      std::vector<NodeId> parts;
      for (const int part : node.parts) {
        const int target = target_[at(part)];
        if (productive_[at(target)]) parts.push_back(new_id_[at(target)]);
      }
      node.parts = std::move(parts);
      if (node.kind == Node::Kind::kContainer) copy_container(node);
    }
  }

  void copy_container(Node& node) {
    Container container = from_.containers[at(node.container)];
    mark_productive(container);
    ONDOL_CHECK(container.settle());
    container.open = import_(container.open);
    container.comma = import_(container.comma);
    container.close = import_(container.close);
    for (Container::Member& member : container.members) {
      member.key = member.productive ? import_(member.key) : TermStore::kNothing;
      member.value = member.productive ? new_id_[at(target_[at(member.value)])] : 0;
    }
    node.container = static_cast<int>(to_->containers.size());
    to_->containers.push_back(std::move(container));
  }

  void find_nullable() {
    const auto known = [&](NodeId part) { return to_->nodes[at(part)].nullable; };
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = to_->nodes.size(); i-- > 0;) {
        Node& node = to_->nodes[i];
        if (node.nullable) continue;
        switch (node.kind) {
          case Node::Kind::kLexeme:
            node.nullable = to_->terms.is_nullable(node.term);
            break;
          case Node::Kind::kSequence:
            node.nullable = std::all_of(node.parts.begin(), node.parts.end(), known);
            break;
          case Node::Kind::kChoice:
            node.nullable = std::any_of(node.parts.begin(), node.parts.end(), known);
            break;
          case Node::Kind::kRepeat:
            node.nullable = node.least == 0 || known(node.parts[0]);
            break;
          default:
            break;
        }
        changed = changed || node.nullable;
      }
    }
  }

  /// How many of the parts can begin what the node matches.
  size_t n_first_parts(const Node& node) const {
    if (node.kind != Node::Kind::kSequence) return node.parts.size();
    size_t n = 1;
    while (n < node.parts.size() && to_->nodes[at(node.parts[n - 1])].nullable) ++n;
    return n;
  }

  /// Numbers nodes so that a node comes before those that it can begin with; there is no such order if one can begin
  /// with itself.
  Result<void> find_order() {
    enum : uint8_t { kNew, kOpen, kDone };
    std::vector<uint8_t> state(to_->nodes.size(), kNew);
    auto next_order = static_cast<int32_t>(to_->nodes.size());
    for (size_t start = 0; start < to_->nodes.size(); ++start) {
      std::vector<std::pair<size_t, size_t>> path;  // a node, and how many of its parts were visited
      if (state[start] == kNew) path.emplace_back(start, 0);
      while (!path.empty()) {
        auto& [id, n_visited] = path.back();
        state[id] = kOpen;
        Node& node = to_->nodes[id];
        if (n_visited == n_first_parts(node)) {
          node.order = next_order--;
          state[id] = kDone;
          path.pop_back();
          continue;
        }
        const size_t part = at(node.parts[n_visited++]);
        if (state[part] == kOpen) return left_recursion(path, part);
        if (state[part] == kNew) path.emplace_back(part, 0);
      }
    }
    return {};
  }

  Error left_recursion(const std::vector<std::pair<size_t, size_t>>& path, size_t start) const {
    std::string name;
    bool inside = false;
    for (const auto& [id, unused] : path) {
      inside = inside || id == start;
      if (!inside || !name.empty()) continue;
      for (const auto& [old_id, its_name] : names_) {
        if (new_id_[at(old_id)] == static_cast<NodeId>(id)) name = its_name;
      }
    }
    return Error(fmt::format("grammar: {} can begin with itself (left recursion); write it as a repetition",
                             name.empty() ? "a rule" : "'" + name + "'"));
  }

  GrammarBuilder::State& from_;
  std::shared_ptr<Grammar> to_ = std::make_shared<Grammar>();
  grammar::TermImport import_;
  std::vector<int> target_;
  std::vector<NodeId> new_id_;
  std::map<int, std::string> names_;
  std::vector<int> reached_;
  std::vector<bool> productive_;
};

}  // namespace

Result<GrammarPtr> GrammarBuilder::State::build(int root) {
  return Compiler(*this).compile(root);
}

}  // namespace ondol
