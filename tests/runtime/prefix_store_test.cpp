// Keys and values that went to the disk and came back, and files that must not be believed.
#include "runtime/prefix_store.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/files.h"
#include "runtime/prefix_block.h"
#include "runtime/prefix_cache.h"
#include "tests/runtime/scheduling.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;
constexpr KvLayerShape kShapes[] = {{.n_heads = 2, .k_dim = 32, .v_dim = 64}, {.n_heads = 1, .k_dim = 32, .v_dim = 32}};
constexpr size_t kBlock = PrefixStore::kBlockTokens;

class PrefixStoreTest : public testing::Test {
 protected:
  PrefixStoreTest() {
    folder_ = fs::temp_directory_path() / fmt::format("ondol-prefix-store-{}", ::getpid());
    fs::remove_all(folder_);
  }
  ~PrefixStoreTest() override { fs::remove_all(folder_); }

  std::unique_ptr<PrefixStore> open_store(uint64_t max_bytes = uint64_t{1} << 30, const Hash128& tag = {1, 2}) {
    PrefixStoreOptions options;
    options.directory = folder_;
    options.max_bytes = max_bytes;
    options.log = [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      log_.push_back(line);
    };
    return PrefixStore::open(options, tag).value();
  }

  static KvCache make_cache(int n_pages, KvTypes types = DType::F16) {
    return KvCache::create(kShapes, types, int64_t{n_pages} * kPageTokens).value();
  }

  /// Pages whose bytes depend on the tokens.
  static KvSequence evaluated(KvCache& cache, std::span<const TokenId> tokens) {
    KvSequence sequence(cache);
    EXPECT_TRUE(sequence.append(static_cast<int>(tokens.size())));
    for (int i = 0; i < sequence.n_pages(); ++i) {
      cache.write_page(sequence.pages()[i], page_of(cache, tokens, i));
    }
    return sequence;
  }

  static std::vector<uint8_t> page_of(const KvCache& cache, std::span<const TokenId> tokens, int i) {
    Random random(static_cast<uint64_t>(i * 1000 + tokens[static_cast<size_t>(i * kPageTokens)]));
    std::vector<uint8_t> bytes(cache.page_bytes());
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
    return bytes;
  }

  static void expect_pages(const KvCache& cache, const KvSequence& sequence, std::span<const TokenId> tokens) {
    std::vector<uint8_t> bytes(cache.page_bytes());
    for (int i = 0; i < sequence.length() / kPageTokens; ++i) {
      cache.read_page(sequence.pages()[i], bytes);
      EXPECT_EQ(bytes, page_of(cache, tokens, i)) << i;
    }
  }

  std::vector<fs::path> files() const {
    std::vector<fs::path> list;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      if (entry.is_regular_file()) list.push_back(entry.path());
    }
    std::sort(list.begin(), list.end());
    return list;
  }

  size_t n_logged() {
    const std::lock_guard lock(mutex_);
    return log_.size();
  }

  fs::path folder_;
  std::mutex mutex_;
  std::vector<std::string> log_;
};

TEST_F(PrefixStoreTest, PagesComeBackAfterARestart) {
  const auto text = random_prompt(1, 3 * kBlock + 20, 1000);
  for (const KvTypes types : {KvTypes(DType::F16), KvTypes(DType::Q8_0, DType::Q4_0)}) {
    fs::remove_all(folder_);
    {
      KvCache cache = make_cache(64, types);
      const auto store = open_store();
      store->save(text, {}, cache, evaluated(cache, text), true);
    }
    EXPECT_EQ(files().size(), 3u);
    KvCache cache = make_cache(64, types);
    const auto store = open_store();
    EXPECT_EQ(store->known(text, {}), 3 * kBlock);
    EXPECT_EQ(store->known(text, {true, {}}), 0u);
    EXPECT_EQ(store->known(std::span(text).first(2 * kBlock - 1), {}), kBlock);
    KvSequence sequence(cache);
    EXPECT_EQ(store->load(text, {}, cache, sequence), 3 * kBlock);
    expect_pages(cache, sequence, text);
    EXPECT_EQ(n_logged(), 0u);
  }
}

