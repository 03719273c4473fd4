#include "text/added_tokens.h"

#include <algorithm>

#include "text/unicode.h"

namespace ondol {
namespace {

size_t previous_character(std::string_view text, size_t end) {
  size_t begin = end - 1;
  for (int i = 0; i < 3 && begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80; ++i) --begin;
  return begin;
}

/// Where the whitespace that ends at `end` begins.
size_t whitespace_before(std::string_view text, size_t end) {
  while (end > 0) {
    const size_t begin = previous_character(text, end);
    const DecodedCharacter character = decode_utf8(text, begin);
    if (!character.valid || !is_whitespace(character.code)) break;
    end = begin;
  }
  return end;
}

size_t whitespace_after(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const DecodedCharacter character = decode_utf8(text, begin);
    if (!character.valid || !is_whitespace(character.code)) break;
    begin += character.size;
  }
  return begin;
}

}  // namespace

void AddedTokenMatcher::add(const AddedToken& token) {
  const auto index = static_cast<TokenId>(tokens_.size());
  tokens_.push_back(token);
  all_.insert(token.content, index);
  if (!token.special) ordinary_.insert(token.content, index);
}

bool AddedTokenMatcher::stands_alone(std::string_view text, size_t begin, size_t end) {
  const bool word_before = begin > 0 && is_word(decode_utf8(text, previous_character(text, begin)).code);
  const bool word_after = end < text.size() && is_word(decode_utf8(text, end).code);
  return !word_before && !word_after;
}

void AddedTokenMatcher::split(std::string_view text, bool with_special, std::span<const size_t> plain,
                              std::vector<Part>& parts) const {
  const ByteTrie& trie = with_special ? all_ : ordinary_;
  size_t done = 0;
  for (size_t at = 0; at < text.size() && !trie.empty();) {
    if (!trie.may_start(static_cast<unsigned char>(text[at]))) {
      ++at;
      continue;
    }
    const bool is_plain = std::binary_search(plain.begin(), plain.end(), at);
    const ByteTrie::Match match = (is_plain ? ordinary_ : trie).longest(text.substr(at));
    if (match.size == 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<size_t>(match.value)];
    size_t begin = at;
    size_t end = at + match.size;
    at = end;
    if (token.single_word && !stands_alone(text, begin, end)) continue;
    if (token.lstrip) begin = std::max(done, whitespace_before(text, begin));
    if (token.rstrip) end = whitespace_after(text, end);
    if (begin > done) parts.push_back({done, begin, kNoToken});
    parts.push_back({begin, end, token.id});
    done = end;
    at = end;
  }
  if (done < text.size()) parts.push_back({done, text.size(), kNoToken});
}

}  // namespace ondol
