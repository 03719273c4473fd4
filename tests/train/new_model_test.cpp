#include "train/new_model.h"

#include <cmath>

#include <gtest/gtest.h>

#include "models/model.h"

namespace ondol::train {
namespace {

struct Moments {
  double mean = 0;
  double deviation = 0;
};

Moments moments(const ModelFile& file, const std::string& name) {
  const Tensor* tensor = file.find_tensor(name);
  EXPECT_NE(tensor, nullptr) << name;
  const auto n = static_cast<double>(tensor->shape().elements());
  double sum = 0;
  double squares = 0;
  for (int64_t i = 0; i < tensor->shape().elements(); ++i) {
    sum += static_cast<double>(tensor->f32()[i]);
    squares += static_cast<double>(tensor->f32()[i]) * static_cast<double>(tensor->f32()[i]);
  }
  return {sum / n, std::sqrt(squares / n)};
}

TEST(NewModel, BeginsAsLlamasDo) {
  NewModelOptions options;
  options.n_layers = 8;
  options.n_kv_heads = 2;
  const auto file = make_model(options, 500, {}).value();
  const auto model = load_model(file);
  ASSERT_TRUE(model.has_value()) << model.error().message();
  EXPECT_EQ((*model)->config().n_layers, 8);
  EXPECT_EQ(file->find_tensor("output.weight"), nullptr);
  EXPECT_EQ(file->find_tensor("blk.3.attn_k.weight")->rows(), 64);
  EXPECT_EQ(file->find_tensor("blk.3.ffn_up.weight")->rows(), 352);
  for (const char* name : {"token_embd.weight", "blk.0.attn_q.weight", "blk.7.ffn_gate.weight"}) {
    EXPECT_NEAR(moments(*file, name).mean, 0, 0.0006) << name;
    EXPECT_NEAR(moments(*file, name).deviation, 0.02, 0.0005) << name;
  }
  for (const char* name : {"blk.2.attn_output.weight", "blk.2.ffn_down.weight"}) {
    EXPECT_NEAR(moments(*file, name).deviation, 0.02 / 4, 0.0002) << name;
  }
  EXPECT_EQ(moments(*file, "blk.0.attn_norm.weight").mean, 1.0);
}

TEST(NewModel, FollowsItsSeed) {
  NewModelOptions options;
  options.n_layers = 1;
  const auto first = make_model(options, 300, {}).value();
  const auto again = make_model(options, 300, {}).value();
  options.seed = 1;
  const auto other = make_model(options, 300, {}).value();
  const auto bytes = [](const ModelFile& file) {
    const Tensor* tensor = file.find_tensor("blk.0.attn_q.weight");
    return std::vector<uint8_t>(tensor->bytes(), tensor->bytes() + tensor->size_bytes());
  };
  EXPECT_EQ(bytes(*first), bytes(*again));
  EXPECT_NE(bytes(*first), bytes(*other));
}

TEST(NewModel, NamesOptionsThatDoNotFit) {
  const auto message = [](auto change) {
    NewModelOptions options;
    change(options);
    const auto made = make_model(options, 300, {});
    return made ? std::string() : made.error().message();
  };
  EXPECT_NE(message([](auto& o) { o.architecture = "gpt9"; }).find("--new"), std::string::npos);
  EXPECT_NE(message([](auto& o) { o.width = 130; }).find("--width"), std::string::npos);
  EXPECT_NE(message([](auto& o) { o.n_kv_heads = 3; }).find("--kv-heads"), std::string::npos);
  EXPECT_EQ(message([](auto&) {}), "");
}

}  // namespace
}  // namespace ondol::train
