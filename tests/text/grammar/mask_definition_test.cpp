// Masks against their definition, over many states of many grammars: a token is in the mask if and only if its bytes
// can be read one by one.
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/text/grammar/json_text.h"
#include "tests/text/grammar/vocabulary.h"
#include "text/grammar/token_mask.h"
#include "text/tokenizer_folder.h"

namespace ondol {
namespace {

std::vector<GrammarPtr> grammars() {
  std::vector<GrammarPtr> out;
  for (
      const char* schema :
      {"{}",
       R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 6}, "한": {"enum": ["가나", "가", "abc"]},
          "n": {"type": "integer", "minimum": -20, "maximum": 130}}, "required": ["n"]})",
       R"({"type": "array", "items": {"type": "string", "pattern": "^[a-z]{2,4} ?[가-힣]*$"}, "minItems": 2, "maxItems": 5})",
       R"({"type": "string", "format": "date-time"})", R"({"type": "string", "minLength": 3, "maxLength": 40})"}) {
    out.push_back(*grammar_from_json_schema(*parse_json(schema)));
  }
  for (const char* pattern : {"([a-z]+ ?)*\\.", "[^\\n]{1,9}(\\n[^\\n]{1,9})*", ".*foo.{0,3}bar", "(가|나다)+"}) {
    out.push_back(*grammar_from_regex(pattern));
  }
  out.push_back(*grammar_from_gbnf(
      "root ::= e\ne ::= t ([-+] ws t)*\nt ::= [a-z]+ ws | [0-9]+ ws | \"(\" ws e \")\" ws\nws ::= [ \\n]*"));
  GrammarBuilder b;
  const auto call = b.sequence({b.special("<tool_call>"), b.grammar(grammar_of_json_objects()), b.literal("\n")});
  out.push_back(*b.build(b.sequence({b.text_before({"<tool_call>", "fo"}), b.repeat(call, 0, -1)})));
  return out;
}

/// Walks through random tokens; at every step the whole mask is compared.
void check(const GrammarPtr& grammar, const std::shared_ptr<const Tokenizer>& tokenizer, int n_steps, Random& random) {
  const auto vocabulary = MaskVocabulary::create(tokenizer);
  const auto constraint = constrain(grammar, vocabulary);
  grammar::Matcher matcher(grammar, [&](const std::string& text) { return tokenizer->find(text); });
  grammar::ConfigId config = matcher.start();
  for (int step = 0; step < n_steps && !constraint->is_finished(); ++step) {
    const TokenSet* allowed = constraint->allowed();
    std::vector<std::pair<TokenId, grammar::ConfigId>> possible;
    for (TokenId id = 0; id < tokenizer->vocabulary_size(); ++id) {
      grammar::ConfigId after = matcher.step_token(config, id);
      const bool ends = tokenizer->ends_generation(id) && matcher.may_end(config);
      const std::string piece = tokenizer->piece(id);
      if (!tokenizer->is_control(id) && !tokenizer->ends_generation(id) && !piece.empty()) {
        grammar::ConfigId read = config;
        for (const char byte : piece) read = matcher.step(read, static_cast<uint8_t>(byte));
        after = matcher.merged(after, read);
      }
      const bool expected = ends || after != grammar::Matcher::kDead;
      ASSERT_EQ(allowed == nullptr || allowed->contains(id), expected) << "'" << piece << "' at step " << step;
      if (after != grammar::Matcher::kDead) possible.emplace_back(id, after);
    }
    if (possible.empty()) break;
    const auto& [token, after] = possible[static_cast<size_t>(random.uniform() * static_cast<double>(possible.size()))];
    constraint->accept(token);
    config = after;
  }
}

TEST(MaskDefinition, SmallVocabularies) {
  Random random(3);
  // Words of pieces that the grammars have to do with, whole and halved.
  const std::vector<std::string> pieces = {"\"", "\\", "u0",       "{",    "}",        "[",        "]", ",", ":",
                                           " ",  "\n", "a",        "foo",  "bar",      "12",       "-", ".", "T",
                                           "Z",  "가", "\xEB\x82", "\x98", "\xF0\x9F", "\x98\x80", "é", "(", "+"};
  for (int round = 0; round < 4; ++round) {
    std::set<std::string> words;
    while (words.size() < 600) {
      std::string word;
      const int n = 1 + static_cast<int>(random.uniform() * (words.size() % 50 == 0 ? 70 : 5));
      for (int i = 0; i < n; ++i)
        word += pieces[static_cast<size_t>(random.uniform() * static_cast<double>(pieces.size()))];
      if (word.size() > 1) words.insert(word);
    }
    const auto tokenizer = grammar_tests::make_tokenizer({words.begin(), words.end()});
    for (const GrammarPtr& grammar : grammars()) {
      for (int walk = 0; walk < 3; ++walk) {
        ASSERT_NO_FATAL_FAILURE(check(grammar, tokenizer, 25, random)) << "round " << round;
      }
    }
  }
}

TEST(MaskDefinition, RealVocabulary) {
  const auto tokenizer = load_tokenizer_folder(ONDOL_SHARED_DATA "/tokenizers/hf/qwen2");
  if (!tokenizer) GTEST_SKIP() << "the tokenizer of Qwen 2 is absent: " << ONDOL_SHARED_DATA;
  Random random(5);
  for (const GrammarPtr& grammar : grammars()) {
    ASSERT_NO_FATAL_FAILURE(check(grammar, *tokenizer, 5, random));
  }
}

/// Grammars made to cost much: what may follow is still found, or some of it, and soon.
TEST(MaskDefinition, HostileGrammarsGoOn) {
  auto tokenizer = grammar_tests::make_tokenizer({"ab", "aab", "ba", "bbb"});
  if (const auto real = load_tokenizer_folder(ONDOL_SHARED_DATA "/tokenizers/hf/qwen2")) tokenizer = *real;
  const auto vocabulary = MaskVocabulary::create(tokenizer);
  for (const char* pattern : {".*a.{900}b", "(a|b)*a(a|b){30}c", "((a?){500}){500}b", "(.*.*)*x(.*y.*)*z"}) {
    const auto constraint = constrain(*grammar_from_regex(pattern), vocabulary);
    for (int step = 0; step < 4 && !constraint->is_finished(); ++step) {
      const TokenSet* allowed = constraint->allowed();
      const TokenId a = grammar_tests::ids_of(*tokenizer, step % 2 ? "b" : "a");
      ASSERT_TRUE(allowed->contains(a)) << pattern;
      constraint->accept(a);
    }
  }
}

/// What was computed is thrown away when it gets too much, and texts go on all the same.
TEST(MaskDefinition, EnginesAreReplacedWhenFull) {
  const auto tokenizer = grammar_tests::make_tokenizer({"ab", "\",", "[["});
  const auto vocabulary = MaskVocabulary::create(tokenizer);
  const auto constraint = constrain(*grammar_from_json_schema(json::value(true)), vocabulary);
  Random random(1);
  constraint->accept('[');
  constraint->accept('{');
  // Every property is another state of the stack below: nothing repeats.
  int n_keys = 0;
  for (; n_keys < 4000; ++n_keys) {
    for (const char byte : fmt::format("\"k{}\":[[", n_keys)) {
      ASSERT_TRUE(constraint->allows(static_cast<uint8_t>(byte))) << n_keys;
      constraint->accept(static_cast<uint8_t>(byte));
    }
    constraint->accept(']');
    constraint->accept(']');
    constraint->accept(',');
  }
  ASSERT_TRUE(constraint->allows('"'));
}

}  // namespace
}  // namespace ondol
