// The prefix cache against a list of all that was inserted, and its pages against the KV cache's own counts.
#include "runtime/prefix_cache.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/random.h"

namespace ondol {
namespace {

constexpr KvLayerShape kShape{.n_heads = 1, .k_dim = 32, .v_dim = 32};

KvCache make_cache(int n_pages) {
  return KvCache::create(std::span(&kShape, 1), DType::F32, int64_t{n_pages} * kPageTokens).value();
}

std::vector<TokenId> numbers(int first, int n) {
  std::vector<TokenId> tokens(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) tokens[static_cast<size_t>(i)] = first + i;
  return tokens;
}

std::vector<TokenId> joined(std::vector<TokenId> a, const std::vector<TokenId>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Writes what stands at a position, so that a page that was mixed up is noticed.
void write(KvCache& cache, const KvSequence& sequence, int position, TokenId token) {
  const KvLayer& layer = cache.layer(0);
  const auto page = static_cast<size_t>(sequence.pages()[position / kPageTokens]);
  auto* row = layer.k + page * layer.k_page_bytes + static_cast<size_t>(position % kPageTokens) * layer.k_row_bytes;
  reinterpret_cast<float*>(row)[0] = static_cast<float>(token);
}

TokenId read(const KvCache& cache, const KvSequence& sequence, int position) {
  const KvLayer& layer = cache.layer(0);
  const auto page = static_cast<size_t>(sequence.pages()[position / kPageTokens]);
  const auto* row =
      layer.k + page * layer.k_page_bytes + static_cast<size_t>(position % kPageTokens) * layer.k_row_bytes;
  return static_cast<TokenId>(reinterpret_cast<const float*>(row)[0]);
}

/// Evaluates tokens beyond what the sequence holds.
void evaluate(KvCache& cache, KvSequence& sequence, std::span<const TokenId> tokens) {
  const int start = sequence.length();
  ASSERT_TRUE(sequence.append(static_cast<int>(tokens.size()) - start));
  for (int i = start; i < sequence.length(); ++i) write(cache, sequence, i, tokens[static_cast<size_t>(i)]);
}

void expect_holds(const KvCache& cache, const KvSequence& sequence, std::span<const TokenId> tokens) {
  for (int i = 0; i < sequence.length(); ++i) ASSERT_EQ(read(cache, sequence, i), tokens[static_cast<size_t>(i)]) << i;
}

void remember(KvCache& cache, PrefixCache& prefixes, std::span<const TokenId> tokens) {
  KvSequence sequence(cache);
  evaluate(cache, sequence, tokens);
  prefixes.insert(tokens, sequence);
}

TEST(PrefixCache, FindsTheLongestBeginningButNotTheLastToken) {
  KvCache cache = make_cache(64);
  PrefixCache prefixes(cache);
  const auto text = numbers(0, 100);
  EXPECT_EQ(prefixes.find(text).length(), 0);
  EXPECT_EQ(prefixes.find({}).length(), 0);
  remember(cache, prefixes, text);
  EXPECT_EQ(prefixes.n_tokens(), 100);
  EXPECT_EQ(prefixes.find(text).length(), 99);
  EXPECT_EQ(prefixes.find(std::span(text).first(41)).length(), 40);
  EXPECT_EQ(prefixes.find(joined(text, {7, 8})).length(), 100);
  EXPECT_EQ(prefixes.find(joined(numbers(0, 50), numbers(900, 50))).length(), 50);
  EXPECT_EQ(prefixes.find(numbers(1, 50)).length(), 0);
  expect_holds(cache, prefixes.find(text), text);
}

TEST(PrefixCache, TextsThatBeginAlikeSharePages) {
  KvCache cache = make_cache(64);
  PrefixCache prefixes(cache);
  const auto start = numbers(0, 70);  // parts in the middle of the third page
  const auto a = joined(start, numbers(1000, 90));
  const auto b = joined(start, numbers(2000, 90));
  remember(cache, prefixes, a);
  EXPECT_EQ(prefixes.n_pages(), 5);
  {
    // Continues what is known, as a scheduler does.
    KvSequence sequence = prefixes.find(b);
    EXPECT_EQ(sequence.length(), 70);
    EXPECT_EQ(prefixes.n_pages(), 2);
    evaluate(cache, sequence, b);
    prefixes.insert(b, sequence);
    EXPECT_EQ(prefixes.n_pages(), 3);  // each has the page in which they part
  }
  EXPECT_EQ(prefixes.n_pages(), 8);
  expect_holds(cache, prefixes.find(a), a);
  expect_holds(cache, prefixes.find(b), b);
  // Evaluated a second time from the beginning, the shared pages are not kept twice.
  const auto c = joined(start, numbers(3000, 90));
  remember(cache, prefixes, c);
  EXPECT_EQ(prefixes.n_pages(), 11);
  expect_holds(cache, prefixes.find(c), c);
  EXPECT_EQ(prefixes.n_tokens(), 70 + 3 * 90);
  EXPECT_EQ(cache.n_free_pages(), 64 - 11);
}

TEST(PrefixCache, ATextThatGoesOnTakesNoMore) {
  KvCache cache = make_cache(64);
  PrefixCache prefixes(cache);
  KvSequence sequence(cache);
  const auto text = numbers(0, 150);
  for (const size_t n : {10, 31, 32, 33, 100, 150}) {
    evaluate(cache, sequence, std::span(text).first(n));
    prefixes.insert(std::span(text).first(n), sequence);
    EXPECT_EQ(prefixes.n_tokens(), static_cast<int>(n));
  }
  sequence.truncate(0);
  EXPECT_EQ(prefixes.n_pages(), 5);
  EXPECT_EQ(cache.n_free_pages(), 59);
  expect_holds(cache, prefixes.find(text), text);
}

TEST(PrefixCache, RotationsShareNothing) {
  KvCache cache = make_cache(64);
  PrefixCache prefixes(cache);
  const auto text = numbers(0, 50);
  KvSequence sequence(cache);
  evaluate(cache, sequence, text);
  prefixes.insert(text, sequence, {true, {}});
  EXPECT_EQ(prefixes.find(text).length(), 0);
  EXPECT_EQ(prefixes.find(text, {true, {}}).length(), 49);
}

TEST(PrefixCache, AdaptersShareNothing) {
  KvCache cache = make_cache(64);
  PrefixCache prefixes(cache);
  const auto text = numbers(0, 50);
  const PrefixKind kinds[] = {{false, {}}, {false, {1, 2}}, {false, {2, 1}}, {true, {1, 2}}};
  for (const PrefixKind& kind : kinds) {
    EXPECT_EQ(prefixes.find(text, kind).length(), 0);
    KvSequence sequence(cache);
    evaluate(cache, sequence, text);
    prefixes.insert(text, sequence, kind);
    EXPECT_EQ(prefixes.find(text, kind).length(), 49);
  }
  EXPECT_EQ(prefixes.n_tokens(), 200);
  EXPECT_EQ(prefixes.n_pages(), 8);
  // Pages are given up whatever they were computed with.
  EXPECT_EQ(prefixes.make_room(64), 64);
  EXPECT_EQ(prefixes.n_tokens(), 0);
  for (const PrefixKind& kind : kinds) EXPECT_EQ(prefixes.find(text, kind).length(), 0);
}

TEST(PrefixCache, GivesUpTheLeastRecentTailsFirst) {
  KvCache cache = make_cache(12);
  PrefixCache prefixes(cache);
  const auto start = numbers(0, 64);
  const auto a = joined(start, numbers(1000, 64));
  const auto b = joined(start, numbers(2000, 64));
  const auto c = numbers(3000, 64);
  remember(cache, prefixes, a);
  remember(cache, prefixes, b);
  remember(cache, prefixes, c);
  EXPECT_EQ(cache.n_free_pages(), 4);
  EXPECT_EQ(prefixes.find(a).length(), 127);  // b is the oldest now
  EXPECT_EQ(prefixes.make_room(5), 5);
  EXPECT_EQ(prefixes.find(b).length(), 96);
  prefixes.find(c);
  prefixes.find(a);
  prefixes.find(b);
  EXPECT_EQ(prefixes.make_room(7), 7);
  EXPECT_EQ(prefixes.find(c).length(), 0);
  EXPECT_EQ(prefixes.find(a).length(), 127);
  EXPECT_EQ(prefixes.make_room(100), 12);
  EXPECT_EQ(prefixes.n_tokens(), 0);
}

TEST(PrefixCache, NeverTakesWhatIsUsed) {
  KvCache cache = make_cache(8);
  PrefixCache prefixes(cache);
  const auto text = numbers(0, 8 * kPageTokens);
  remember(cache, prefixes, text);
  KvSequence used = prefixes.find(std::span(text).first(70));
  EXPECT_EQ(prefixes.make_room(8), 5);
  expect_holds(cache, used, text);
  EXPECT_EQ(used.length(), 69);
  EXPECT_EQ(prefixes.n_pages(), 0);
  EXPECT_EQ(prefixes.find(text).length(), 96);
  // It wants to write to the page that it shares: there is a free one to copy it to.
  evaluate(cache, used, joined(numbers(0, 69), numbers(500, 20)));
  expect_holds(cache, prefixes.find(text), text);
}

TEST(PrefixCache, ASequenceFindsRoomByItself) {
  KvCache cache = make_cache(4);
  PrefixCache prefixes(cache);
  const auto text = numbers(0, 4 * kPageTokens);
  remember(cache, prefixes, text);
  EXPECT_EQ(cache.n_free_pages(), 0);
  // Shares its last page, and there is none to copy it to unless the tree lets go of its own.
  KvSequence sequence = prefixes.find(std::span(text).first(4 * kPageTokens - 3));
  const auto other = joined(numbers(0, sequence.length()), numbers(700, 3));
  evaluate(cache, sequence, other);
  expect_holds(cache, sequence, other);
  EXPECT_FALSE(sequence.append(kPageTokens));
}

/// Random texts over few tokens, so that they share beginnings of all lengths, against a plain list.
TEST(PrefixCache, AgreesWithAList) {
  Random random(7);
  KvCache cache = make_cache(4000);
  PrefixCache prefixes(cache);
  std::vector<std::vector<TokenId>> known;
  const auto below = [&](uint64_t n) { return random.next() % n; };
  for (int round = 0; round < 300; ++round) {
    std::vector<TokenId> text;
    if (!known.empty() && below(3) > 0) {
      text = known[below(known.size())];
      text.resize(below(text.size() + 1));
    }
    const size_t n = 1 + below(60);
    for (size_t i = 0; i < n; ++i) text.push_back(static_cast<TokenId>(below(2)));
    size_t expected = 0;
    for (const auto& other : known) {
      const auto parted = std::mismatch(text.begin(), text.end(), other.begin(), other.end());
      expected = std::max(expected, static_cast<size_t>(parted.first - text.begin()));
    }
    KvSequence sequence = prefixes.find(text);
    ASSERT_EQ(sequence.length(), static_cast<int>(std::min(expected, text.size() - 1))) << "round " << round;
    expect_holds(cache, sequence, text);
    if (below(4) == 0) sequence.truncate(0);  // evaluated from the start instead
    evaluate(cache, sequence, text);
    prefixes.insert(text, sequence);
    known.push_back(text);
  }
  EXPECT_EQ(cache.n_free_pages() + prefixes.n_pages(), 4000);
  const int n_free = cache.n_free_pages();
  EXPECT_EQ(prefixes.make_room(n_free + 5), n_free + 5);
  for (const auto& text : known) expect_holds(cache, prefixes.find(text), text);
  EXPECT_EQ(prefixes.make_room(5000), 4000);
  EXPECT_EQ(prefixes.n_tokens(), 0);
}

}  // namespace
}  // namespace ondol
