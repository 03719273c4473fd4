#include "runtime/prefix_store.h"

#include <algorithm>
#include <cctype>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/files.h"
#include "runtime/prefix_block.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kEnding = ".kv";

std::span<const uint8_t> bytes_of(std::span<const TokenId> tokens) {
  return {reinterpret_cast<const uint8_t*>(tokens.data()), tokens.size_bytes()};
}

/// What computed the blocks of a kind: the model, and the adapters where there are some.
Hash128 tag_of(const Hash128& model, const PrefixKind& kind) {
  if (kind.adapters == Hash128()) return model;
  return hash_bytes({reinterpret_cast<const uint8_t*>(&kind.adapters), sizeof(kind.adapters)}, model);
}

/// A full block of a text.
struct Block {
  size_t start;
  size_t end;
  std::string name;
};

/// First to last.
std::vector<Block> blocks_of(const Hash128& tag, const PrefixKind& kind, std::span<const TokenId> tokens) {
  std::vector<Block> blocks;
  const Hash128 own = tag_of(tag, kind);
  Hash128 key = {own.low ^ (kind.is_long ? 1 : 0), own.high};
  for (size_t start = 0, end = PrefixStore::block_end(0); end <= tokens.size();
       start = end, end = PrefixStore::block_end(end)) {
    key = hash_bytes(bytes_of(tokens.subspan(start, end - start)), key);
    blocks.push_back({start, end, fmt::format("{}/{:08}-{}{}", tag.hex(), end, key.hex(), kEnding)});
  }
  return blocks;
}

/// Whether a file in one of the store's folders is named as its own are.
bool is_block_name(const std::string& name) {
  constexpr std::string_view kPattern = "00000000-00000000000000000000000000000000";
  if (name.size() != kPattern.size() + kEnding.size() || !name.ends_with(kEnding)) return false;
  for (size_t i = 0; i < kPattern.size(); ++i) {
    const bool fits = kPattern[i] == '-' ? name[i] == '-' : std::isxdigit(static_cast<unsigned char>(name[i])) != 0;
    if (!fits) return false;
  }
  return true;
}

class DiskPrefixStore final : public PrefixStore {
 public:
  DiskPrefixStore(PrefixStoreOptions options, const Hash128& tag) : options_(std::move(options)), tag_(tag) {}

  ~DiskPrefixStore() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (writer_.joinable()) writer_.join();
  }

  Result<void> begin();

  size_t known(std::span<const TokenId> tokens, const PrefixKind& kind) override;
  size_t load(std::span<const TokenId> tokens, const PrefixKind& kind, KvCache& cache, KvSequence& sequence) override;
  void use(std::span<const TokenId> tokens, const PrefixKind& kind) override { use(blocks_of(tag_, kind, tokens)); }
  std::vector<PrefixText> recent(uint64_t max_bytes) override;
  bool save(std::span<const TokenId> tokens, const PrefixKind& kind, const KvCache& cache, const KvSequence& sequence,
            bool waits) override;
  void flush() override;
  uint64_t size_bytes() const override;

 private:
  struct File {
    uint64_t size_bytes = 0;
    fs::file_time_type last_used;
  };
  struct Pending {
    std::string name;
    std::string bytes;
  };

  std::string path_of(const std::string& name) const { return options_.directory + "/" + name; }
  void log(const std::string& text) const {
    if (options_.log) options_.log(text);
  }
  void read_folder(const fs::path& folder);
  bool load_block(const Block& block, std::span<const TokenId> tokens, const PrefixKind& kind, KvCache& cache,
                  KvSequence& sequence);
  bool is_missing(const std::string& name);
  std::vector<std::string> recent_names(uint64_t max_bytes) const;
  Result<PrefixBlock> checked_block(const std::string& bytes, std::span<const TokenId> tokens, const PrefixKind& kind,
                                    size_t n_data) const;
  bool is_known(const std::string& name) const;
  bool has_room(size_t size, bool waits);
  void forget(const std::string& name);
  void use(const std::vector<Block>& blocks);
  void add_pending(const std::string& name, std::string bytes);
  void write_pending();
  void keep_limit();

  PrefixStoreOptions options_;
  Hash128 tag_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, File> files_;  // of all models, by name; those that are pending too
  uint64_t size_bytes_ = 0;
  std::deque<Pending> pending_;
  uint64_t pending_bytes_ = 0;
  bool stopping_ = false;
  std::thread writer_;
};