TEST_F(PrefixStoreTest, TextsThatBeginAlikeShareFiles) {
  KvCache cache = make_cache(256);
  const auto store = open_store();
  for (uint64_t i = 0; i < 5; ++i) {
    auto text = random_prompt(1, 2 * kBlock, 1000);
    for (const TokenId token : random_prompt(10 + i, kBlock, 1000)) text.push_back(token);
    EXPECT_TRUE(store->save(text, {}, cache, evaluated(cache, text), true));
  }
  store->flush();
  EXPECT_EQ(files().size(), 2u + 5u);
  uint64_t n_bytes = 0;
  for (const auto& file : files()) n_bytes += fs::file_size(file);
  EXPECT_EQ(store->size_bytes(), n_bytes);
}

TEST_F(PrefixStoreTest, AdaptersShareNothing) {
  KvCache cache = make_cache(64);
  const auto text = random_prompt(1, kBlock, 1000);
  const PrefixKind adapted{false, {5, 6}};
  {
    const auto store = open_store();
    store->save(text, adapted, cache, evaluated(cache, text), true);
  }
  const auto store = open_store();
  EXPECT_EQ(store->known(text, adapted), kBlock);
  EXPECT_EQ(store->known(text, {}), 0u);
  EXPECT_EQ(store->known(text, {false, {6, 5}}), 0u);
  EXPECT_EQ(store->known(text, {true, {5, 6}}), 0u);
  KvSequence sequence(cache);
  EXPECT_EQ(store->load(text, adapted, cache, sequence), kBlock);
  expect_pages(cache, sequence, text);
  // Under the name that it would have without the adapter, the file is not believed.
  store->save(text, {}, cache, evaluated(cache, text), true);
  store->flush();
  const auto both = files();
  ASSERT_EQ(both.size(), 2u);
  fs::copy_file(both[0], both[1], fs::copy_options::overwrite_existing);
  KvSequence plain(cache), again(cache);
  const size_t n_plain = store->load(text, {}, cache, plain), n_adapted = store->load(text, adapted, cache, again);
  EXPECT_EQ(n_plain + n_adapted, kBlock) << "one of them was the other's";
  EXPECT_EQ(n_logged(), 1u);
}

TEST_F(PrefixStoreTest, BlocksFarFromTheBeginningAreLarger) {
  constexpr size_t kFine = PrefixStore::kFineTokens;
  constexpr size_t kLate = PrefixStore::kLateBlockTokens;
  const auto text = random_prompt(1, kFine + 2 * kLate - 1, 1000);
  const auto store = open_store();
  {
    KvCache cache = make_cache(static_cast<int>(text.size()) / kPageTokens + 1);
    store->save(text, {}, cache, evaluated(cache, text), true);
    store->flush();
  }
  EXPECT_EQ(files().size(), kFine / kBlock + 1);
  EXPECT_EQ(store->known(text, {}), kFine + kLate);
  EXPECT_EQ(store->known(std::span(text).first(kFine + kLate - 1), {}), kFine);
  for (const size_t n : {kFine - 1, kFine, kFine + kLate - 1, kFine + kLate, kFine + 2 * kLate - 1}) {
    EXPECT_EQ(PrefixStore::border_before(n), store->known(std::span(text).first(n), {})) << n;
  }
  KvCache cache = make_cache(static_cast<int>(text.size()) / kPageTokens + 1);
  KvSequence sequence(cache);
  EXPECT_EQ(store->load(text, {}, cache, sequence), kFine + kLate);
  expect_pages(cache, sequence, text);
}

TEST_F(PrefixStoreTest, ALowerLimitHoldsFromTheStart) {
  KvCache cache = make_cache(8);
  const auto text = random_prompt(1, 4 * kBlock, 1000);
  open_store()->save(text, {}, cache, evaluated(cache, text), true);
  EXPECT_EQ(files().size(), 4u);
  const uint64_t one = fs::file_size(files()[3]);
  const auto store = open_store(2 * one);
  EXPECT_EQ(store->known(text, {}), 2 * kBlock);
  EXPECT_EQ(files().size(), 2u);
  EXPECT_LE(store->size_bytes(), 2 * one);
}

