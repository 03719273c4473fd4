// What a file recommends, what makes no sense in it, and what somebody asks for instead.
#include "runtime/recommended_sampling.h"

#include <cmath>

#include <gtest/gtest.h>

namespace ondol {
namespace {

AssembledModelFile file_with(const Metadata& metadata) {
  return AssembledModelFile("model.gguf", metadata, {}, {});
}

TEST(RecommendedSampling, IsUsualWhereTheFileIsSilent) {
  const SamplerOptions usual;
  const SamplerOptions got = recommended_sampling(file_with({}));
  EXPECT_EQ(got.temperature, usual.temperature);
  EXPECT_EQ(got.top_k, usual.top_k);
  EXPECT_EQ(got.top_p, usual.top_p);
  EXPECT_EQ(got.min_p, usual.min_p);
  EXPECT_FALSE(got.mirostat);
}

TEST(RecommendedSampling, IsWhatTheFileSays) {
  const SamplerOptions got =
      recommended_sampling(file_with({{"general.sampling.temp", MetaValue{0.6f}},
                                      {"general.sampling.top_k", MetaValue{int32_t{20}}},
                                      {"general.sampling.top_p", MetaValue{0.9f}},
                                      {"general.sampling.min_p", MetaValue{0.0f}},
                                      {"general.sampling.penalty_repeat", MetaValue{1.1f}},
                                      {"general.sampling.penalty_last_n", MetaValue{int32_t{-1}}},
                                      {"general.sampling.mirostat", MetaValue{int32_t{2}}}}));
  EXPECT_EQ(got.temperature, 0.6f);
  EXPECT_EQ(got.top_k, 20);
  EXPECT_EQ(got.top_p, 0.9f);
  EXPECT_EQ(got.min_p, 0.0f);
  EXPECT_EQ(got.repeat_penalty, 1.1f);
  EXPECT_EQ(got.repeat_last_n, -1);
  EXPECT_TRUE(got.mirostat);
}

TEST(RecommendedSampling, NonsenseIsPassedOver) {
  const SamplerOptions usual;
  const SamplerOptions got = recommended_sampling(file_with({{"general.sampling.temp", MetaValue{-1.0f}},
                                                             {"general.sampling.top_p", MetaValue{std::nanf("")}},
                                                             {"general.sampling.min_p", MetaValue{std::string("half")}},
                                                             {"general.sampling.top_k", MetaValue{int64_t{1} << 40}}}));
  EXPECT_EQ(got.temperature, usual.temperature);
  EXPECT_EQ(got.top_p, usual.top_p);
  EXPECT_EQ(got.min_p, usual.min_p);
  EXPECT_EQ(got.top_k, usual.top_k);
}

TEST(RecommendedSampling, AWishCountsMore) {
  SamplingWish wish;
  wish.set(&SamplerOptions::temperature, 0.0f);
  wish.set(&SamplerOptions::seed, uint64_t{7});
  const SamplerOptions got = wish.over(recommended_sampling(
      file_with({{"general.sampling.temp", MetaValue{0.6f}}, {"general.sampling.top_k", MetaValue{int32_t{20}}}})));
  EXPECT_EQ(got.temperature, 0.0f);
  EXPECT_EQ(got.seed, 7u);
  EXPECT_EQ(got.top_k, 20);
}

}  // namespace
}  // namespace ondol
