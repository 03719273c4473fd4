// What the tests of training share: a tiny model that learns one text, and how far gradients are apart.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tests/models/golden_model.h"
#include "train/float_file.h"
#include "train/learning_pass.h"

namespace ondol::train {

/// A model in floats that learns one text.
class Lesson {
 public:
  enum class Learns { kEverything, kNothing };

  Lesson(const std::string& name, const CpuOptions& options, ProductTypes types = {},
         Learns learns = Learns::kEverything)
      : backend_(create_cpu_backend(options).value()), tokens_(read_golden(name).tokens) {
    file_ = in_floats(*open_gguf(golden_path(name + ".gguf")).value()).value();
    model_ = load_model(file_).value();
    if (learns == Learns::kEverything) add_all(*file_, parameters_);
    tape_ = std::make_unique<Tape>(*backend_, arena_, parameters_, types);
  }

  Parameters& parameters() { return parameters_; }
  const ModelFile& file() const { return *file_; }
  /// All rows use this adapter from now on.
  void use(const Adapter& adapter) { adapter_ = &adapter; }

  /// Adds gradients of the mean loss, which is returned.
  double learn() {
    const ArenaScope scope(arena_);
    KvCache cache = KvCache::create(model_->config().kv_layers, DType::F32, 256).value();
    KvSequence sequence(cache);
    const auto n = static_cast<int>(tokens_.size());
    EXPECT_TRUE(sequence.append(n).has_value());
    Batch batch;
    batch.tokens = tokens_;
    batch.slices.push_back({&sequence, 0, n, 0, n});
    std::vector<Target> targets;
    for (int32_t row = 0; row + 1 < n; ++row) targets.push_back({row, tokens_[static_cast<size_t>(row) + 1]});
    LearningPass pass(*tape_, targets, 1.0f / static_cast<float>(targets.size()));
    Context context{*tape_, arena_};
    context.learner = &pass;
    if (adapter_ != nullptr) context.adapters = {{{adapter_, 1.0f}, 0, n}};
    const Tape::Position start = tape_->position();
    tape_->record(true);
    model_->forward(batch, cache, context);
    tape_->backward(start);
    tape_->record(false);
    return pass.loss() / static_cast<double>(targets.size());
  }

 private:
  std::unique_ptr<Backend> backend_;
  Arena arena_;
  std::vector<int32_t> tokens_;
  std::shared_ptr<const ModelFile> file_;
  std::unique_ptr<Model> model_;
  Parameters parameters_;
  const Adapter* adapter_ = nullptr;
  std::unique_ptr<Tape> tape_;
};

/// The length of the difference as a share of the expected length.
inline double distance(const Tensor& got, const Tensor& expected) {
  double difference = 0;
  double length = 0;
  for (int64_t i = 0; i < expected.shape().elements(); ++i) {
    const double e = expected.f32()[i];
    difference += (got.f32()[i] - e) * (got.f32()[i] - e);
    length += e * e;
  }
  return std::sqrt(difference / std::max(length, 1e-30));
}

}  // namespace ondol::train