TEST_F(PrefixStoreTest, ModelsShareNothing) {
  KvCache cache = make_cache(64);
  const auto text = random_prompt(1, kBlock, 1000);
  {
    const auto store = open_store();
    store->save(text, {}, cache, evaluated(cache, text), true);
  }
  const auto other = open_store(uint64_t{1} << 30, {1, 3});
  EXPECT_EQ(other->known(text, {}), 0u);
  EXPECT_EQ(files().size(), 1u);
  EXPECT_GT(other->size_bytes(), 0u);  // the limit is for all
  // A file put where it does not belong is deleted when it is wanted.
  const fs::path moved = folder_ / Hash128{1, 3}.hex();
  const auto name = files()[0];
  KvSequence sequence(cache);
  other->save(text, {}, cache, evaluated(cache, text), true);
  other->flush();
  const auto own = files();
  ASSERT_EQ(own.size(), 2u);
  const fs::path& target = own[0] == name ? own[1] : own[0];
  EXPECT_EQ(target.parent_path(), moved);
  fs::copy_file(name, target, fs::copy_options::overwrite_existing);
  EXPECT_EQ(other->load(text, {}, cache, sequence), 0u);
  EXPECT_FALSE(fs::exists(target));
  EXPECT_EQ(n_logged(), 1u);
}

TEST_F(PrefixStoreTest, DamagedAndCutFilesAreDeletedAndNotBelieved) {
  KvCache cache = make_cache(64);
  const auto text = random_prompt(1, 3 * kBlock, 1000);
  size_t n_expected = 0;
  for (const int damage : {0, 1, 2, 3, 4}) {
    {
      const auto store = open_store();
      store->save(text, {}, cache, evaluated(cache, text), true);
    }
    const fs::path middle = files()[1];
    std::string bytes = read_file(middle).value();
    if (damage == 0) bytes[bytes.size() / 2] ^= 4;
    if (damage == 1) bytes.resize(bytes.size() / 2);
    if (damage == 2) bytes.clear();
    if (damage == 3) bytes[60] ^= 1;  // a token
    if (damage == 4) bytes += "x";
    std::ofstream(middle, std::ios::binary) << bytes;
    const auto store = open_store();
    KvSequence sequence(cache);
    EXPECT_EQ(store->load(text, {}, cache, sequence), kBlock) << damage;
    expect_pages(cache, sequence, text);
    EXPECT_FALSE(fs::exists(middle));
    EXPECT_EQ(store->known(text, {}), kBlock);
    EXPECT_EQ(n_logged(), ++n_expected);
  }
}

TEST_F(PrefixStoreTest, WhatAKilledProgramLeftIsRemovedAndForeignFilesStay) {
  { const auto store = open_store(); }
  const fs::path own = folder_ / Hash128{1, 2}.hex();
  const fs::path half = own / "00000256-0123456789abcdef0123456789abcdef.kv.part";
  const fs::path foreign = own / "letter.txt";
  std::ofstream(half) << "half";
  std::ofstream(foreign) << "dear";
  const auto store = open_store();
  EXPECT_FALSE(fs::exists(half));
  EXPECT_TRUE(fs::exists(foreign));
  EXPECT_EQ(store->size_bytes(), 0u);
}

TEST_F(PrefixStoreTest, TheLeastRecentlyUsedTextLeavesItsEndFirst) {
  KvCache cache = make_cache(256);
  const size_t one = cache.page_bytes() * kBlock / kPageTokens;
  const auto store = open_store(one * 5);  // four files, with their tokens
  const auto a = random_prompt(1, 2 * kBlock, 1000);
  const auto b = random_prompt(2, 2 * kBlock, 1000);
  const auto c = random_prompt(3, kBlock, 1000);
  store->save(a, {}, cache, evaluated(cache, a), true);
  store->save(b, {}, cache, evaluated(cache, b), true);
  store->flush();
  {
    KvSequence sequence(cache);
    EXPECT_EQ(store->load(a, {}, cache, sequence), 2 * kBlock);
    store->use(a, {});
  }
  store->save(c, {}, cache, evaluated(cache, c), true);
  store->flush();
  EXPECT_EQ(store->known(a, {}), 2 * kBlock);
  EXPECT_EQ(store->known(b, {}), kBlock);
  EXPECT_EQ(store->known(c, {}), kBlock);
  EXPECT_LE(store->size_bytes(), one * 5);
  EXPECT_EQ(files().size(), 4u);
}