void DiskPrefixStore::read_folder(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
    const std::string name = file->path().filename();
    std::error_code no_file;
    if (!file->is_regular_file(no_file)) continue;
    if (!is_block_name(name)) {
      // Left by a program that was killed while it wrote.
      if (name.ends_with(".part") && is_block_name(name.substr(0, name.size() - 5))) fs::remove(file->path(), no_file);
      continue;
    }
    const File entry{file->file_size(no_file), file->last_write_time(no_file)};
    if (no_file) continue;
    files_[folder.filename().string() + "/" + name] = entry;
    size_bytes_ += entry.size_bytes;
  }
}

Result<void> DiskPrefixStore::begin() {
  const std::string own = path_of(tag_.hex());
  std::error_code error;
  fs::create_directories(own, error);
  if (error) return Error(fmt::format("{}: cannot make the folder: {}", own, error.message()));
  fs::permissions(own, fs::perms::owner_all, error);  // what people wrote is in there
  for (fs::directory_iterator folder(options_.directory, error), end; !error && folder != end;
       folder.increment(error)) {
    if (folder->path().filename().string().size() == tag_.hex().size()) read_folder(folder->path());
  }
  if (error) return Error(fmt::format("{}: cannot read the folder: {}", options_.directory, error.message()));
  const std::string probe = own + "/writable";
  ONDOL_TRY(write_file_atomically(probe, ""));
  fs::remove(probe, error);
  {
    const std::lock_guard lock(mutex_);
    keep_limit();  // it may be lower than last time
  }
  writer_ = std::thread([this] { write_pending(); });
  return {};
}

size_t DiskPrefixStore::known(std::span<const TokenId> tokens, const PrefixKind& kind) {
  const std::lock_guard lock(mutex_);
  size_t n = 0;
  for (const Block& block : blocks_of(tag_, kind, tokens)) {
    if (!files_.contains(block.name)) break;
    n = block.end;
  }
  return n;
}

size_t DiskPrefixStore::load(std::span<const TokenId> tokens, const PrefixKind& kind, KvCache& cache,
                             KvSequence& sequence) {
  const std::vector<Block> blocks = blocks_of(tag_, kind, tokens);
  for (const Block& block : blocks) {
    if (block.end <= static_cast<size_t>(sequence.length())) continue;
    if (!load_block(block, tokens.first(block.end), kind, cache, sequence)) break;
  }
  return static_cast<size_t>(sequence.length());
}

bool DiskPrefixStore::load_block(const Block& block, std::span<const TokenId> tokens, const PrefixKind& kind,
                                 KvCache& cache, KvSequence& sequence) {
  if (is_missing(block.name)) return false;
  const int length = sequence.length();
  const size_t n_tokens = block.end - block.start;
  if (!sequence.append(static_cast<int>(n_tokens))) return false;
  const size_t n_pages = n_tokens / kPageTokens;
  const auto bytes = read_file(path_of(block.name));
  const size_t page_bytes = cache.page_bytes();
  const auto content =
      bytes ? checked_block(*bytes, tokens, kind, page_bytes * n_pages) : Result<PrefixBlock>(bytes.error());
  if (content) {
    const int32_t* pages = sequence.pages() + static_cast<size_t>(sequence.n_pages()) - n_pages;
    for (size_t i = 0; i < n_pages; ++i) {
      cache.write_page(pages[i], content->data.subspan(i * page_bytes, page_bytes));
    }
    return true;
  }
  sequence.truncate(length);
  log(fmt::format("{}: deleted: {}", path_of(block.name), content.error().message()));
  std::error_code error;
  fs::remove(path_of(block.name), error);
  const std::lock_guard lock(mutex_);
  forget(block.name);
  return false;
}

