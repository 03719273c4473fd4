#include "retrieve/sentences.h"

#include <string>

#include <gtest/gtest.h>

#include "retrieve/normal_text.h"

namespace ondol {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> sentences;
  for (const ByteRange& span : sentences_of(text)) sentences.emplace_back(span.of(text));
  return sentences;
}
using Texts = std::vector<std::string>;

TEST(Sentences, EndWhereTheirAuthorEndsThem) {
  EXPECT_EQ(split("One. Two? \"Three!\" Four"), (Texts{"One.", "Two?", "\"Three!\"", "Four"}));
  EXPECT_EQ(split("Dr. Kim paid 3.5 euros, e.g. in Seoul. J. Lee paid No. 7."),
            (Texts{"Dr. Kim paid 3.5 euros, e.g. in Seoul.", "J. Lee paid No. 7."}));
  EXPECT_EQ(split("온돌은 따뜻하다. 방이 넓다! 그런가?"), (Texts{"온돌은 따뜻하다.", "방이 넓다!", "그런가?"}));
  EXPECT_EQ(split("これは本です。それは机です。"), (Texts{"これは本です。", "それは机です。"}));
  EXPECT_EQ(split("Price: 300\nWarranty: 2 years\n- an item\n- another"),
            (Texts{"Price: 300", "Warranty: 2 years", "- an item", "- another"}));
  const std::string wrapped = "A line that was wrapped by an editor at its seventieth column goes\non in the next one.";
  EXPECT_EQ(split(wrapped), (Texts{wrapped}));
  EXPECT_EQ(split("the flow is laminar . it is fast ."), (Texts{"the flow is laminar .", "it is fast ."}));
  EXPECT_TRUE(split(" \n\n ").empty());
  EXPECT_EQ(split("\xFF\xFE. \x80"), (Texts{"\xFF\xFE.", "\x80"}));
}

std::string quoted(const std::string& source, const std::string& quotation) {
  const auto span = find_quotation(NormalText(source), quotation);
  return span ? std::string(span->of(source)) : "(none)";
}

TEST(NormalText, FindsQuotationsByTheirBytes) {
  EXPECT_EQ(quoted("It is  guaranteed\nfor two years.", "guaranteed for two years"), "guaranteed\nfor two years");
  EXPECT_EQ(quoted("he said \xE2\x80\x9Cyes\xE2\x80\x9D \xE2\x80\x94 twice", "\"yes\" - twice"),
            "\xE2\x80\x9Cyes\xE2\x80\x9D \xE2\x80\x94 twice");
  const std::string decomposed = "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\xE1\x84\x80\xE1\x85\xB3\xE1\x86\xAF";  // NFD
  EXPECT_EQ(quoted("x " + decomposed + " y", "한글"), decomposed);
  EXPECT_EQ(quoted("x " + decomposed + " y", "한"), decomposed.substr(0, 9));
  EXPECT_EQ(quoted("caf\x65\xCC\x81 au lait", "caf\xC3\xA9"), "caf\x65\xCC\x81");
  EXPECT_EQ(quoted("\xEF\xBC\xA1\xEF\xBC\xA2 12", "AB 12"), "\xEF\xBC\xA1\xEF\xBC\xA2 12");
  EXPECT_EQ(quoted("zero\xE2\x80\x8Bwidth", "zerowidth"), "zero\xE2\x80\x8Bwidth");
  EXPECT_EQ(quoted("two years", "two years ..."), "two years");
  EXPECT_EQ(quoted("two years", "three years"), "(none)");
  EXPECT_EQ(quoted("two years", " \"...\" "), "(none)");
  EXPECT_EQ(quoted("", "x"), "(none)");
  EXPECT_EQ(quoted("Two Years", "two years"), "(none)");
}

}  // namespace
}  // namespace ondol
