#include "text/grammar/matcher.h"

#include <algorithm>

namespace ondol::grammar {
namespace {

// Bounds on what a hostile grammar or text can cost. What lies beyond them is taken as not matching.
constexpr int32_t kMaxDepth = 2000;
constexpr size_t kMaxItems = 2000;
constexpr size_t kMaxLinksSeen = 20'000;

enum Phase : int32_t { kOpened, kKey, kValue, kComma };

}  // namespace

/// Finds the items of one configuration: from completed items through the ends of what surrounds them to the
/// beginnings of what may come next. Nodes are entered in the order in which they can begin with each other, so that a
/// node that several others begin with is entered once, with all their continuations.
class Matcher::Closure {
 public:
  explicit Closure(Matcher& matcher) : m_(matcher) {}

  void add_item(int32_t what, ContinuationId then) {
    const auto [at, added] = items_.emplace(what, then);
    if (!added) at->second = m_.unite(at->second, then);
  }

  void complete(ContinuationId continuation) { completed_.push_back(continuation); }

  void enter(NodeId node, ContinuationId then) {
    if (then < 0) return;  // too deep
    const auto [at, added] = entered_.emplace(std::pair(m_.node(node).order, node), then);
    if (!added) at->second = m_.unite(at->second, then);
  }

  ConfigId finish() {
    while (true) {
      if (!completed_.empty()) {
        const ContinuationId continuation = completed_.back();
        completed_.pop_back();
        for (const Link& link : m_.links_of(continuation)) {
          if (links_seen_.size() > kMaxLinksSeen) break;
          if (links_seen_.insert(link).second) resume(link);
        }
      } else if (!entered_.empty()) {
        const auto [key, then] = *entered_.begin();
        entered_.erase(entered_.begin());
        begin(key.second, then);
      } else {
        break;
      }
    }
    return m_.intern_config(items_, may_end_);
  }

 private:
  /// The lexeme's items. That it may be empty is seen to by whoever enters it.
  void add_lexeme(TermId term, ContinuationId then) {
    if (then >= 0 && items_.size() < kMaxItems && m_.terms_.continues(term)) add_item(term, then);
  }

  void begin(NodeId id, ContinuationId then) {
    const Node& node = m_.node(id);
    switch (node.kind) {
      case Node::Kind::kLexeme:
        return add_lexeme(node.term, then);
      case Node::Kind::kSpecial:
      case Node::Kind::kToken:
      case Node::Kind::kNotToken: {
        const auto characters = m_.characters_.find(id);
        if (characters != m_.characters_.end()) return add_lexeme(characters->second, then);
        return add_item(~id, then);
      }
      case Node::Kind::kSequence:
        (void)go_on_sequence(id, 0, then);
        return;
      case Node::Kind::kChoice:
        for (const NodeId part : node.parts) enter(part, then);
        return;
      case Node::Kind::kRepeat:
        return go_on_repeat(id, 0, then);
      case Node::Kind::kForward:
        return;
      case Node::Kind::kContainer: {
        const Container& container = container_of(id);
        return add_lexeme(container.open, push_container(id, kOpened, 0, container.initial(), then));
      }
    }
  }

  void resume(const Link& link) {
    if (link.node == kEndOfText) {
      may_end_ = true;
      return;
    }
    const Node& node = m_.node(link.node);
    if (node.kind == Node::Kind::kContainer) return resume_container(link);
    if (node.kind == Node::Kind::kSequence) {
      if (go_on_sequence(link.node, static_cast<size_t>(link.data), link.then)) complete(link.then);
      return;
    }
    if (link.data >= node.least || m_.node(node.parts[0]).nullable) complete(link.then);
    go_on_repeat(link.node, link.data, link.then);
  }

  /// Enters the parts from `first` up to the first that cannot be empty. Whether there was none.
  bool go_on_sequence(NodeId id, size_t first, ContinuationId then) {
    const Node& node = m_.node(id);
    for (size_t i = first; i < node.parts.size(); ++i) {
      const bool last = i + 1 == node.parts.size();
      enter(node.parts[i], last ? then : m_.push(id, static_cast<int32_t>(i + 1), then));
      if (!m_.node(node.parts[i]).nullable) return false;
    }
    return true;
  }

  void go_on_repeat(NodeId id, int32_t n_matched, ContinuationId then) {
    const Node& node = m_.node(id);
    if (node.most >= 0 && n_matched >= node.most) return;
    const bool last = node.most >= 0 && n_matched + 1 == node.most;
    const int32_t n_after = node.most < 0 ? std::min(n_matched + 1, node.least) : n_matched + 1;
    enter(node.parts[0], last ? then : m_.push(id, n_after, then));
  }

  const Container& container_of(NodeId id) const {
    return m_.grammar_->containers[static_cast<size_t>(m_.node(id).container)];
  }

