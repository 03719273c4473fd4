// The architectures that Ondol knows. A new one is a file with a load function, declared and listed here.
#pragma once

#include "models/weights.h"

namespace ondol {

using LoadFunction = Result<std::unique_ptr<Model>> (*)(WeightLoader&);

Result<std::unique_ptr<Model>> load_bert(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_deepseek2(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_gemma(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_gemma2(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_gemma3(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_gpt_oss(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_gpt2(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_llama(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_phi3(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_qwen2(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_qwen2moe(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_qwen3(WeightLoader& loader);
Result<std::unique_ptr<Model>> load_qwen3moe(WeightLoader& loader);

/// Makes an M and has it read its weights: the body of a load function.
template <typename M>
Result<std::unique_ptr<Model>> load_as(WeightLoader& loader) {
  auto model = std::make_unique<M>();
  ONDOL_TRY(model->load(loader));
  return std::unique_ptr<Model>(std::move(model));
}

/// GGUF's names of all known architectures, for messages and `ondol doctor`.
std::vector<std::string> known_architectures();

}  // namespace ondol
