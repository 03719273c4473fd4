// Terms: what the lexical index knows of a text.
//
// Words of letters and digits, in lower case, without accents and reduced to their stems (Porter's English stemmer,
// version 2); the words that every English question has are left out. Scripts without spaces or with endings on every
// word, Hangul, Han and Kana, are read as all pairs of neighbouring characters and the first character of each run: a
// two-syllable word is then found wherever it stands, whatever particle follows it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

struct sb_stemmer;

namespace ondol {

struct Term {
  std::string_view text;  // until the next term
  size_t start = 0;       // bytes of the text that it stands for
  size_t end = 0;
  bool is_pair = false;  // of a script that is read in pairs
};

/// Not for several threads at once.
class TermReader {
 public:
  TermReader();
  TermReader(TermReader&&) noexcept;
  TermReader& operator=(TermReader&&) noexcept;
  ~TermReader();

  using Visit = std::function<void(const Term&)>;
  /// All terms from the first to the last. Any bytes.
  void read(std::string_view text, const Visit& visit);

 private:
  struct Delete {
    void operator()(sb_stemmer* stemmer) const;
  };
  void read_word(std::string_view run, size_t start, bool is_ascii, const Visit& visit);
  void read_pairs(std::string_view run, size_t start, const Visit& visit);
  const std::string& stem(const std::string& word);

  std::unique_ptr<sb_stemmer, Delete> stemmer_;
  std::unordered_map<std::string, std::string> stems_;  // of words seen lately; empty for what is left out
  std::string word_;
};

}  // namespace ondol
