#include "server/engine_reranker.h"

#include "runtime/cross_encoder.h"
#include "runtime/late_interaction.h"
#include "server/engine_embedder.h"

namespace ondol {

std::string reranker_name(Engine& engine) {
  return embedder_name(engine) + (scores_pairs(engine) ? "-pairs" : "-tokens");
}

Result<std::vector<float>> rerank_scores(Engine& engine, const std::string& question,
                                         std::span<const std::string> texts) {
  return scores_pairs(engine) ? score_texts(engine, question, texts) : match_texts(engine, question, texts);
}

}  // namespace ondol
