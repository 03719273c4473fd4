// Masks: what may come next, on small vocabularies made by hand. The reference is the definition: a token may come if
// some text of the grammar begins with the text so far and the token.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "tests/text/grammar/vocabulary.h"
#include "text/grammar/token_mask.h"

namespace ondol {
namespace {

using grammar_tests::ids_of;
using grammar_tests::make_tokenizer;

struct Masked {
  std::shared_ptr<const Tokenizer> tokenizer;
  std::shared_ptr<const MaskVocabulary> vocabulary;
};

Masked masked(const std::vector<std::string>& words) {
  Masked out;
  out.tokenizer = make_tokenizer(words);
  out.vocabulary = MaskVocabulary::create(out.tokenizer);
  return out;
}

/// The texts of the tokens that may come next, those that are one byte left out unless asked for; "$" is the end.
std::set<std::string> next(const Masked& m, TokenConstraint& constraint, bool bytes = false) {
  std::set<std::string> out;
  const TokenSet* allowed = constraint.allowed();
  EXPECT_NE(allowed, nullptr);
  for (TokenId id = 0; allowed != nullptr && id < m.tokenizer->vocabulary_size(); ++id) {
    EXPECT_EQ(allowed->contains(id), constraint.allows(id)) << id;
    if (!allowed->contains(id)) continue;
    if (m.tokenizer->ends_generation(id)) {
      out.insert("$");
    } else if (const std::string piece = m.tokenizer->piece(id, true); bytes || piece.size() > 1) {
      out.insert(piece);
    }
  }
  return out;
}

using Texts = std::set<std::string>;

TEST(Mask, FollowsALiteral) {
  const Masked m = masked({"he", "hello", "llo", "low"});
  GrammarBuilder builder;
  const auto grammar = *builder.build(builder.literal("hello"));
  const auto constraint = constrain(grammar, m.vocabulary);
  EXPECT_EQ(next(m, *constraint, true), (Texts{"h", "he", "hello"}));
  EXPECT_FALSE(constraint->is_finished());
  constraint->accept(ids_of(*m.tokenizer, "he"));
  EXPECT_EQ(next(m, *constraint, true), (Texts{"l", "llo"}));
  constraint->accept(ids_of(*m.tokenizer, "llo"));
  EXPECT_EQ(next(m, *constraint, true), (Texts{"$"}));
  EXPECT_TRUE(constraint->is_finished());
}

TEST(Mask, TokensReachOverSeveralParts) {
  const Masked m = masked({"a\"", "\":", "\": \"", "\":\"x", "\"}", "}}"});
  GrammarBuilder b;
  const auto string = *b.regex("\"[^\"]*\"");
  const auto grammar = *b.build(b.sequence({b.literal("{"), string, b.literal(": "), string, b.literal("}")}));
  const auto constraint = constrain(grammar, m.vocabulary);
  for (const char* token : {"{", "\"", "x"}) constraint->accept(ids_of(*m.tokenizer, token));
  EXPECT_EQ(next(m, *constraint), (Texts{"a\"", "\":", "\": \"", "}}"}));
  constraint->accept(ids_of(*m.tokenizer, "\": \""));
  EXPECT_EQ(next(m, *constraint), (Texts{"a\"", "\"}", "}}"}));
}

TEST(Mask, CharactersMayBeSplitOverTokens) {
  // The three bytes of one Hangul syllable, and tokens with halves.
  const Masked m = masked({"\xED\x95", "\x9C", "\x9C\xEA", "\xED\x95\x9C", "\x95\x9C\"", "\xED"});
  GrammarBuilder b;
  const auto grammar = *b.build(*b.regex("\"[가-힣]+\""));
  const auto constraint = constrain(grammar, m.vocabulary);
  constraint->accept(ids_of(*m.tokenizer, "\""));
  EXPECT_EQ(next(m, *constraint), (Texts{"\xED\x95", "\xED\x95\x9C"}));
  constraint->accept(ids_of(*m.tokenizer, "\xED"));
  EXPECT_EQ(next(m, *constraint), (Texts{"\x95\x9C\""}));
  constraint->accept('\x95' & 0xFF);
  EXPECT_TRUE(constraint->allows('\x9C' & 0xFF));
  EXPECT_FALSE(constraint->allows('"'));
  EXPECT_EQ(next(m, *constraint), (Texts{"\x9C\xEA"}));
}

TEST(Mask, SpecialTokensOnlyWhereTheyAreNamed) {
  const Masked m = masked({"<tool", "_call>", "text"});
  GrammarBuilder b;
  const auto grammar = *b.build(b.sequence(
      {b.text_before({"<tool_call>"}), b.optional(b.sequence({b.special("<tool_call>"), b.literal("{}")}))}));
  const auto constraint = constrain(grammar, m.vocabulary);
  const TokenId call = m.tokenizer->find("<tool_call>");
  EXPECT_TRUE(constraint->allows(call));
  EXPECT_FALSE(constraint->allows(m.tokenizer->find("<|im_start|>")));
  EXPECT_EQ(next(m, *constraint), (Texts{"<tool", "_call>", "text", "<tool_call>", "$"}));
  constraint->accept(ids_of(*m.tokenizer, "<tool"));
  // Spelled out, it is neither the marker nor text.
  EXPECT_EQ(next(m, *constraint), (Texts{"<tool", "text", "<tool_call>", "$"}));
  constraint->accept(call);
  EXPECT_EQ(next(m, *constraint, true), (Texts{"{"}));
}

TEST(Mask, SpecialTextsWithoutATokenAreSpelled) {
  const Masked m = masked({"[CA", "LL]"});
  GrammarBuilder b;
  const auto grammar = *b.build(b.sequence({b.special("[CALL]"), b.literal("x")}));
  const auto constraint = constrain(grammar, m.vocabulary);
  EXPECT_EQ(next(m, *constraint), (Texts{"[CA"}));
}

TEST(Mask, NothingIsMaskedWhereEverythingMayCome) {
  const Masked m = masked({"text"});
  GrammarBuilder b;
  const auto grammar = *b.build(b.sequence({b.literal("go"), b.text_before({})}));
  const auto constraint = constrain(grammar, m.vocabulary);
  EXPECT_NE(constraint->allowed(), nullptr);
  constraint->accept('g');
  EXPECT_NE(constraint->allowed(), nullptr);
  constraint->accept('o');
  EXPECT_EQ(constraint->allowed(), nullptr);
  EXPECT_FALSE(constraint->is_finished());
  for (TokenId id = 0; id < m.tokenizer->vocabulary_size(); ++id) EXPECT_TRUE(constraint->allows(id));
  // A control token, which is no text, changes nothing; the end ends.
  constraint->accept(m.tokenizer->find("<|im_start|>"));
  EXPECT_EQ(constraint->allowed(), nullptr);
  constraint->accept(m.tokenizer->eos());
  EXPECT_TRUE(constraint->is_finished());
  EXPECT_TRUE(constraint->allows(m.tokenizer->eos()));
  EXPECT_FALSE(constraint->allows('x'));
}

TEST(Mask, TextThatMustBeUtf8IsNotEverything) {
  const Masked m = masked({"text"});
  GrammarBuilder b;
  const auto grammar = *b.build(b.text_before({"STOP"}));
  const auto constraint = constrain(grammar, m.vocabulary);
  ASSERT_NE(constraint->allowed(), nullptr);
  EXPECT_FALSE(constraint->allows(0x80));
  EXPECT_TRUE(constraint->allows(m.tokenizer->eos()));
}

TEST(Mask, AnEndingTokenMayBeNamed) {
  const Masked m = masked({});
  GrammarBuilder b;
  const auto grammar = *b.build(b.sequence({b.literal("a"), b.special("<|im_end|>"), b.literal("b")}));
  const auto constraint = constrain(grammar, m.vocabulary);
  constraint->accept('a');
  EXPECT_EQ(next(m, *constraint, true), (Texts{"$"}));
  constraint->accept(m.tokenizer->eos());
  EXPECT_EQ(next(m, *constraint, true), (Texts{"b"}));
}

TEST(Mask, ManyTextsShareAGrammar) {
  const Masked m = masked({"\"a", "\",", ", \"", "\"]"});
  const auto grammar = *grammar_from_json_schema(*parse_json(R"({"type": "array", "items": {"type": "string"}})"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const auto constraint = constrain(grammar, m.vocabulary);
        for (const char* token : {"[", "\"a", "b", "\",", " ", "\"a", "\"]"}) {
          const TokenId id = ids_of(*m.tokenizer, token);
          ASSERT_TRUE(constraint->allowed()->contains(id)) << token;
          constraint->accept(id);
        }
        ASSERT_TRUE(constraint->is_finished());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void repeat(const Masked& m, TokenConstraint& constraint, const std::vector<std::string>& words, int n) {
  for (int i = 0; i < n; ++i) {
    for (const std::string& word : words) {
      const TokenId token = ids_of(*m.tokenizer, word);
      ASSERT_TRUE(constraint.allows(token)) << word << " in round " << i;
      constraint.accept(token);
    }
  }
}

/// Behind the quote that begins a string of anything.
std::unique_ptr<TokenConstraint> in_quotes(const Masked& m) {
  GrammarBuilder b;
  auto constraint = constrain(*b.build(*b.regex("\"[^\"]*\"")), m.vocabulary);
  constraint->accept(ids_of(*m.tokenizer, "\""));
  return constraint;
}

/// The same in the only member of an object; {"a":" must be a token.
std::unique_ptr<TokenConstraint> in_member(const Masked& m) {
  const json::value schema = *parse_json(R"({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})");
  auto constraint = constrain(*grammar_from_json_schema(schema), m.vocabulary);
  constraint->accept(ids_of(*m.tokenizer, "{\"a\":\""));
  return constraint;
}

TEST(Mask, LeadsOutOfAStringThatGoesRoundForEver) {
  const Masked m = masked({"{\"a\":\"", "so", " on", "\"}", "on\"}"});
  const auto constraint = in_member(m);
  repeat(m, *constraint, {"so", " on"}, 129);
  EXPECT_EQ(next(m, *constraint), (Texts{"\"}", "on\"}"}));
  EXPECT_FALSE(constraint->allows(ids_of(*m.tokenizer, "x")));
  constraint->accept(ids_of(*m.tokenizer, "\"}"));
  EXPECT_TRUE(constraint->is_finished());
}

TEST(Mask, LeadsOutOfAStringThatSaysTheSameWithSmallChanges) {
  const Masked m = masked({"{\"a\":\"", "Is", " there", " more", "?", " for", " you", "\"}"});
  const auto constraint = in_member(m);
  int n = 0;
  for (int round = 0; constraint->allows(ids_of(*m.tokenizer, "Is")) && round < 200; ++round) {
    std::vector<std::string> words = {"Is", " there", " more", "?"};
    if (round % 7 == 3 || round % 5 == 1) words.insert(words.begin() + 3, {" for", " you"});
    for (const std::string& word : words) {
      const TokenId token = ids_of(*m.tokenizer, word);
      if (!constraint->allows(token)) break;
      constraint->accept(token);
      ++n;
    }
  }
  EXPECT_GE(n, 384);
  EXPECT_LT(n, 420);
  EXPECT_EQ(next(m, *constraint), (Texts{"\"}"}));
  constraint->accept(ids_of(*m.tokenizer, "\"}"));
  EXPECT_TRUE(constraint->is_finished());
}

TEST(Mask, LetsTablesAndAnswersOfTwoKindsBe) {
  const Masked m = masked({"row", " has"});
  const auto table = in_quotes(m);
  for (int i = 0; i < 200; ++i) {
    repeat(m, *table, {"row", std::string(1, static_cast<char>('A' + i % 26)), std::string(1, static_cast<char>('a' + i / 26)),
                       " has", std::string(1, static_cast<char>('0' + i * 7 % 10)), "\n"}, 1);
  }
  const auto bits = in_quotes(m);
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) repeat(m, *bits, {random() % 2 == 0 ? "1" : "0", random() % 3 == 0 ? "\n" : ","}, 1);
}

TEST(Mask, LetsListsOfTruthsBe) {
  const Masked m = masked({"true", "false", ","});
  const json::value schema = *parse_json(R"({"type": "array", "items": {"type": "boolean"}})");
  const auto constraint = constrain(*grammar_from_json_schema(schema), m.vocabulary);
  constraint->accept(ids_of(*m.tokenizer, "["));
  std::mt19937 random(1);
  for (int i = 0; i < 400; ++i) repeat(m, *constraint, {random() % 2 == 0 ? "true" : "false", ","}, 1);
}

TEST(Mask, LetsLongRowsBe) {
  const Masked m = masked({"--", "so"});
  const auto constraint = in_quotes(m);
  repeat(m, *constraint, {"--"}, 250);
  repeat(m, *constraint, {"so"}, 250);
  EXPECT_TRUE(constraint->allows(ids_of(*m.tokenizer, "--")));
  EXPECT_TRUE(constraint->allows(ids_of(*m.tokenizer, "so")));
}

TEST(Mask, LetsFieldsOfZerosBe) {
  const Masked m = masked({"0,", "0,\n"});
  const auto constraint = in_quotes(m);
  std::vector<std::string> row(19, "0,");
  row.push_back("0,\n");
  repeat(m, *constraint, row, 20);
}

TEST(Mask, GoesRoundWhereThereIsNoOtherWay) {
  const Masked m = masked({"so"});
  GrammarBuilder b;
  const auto constraint = constrain(*b.build(*b.regex("(so)*!")), m.vocabulary);
  repeat(m, *constraint, {"so"}, 257);
  EXPECT_EQ(next(m, *constraint, true), (Texts{"!", "s"}));
  const auto only = constrain(*b.build(*b.regex("(so){500}")), m.vocabulary);
  repeat(m, *only, {"so"}, 500);
  EXPECT_TRUE(only->is_finished());
}

TEST(Mask, TextThatMayEndGoesRoundAsLongAsItLikes) {
  const Masked m = masked({"so"});
  GrammarBuilder b;
  const auto constraint = constrain(*b.build(*b.regex("[a-z]*")), m.vocabulary);
  repeat(m, *constraint, {"so"}, 1000);
}

}  // namespace
}  // namespace ondol