  ContinuationId push_container(NodeId id, Phase phase, int32_t member, const Container::State& state,
                                ContinuationId then) {
    std::vector<int32_t> data = {phase, member};
    data.insert(data.end(), state.begin(), state.end());
    return m_.push(id, m_.data_.intern(data), then);
  }

  void resume_container(const Link& link) {
    const Container& container = container_of(link.node);
    const auto view = m_.data_[link.data];
    const std::vector<int32_t> data(view.begin(), view.end());
    const Container::State state(data.begin() + 2, data.end());
    if (data[0] == kKey) {
      enter(container.members[static_cast<size_t>(data[1])].value,
            push_container(link.node, kValue, 0, state, link.then));
      return;
    }
    if (data[0] != kComma && container.can_close(state)) add_lexeme(container.close, link.then);
    if (data[0] == kValue) {
      Container::State after;
      for (size_t i = 0; i < container.members.size(); ++i) {
        if (!container.can_add(state, i, after)) continue;
        add_lexeme(container.comma, push_container(link.node, kComma, 0, state, link.then));
        break;
      }
      return;
    }
    add_members(link, container, state);
  }

  void add_members(const Link& link, const Container& container, const Container::State& state) {
    Container::State after;
    for (size_t i = 0; i < container.members.size(); ++i) {
      if (!container.can_add(state, i, after)) continue;
      const Container::Member& member = container.members[i];
      if (member.key == TermStore::kEmpty) {
        enter(member.value, push_container(link.node, kValue, 0, after, link.then));
      } else {
        add_lexeme(member.key, push_container(link.node, kKey, static_cast<int32_t>(i), after, link.then));
      }
    }
  }

  struct LinkHash {
    size_t operator()(const Link& link) const {
      return mix_bits(mix_bits(static_cast<uint64_t>(link.node) << 32 ^ static_cast<uint32_t>(link.data)) ^
                      static_cast<uint64_t>(link.then));
    }
  };

