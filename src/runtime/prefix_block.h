// PrefixBlock: the file that holds the keys and values of one run of a text's tokens.
//
//   "ONDOLKV1"                       magic and version of the format
//   tag          16 bytes            what computed them: model, adapters, types and layout of the cache
//   n_tokens     4 bytes             of the text up to the end of the run
//   is_long      4 bytes             0 or 1: which rotation (Session::rotates_as_long)
//   n_data       8 bytes
//   tokens       4 * n_tokens        all of the text up to the end of the run, so that no hash has to be trusted
//   data         n_data              pages of the run, as KvCache::read_page gives them
//   hash         16 bytes            of everything before
//
// All numbers are little endian.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "text/tokenizer.h"

namespace ondol {

struct PrefixBlock {
  Hash128 tag;
  bool is_long = false;
  std::vector<TokenId> tokens;
  std::span<const uint8_t> data;  // in the bytes that were parsed
};

constexpr uint32_t kMostPrefixTokens = uint32_t{1} << 26;

/// `fill` writes the n_data bytes.
std::string write_prefix_block(const Hash128& tag, bool is_long, std::span<const TokenId> tokens, size_t n_data,
                               const std::function<void(std::span<uint8_t>)>& fill);

/// Fails for anything that was not written whole.
Result<PrefixBlock> parse_prefix_block(std::span<const uint8_t> bytes);

}  // namespace ondol
