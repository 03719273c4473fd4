// SchedulerGenerator: a model that the server has loaded as the retrieval's TextGenerator, beside all else that it
// generates. One thread at a time, which waits.
#pragma once

#include <functional>
#include <string>

#include "retrieve/answer/text_generator.h"
#include "server/model_pool.h"

namespace ondol::server {

class SchedulerGenerator final : public TextGenerator {
 public:
  struct Terms {
    AdapterSet adapters;
    std::string client;             // whose turn it takes
    std::function<bool()> goes_on;  // asked now and then; false: an error, soon
  };
  /// The model has a chat template.
  SchedulerGenerator(ModelUse model, Terms terms) : model_(std::move(model)), terms_(std::move(terms)) {}

  bool is_discerning() const override;
  int64_t context_length() const override { return model_->engine().context_length(); }
  int64_t count_tokens(std::string_view text) const override;
  Result<int64_t> count_prompt(const std::vector<ChatTurn>& turns) const override;
  Result<std::string> generate(const Wish& wish) override;

 private:
  ModelUse model_;
  Terms terms_;
};

}  // namespace ondol::server
