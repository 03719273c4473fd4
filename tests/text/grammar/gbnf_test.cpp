// GBNF, regular expressions and the parts of GrammarBuilder: which texts they have.
#include <gtest/gtest.h>

#include <sstream>

#include "base/files.h"
#include "tests/text/grammar/json_text.h"
#include "tests/text/grammar/vocabulary.h"
#include "text/grammar/token_mask.h"

namespace ondol {
namespace {

using grammar_tests::accepts;

struct Case {
  const char* grammar;
  std::vector<std::string> texts;
  std::vector<std::string> others;
};

TEST(Gbnf, Texts) {
  const Case cases[] = {
      {"root ::= \"a\" | \"b\" \"c\"", {"a", "bc"}, {"", "b", "ac", "abc"}},
      {"root ::= [a-c]+ [^a-c\\n]? # comment\n", {"a", "abcx", "b한"}, {"", "x", "a\n"}},
      {"root ::= \"\\x41\\u00e9\\U0001F600\\\"\\\\\\t\"", {"A\u00e9\U0001F600\"\\\t"}, {"A"}},
      {"root ::= [\\]\\-\\\\^]{2}", {"]-", "\\^"}, {"]", "a]"}},
      {"root ::= x{2} y{1,} z{0,2}\nx ::= \"x\"\ny ::= \"y\"\nz ::= \"z\"", {"xxy", "xxyyyzz"}, {"xy", "xx", "xxyzzz"}},
      {"root ::= (\n  \"a\" # one\n  | \"b\"\n)* \"c\"", {"c", "abac"}, {"ab", "cc"}},
      {"root ::=\n  \"a\" |\n  \"b\"\nother ::= \"x\"", {"a", "b"}, {"x"}},
      {"root ::= a-b c_d E9\na-b ::= \"1\"\nc_d ::= \"2\"\nE9 ::= \"3\"", {"123"}, {"12"}},
      {"root ::= \"(\" root \")\" | \"x\"", {"x", "((x))"}, {"((x)", "()", "(x))"}},
      {"root ::= expr\nexpr ::= term (\"+\" term)*\nterm ::= \"(\" expr \")\" | [0-9]+",
       {"1+(2+3)+44"},
       {"1+", "(1", "+1"}},
      {"root ::= . .", {"ab", "한글", "\n\n"}, {"a", "abc", "\xED\x95"}},
      {"root ::= \"\" | \"a\" root \"b\"", {"", "ab", "aabb"}, {"aab", "ba"}},
      // Both readings of every a at once: stacks must not multiply.
      {"root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"\"",
       {"", "aabc", "aaaaaaaaaaaaaaaaaaaaaaaabcbcbcbcbcbcbcbcbcbcbcbc"},
       {"aab"}},
      {"root ::= (\"a\"? \"a\"?){3} \"b\"", {"b", "aaaaaab"}, {"aaaaaaab"}},
      {"root ::= x? x? y\nx ::= y? \"x\"\ny ::= \"y\" | \"\"", {"", "xyxy", "x"}, {"xxx"}},
      {"root ::= <think> [a-z]* </think>", {"<think>ab</think>"}, {"ab"}},
  };
  for (const Case& c : cases) {
    const auto grammar = grammar_from_gbnf(c.grammar);
    ASSERT_TRUE(grammar) << c.grammar << ": " << grammar.error().message();
    for (const std::string& text : c.texts) EXPECT_TRUE(accepts(*grammar, text)) << c.grammar << ": " << text;
    for (const std::string& text : c.others) EXPECT_FALSE(accepts(*grammar, text)) << c.grammar << ": " << text;
  }
}

TEST(Gbnf, ErrorsNameThePlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "expected a rule 'root'"},
      {"a ::= \"x\"", "expected a rule 'root'"},
      {"root ::= \"a\nb", "line 2, column 2: a text has no end"},
      {"root ::= [a-", "'[' without ']'"},
      {"root ::= (\"a\"", "line 1, column 14: expected ')'"},
      {"root ::= \"a\" \"b\" )", "line 1, column 18: unexpected ')'"},
      {"root = \"a\"", "line 1, column 6: expected '::='"},
      {"root ::= x", "line 1, column 10: there is no rule 'x'"},
      {"root ::= \"a\"\nroot ::= \"b\"", "'root' is defined twice"},
      {"root ::= \"\\q\"", "'\\q' is no escape"},
      {"root ::= \"a\"{3,2}", "out of order"},
      {"root ::= \"a\"{99999999999}", "numbers above 1000000 are refused"},
      {"root ::= e \"x\"\ne ::= e \"+\" \"x\" | \"x\"", "'e' can begin with itself"},
      {"root ::= a\na ::= o a \"x\" | \"y\"\no ::= \"o\"?", "'a' can begin with itself"},
      {"root ::= root", "'root' is defined by itself"},
      {"root ::= \"a\" root", "no text matches"},
      {"root ::= \"\\uD800\"", "not a character"},
      {"root ::= * \"a\"", "unexpected '*'"},
  };
  for (const auto& [text, message] : cases) {
    const auto grammar = grammar_from_gbnf(text);
    ASSERT_FALSE(grammar) << text;
    EXPECT_NE(grammar.error().message().find(message), std::string::npos) << text << ": " << grammar.error().message();
  }
}

