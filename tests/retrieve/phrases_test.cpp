#include "retrieve/phrases.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "retrieve/document_store.h"
#include "retrieve/plain_text.h"

namespace ondol {
namespace {

TEST(Phrases, AreFoundWhateverTheirForm) {
  const auto found = [](std::string_view text, std::string_view question) {
    return has_phrases(text, phrases_of(question));
  };
  EXPECT_TRUE(found("The Red\n  Fox ran.", "\"red fox\""));
  EXPECT_FALSE(found("The fox was red.", "\"red fox\""));
  EXPECT_FALSE(found("The red foxes ran.", "\"red fox\""));
  EXPECT_TRUE(found("red foxes and a red fox", "who saw \"red fox\""));
  EXPECT_TRUE(found("온돌방의 보증 기간은 2년", "\xE2\x80\x9C보증 기간\xE2\x80\x9D"));
  EXPECT_FALSE(found("red fox", "\"red fox\" \"blue fox\""));
  EXPECT_TRUE(found("anything", "an \"open mark"));
  EXPECT_TRUE(found("anything", "\"\" \" \""));
}

TEST(Phrases, LimitASearch) {
  DocumentStore store = DocumentStore::open(":memory:").value();
  for (int i = 0; i < 100; ++i) {
    DocumentRecord record;
    record.path = fmt::format("{:02}", i);
    const char* text = i == 57 ? "of foxes, a red fox is one" : "fox fox red red, a fox that is red";
    ASSERT_TRUE(store.put(record, read_plain_text(text)));
  }
  ASSERT_TRUE(store.commit());
  const auto hits = store.search("\"a red fox\"").value();
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(hits[0].path, "57");
  EXPECT_EQ(store.search("red fox").value().size(), 10u);
}

}  // namespace
}  // namespace ondol
