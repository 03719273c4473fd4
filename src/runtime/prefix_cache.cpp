#include "runtime/prefix_cache.h"

#include <algorithm>
#include <functional>
#include <map>

#include "runtime/prefix_store.h"

namespace ondol {

/// A beginning of texts: the parent's tokens, then these.
struct PrefixCache::Node {
  Node(KvCache& cache, const PrefixKind& its_kind) : sequence(cache), kind(its_kind) {}

  Node* parent = nullptr;
  std::vector<TokenId> tokens;
  KvSequence sequence;                                // of all tokens from the root on
  std::map<TokenId, std::unique_ptr<Node>> children;  // by their first token
  uint64_t last_used = 0;
  PrefixKind kind;

  size_t length() const { return static_cast<size_t>(sequence.length()); }

  std::vector<TokenId> all_tokens() const {
    std::vector<TokenId> all(length());
    for (const Node* node = this; node->parent != nullptr; node = node->parent) {
      std::copy(node->tokens.begin(), node->tokens.end(), all.begin() + static_cast<long>(node->parent->length()));
    }
    return all;
  }
};

/// Where the known beginning of a text ends.
struct PrefixCache::Match {
  Node* node;       // the deepest node of which something matched
  size_t n_tokens;  // of the text
};

namespace {

void for_each_node(auto& node, const std::function<void(std::remove_reference_t<decltype(node)>&)>& visit) {
  for (auto& [token, child] : node.children) {
    visit(*child);
    for_each_node(*child, visit);
  }
}

}  // namespace

PrefixCache::PrefixCache(KvCache& cache, PrefixStore* store) : cache_(&cache), store_(store) {
  held_.assign(static_cast<size_t>(cache.n_pages()), 0);
  cache.on_shortage([this](int n) {
    // A sequence cannot write to a page that is shared with this tree when no page is free to copy it to.
    if (make_room(n) < n) clear();
  });
}

PrefixCache::~PrefixCache() {
  cache_->on_shortage({});
}

PrefixCache::Node& PrefixCache::root(const PrefixKind& kind) {
  std::unique_ptr<Node>& root = roots_[kind];
  if (!root) root = std::make_unique<Node>(*cache_, kind);
  return *root;
}

PrefixCache::Match PrefixCache::match(Node& root, std::span<const TokenId> tokens) {
  Match found{&root, 0};
  ++now_;
  while (found.n_tokens < tokens.size()) {
    const auto child = found.node->children.find(tokens[found.n_tokens]);
    if (child == found.node->children.end()) break;
    Node& node = *child->second;
    node.last_used = now_;
    const auto rest = tokens.subspan(found.n_tokens);
    const auto parted = std::mismatch(node.tokens.begin(), node.tokens.end(), rest.begin(), rest.end());
    const auto n = static_cast<size_t>(parted.first - node.tokens.begin());
    found = {&node, found.n_tokens + n};
    if (n < node.tokens.size()) break;
  }
  return found;
}

KvSequence PrefixCache::find(std::span<const TokenId> tokens, const PrefixKind& kind) {
  if (tokens.empty()) return KvSequence(*cache_);
  const auto wanted = tokens.first(tokens.size() - 1);
  Match found = match(root(kind), wanted);
  if (store_ != nullptr && found.n_tokens < wanted.size()) {
    extend_from_store(wanted, kind, found);
    store_->use(wanted, kind);
    found = match(root(kind), wanted);
  }
  KvSequence sequence = found.node->sequence.fork(static_cast<int>(found.n_tokens));
  forget_if_empty(kind);
  return sequence;
}

void PrefixCache::extend_from_store(std::span<const TokenId> tokens, const PrefixKind& kind, const Match& known) {
  const size_t n_stored = store_->known(tokens, kind);
  if (n_stored <= known.n_tokens) return;
  // From the last border of blocks on, so that no page is both known and loaded.
  const size_t start = PrefixStore::border_before(known.n_tokens);
  KvSequence sequence = known.node->sequence.fork(static_cast<int>(start));
  const size_t n = store_->load(tokens.first(n_stored), kind, *cache_, sequence);
  if (n > known.n_tokens) insert(tokens.first(n), sequence, kind);
}

void PrefixCache::take_back(const PrefixText& text) {
  const Match known = match(root(text.kind), text.tokens);
  if (static_cast<size_t>(cache_->n_free_pages()) >= (text.tokens.size() - known.n_tokens) / kPageTokens + 1) {
    extend_from_store(text.tokens, text.kind, known);
  }
  forget_if_empty(text.kind);
}

/// Whoever asks may choose any factor of an adapter: what nothing is known of leaves nothing behind.
void PrefixCache::forget_if_empty(const PrefixKind& kind) {
  if (const auto own = roots_.find(kind); own->second->children.empty()) roots_.erase(own);
}

void PrefixCache::count_pages(const KvSequence& sequence, int first_page, int change) {
  for (int i = first_page; i < sequence.n_pages(); ++i) held_[static_cast<size_t>(sequence.pages()[i])] += change;
}

void PrefixCache::hold(Node& node, KvSequence sequence) {
  count_pages(node.sequence, 0, -1);
  node.sequence = std::move(sequence);
  count_pages(node.sequence, 0, 1);
}

/// Parts a node after n of its tokens; the node that ends there.
PrefixCache::Node& PrefixCache::split(Node& node, size_t n) {
  Node& parent = *node.parent;
  auto upper = std::make_unique<Node>(*cache_, node.kind);
  upper->parent = &parent;
  upper->last_used = node.last_used;
  upper->tokens.assign(node.tokens.begin(), node.tokens.begin() + static_cast<long>(n));
  hold(*upper, node.sequence.fork(static_cast<int>(parent.length() + n)));
  std::unique_ptr<Node>& place = parent.children[upper->tokens.front()];
  std::unique_ptr<Node> lower = std::exchange(place, std::move(upper));
  lower->tokens.erase(lower->tokens.begin(), lower->tokens.begin() + static_cast<long>(n));
  lower->parent = place.get();
  place->children[lower->tokens.front()] = std::move(lower);
  return *place;
}

void PrefixCache::insert(std::span<const TokenId> tokens, const KvSequence& sequence, const PrefixKind& kind) {
  ONDOL_CHECK(static_cast<int>(tokens.size()) <= sequence.length());
  if (tokens.empty()) return;
  Match found = match(root(kind), tokens);
  if (found.n_tokens == tokens.size()) return;
  Node* node = found.node;
  if (found.n_tokens < node->length()) node = &split(*node, found.n_tokens - node->parent->length());
  const auto rest = tokens.subspan(found.n_tokens);
  KvSequence whole = sequence.fork(static_cast<int>(tokens.size()));
  whole.share_front(node->sequence, static_cast<int>(found.n_tokens));
  if (node->parent != nullptr && node->children.empty()) {
    // The text that ended here has gone on.
    node->tokens.insert(node->tokens.end(), rest.begin(), rest.end());
    hold(*node, std::move(whole));
    return;
  }
  auto child = std::make_unique<Node>(*cache_, kind);
  child->parent = node;
  child->last_used = now_;
  child->tokens.assign(rest.begin(), rest.end());
  hold(*child, std::move(whole));
  node->children[rest.front()] = std::move(child);
}

/// The end that was not used for longest, among those whose last page nobody else uses.
PrefixCache::Node* PrefixCache::least_recent_end() {
  Node* oldest = nullptr;
  for (const auto& [kind, root] : roots_) {
    for_each_node(*root, [&](Node& node) {
      if (!node.children.empty()) return;
      if (is_used(node.sequence.pages()[node.sequence.n_pages() - 1])) return;
      if (oldest == nullptr || node.last_used < oldest->last_used) oldest = &node;
    });
  }
  return oldest;
}

bool PrefixCache::is_used(int32_t page) const {
  return cache_->references(page) > held_[static_cast<size_t>(page)];
}

void PrefixCache::remove(Node& node) {
  count_pages(node.sequence, 0, -1);
  Node& parent = *node.parent;
  parent.children.erase(node.tokens.front());
  if (parent.parent == nullptr && parent.children.empty()) roots_.erase(PrefixKind(parent.kind));
}

/// Gives up pages from the node's end, until n are free or somebody uses the rest.
void PrefixCache::trim(Node& node, int n_wanted) {
  const size_t start = node.parent->length();
  while (cache_->n_free_pages() < n_wanted) {
    const int last_page = node.sequence.n_pages() - 1;
    if (is_used(node.sequence.pages()[last_page])) return;
    const size_t length = static_cast<size_t>(last_page) * kPageTokens;
    if (length <= start) {
      remove(node);
      return;
    }
    count_pages(node.sequence, last_page, -1);
    node.sequence.truncate(static_cast<int>(length));
    node.tokens.resize(length - start);
  }
}

int PrefixCache::make_room(int n) {
  while (cache_->n_free_pages() < n) {
    Node* end = least_recent_end();
    if (end == nullptr) break;
    save(*end, false);
    trim(*end, n);
  }
  return cache_->n_free_pages();
}

void PrefixCache::clear() {
  save(false);
  roots_.clear();
  std::fill(held_.begin(), held_.end(), 0);
}

bool PrefixCache::save(const Node& node, bool waits) {
  return store_ == nullptr || store_->save(node.all_tokens(), node.kind, *cache_, node.sequence, waits);
}

bool PrefixCache::save(bool waits) {
  bool has_all = true;
  for (const auto& [kind, root] : roots_) {
    for_each_node(*root, [&](Node& node) {
      if (node.children.empty()) has_all = save(node, waits) && has_all;
    });
  }
  return has_all;
}

int PrefixCache::n_pages() const {
  int n = 0;
  for (size_t page = 0; page < held_.size(); ++page) {
    if (held_[page] > 0 && !is_used(static_cast<int32_t>(page))) ++n;
  }
  return n;
}

int PrefixCache::n_tokens() const {
  size_t n = 0;
  for (const auto& [kind, root] : roots_) {
    for_each_node(*root, [&](const Node& node) { n += node.tokens.size(); });
  }
  return static_cast<int>(n);
}

}  // namespace ondol