TEST_F(PrefixStoreTest, LoadsNoMoreThanThereIsRoomFor) {
  const auto text = random_prompt(1, 4 * kBlock, 1000);
  const auto store = open_store();
  {
    KvCache cache = make_cache(64);
    store->save(text, {}, cache, evaluated(cache, text), true);
    store->flush();
  }
  KvCache cache = make_cache(2);
  KvSequence sequence(cache);
  EXPECT_EQ(store->load(text, {}, cache, sequence), 2 * kBlock);
  expect_pages(cache, sequence, text);
  EXPECT_EQ(files().size(), 4u);
}

TEST_F(PrefixStoreTest, ThePrefixCacheSavesWhatItGivesUpAndLoadsWhatIsWanted) {
  const auto store = open_store();
  const auto a = random_prompt(1, 2 * kBlock + 20, 1000);
  const auto b = random_prompt(2, 2 * kBlock + 20, 1000);
  KvCache cache = make_cache(5);
  PrefixCache prefixes(cache, store.get());
  prefixes.insert(a, evaluated(cache, a));
  KvSequence sequence = evaluated(cache, b);  // for which a has to go
  store->flush();
  EXPECT_EQ(files().size(), 2u);
  prefixes.insert(b, sequence);
  sequence.truncate(0);
  const KvSequence back = prefixes.find(a);  // for which b has to go
  EXPECT_EQ(back.length(), static_cast<int>(2 * kBlock));
  expect_pages(cache, back, a);
  EXPECT_EQ(cache.n_free_pages() + prefixes.n_pages() + back.n_pages(), 5);
}

TEST_F(PrefixStoreTest, TheLastTextsUsedAreNamedFirst) {
  KvCache cache = make_cache(256);
  auto a = random_prompt(1, 3 * kBlock, 1000);
  const auto b = random_prompt(2, 2 * kBlock, 1000);
  std::vector<TokenId> c(a.begin(), a.begin() + 2 * kBlock);  // begins as a does
  for (const TokenId token : random_prompt(3, kBlock, 1000)) c.push_back(token);
  const PrefixKind is_long{true, {}};
  {
    const auto store = open_store();
    store->save(a, {}, cache, evaluated(cache, a), true);
    store->save(b, is_long, cache, evaluated(cache, b), true);
    store->save(c, {}, cache, evaluated(cache, c), true);
    store->save(a, PrefixKind{false, {5, 6}}, cache, evaluated(cache, a), true);  // nobody knows whose it is
    store->use(a, {});
    store->use(c, {});
    store->use(b, is_long);
  }
  const auto store = open_store();
  const auto all = store->recent(store->size_bytes());
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].tokens, b);
  EXPECT_TRUE(all[0].kind.is_long);
  EXPECT_EQ(all[1].tokens, c);
  EXPECT_EQ(all[2].tokens, a);
  EXPECT_EQ(all[2].kind, PrefixKind());
  const auto some = store->recent(fs::file_size(files()[0]) * 7 / 2);
  ASSERT_EQ(some.size(), 2u);
  EXPECT_EQ(some[0].tokens, b);
  EXPECT_EQ(some[1].tokens, std::vector<TokenId>(c.begin(), c.begin() + kBlock)) << "as far as there is room";
  EXPECT_TRUE(store->recent(0).empty());
}

TEST_F(PrefixStoreTest, ThePrefixCacheTakesBackWhatHasRoom) {
  const auto a = random_prompt(1, 2 * kBlock, 1000);
  const auto b = random_prompt(2, 3 * kBlock, 1000);
  {
    KvCache cache = make_cache(16);
    const auto store = open_store();
    store->save(a, {}, cache, evaluated(cache, a), true);
    store->save(b, {}, cache, evaluated(cache, b), true);
  }
  const auto store = open_store();
  KvCache cache = make_cache(4);
  PrefixCache prefixes(cache, store.get());
  prefixes.take_back({a, {}});
  prefixes.take_back({b, {}});  // which has no room and pushes nothing out
  prefixes.take_back({random_prompt(3, 10, 1000), {}});
  EXPECT_EQ(prefixes.n_tokens(), static_cast<int>(2 * kBlock));
  fs::remove_all(folder_);
  auto longer = a;
  longer.push_back(1);
  const KvSequence known = prefixes.find(longer);
  EXPECT_EQ(known.length(), static_cast<int>(2 * kBlock));
  expect_pages(cache, known, a);
}

