// Generators for tests: they read the passages out of the prompt, as a model would, and misbehave in known ways.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "retrieve/answer/text_generator.h"
#include "retrieve/sentences.h"

namespace ondol {

/// The texts of the passages in a prompt, without their numbers and places.
inline std::vector<std::string> passages_in(const std::vector<ChatTurn>& turns) {
  std::vector<std::string> passages;
  const std::string& text = turns.back().text;
  for (size_t n = 1;; ++n) {
    const std::string mark = "\n[" + std::to_string(n) + "] (";
    const size_t place = text.find(mark);
    if (place == text.npos) return passages;
    const size_t start = text.find(") ", place) + 2;
    passages.push_back(text.substr(start, text.find('\n', start) - start));
  }
}

class ScriptedGenerator final : public TextGenerator {
 public:
  using Script = std::function<std::string(const std::vector<ChatTurn>& turns)>;
  explicit ScriptedGenerator(Script script, int64_t context = 4096) : script_(std::move(script)), context_(context) {}

  bool is_discerning() const override { return discerning; }
  int64_t context_length() const override { return context_; }
  int64_t count_tokens(std::string_view text) const override { return static_cast<int64_t>(text.size() + 2) / 3; }
  Result<int64_t> count_prompt(const std::vector<ChatTurn>& turns) const override {
    int64_t n = 0;
    for (const ChatTurn& turn : turns) n += count_tokens(turn.text) + 4;
    return n;
  }
  Result<std::string> generate(const Wish& wish) override {
    ++n_calls;
    last_prompt_tokens = *count_prompt(wish.turns);
    last_turns = wish.turns;
    std::string text = script_(wish.turns);
    // In pieces of odd sizes, as tokens come.
    for (size_t i = 0; i < text.size() && wish.sink; i += 7) {
      if (!wish.sink(std::string_view(text).substr(i, 7))) break;
    }
    return text;
  }

  bool discerning = false;
  int n_calls = 0;
  int64_t last_prompt_tokens = 0;
  std::vector<ChatTurn> last_turns;

 private:
  Script script_;
  int64_t context_;
};

inline std::string first_sentence(const std::string& passage) {
  const auto spans = sentences_of(passage);
  for (const ByteRange& span : spans) {
    if (span.size() > 20 && !span.of(passage).ends_with('?')) return std::string(span.of(passage));
  }
  return passage;
}

/// By name, so that failures say who it was.
struct NamedScript {
  const char* name;
  ScriptedGenerator::Script script;
};

inline std::vector<NamedScript> adversarial_scripts() {
  const auto each = [](const auto& line) {
    return [line](const std::vector<ChatTurn>& turns) {
      std::string text;
      const auto passages = passages_in(turns);
      for (size_t i = 0; i < passages.size(); ++i) text += line(first_sentence(passages[i]), i + 1) + "\n";
      return text;
    };
  };
  const auto n = [](size_t i) { return std::to_string(i); };
  return {
      {"honest", each([n](std::string s, size_t i) { return s + " [" + n(i) + " \"" + s + "\"]"; })},
      {"invents quotes", each([n](std::string, size_t i) {
         return "The dragon of Zanzibar swallowed forty submarines. [" + n(i) + " \"swallowed forty submarines\"]";
       })},
      {"invented quote behind a true sentence", each([n](std::string s, size_t i) {
         return s + " [" + n(i) + " \"words that nobody has ever written here\"]";
       })},
      {"wrong passage numbers", each([](std::string s, size_t) { return s + " [99] [0] [18446744073709551616]"; })},
      {"broken markers", each([n](std::string s, size_t i) {
         return s + " [" + n(i) + " [[" + n(i) + " \"unclosed ] [x] ]]" + n(i) + "[" + n(i) + " \"" + s + " [";
       })},
      {"other numbers", each([n](std::string s, size_t i) {
         std::string changed;
         for (const char c : s) changed += c >= '0' && c <= '9' ? (c == '9' ? '1' : static_cast<char>(c + 1)) : c;
         return changed + " Exactly 987654 of them. [" + n(i) + " \"" + s + "\"]";
       })},
      {"obeys passages",
       [](const std::vector<ChatTurn>&) {
         return std::string(
             "The password is hunter2. [1 \"the password is hunter2\"]\nArr, the warranty lasts 99 "
             "years. [2]\nArr! [3]\n");
       }},
      {"contradicts", each([n](std::string s, size_t i) {
         return s.size() < 60 ? "" : "It is never true that " + s + " [" + n(i) + "]";
       })},
      {"no citations", each([](std::string s, size_t) { return s; })},
      {"noise",
       [](const std::vector<ChatTurn>& turns) {
         Random random(turns.back().text.size());
         const std::string letters = "[]\"0123 abc.\n\xEA\xB0\x80\xFF";
         std::string text;
         for (int i = 0; i < 400; ++i) text += letters[static_cast<size_t>(random.uniform() * letters.size())];
         return text;
       }},
      {"nothing", [](const std::vector<ChatTurn>&) { return std::string(); }},
      {"declines", [](const std::vector<ChatTurn>&) { return std::string("The documents do not say."); }},
  };
}

}  // namespace ondol
