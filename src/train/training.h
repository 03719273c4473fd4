// Training: everything that one training needs, made from its options, for a model that is open already.
#pragma once

#include <memory>
#include <optional>

#include "base/thread_pool.h"
#include "models/model.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"
#include "train/checkpoint.h"
#include "train/memory_plan.h"
#include "train/training_options.h"

namespace ondol::train {

/// A model that is to learn. An adapter leaves `file` and `model` as they are: others may use them at the same time.
/// With Method::kFull all of `file`, which in_floats or make_model made, changes.
struct Pupil {
  const ModelFile* file = nullptr;
  const Model* model = nullptr;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<ChatTemplate> chat_template;
  bool streams_texts = false;  // plain texts are one row of tokens, as for a new model
};

/// The data of a training, as `pupil` reads it. Errors: those of DataSource::open and TextStream::open, and a format
/// that the method cannot learn from.
Result<std::unique_ptr<SequenceSource>> open_data(const TrainingOptions& options, const Pupil& pupil);

class Training {
 public:
  /// What `pupil` points to must outlive it. The threads that compute are started here: they have the priority of the
  /// caller. Errors: those of open_data; a model that cannot learn; targets that it lacks.
  static Result<std::unique_ptr<Training>> create(TrainingOptions options, const Pupil& pupil);

  /// With the number of steps.
  const TrainingOptions& options() const { return options_; }
  const SequenceSource& data() const { return *data_; }
  const Parameters& parameters() const { return parameters_; }
  const Backend& backend() const { return *backend_; }
  ThreadPool& threads() { return *threads_; }
  Trainer& trainer() { return *trainer_; }
  const TrainingMemory& memory() const { return memory_; }
  const TrainingIdentity& identity() const { return identity_; }
  /// Null when all weights learn.
  const LoraAdapter* adapter() const { return lora_.get(); }

 private:
  explicit Training(TrainingOptions options) : options_(std::move(options)) {}

  // In the order in which they must live.
  TrainingOptions options_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<ThreadPool> threads_;
  std::unique_ptr<SequenceSource> data_;
  Parameters parameters_;
  std::unique_ptr<LoraAdapter> lora_;
  std::unique_ptr<Student> student_;
  std::optional<Keeping> keeping_;
  std::unique_ptr<Trainer> trainer_;
  TrainingIdentity identity_;
  TrainingMemory memory_;
};

}  // namespace ondol::train
