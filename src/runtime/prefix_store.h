// PrefixStore: keys and values of the prefix cache on disk, for later and for after a restart.
//
// Content-addressed blocks of 256 positions (prefix_block.h): a block's name is the hash of what computed it, adapters
// included, and of all tokens up to its end, so texts that begin alike share files, and nothing is written twice. A
// folder has a limit in bytes over all models; the least recently used files go first. Files appear whole or not at
// all, and one that is damaged or from elsewhere is deleted and not believed. A file is only read when a text wants it.
//
// Calls come from the thread that owns the cache; writing is done by a thread of the store's own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/hash.h"
#include "base/result.h"
#include "nn/kv_cache.h"
#include "runtime/prefix_kind.h"
#include "text/tokenizer.h"

namespace ondol {

class Engine;

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
  static constexpr int kBlockTokens = 256;
  static_assert(kBlockTokens % kPageTokens == 0);

  /// Makes the folder and reads the names in it. Fails when it cannot be written to.
  static Result<std::unique_ptr<PrefixStore>> open(PrefixStoreOptions options, const Hash128& tag);
  virtual ~PrefixStore() = default;  // what is pending is written first

  /// How many of the first tokens are probably there, whole blocks.
  virtual size_t known(std::span<const TokenId> tokens, const PrefixKind& kind) = 0;

  /// Continues `sequence`, which ends at a border of blocks, with blocks of these tokens, as far as they are there and
  /// the cache has room. The length of the sequence.
  virtual size_t load(std::span<const TokenId> tokens, const PrefixKind& kind, KvCache& cache,
                      KvSequence& sequence) = 0;

  /// Writes the full blocks of a sequence of these tokens that are not there yet. When much is pending, waits, or
  /// leaves the rest out: false.
  virtual bool save(std::span<const TokenId> tokens, const PrefixKind& kind, const KvCache& cache,
                    const KvSequence& sequence, bool waits) = 0;

  /// Returns when nothing is pending.
  virtual void flush() = 0;
  virtual uint64_t size_bytes() const = 0;
};

}  // namespace ondol
