// NormalText: a text as quotations are compared, with the way back to its bytes.
//
// What people and models change when they quote does not count: white space (line breaks, too), the shape of quotation
// marks and dashes, full-width letters, whether accents and syllables are composed (Unicode NFKC), invisible
// characters, and case where that is asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "retrieve/byte_range.h"

namespace ondol {

enum class LetterCase { kKept, kFolded };

class NormalText {
 public:
  explicit NormalText(std::string_view source, LetterCase letter_case = LetterCase::kKept);

  const std::string& text() const { return text_; }

  /// The bytes of the source behind these bytes of text(): whole characters with their marks.
  ByteRange in_source(ByteRange span) const;

  /// Where `other` first stands from `from` (in text()) on; in text(). Empty texts stand nowhere.
  std::optional<ByteRange> find(const NormalText& other, size_t from = 0) const;

 private:
  std::string text_;
  std::vector<ByteRange> sources_;  // of each byte of text_
};

/// Where the source has what is quoted, by its bytes; white space, quotation marks and dots around the quotation do not
/// count.
std::optional<ByteRange> find_quotation(const NormalText& source, std::string_view quotation);

}  // namespace ondol
