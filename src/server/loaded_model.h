// LoadedModel: a model that answers: its scheduler, and what is worked out once about its tokenizer and template.
// Everything but the scheduler is constant; any thread may use it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/chat_style.h"
#include "runtime/scheduler.h"
#include "server/fill_in.h"
#include "server/model_info.h"
#include "text/grammar/token_mask.h"

namespace ondol::server {

struct LoadOptions {
  EngineOptions engine;
  SchedulerOptions scheduler;
  std::string cache_directory;  // of the prefix store; empty: none
  uint64_t cache_bytes = 0;
  std::function<void(const std::string&)> log;
};

class LoadedModel {
 public:
  /// Takes as long as opening a model takes.
  static Result<std::unique_ptr<LoadedModel>> open(std::string id, const std::string& path, ModelInfo info,
                                                   const LoadOptions& options);

  const std::string& id() const { return id_; }
  const ModelInfo& info() const { return info_; }
  Scheduler& scheduler() const { return *scheduler_; }
  const Engine& engine() const { return scheduler_->engine(); }
  const Tokenizer& tokenizer() const { return engine().tokenizer(); }
  const ChatStyle& style() const { return style_; }
  const ChatFormat& format() const { return *style_.format; }
  const TemplateTraits& traits() const { return style_.traits; }
  const FillIn& fill_in() const { return fill_in_; }
  /// Made by the first who asks, which takes a tenth of a second.
  std::shared_ptr<const MaskVocabulary> vocabulary() const;

 private:
  LoadedModel() = default;
  void study_text();

  std::string id_;
  ModelInfo info_;
  std::unique_ptr<Scheduler> scheduler_;
  ChatStyle style_;
  FillIn fill_in_;
  mutable std::once_flag vocabulary_made_;
  mutable std::shared_ptr<const MaskVocabulary> vocabulary_;
};

}  // namespace ondol::server