/// The model's blocks, adapters' too, the one used last first.
std::vector<std::string> DiskPrefixStore::recent_names(uint64_t max_bytes) const {
  std::vector<std::pair<std::string, File>> own;
  const std::string folder = tag_.hex() + "/";
  const std::lock_guard lock(mutex_);
  for (const auto& [name, file] : files_) {
    if (name.starts_with(folder)) own.emplace_back(name, file);
  }
  std::sort(own.begin(), own.end(),
            [](const auto& a, const auto& b) { return a.second.last_used > b.second.last_used; });
  std::vector<std::string> names;
  uint64_t n_bytes = 0;
  for (auto& [name, file] : own) {
    n_bytes += file.size_bytes;
    if (n_bytes > max_bytes) break;
    names.push_back(std::move(name));
  }
  return names;
}

/// A text is known by its last block, which holds all its tokens.
std::vector<PrefixText> DiskPrefixStore::recent(uint64_t max_bytes) {
  const std::vector<std::string> names = recent_names(max_bytes);
  std::vector<size_t> longest_first(names.size());
  std::iota(longest_first.begin(), longest_first.end(), size_t{0});
  std::stable_sort(longest_first.begin(), longest_first.end(), [&](size_t a, size_t b) { return names[a] > names[b]; });
  std::set<std::string> covered;
  std::map<size_t, PrefixText> texts;  // by how recent they are
  for (const size_t place : longest_first) {
    if (covered.contains(names[place])) continue;
    const auto bytes = read_file(path_of(names[place]));
    if (!bytes) continue;
    const auto block = parse_prefix_block({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()});
    if (!block || block->tag != tag_) continue;  // an adapter's
    PrefixText& text = texts[place];
    text.tokens = block->tokens;
    text.kind.is_long = block->is_long;
    for (const Block& known : blocks_of(tag_, text.kind, text.tokens)) covered.insert(known.name);
  }
  std::vector<PrefixText> list;
  for (auto& [place, text] : texts) list.push_back(std::move(text));
  return list;
}

/// Not on the disk yet, or deleted by somebody else.
bool DiskPrefixStore::is_missing(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (!files_.contains(name)) return true;
  const auto has_name = [&](const Pending& pending) { return pending.name == name; };
  if (std::any_of(pending_.begin(), pending_.end(), has_name)) return true;
  std::error_code error;
  if (fs::exists(path_of(name), error)) return false;
  forget(name);
  return true;
}

Result<PrefixBlock> DiskPrefixStore::checked_block(const std::string& bytes, std::span<const TokenId> tokens,
                                                   const PrefixKind& kind, size_t n_data) const {
  PrefixBlock block = ONDOL_TRY(parse_prefix_block({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}));
  const bool fits = block.tag == tag_of(tag_, kind) && block.is_long == kind.is_long && block.data.size() == n_data &&
                    std::equal(block.tokens.begin(), block.tokens.end(), tokens.begin(), tokens.end());
  if (!fits) return Error("it belongs to another model or another text");
  return block;
}

/// With the lock held.
void DiskPrefixStore::forget(const std::string& name) {
  const auto file = files_.find(name);
  if (file == files_.end()) return;
  size_bytes_ -= file->second.size_bytes;
  files_.erase(file);
}

/// A text's blocks are used, the last one first: the later ones are of no use without the earlier.
void DiskPrefixStore::use(const std::vector<Block>& blocks) {
  const std::lock_guard lock(mutex_);
  for (size_t i = blocks.size(); i-- > 0;) {
    const auto file = files_.find(blocks[i].name);
    if (file == files_.end()) continue;
    file->second.last_used = fs::file_time_type::clock::now();
    std::error_code error;  // it may not be written yet
    fs::last_write_time(path_of(blocks[i].name), file->second.last_used, error);
  }
}

