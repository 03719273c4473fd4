#include "formats/model_file.h"

#include <limits>

namespace ondol {
namespace {

AssembledModelFile sample() {
  Metadata metadata;
  metadata.emplace_back("u32", MetaValue{uint32_t{7}});
  metadata.emplace_back("i8", MetaValue{int8_t{-7}});
  metadata.emplace_back("u64", MetaValue{std::numeric_limits<uint64_t>::max()});
  metadata.emplace_back("f32", MetaValue{0.5F});
  metadata.emplace_back("yes", MetaValue{true});
  metadata.emplace_back("text", MetaValue{std::string("hello")});
  metadata.emplace_back("ints", MetaValue{MetaValue::Array(std::vector<int32_t>{1, -2})});
  metadata.emplace_back("big", MetaValue{MetaValue::Array(std::vector<uint64_t>{~uint64_t{0}})});
  metadata.emplace_back("floats", MetaValue{MetaValue::Array(std::vector<double>{0.25, 2.0})});
  metadata.emplace_back("strings", MetaValue{MetaValue::Array(std::vector<std::string>{"a"})});
  return AssembledModelFile("m.gguf", std::move(metadata), {}, {});
}

template <typename T>
void expect_error(const Result<T>& result, const std::string& message) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), message);
}

TEST(ModelFile, ConvertsIntegersBetweenWidths) {
  const auto file = sample();
  EXPECT_EQ(*file.meta_int("u32"), 7);
  EXPECT_EQ(*file.meta_int("i8"), -7);
  EXPECT_EQ(*file.meta_double("u32"), 7.0);
  EXPECT_EQ(*file.meta_double("f32"), 0.5);
  EXPECT_EQ(*file.meta_ints("u32"), std::vector<int64_t>{7});
  EXPECT_EQ(*file.meta_ints("ints"), (std::vector<int64_t>{1, -2}));
  EXPECT_EQ(*file.meta_floats("floats"), (std::vector<float>{0.25F, 2.0F}));
  EXPECT_EQ(*file.meta_floats("ints"), (std::vector<float>{1.0F, -2.0F}));
  EXPECT_EQ(*file.meta_floats("f32"), std::vector<float>{0.5F});
  EXPECT_EQ(*file.meta_string("text"), "hello");
}

TEST(ModelFile, NamesFileAndKeyInErrors) {
  const auto file = sample();
  expect_error(file.meta_int("none"), "m.gguf: key 'none' is missing");
  expect_error(file.meta_int("text"),
               "m.gguf: key 'text': expected an integer of at most 63 bits, got a value of type string");
  expect_error(file.meta_int("yes"),
               "m.gguf: key 'yes': expected an integer of at most 63 bits, got a value of type bool");
  expect_error(file.meta_string("u32"), "m.gguf: key 'u32': expected a string, got a value of type integer");
  expect_error(file.meta_ints("strings"),
               "m.gguf: key 'strings': expected integers of at most 63 bits, got an array of type string");
  EXPECT_FALSE(file.meta_int("f32"));
  EXPECT_FALSE(file.meta_int("u64"));
  EXPECT_FALSE(file.meta_ints("big"));
  EXPECT_FALSE(file.meta_floats("strings"));
  EXPECT_FALSE(file.meta_double("text"));
}

TEST(ModelFile, FallsBackOnlyWhenAbsent) {
  const auto file = sample();
  EXPECT_EQ(*file.meta_int_or("none", 3), 3);
  EXPECT_EQ(*file.meta_double_or("none", 3.5), 3.5);
  EXPECT_EQ(*file.meta_string_or("none", "x"), "x");
  EXPECT_TRUE(*file.meta_bool_or("none", true));
  EXPECT_EQ(*file.meta_int_or("u32", 3), 7);
  EXPECT_TRUE(*file.meta_bool_or("yes", false));
  EXPECT_FALSE(file.meta_int_or("text", 3));
  EXPECT_FALSE(file.meta_bool_or("u32", false));
  EXPECT_FALSE(file.meta_string_or("u32", "x"));
}

}  // namespace
}  // namespace ondol