TEST_F(PrefixStoreTest, ASchedulerFindsItsPromptsAfterARestart) {
  const auto prompt = random_prompt(1, 700, 256);
  EngineOptions options;
  options.cpu = {1, {}};
  std::vector<TokenId> first;
  for (const int expected : {0, 672}) {
    auto engine = open(sample_model(), 1024, options);
    auto store = open_store(uint64_t{1} << 30, prefix_tag(*engine));
    const auto scheduler = Scheduler::start(std::move(engine), {}, std::move(store));
    const auto sink = std::make_shared<Collector>();
    ASSERT_TRUE(scheduler->submit(request_of(prompt, 10), sink));
    sink->wait();
    EXPECT_EQ(sink->end.n_cached, expected);
    if (first.empty()) first = sink->tokens;
    EXPECT_EQ(sink->tokens, first);
  }
  EXPECT_EQ(n_logged(), 0u);
}

TEST_F(PrefixStoreTest, ASchedulerThatIsIdleTakesBackWhatWasUsedLast) {
  const auto prompt = random_prompt(1, 300, 256);
  const auto start = [&] {
    auto engine = open(sample_model(), 1024);
    auto store = open_store(uint64_t{1} << 30, prefix_tag(*engine));
    return Scheduler::start(std::move(engine), {}, std::move(store));
  };
  {
    const auto scheduler = start();
    const auto sink = std::make_shared<Collector>();
    ASSERT_TRUE(scheduler->submit(request_of(prompt, 1), sink));
    sink->wait();
  }
  const auto scheduler = start();
  for (int i = 0; i < 2000 && scheduler->stats().n_pages_cached == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(scheduler->stats().n_pages_cached, 300 / kPageTokens);
  fs::remove_all(folder_);
  const auto sink = std::make_shared<Collector>();
  ASSERT_TRUE(scheduler->submit(request_of(prompt, 1), sink));
  sink->wait();
  EXPECT_EQ(sink->end.n_cached, 300 / kPageTokens * kPageTokens);
}

TEST_F(PrefixStoreTest, ASchedulerThatIsNeverIdleSavesToo) {
  EngineOptions options;
  options.cpu = {1, {}};
  auto engine = open(sample_model(), 1024, options);
  auto store = open_store(uint64_t{1} << 30, prefix_tag(*engine));
  SchedulerOptions often;
  often.save_when_idle = std::chrono::hours(1);
  often.save_when_busy = std::chrono::milliseconds(1);
  const auto scheduler = Scheduler::start(std::move(engine), often, std::move(store));
  const auto first = std::make_shared<Collector>();
  ASSERT_TRUE(scheduler->submit(request_of(random_prompt(1, 100, 256), 1), first));
  first->wait();
  const auto second = std::make_shared<Collector>();
  second->at_token = [&](size_t) { return files().size() < 3; };
  GenerationRequest endless = request_of(random_prompt(2, 10, 256), 1000);
  endless.ignore_end = true;
  ASSERT_TRUE(scheduler->submit(std::move(endless), second));
  second->wait();
  EXPECT_EQ(second->end.reason, StopReason::kCancelled);
}

TEST_F(PrefixStoreTest, TagsTellModelsAndCachesApart) {
  EngineOptions options;
  const auto engine = open(sample_model(), 512, options);
  EXPECT_EQ(prefix_tag(*engine), prefix_tag(*open(sample_model(), 1024, options)));
  options.kv_types = KvTypes(DType::Q8_0, DType::Q4_0);
  EXPECT_NE(prefix_tag(*engine), prefix_tag(*open(sample_model(), 512, options)));
}

TEST(PrefixBlock, EveryCutAndEveryChangedByteIsNoticed) {
  const std::vector<TokenId> tokens = {1, 2, 3};
  const std::string bytes = write_prefix_block({5, 6}, true, tokens, 40, [](std::span<uint8_t> data) {
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i);
  });
  const auto parse = [](const std::string& text) {
    return parse_prefix_block({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  };
  const auto block = parse(bytes);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->tokens, tokens);
  EXPECT_EQ(block->tag, (Hash128{5, 6}));
  EXPECT_TRUE(block->is_long);
  EXPECT_EQ(block->data.size(), 40u);
  EXPECT_EQ(block->data[39], 39);
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(parse(bytes.substr(0, n))) << n;
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] ^= 0x10;
    EXPECT_FALSE(parse(changed)) << i;
  }
}

}  // namespace
}  // namespace ondol
