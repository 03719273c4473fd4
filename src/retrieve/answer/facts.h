// Facts: what of a sentence must agree with its evidence to the letter: numbers, names, and whether it denies.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ondol {

struct Number {
  std::string value;  // digits without separators of thousands and needless zeros: "1200.5"
  std::string unit;   // the word or character behind it, in lower case: "%", "years" as "year"; may be empty
  bool in_words = false;
};

/// Numbers in digits, and English ones from one to twelve in words.
std::vector<Number> numbers_of(std::string_view text);
std::set<std::string> number_values(std::string_view text);

/// Words that are written large inside a sentence, and Latin ones inside Korean, in lower case. English puts the first
/// word of a sentence large, too: it is left out.
std::vector<std::string> names_of(std::string_view text);

/// How often it says that something is not so.
int n_denials(std::string_view text);

}  // namespace ondol