  Matcher& m_;
  std::map<int32_t, ContinuationId> items_;
  std::vector<ContinuationId> completed_;
  std::map<std::pair<int32_t, NodeId>, ContinuationId> entered_;
  std::unordered_set<Link, LinkHash> links_seen_;
  bool may_end_ = false;
};

Matcher::Matcher(GrammarPtr grammar, const TokenOfText& token_of_text)
    : grammar_(std::move(grammar)), terms_(grammar_->terms) {
  depths_.push_back(0);
  may_end_.push_back(false);
  name_tokens(token_of_text);
}

void Matcher::name_tokens(const TokenOfText& token_of_text) {
  for (NodeId id = 0; id < static_cast<NodeId>(grammar_->nodes.size()); ++id) {
    const Node& n = node(id);
    if (n.kind == Node::Kind::kToken) named_tokens_[id] = {n.least, false};
    if (n.kind != Node::Kind::kSpecial && n.kind != Node::Kind::kNotToken) continue;
    const bool except = n.kind == Node::Kind::kNotToken;
    TokenId token = n.least;
    if (!n.text.empty()) token = token_of_text ? token_of_text(n.text) : kNoToken;
    if (token != kNoToken || except) {
      named_tokens_[id] = {token, except};
    } else {
      characters_[id] = terms_.literal(n.text);
    }
  }
}

std::vector<Matcher::Link> Matcher::links_of(ContinuationId continuation) const {
  const auto values = continuations_[continuation];
  std::vector<Link> links;
  links.reserve(values.size() / 3);
  for (size_t i = 0; i < values.size(); i += 3) links.push_back({values[i], values[i + 1], values[i + 2]});
  return links;
}

ContinuationId Matcher::intern_links(std::vector<Link> links) {
  std::sort(links.begin(), links.end());
  links.erase(std::unique(links.begin(), links.end()), links.end());
  std::vector<int32_t> values;
  int32_t depth = 0;
  for (const Link& link : links) {
    values.insert(values.end(), {link.node, link.data, link.then});
    depth = std::max(depth, 1 + depths_[static_cast<size_t>(link.then)]);
  }
  const ContinuationId id = continuations_.intern(values);
  if (static_cast<size_t>(id) == depths_.size()) depths_.push_back(depth);
  return id;
}

/// -1 when it would be too deep.
ContinuationId Matcher::push(NodeId node, int32_t data, ContinuationId then) {
  if (then < 0 || depths_[static_cast<size_t>(then)] >= kMaxDepth) return -1;
  return intern_links({{node, data, then}});
}

ContinuationId Matcher::unite(ContinuationId a, ContinuationId b) {
  if (a == b) return a;
  std::vector<Link> links = links_of(a);
  const std::vector<Link> more = links_of(b);
  links.insert(links.end(), more.begin(), more.end());
  return intern_links(std::move(links));
}

ConfigId Matcher::intern_config(const std::map<int32_t, ContinuationId>& items, bool may_end) {
  if (items.empty() && !may_end) return kDead;
  std::vector<int32_t> values = {may_end};
  for (const auto& [what, then] : items) values.insert(values.end(), {what, then});
  const ConfigId id = configs_.intern(values);
  if (static_cast<size_t>(id) == may_end_.size()) may_end_.push_back(may_end);
  return id;
}

std::vector<Matcher::Item> Matcher::items_of(ConfigId config) const {
  const auto values = configs_[config];
  std::vector<Item> items;
  items.reserve(values.size() / 2);
  for (size_t i = 1; i < values.size(); i += 2) items.push_back({values[i], values[i + 1]});
  return items;
}

ConfigId Matcher::start() {
  Closure closure(*this);
  const ContinuationId end = intern_links({{kEndOfText, 0, 0}});
  closure.enter(grammar_->root, end);
  if (node(grammar_->root).nullable) closure.complete(end);
  return closure.finish();
}

ConfigId Matcher::step(ConfigId config, uint8_t byte) {
  if (config == kDead) return kDead;
  const ConfigId known = steps_.find(config, byte);
  if (known != StepMemo::kUnknown) return known;
  const ConfigId found = compute_step(config, byte);
  steps_.insert(config, byte, found);
  return found;
}

ConfigId Matcher::compute_step(ConfigId config, uint8_t byte) {
  const auto values = configs_[config];
  if (values.size() == 3 && values[1] >= 0) {
    // Mostly there is one lexeme, and it goes on.
    const ContinuationId then = values[2];
    const TermId next = terms_.next(values[1], byte);
    if (next == TermStore::kNothing) return kDead;
    if (!terms_.is_nullable(next)) {
      const int32_t after[] = {0, next, then};
      const ConfigId id = configs_.intern(after);
      if (static_cast<size_t>(id) == may_end_.size()) may_end_.push_back(false);
      return id;
    }
  }
  Closure closure(*this);
  for (const Item& item : items_of(config)) {
    if (item.names_token()) continue;
    const TermId next = terms_.next(item.what, byte);
    if (next == TermStore::kNothing) continue;
    if (terms_.continues(next)) closure.add_item(next, item.then);
    if (terms_.is_nullable(next)) closure.complete(item.then);
  }
  return closure.finish();
}

ConfigId Matcher::step_token(ConfigId config, TokenId token) {
  Closure closure(*this);
  for (const Item& item : items_of(config)) {
    if (!item.names_token()) continue;
    const NamedToken named = named_token(item);
    if ((named.token == token) != named.except) closure.complete(item.then);
  }
  return closure.finish();
}

ConfigId Matcher::merged(ConfigId a, ConfigId b) {
  if (a == kDead || a == b) return b;
  if (b == kDead) return a;
  std::map<int32_t, ContinuationId> items;
  for (const ConfigId config : {a, b}) {
    for (const Item& item : items_of(config)) {
      const auto [at, added] = items.emplace(item.what, item.then);
      if (!added) at->second = unite(at->second, item.then);
    }
  }
  return intern_config(items, may_end(a) || may_end(b));
}

ConfigId Matcher::config_behind(ContinuationId continuation) {
  const auto index = static_cast<size_t>(continuation);
  if (index >= behind_.size()) behind_.resize(continuations_.size(), -1);
  if (behind_[index] < 0) {
    Closure closure(*this);
    closure.complete(continuation);
    const ConfigId config = closure.finish();
    behind_[index] = config;
  }
  return behind_[index];
}

ConfigId Matcher::import(const Matcher& other, ConfigId config) {
  TermImport import_term(other.terms_, terms_);
  std::map<ContinuationId, ContinuationId> known = {{0, 0}};
  const auto import_continuation = [&](ContinuationId start) {
    std::vector<ContinuationId> pending = {start};
    while (!pending.empty()) {
      const ContinuationId top = pending.back();
      const std::vector<Link> links = other.links_of(top);
      std::vector<Link> imported;
      for (const Link& link : links) {
        const auto then = known.find(link.then);
        if (then == known.end()) {
          pending.push_back(link.then);
          continue;
        }
        const bool has_data = link.node != kEndOfText && node(link.node).kind == Node::Kind::kContainer;
        imported.push_back({link.node, has_data ? data_.intern(other.data_[link.data]) : link.data, then->second});
      }
      if (imported.size() < links.size()) continue;
      known[top] = intern_links(std::move(imported));
      pending.pop_back();
    }
    return known[start];
  };
  std::map<int32_t, ContinuationId> items;
  for (const Item& item : other.items_of(config)) {
    items[item.names_token() ? item.what : import_term(item.what)] = import_continuation(item.then);
  }
  return intern_config(items, other.may_end(config));
}

size_t Matcher::size_bytes() const {
  return terms_.size_bytes() + continuations_.size_bytes() + data_.size_bytes() + configs_.size_bytes() +
         steps_.size_bytes() + (depths_.size() + behind_.size()) * 4;
}

}  // namespace ondol::grammar