bool DiskPrefixStore::is_known(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return files_.contains(name);
}

/// Whether a block of this size may be copied now.
bool DiskPrefixStore::has_room(size_t size, bool waits) {
  std::unique_lock lock(mutex_);
  const auto fits = [&] { return pending_.empty() || pending_bytes_ + size <= options_.max_pending_bytes; };
  if (waits) changed_.wait(lock, fits);
  return fits();
}

bool DiskPrefixStore::save(std::span<const TokenId> tokens, const PrefixKind& kind, const KvCache& cache,
                           const KvSequence& sequence, bool waits) {
  ONDOL_CHECK(static_cast<size_t>(sequence.length()) >= tokens.size());
  const std::vector<Block> blocks = blocks_of(tag_, kind, tokens);
  const size_t page_bytes = cache.page_bytes();
  bool is_new = false;
  for (const Block& block : blocks) {
    if (is_known(block.name)) continue;
    const auto text = tokens.first(block.end);
    const size_t n_pages = (block.end - block.start) / kPageTokens;
    if (!has_room(page_bytes * n_pages + text.size_bytes(), waits)) {
      if (is_new) use(blocks);
      return false;
    }
    const int32_t* pages = sequence.pages() + block.start / kPageTokens;
    std::string bytes =
        write_prefix_block(tag_of(tag_, kind), kind.is_long, text, page_bytes * n_pages, [&](auto data) {
          for (size_t p = 0; p < n_pages; ++p) cache.read_page(pages[p], data.subspan(p * page_bytes, page_bytes));
        });
    add_pending(block.name, std::move(bytes));
    is_new = true;
  }
  if (is_new) use(blocks);
  return true;
}

void DiskPrefixStore::add_pending(const std::string& name, std::string bytes) {
  const std::lock_guard lock(mutex_);
  files_[name] = {bytes.size(), fs::file_time_type::clock::now()};
  size_bytes_ += bytes.size();
  pending_bytes_ += bytes.size();
  pending_.push_back({name, std::move(bytes)});
  changed_.notify_all();
}

void DiskPrefixStore::write_pending() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !pending_.empty(); });
    if (pending_.empty()) return;
    const Pending& first = pending_.front();  // stays where it is until it is written
    lock.unlock();
    const auto written = write_file_atomically(path_of(first.name), first.bytes);
    if (!written) log(written.error().message());
    lock.lock();
    const auto file = files_.find(first.name);
    std::error_code error;
    if (written && file != files_.end()) fs::last_write_time(path_of(first.name), file->second.last_used, error);
    if (!written) forget(first.name);
    pending_bytes_ -= first.bytes.size();
    pending_.pop_front();
    keep_limit();
    changed_.notify_all();
  }
}

/// Deletes the least recently used files. With the lock held.
void DiskPrefixStore::keep_limit() {
  while (size_bytes_ > options_.max_bytes) {
    const auto is_older = [](const auto& a, const auto& b) { return a.second.last_used < b.second.last_used; };
    const auto oldest = std::min_element(files_.begin(), files_.end(), is_older);
    const auto is_it = [&](const Pending& pending) { return pending.name == oldest->first; };
    if (oldest == files_.end() || std::any_of(pending_.begin(), pending_.end(), is_it)) return;
    std::error_code error;
    fs::remove(path_of(oldest->first), error);
    forget(std::string(oldest->first));
  }
}

void DiskPrefixStore::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return pending_.empty(); });
}

uint64_t DiskPrefixStore::size_bytes() const {
  const std::lock_guard lock(mutex_);
  return size_bytes_;
}

}  // namespace

Result<std::unique_ptr<PrefixStore>> PrefixStore::open(PrefixStoreOptions options, const Hash128& tag) {
  auto store = std::make_unique<DiskPrefixStore>(std::move(options), tag);
  ONDOL_TRY(store->begin());
  return std::unique_ptr<PrefixStore>(std::move(store));
}

}  // namespace ondol
