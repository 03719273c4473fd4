// PrefixStore: keys and values of the prefix cache on disk, for later and for after a restart.
//
// Content-addressed blocks (prefix_block.h): a block's name is the hash of what computed it, adapters included, and of
// all tokens up to its end, so texts that begin alike share files, and nothing is written twice. Blocks are a page, so
// that little is evaluated again between the last one and where a text parts from those before it; far from the
// beginning they are larger, since each holds all tokens up to its end. A folder has a limit in bytes over all models;
// the least recently used files go first. Files appear whole or not at all, and one that is damaged or from elsewhere
// is deleted and not believed. A file is only read when a text wants it.
//
// Calls come from the thread that owns the cache; writing is done by a thread of the store's own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "nn/kv_cache.h"
#include "runtime/prefix_kind.h"
#include "text/tokenizer.h"

namespace ondol {

class Engine;

/// A beginning of texts.
struct PrefixText {
  std::vector<TokenId> tokens;
  PrefixKind kind;
};

struct PrefixStoreOptions {
  std::string directory;
  uint64_t max_bytes = uint64_t{4} << 30;
  uint64_t max_pending_bytes = uint64_t{64} << 20;  // copied and not written yet; more waits or is not kept
  /// A sentence about a file that was deleted or could not be written. From either thread.
  std::function<void(const std::string&)> log;
};

/// What keys and values depend on, beside the tokens: the model (metadata, template, shapes, samples of its weights)
/// and how the cache holds them.
Hash128 prefix_tag(Engine& engine);

class PrefixStore {
 public:
  static constexpr size_t kBlockTokens = kPageTokens;      // of blocks in the first kFineTokens
  static constexpr size_t kLateBlockTokens = 256;          // of those after them
  static constexpr size_t kFineTokens = size_t{16} << 10;  // a multiple of both

  /// The end of the block that starts at this border.
  static constexpr size_t block_end(size_t start) {
    return start + (start < kFineTokens ? kBlockTokens : kLateBlockTokens);
  }
  /// The last border up to n.
  static constexpr size_t border_before(size_t n) {
    const size_t late = n < kFineTokens ? 0 : (n - kFineTokens) / kLateBlockTokens * kLateBlockTokens;
    return n < kFineTokens ? n / kBlockTokens * kBlockTokens : kFineTokens + late;
  }

  /// Makes the folder and reads the names in it. Fails when it cannot be written to.
  static Result<std::unique_ptr<PrefixStore>> open(PrefixStoreOptions options, const Hash128& tag);
  virtual ~PrefixStore() = default;  // what is pending is written first

  /// How many of the first tokens are probably there, whole blocks.
  virtual size_t known(std::span<const TokenId> tokens, const PrefixKind& kind) = 0;

  /// Continues `sequence`, which ends at a border of blocks, with blocks of these tokens, as far as they are there and
  /// the cache has room. The length of the sequence.
  virtual size_t load(std::span<const TokenId> tokens, const PrefixKind& kind, KvCache& cache,
                      KvSequence& sequence) = 0;

  /// Counts as a use of their blocks.
  virtual void use(std::span<const TokenId> tokens, const PrefixKind& kind) = 0;

  /// The texts of this model, without adapters, that were used last and whose blocks take up to so many bytes together;
  /// the last one used first.
  virtual std::vector<PrefixText> recent(uint64_t max_bytes) = 0;

  /// Writes the full blocks of a sequence of these tokens that are not there yet. When much is pending, waits, or
  /// leaves the rest out: false.
  virtual bool save(std::span<const TokenId> tokens, const PrefixKind& kind, const KvCache& cache,
                    const KvSequence& sequence, bool waits) = 0;

  /// Returns when nothing is pending.
  virtual void flush() = 0;
  virtual uint64_t size_bytes() const = 0;
};

}  // namespace ondol
