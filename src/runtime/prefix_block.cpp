#include "runtime/prefix_block.h"

#include <bit>
#include <cstring>

#include <fmt/format.h>

namespace ondol {
namespace {

static_assert(std::endian::native == std::endian::little);
constexpr char kMagic[8] = {'O', 'N', 'D', 'O', 'L', 'K', 'V', '1'};
constexpr size_t kHeaderBytes = sizeof(kMagic) + sizeof(Hash128) + 2 * sizeof(uint32_t) + sizeof(uint64_t);

template <typename T>
T read_at(std::span<const uint8_t> bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

void append(std::string& bytes, const void* data, size_t size) {
  bytes.append(static_cast<const char*>(data), size);
}

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

std::string write_prefix_block(const Hash128& tag, bool is_long, std::span<const TokenId> tokens, size_t n_data,
                               const std::function<void(std::span<uint8_t>)>& fill) {
  std::string bytes;
  bytes.reserve(kHeaderBytes + tokens.size_bytes() + n_data + sizeof(Hash128));
  append(bytes, kMagic, sizeof(kMagic));
  append(bytes, &tag, sizeof(tag));
  const uint32_t numbers[] = {static_cast<uint32_t>(tokens.size()), is_long ? 1u : 0u};
  append(bytes, numbers, sizeof(numbers));
  const uint64_t n = n_data;
  append(bytes, &n, sizeof(n));
  append(bytes, tokens.data(), tokens.size_bytes());
  const size_t start = bytes.size();
  bytes.resize(start + n_data);
  fill({reinterpret_cast<uint8_t*>(bytes.data()) + start, n_data});
  const Hash128 hash = hash_bytes(bytes_of(bytes));
  append(bytes, &hash, sizeof(hash));
  return bytes;
}

Result<PrefixBlock> parse_prefix_block(std::span<const uint8_t> bytes) {
  if (bytes.size() < kHeaderBytes + sizeof(Hash128)) {
    return Error(fmt::format("expected at least {} bytes, got {}", kHeaderBytes + sizeof(Hash128), bytes.size()));
  }
  if (std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0)
    return Error("expected keys and values, got another file");
  PrefixBlock block;
  size_t place = sizeof(kMagic);
  block.tag = read_at<Hash128>(bytes, place);
  place += sizeof(Hash128);
  const auto n_tokens = read_at<uint32_t>(bytes, place);
  const auto is_long = read_at<uint32_t>(bytes, place + sizeof(uint32_t));
  const auto n_data = read_at<uint64_t>(bytes, place + 2 * sizeof(uint32_t));
  const size_t n_left = bytes.size() - kHeaderBytes - sizeof(Hash128);
  if (n_tokens > kMostPrefixTokens || is_long > 1 || n_data > n_left || n_tokens * sizeof(TokenId) != n_left - n_data) {
    return Error(fmt::format("expected {} bytes of tokens and of keys and values, got {} tokens and {} bytes", n_left,
                             n_tokens, n_data));
  }
  const auto content = bytes.first(bytes.size() - sizeof(Hash128));
  if (hash_bytes(content) != read_at<Hash128>(bytes, content.size())) return Error("the file is damaged");
  block.is_long = is_long == 1;
  block.tokens.resize(n_tokens);
  if (n_tokens > 0) std::memcpy(block.tokens.data(), bytes.data() + kHeaderBytes, n_tokens * sizeof(TokenId));
  block.data = content.last(n_data);
  return block;
}

}  // namespace ondol
