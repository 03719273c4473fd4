// Cross-encoders give the scores that transformers gives, from folders, from GGUF, and back.
#include "formats/gguf_writer.h"
#include "models/convert.h"
#include "tests/formats/temporary_folder.h"
#include "tests/models/hf_golden.h"

namespace ondol {
namespace {

struct ScorerGolden {
  std::vector<int32_t> tokens;
  std::vector<int32_t> types;
  float score = 0;
};

std::vector<int32_t> numbers_at(const json::value& document, const char* key) {
  std::vector<int32_t> numbers;
  for (const json::value& number : document.at(key).as_array()) {
    numbers.push_back(static_cast<int32_t>(number.as_int64()));
  }
  return numbers;
}

ScorerGolden read_scorer_golden(const std::string& name) {
  const json::value document = parse_json(read_file(hf_golden_folder(name) + "/expected.json").value()).value();
  return {numbers_at(document, "tokens"), numbers_at(document, "token_types"),
          static_cast<float>(document.at("logits").at(0).at(0).to_number<double>())};
}

constexpr const char* kScorers[] = {"bert-scorer", "roberta-scorer"};

class Scorers : public TemporaryFolder {
 protected:
  static void expect_score(const std::string& model, const ScorerGolden& golden, float tolerance = 1e-4f) {
    TestRun run(model);
    ASSERT_TRUE(run.ok());
    EXPECT_EQ(run.model().config().pooling, Pooling::kRank);
    EXPECT_NEAR(run.score(golden.tokens, golden.types), golden.score, tolerance) << model;
  }
};

TEST_F(Scorers, FoldersGiveTheScoresOfTransformers) {
  for (const char* name : kScorers) expect_score(hf_golden_folder(name), read_scorer_golden(name));
}

TEST_F(Scorers, TheSecondTextHasItsOwnType) {
  const ScorerGolden golden = read_scorer_golden("bert-scorer");
  TestRun run(hf_golden_folder("bert-scorer"));
  EXPECT_GT(std::abs(run.score(golden.tokens, {}) - golden.score), 1e-2f);
}

TEST_F(Scorers, AreConvertedThereAndBack) {
  for (const char* name : kScorers) {
    const ScorerGolden golden = read_scorer_golden(name);
    const std::string file = path(std::string(name) + ".gguf"), folder = path(std::string(name) + "-back");
    ConvertOptions options;
    options.type = DType::F32;
    ASSERT_TRUE(convert_to_gguf(open_model_file(hf_golden_folder(name)).value(), file, options));
    expect_score(file, golden);
    const auto written = convert_to_hugging_face(open_model_file(file).value(), folder, options);
    ASSERT_TRUE(written) << written.error().message();
    expect_score(folder, golden);
    const auto weights = open_safetensors(folder);
    ASSERT_TRUE(weights);
    for (const char* tensor : {"classifier.weight", "classifier.bias", "bert.pooler.dense.weight",
                               "bert.embeddings.word_embeddings.weight"}) {
      EXPECT_NE((*weights)->find_tensor(tensor), nullptr) << tensor;
    }
  }
}

TEST_F(Scorers, TheHeadStaysExactInSmallerTypes) {
  ConvertOptions options;
  options.type = DType::F16;
  ASSERT_TRUE(convert_to_gguf(open_model_file(hf_golden_folder("bert-scorer")).value(), path("f16.gguf"), options));
  const auto file = open_model_file(path("f16.gguf")).value();
  EXPECT_EQ(file->find_tensor("cls.weight")->type(), DType::F32);
  EXPECT_EQ(file->find_tensor("cls.output.weight")->type(), DType::F32);
  EXPECT_EQ(file->find_tensor("token_embd.weight")->type(), DType::F16);
  expect_score(path("f16.gguf"), read_scorer_golden("bert-scorer"), 1e-2f);
}

/// As other converters leave the dense layer or the output out.
TEST_F(Scorers, PartsOfAHeadScoreToo) {
  const auto whole = open_model_file(hf_golden_folder("bert-scorer")).value();
  const ScorerGolden golden = read_scorer_golden("bert-scorer");
  std::vector<TensorEntry> direct, dense;
  for (const TensorEntry& entry : whole->tensors()) {
    if (entry.name != "cls.weight" && entry.name != "cls.bias") direct.push_back(entry);
    if (entry.name.starts_with("cls.output.")) {
      dense.push_back({entry.name == "cls.output.weight" ? "cls.weight" : "cls.bias", entry.tensor});
    } else if (!entry.name.starts_with("cls.")) {
      dense.push_back(entry);
    }
  }
  ASSERT_TRUE(write_gguf(path("direct.gguf"), whole->metadata(), direct));
  ASSERT_TRUE(write_gguf(path("dense.gguf"), whole->metadata(), dense));
  TestRun directly(path("direct.gguf")), densely(path("dense.gguf"));
  ASSERT_TRUE(directly.ok() && densely.ok());
  const float logit = directly.score(golden.tokens, golden.types);
  EXPECT_NEAR(densely.score(golden.tokens, golden.types), std::tanh(logit), 1e-5f);
  EXPECT_FALSE(convert_to_hugging_face(open_model_file(path("direct.gguf")).value(), path("folder"), {}));
}

TEST_F(Scorers, OtherClassifiersAreEncoders) {
  const std::string folder = path("two-labels");
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(hf_golden_folder("bert-scorer") + "/model.safetensors", folder + "/model.safetensors");
  std::string config = read_file(hf_golden_folder("bert-scorer") + "/config.json").value();
  const std::string one = "\"0\": \"LABEL_0\"";
  config.replace(config.find(one), one.size(), one + ", \"1\": \"LABEL_1\"");
  ASSERT_TRUE(write_file_atomically(folder + "/config.json", config));
  const auto file = open_model_file(folder);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ((*file)->find_tensor("cls.weight"), nullptr);
  EXPECT_NE(load_model(*file).value()->config().pooling, Pooling::kRank);
}

TEST_F(Scorers, AHeadOfAnotherShapeIsRefused) {
  const auto whole = open_model_file(hf_golden_folder("bert-scorer")).value();
  for (const std::string broken : {"cls.output.weight", "cls.weight"}) {
    std::vector<TensorEntry> tensors;
    for (TensorEntry entry : whole->tensors()) {
      if (entry.name == broken) entry.tensor = *whole->find_tensor("token_types.weight");
      tensors.push_back(entry);
    }
    ASSERT_TRUE(write_gguf(path("broken.gguf"), whole->metadata(), tensors));
    const auto model = load_model(open_model_file(path("broken.gguf")).value());
    ASSERT_FALSE(model);
    EXPECT_NE(model.error().message().find(broken), std::string::npos) << model.error().message();
  }
}

}  // namespace
}  // namespace ondol
