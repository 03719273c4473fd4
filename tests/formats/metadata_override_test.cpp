// Metadata by hand: each type, what is none, and what was there.
#include "formats/metadata_override.h"

#include <gtest/gtest.h>

namespace ondol {
namespace {

template <typename Value>
void expect(const std::string& text, const std::string& key, const Value& value) {
  const auto parsed = parse_metadata_override(text);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
  EXPECT_EQ(parsed->first, key);
  ASSERT_TRUE(std::holds_alternative<Value>(parsed->second.value)) << text;
  EXPECT_EQ(std::get<Value>(parsed->second.value), value);
}

TEST(MetadataOverride, HasTheTypeThatItSays) {
  expect("llama.context_length=int:2048", "llama.context_length", uint32_t{2048});
  expect("a=int:-3", "a", int32_t{-3});
  expect("a=int:5000000000", "a", int64_t{5000000000});
  expect("general.sampling.temp=float:0.5", "general.sampling.temp", 0.5f);
  expect("a=bool:true", "a", true);
  expect("general.name=str:my model: two=three", "general.name", std::string("my model: two=three"));
  expect("general.name=str:", "general.name", std::string());
}

TEST(MetadataOverride, WhatIsNoneIsRefused) {
  for (const char* text : {"", "a", "a=3", "=int:3", "a=int:", "a=int:3x", "a=int:99999999999999999999", "a=float:nan",
                           "a=float:1e99", "a=bool:yes", "a=number:3", "a:int=3"}) {
    const auto parsed = parse_metadata_override(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_NE(parsed.error().message().find("expected KEY=TYPE:VALUE"), std::string::npos);
  }
}

TEST(MetadataOverride, ChangesOrAdds) {
  Metadata metadata = {{"a", MetaValue{uint32_t{1}}}, {"b", MetaValue{uint32_t{2}}}};
  set_metadata(metadata, {"a", MetaValue{3.0f}});
  set_metadata(metadata, {"c", MetaValue{true}});
  ASSERT_EQ(metadata.size(), 3u);
  EXPECT_EQ(std::get<float>(metadata[0].second.value), 3.0f);
  EXPECT_EQ(std::get<uint32_t>(metadata[1].second.value), 2u);
  EXPECT_EQ(metadata[2].first, "c");
}

}  // namespace
}  // namespace ondol
