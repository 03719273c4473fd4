// What every tokenizer promises, on vocabularies made here by hand.
#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <thread>

#include "text/gguf_vocabulary.h"
#include "text/tokenizer_spec.h"

namespace ondol {
namespace {

using Ids = std::vector<TokenId>;

std::shared_ptr<const Tokenizer> create(GgufVocabulary vocabulary) {
  auto spec = make_tokenizer_spec(std::move(vocabulary));
  EXPECT_TRUE(spec) << spec.error().message();
  if (!spec) return nullptr;
  auto tokenizer = Tokenizer::create(std::move(*spec));
  EXPECT_TRUE(tokenizer) << tokenizer.error().message();
  return tokenizer ? *tokenizer : nullptr;
}

void add(GgufVocabulary& vocabulary, const std::string& text, int type = 1, float score = 0) {
  vocabulary.tokens.push_back(text);
  vocabulary.token_types.push_back(type);
  vocabulary.scores.push_back(score);
}

/// The 256 bytes (ids 0 to 255), some merges, and special tokens.
GgufVocabulary byte_vocabulary(const std::string& pre = "qwen2") {
  GgufVocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = pre;
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    const int code = printable ? byte : next++;
    std::string text;
    if (code < 0x80) {
      text = std::string(1, static_cast<char>(code));
    } else {
      text = {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
    }
    add(vocabulary, text);
  }
  for (const char* merged : {"he", "ll", "hell", "hello"}) add(vocabulary, merged);  // 256 to 259
  vocabulary.merges = {"h e", "l l", "he ll", "hell o"};
  add(vocabulary, "<|im_start|>", 3);  // 260
  add(vocabulary, "<|im_end|>", 3);    // 261
  add(vocabulary, "<think>", 4);       // 262
  vocabulary.eos = 261;
  return vocabulary;
}

TEST(Tokenizer, MergesByRank) {
  const auto tokenizer = create(byte_vocabulary());
  EXPECT_EQ(tokenizer->encode("hello", false, SpecialTokens::kParse), (Ids{259}));
  EXPECT_EQ(tokenizer->encode("hell", false, SpecialTokens::kParse), (Ids{258}));
  EXPECT_EQ(tokenizer->encode("llo", false, SpecialTokens::kParse), (Ids{257, 'o'}));
  EXPECT_EQ(tokenizer->encode("", true, SpecialTokens::kParse), Ids{});
  EXPECT_EQ(tokenizer->find("hell"), 258);
  EXPECT_EQ(tokenizer->find("hellp"), kNoToken);
  EXPECT_EQ(tokenizer->token_text(258), "hell");
  EXPECT_EQ(tokenizer->token_text(9999), "");
}

TEST(Tokenizer, LongWordsMergeAsShortOnesDo) {
  const auto tokenizer = create(byte_vocabulary());
  std::string text;
  Ids want;
  for (int i = 0; i < 100; ++i) {
    text += "hello";
    want.push_back(259);
  }
  EXPECT_EQ(tokenizer->encode(text, false, SpecialTokens::kParse), want);
}

TEST(Tokenizer, SpecialTokensOnlyWhereTheyAreAskedFor) {
  const auto tokenizer = create(byte_vocabulary());
  EXPECT_EQ(tokenizer->encode("<|im_start|>hello<|im_end|><think>", false, SpecialTokens::kParse),
            (Ids{260, 259, 261, 262}));
  const Ids plain = tokenizer->encode("<|im_start|>hello<|im_end|><think>", false, SpecialTokens::kAsPlainText);
  EXPECT_EQ(plain.back(), 262);  // user-defined tokens are ordinary text
  for (const TokenId id : plain) EXPECT_FALSE(tokenizer->is_control(id));
  EXPECT_EQ(tokenizer->decode(plain), "<|im_start|>hello<|im_end|><think>");
}

TEST(Tokenizer, PiecesOfControlTokensShowOnRequest) {
  const auto tokenizer = create(byte_vocabulary());
  EXPECT_EQ(tokenizer->piece(261), "");
  EXPECT_EQ(tokenizer->piece(261, true), "<|im_end|>");
  EXPECT_EQ(tokenizer->piece(262), "<think>");
  EXPECT_EQ(tokenizer->piece(-1), "");
  EXPECT_EQ(tokenizer->piece(263), "");
  const Ids ids = {260, 259, 261};
  EXPECT_EQ(tokenizer->decode(ids), "hello");
  EXPECT_EQ(tokenizer->decode(ids, true), "<|im_start|>hello<|im_end|>");
}

TEST(Tokenizer, EveryByteStringComesBack) {
  const auto tokenizer = create(byte_vocabulary());
  for (const std::string& text : {std::string("\xFF\xFE"), std::string("a\x80z\xED\xA0\x80"), std::string("\0x\0", 3),
                                  std::string("\xED\x95"), std::string("\xF0\x9F\x98\x80\xF0\x9F")}) {
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text, false, SpecialTokens::kParse)), text);
  }
}

