#include "retrieve/highlights.h"

#include <string>

#include <gtest/gtest.h>

namespace ondol {
namespace {

std::string marked(std::string_view text, std::string_view question) {
  std::string out;
  size_t at = 0;
  for (const ByteRange& range : highlights(text, question)) {
    EXPECT_LE(at, range.start);
    EXPECT_LT(range.start, range.end);
    out += std::string(text.substr(at, range.start - at)) + "<" + std::string(range.of(text)) + ">";
    at = range.end;
  }
  return out + std::string(text.substr(at));
}

TEST(Highlights, AreWordsInAllTheirForms) {
  EXPECT_EQ(marked("Warranties are long. The café's WARRANTY.", "how long is the warranty of a cafe"),
            "<Warranties> are <long>. The <café>'s <WARRANTY>.");
  EXPECT_EQ(marked("nothing of it", "the of it"), "nothing of it");
  EXPECT_EQ(marked("", "word"), "");
  EXPECT_EQ(marked("word", ""), "word");
}

TEST(Highlights, ArePairsOfCharactersWhateverFollows) {
  EXPECT_EQ(marked("온돌방의 보증기간은 2년이다. 보일러는 다르다.", "보증 기간"),
            "온돌방의 <보증기간>은 2년이다. 보일러는 다르다.");
  EXPECT_EQ(marked("따뜻한 온돌방", "온돌방"), "따뜻한 <온돌방>");
  EXPECT_EQ(marked("물을 마신다. 식물", "물"), "<물>을 마신다. 식물");
}

TEST(Highlights, OfBrokenTextLieWithinIt) {
  const std::string text = "word \xff\xf0 word\xe0";
  for (const ByteRange& range : highlights(text, "word \xff")) EXPECT_LE(range.end, text.size());
  EXPECT_EQ(highlights(text, "word").size(), 2u);
}

}  // namespace
}  // namespace ondol