TEST(Gbnf, TokensByNameAndNumber) {
  const auto tokenizer = grammar_tests::make_tokenizer({"ab"});
  const auto vocabulary = MaskVocabulary::create(tokenizer);
  const TokenId call = tokenizer->find("<tool_call>");
  const std::string text = fmt::format("root ::= <tool_call> !<[{}]>{{2}} <[65]>", call);
  const auto constraint = constrain(*grammar_from_gbnf(text), vocabulary);
  EXPECT_FALSE(constraint->allows('A'));
  constraint->accept(call);
  for (int i = 0; i < 2; ++i) {
    const TokenSet* allowed = constraint->allowed();
    EXPECT_FALSE(allowed->contains(call));
    EXPECT_FALSE(allowed->contains(tokenizer->eos()));
    EXPECT_TRUE(allowed->contains(tokenizer->find("<|im_start|>")));
    EXPECT_TRUE(constraint->allows(grammar_tests::ids_of(*tokenizer, "ab")));
    constraint->accept(grammar_tests::ids_of(*tokenizer, "ab"));
  }
  EXPECT_TRUE(constraint->allows(65));
  EXPECT_FALSE(constraint->allows(66));
  constraint->accept(65);
  EXPECT_TRUE(constraint->is_finished());
}

TEST(RegexGrammar, GoldenVerdicts) {
  std::istringstream lines(*read_file(ONDOL_SOURCE_DIR "/tests/golden/grammar/regex.jsonl"));
  int n_texts = 0;
  for (std::string line; std::getline(lines, line);) {
    const json::value golden = *parse_json(line);
    const json::value& pattern = golden.at("pattern");
    const auto whole = grammar_from_regex(pattern.get_string());
    ASSERT_TRUE(whole) << pattern << ": " << whole.error().message();
    const auto searched = grammar_from_json_schema(json::object{{"type", "string"}, {"pattern", pattern}});
    ASSERT_TRUE(searched) << pattern;
    for (const json::value& test : golden.at("tests").get_array()) {
      const std::string_view text = test.at(0).get_string();
      EXPECT_EQ(accepts(*whole, text), test.at(1).get_bool()) << pattern << ": " << text;
      EXPECT_EQ(accepts(*searched, grammar_tests::python_string(text, true)), test.at(2).get_bool())
          << pattern << ": " << text;
      ++n_texts;
    }
  }
  EXPECT_GT(n_texts, 40);
}

TEST(RegexGrammar, UnicodeAndCounts) {
  const auto hangul = *grammar_from_regex("\\p{Script=Hangul}{2,3}\\u{1F600}?");
  EXPECT_TRUE(accepts(hangul, "한국"));
  EXPECT_TRUE(accepts(hangul, "한국어😀"));
  EXPECT_FALSE(accepts(hangul, "한"));
  EXPECT_FALSE(accepts(hangul, "한a"));
  const auto counted = *grammar_from_regex("(a|b{2}){0,100000}c");
  EXPECT_TRUE(accepts(counted, "abbac"));
  EXPECT_FALSE(accepts(counted, "abc"));
  for (const char* pattern : {"a**", "(", ")", "[b-a]", "a{2,1}", "\\", "\\p{Nonsense}", "(?i)a", "\\1", "(?<!a)b"}) {
    EXPECT_FALSE(grammar_from_regex(pattern)) << pattern;
  }
}

TEST(GrammarBuilder, FreeTextEndsAtMarkers) {
  GrammarBuilder b;
  const auto text = b.text_before({"<call>", "STOP"});
  const auto grammar = *b.build(b.sequence({text, b.choice({b.literal("<call>x"), b.literal("")})}));
  for (const char* good : {"", "a < b <cal", "<call>x", "한글 STO<call>x"}) EXPECT_TRUE(accepts(grammar, good)) << good;
  for (const char* bad : {"<call>", "a<call>y", "STOP", "a STOP b", "\xED\x95"})
    EXPECT_FALSE(accepts(grammar, bad)) << bad;
}

TEST(GrammarBuilder, GrammarsAreParts) {
  GrammarBuilder b;
  const auto objects = b.grammar(grammar_of_json_objects());
  const auto again = b.grammar(*grammar_from_gbnf("root ::= \"(\" root \")\" | \"x\""));
  const auto list = b.forward();
  b.define(list, b.choice({objects, b.sequence({again, b.literal(","), list})}));
  const auto grammar = *b.build(list);
  EXPECT_TRUE(accepts(grammar, "((x)),x,{\"a\": 1}"));
  EXPECT_FALSE(accepts(grammar, "x,x"));
}

TEST(GrammarBuilder, Fails) {
  GrammarBuilder b;
  const auto open = b.forward();
  EXPECT_FALSE(b.build(open));
  b.define(open, b.sequence({b.literal("a"), open}));
  EXPECT_FALSE(b.build(open));
}

}  // namespace
}  // namespace ondol