TEST(Tokenizer, StreamNeverGivesHalfACharacter) {
  const auto tokenizer = create(byte_vocabulary());
  const std::string text = "\uC628\uB3CC \U0001F468\u200D\U0001F469 ok";
  StreamDecoder decoder(*tokenizer);
  std::string out;
  size_t n_waiting = 0;
  for (const TokenId id : tokenizer->encode(text, false, SpecialTokens::kParse)) {
    const std::string part = decoder.push(id);
    n_waiting += part.empty();
    out += part;
  }
  EXPECT_EQ(out, text);
  EXPECT_GT(n_waiting, 10u);
  EXPECT_EQ(decoder.finish(), "");
  // An unfinished character becomes U+FFFD at the end, an impossible one at once.
  EXPECT_EQ(decoder.push(0xED), "");
  EXPECT_EQ(decoder.finish(), "\uFFFD");
  EXPECT_EQ(decoder.push(0xED), "");
  EXPECT_EQ(decoder.push('a'), "\uFFFDa");
}

TEST(Tokenizer, EndsOfGeneration) {
  GgufVocabulary vocabulary = byte_vocabulary();
  add(vocabulary, "<|endoftext|>", 3);  // 263: known by its text
  add(vocabulary, "<|eot_id|>", 1);     // 264: and even if the file forgot that it is a control token
  const auto tokenizer = create(std::move(vocabulary));
  EXPECT_EQ(tokenizer->eos(), 261);
  EXPECT_EQ(tokenizer->bos(), kNoToken);
  EXPECT_FALSE(tokenizer->adds_bos());
  for (const TokenId id : {261, 263, 264}) EXPECT_TRUE(tokenizer->ends_generation(id)) << id;
  for (const TokenId id : {0, 260, 262, -1, 999}) EXPECT_FALSE(tokenizer->ends_generation(id)) << id;
  EXPECT_TRUE(tokenizer->is_control(264));
}

TEST(Tokenizer, HarmonyMessagesEndWithoutEndingGeneration) {
  GgufVocabulary vocabulary = byte_vocabulary("gpt-4o");
  for (const char* text : {"<|return|>", "<|call|>", "<|end|>"}) add(vocabulary, text, 3);  // 263 to 265
  vocabulary.eos = 263;
  const auto tokenizer = create(std::move(vocabulary));
  EXPECT_TRUE(tokenizer->ends_generation(263));
  EXPECT_TRUE(tokenizer->ends_generation(264));
  EXPECT_FALSE(tokenizer->ends_generation(265));
}

TEST(Tokenizer, EncodesFromSeveralThreads) {
  const auto tokenizer = create(byte_vocabulary());
  const std::string text = "hello <|im_end|> \uC628\uB3CC hello hello 123";
  const Ids want = tokenizer->encode(text, false, SpecialTokens::kParse);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) count += tokenizer->encode(text, false, SpecialTokens::kParse) != want;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

