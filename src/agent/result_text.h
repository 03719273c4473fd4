// What a model sees of a result: its head and its tail where it is long, and words of strangers between marks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace ondol {

using TokenCount = std::function<int64_t(std::string_view text)>;

struct TrimmedText {
  std::string text;
  bool was_trimmed = false;
};

/// Cut down to about `most_tokens`: whole lines from the head and, half as much, from the tail, and between them a
/// line that says how much is left out and `where` the whole is. The same text gives the same result.
TrimmedText trim_result(std::string_view text, int64_t most_tokens, const TokenCount& count, std::string_view where);

/// The marks around words that neither the owner nor Ondol wrote. The letters in them are a session's own, and are
/// taken out of the text itself, so that it cannot end its own block. The model is told of them in two parts: what is
/// the same in all sessions stands in the system message, so that its keys and values serve all of them; the letters
/// stand before the first goal.
class UntrustedMarks {
 public:
  explicit UntrustedMarks(std::string letters) : letters_(letters.empty() ? "strangers" : std::move(letters)) {}
  /// Random letters for a new session.
  static std::string new_letters();

  std::string marked(std::string_view text) const;
  /// What every system message says of them.
  static std::string explanation();
  /// What the first goal's message begins with.
  std::string introduction() const;

 private:
  std::string letters_;
};

}  // namespace ondol
