// Hugging Face folders run as they are, and give what transformers gives.
#include "models/hugging_face.h"

#include "tests/models/hf_golden.h"

namespace ondol {
namespace {

constexpr float kHidden = 1e-4f;

class HfDecoder : public testing::TestWithParam<const char*> {};

TEST_P(HfDecoder, LogitsInOnePassAndTokenByToken) {
  const std::string name = GetParam();
  // Fast products with block types round the activations; the plain ones do not.
  const bool plain = name == "gpt-oss-mxfp4";
  const HfGolden golden = read_hf_golden(name);
  TestRun run(hf_golden_folder(name), plain ? "ref" : "");
  ASSERT_TRUE(run.ok());
  for (const int step : {1000, 1, 5}) {
    EXPECT_LT(largest_difference(run.run(golden.tokens, step), golden.rows), 1e-3f) << step << " tokens a pass";
  }
}

INSTANTIATE_TEST_SUITE_P(, HfDecoder,
                         testing::Values("llama", "llama3-rope", "llama-linear-bias", "mistral", "mixtral", "qwen2",
                                         "qwen2-yarn", "qwen3", "qwen3moe", "gemma2", "gemma3", "phi3", "phi3-longrope",
                                         "gpt2", "gpt-oss", "gpt-oss-mxfp4", "deepseek-v2", "deepseek-v2-groups",
                                         "deepseek-v3"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

class HfEncoder : public testing::TestWithParam<const char*> {};

TEST_P(HfEncoder, HiddenStates) {
  const HfGolden golden = read_hf_golden(GetParam());
  TestRun run(hf_golden_folder(GetParam()));
  ASSERT_TRUE(run.ok());
  EXPECT_FALSE(run.model().config().causal);
  EXPECT_LT(largest_difference(run.run(golden.tokens, 1000, Batch::Output::kHidden), golden.rows), kHidden);
}

INSTANTIATE_TEST_SUITE_P(, HfEncoder, testing::Values("bert", "roberta", "distilbert", "nomic-bert"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace ondol