GgufVocabulary scored_vocabulary() {
  GgufVocabulary vocabulary;
  vocabulary.model = "llama";
  add(vocabulary, "<unk>", 2);
  add(vocabulary, "<s>", 3);
  add(vocabulary, "</s>", 3);
  const char* hex = "0123456789ABCDEF";
  for (int byte = 0; byte < 256; ++byte)
    add(vocabulary, {'<', '0', 'x', hex[byte / 16], hex[byte % 16], '>'}, 6);  // 3 to 258
  const std::string space = "\u2581";
  add(vocabulary, space, 1, -10);       // 259
  add(vocabulary, "a", 1, -11);         // 260
  add(vocabulary, "b", 1, -12);         // 261
  add(vocabulary, "ab", 1, -2);         // 262
  add(vocabulary, space + "a", 1, -1);  // 263
  add(vocabulary, "ba", 5, -0.5F);      // 264: unused
  add(vocabulary, "bab", 1, -0.25F);    // 265
  return vocabulary;
}

TEST(ScoredBpe, BestScoreFirstWithBytesForTheRest) {
  const auto tokenizer = create(scored_vocabulary());
  EXPECT_EQ(tokenizer->encode("ab", false, SpecialTokens::kParse), (Ids{263, 261}));  // U+2581 a is better than ab
  EXPECT_EQ(tokenizer->encode("ab", true, SpecialTokens::kParse), (Ids{1, 263, 261}));
  EXPECT_EQ(tokenizer->encode("\uC628", false, SpecialTokens::kParse), (Ids{259, 3 + 0xEC, 3 + 0x98, 3 + 0xA8}));
  EXPECT_EQ(tokenizer->encode("\xFF", false, SpecialTokens::kParse), (Ids{3 + 0xFF}));
  EXPECT_EQ(tokenizer->encode("a<s>a", false, SpecialTokens::kParse), (Ids{263, 1, 263}));
  EXPECT_EQ(tokenizer->decode(Ids{1, 263, 263}), "a a");
  EXPECT_EQ(tokenizer->piece(263), " a");
  EXPECT_TRUE(tokenizer->adds_bos());
}

TEST(ScoredBpe, UnusedTokensHelpMergingButAreTakenApart) {
  const auto tokenizer = create(scored_vocabulary());
  EXPECT_EQ(tokenizer->encode("bab", false, SpecialTokens::kParse), (Ids{259, 265}));
  EXPECT_EQ(tokenizer->encode("ba", false, SpecialTokens::kParse), (Ids{259, 261, 260}));
}

TEST(ScoredBpe, WithoutSpacePrefix) {
  GgufVocabulary vocabulary = scored_vocabulary();
  vocabulary.add_space_prefix = false;
  vocabulary.add_bos = false;
  vocabulary.add_eos = true;
  const auto tokenizer = create(std::move(vocabulary));
  EXPECT_EQ(tokenizer->encode("ab", true, SpecialTokens::kParse), (Ids{262, 2}));
  EXPECT_EQ(tokenizer->decode(Ids{263}), " a");
}

TEST(WordPiece, GgufMarksWordStarts) {
  GgufVocabulary vocabulary;
  vocabulary.model = "bert";
  for (const char* special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}) add(vocabulary, special, special[1] == 'U' ? 2 : 3);
  for (const char* piece : {"\u2581un", "believ", "able", "\u2581.", "\u2581cafe", "\u2581\u6F22"})
    add(vocabulary, piece);
  vocabulary.cls = 2;
  vocabulary.sep = 3;
  vocabulary.unk = 1;
  const auto tokenizer = create(std::move(vocabulary));
  EXPECT_EQ(tokenizer->encode("Unbelievable Caf\u00E9.", true, SpecialTokens::kParse), (Ids{2, 4, 5, 6, 8, 7, 3}));
  EXPECT_EQ(tokenizer->encode("x\u6F22", false, SpecialTokens::kParse), (Ids{1, 9}));
  EXPECT_EQ(tokenizer->decode(Ids{4, 5, 6, 8, 7}), "unbelievable cafe.");
}

TEST(WordPiece, UnknownWordsGiveTheUnknownTokenEvenIfTheFileCallsItControl) {
  GgufVocabulary vocabulary;
  vocabulary.model = "bert";
  for (const char* special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}) add(vocabulary, special, 3);
  add(vocabulary, "\u2581a");
  vocabulary.cls = 2;
  vocabulary.sep = 3;
  vocabulary.unk = 1;
  const auto tokenizer = create(std::move(vocabulary));
  EXPECT_EQ(tokenizer->encode("a b a", false, SpecialTokens::kAsPlainText), (Ids{4, 1, 4}));
  EXPECT_FALSE(tokenizer->is_control(1));
}

TEST(Tokenizer, UnknownTextNeverEndsAText) {
  TokenizerSpec spec;
  for (const char* text : {"<|endoftext|>", "a"}) {
    spec.vocabulary.push_back({});
    spec.vocabulary.back().text = text;
  }
  spec.eos = spec.unk = 0;
  const auto tokenizer = Tokenizer::create(std::move(spec));
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ((*tokenizer)->encode("a?a", false, SpecialTokens::kAsPlainText), (Ids{1, 1}));
}

TEST(Unigram, BestSumOfScores) {
  GgufVocabulary vocabulary;
  vocabulary.model = "t5";
  add(vocabulary, "<pad>", 3);
  add(vocabulary, "</s>", 3);
  add(vocabulary, "<unk>", 2);
  add(vocabulary, "\u2581", 1, -3);    // 3
  add(vocabulary, "\u2581ab", 1, -9);  // 4
  add(vocabulary, "a", 1, -2);         // 5
  add(vocabulary, "b", 1, -2.5F);      // 6
  add(vocabulary, "abc", 1, -4);       // 7
  const auto tokenizer = create(std::move(vocabulary));
  EXPECT_EQ(tokenizer->encode("ab", true, SpecialTokens::kParse), (Ids{3, 5, 6, 1}));  // -7.5 beats -9
  EXPECT_EQ(tokenizer->encode("abc", false, SpecialTokens::kParse), (Ids{3, 7}));
  EXPECT_EQ(tokenizer->encode("axyb", false, SpecialTokens::kParse), (Ids{3, 5, 2, 6}));  // one unknown for both
  EXPECT_EQ(tokenizer->encode("</s>", false, SpecialTokens::kAsPlainText), (Ids{3, 2}));
}

TEST(GgufVocabulary, RefusesWhatContradictsItself) {
  const auto message = [](GgufVocabulary vocabulary) {
    const auto spec = make_tokenizer_spec(std::move(vocabulary));
    return spec ? std::string() : spec.error().message();
  };
  EXPECT_NE(message({}).find("empty"), std::string::npos);
  GgufVocabulary vocabulary = byte_vocabulary("unheard-of");
  EXPECT_NE(message(vocabulary).find("unheard-of"), std::string::npos);
  vocabulary = byte_vocabulary();
  vocabulary.scores.pop_back();
  EXPECT_NE(message(vocabulary).find("scores"), std::string::npos);
  vocabulary = byte_vocabulary();
  vocabulary.merges.push_back("nospace");
  EXPECT_NE(message(vocabulary).find("nospace"), std::string::npos);
  vocabulary = byte_vocabulary();
  vocabulary.model = "rwkv";
  EXPECT_NE(message(vocabulary).find("rwkv"), std::string::npos);
  vocabulary = byte_vocabulary();
  vocabulary.eos = 1 << 30;
  EXPECT_EQ(message(vocabulary), "");  // an id out of range is none
}

TEST(Tokenizer, CreateRefusesIdsOutOfRange) {
  TokenizerSpec spec;
  EXPECT_FALSE(Tokenizer::create(spec));
  spec.vocabulary.push_back({});
  spec.eos = 1;
  EXPECT_FALSE(Tokenizer::create(spec));
  spec.eos = kNoToken;
  spec.prefix = {-1};
  EXPECT_FALSE(Tokenizer::create(spec));
  spec.prefix.clear();
  AddedToken token;
  token.id = 7;
  spec.added_tokens.push_back(token);
  EXPECT_FALSE(Tokenizer::create(spec));
}

}  // namespace
}  // namespace ondol
