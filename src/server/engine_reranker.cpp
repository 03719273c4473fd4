#include "server/engine_reranker.h"

#include "runtime/cross_encoder.h"
#include "runtime/late_interaction.h"
#include "server/engine_embedder.h"

namespace ondol {
namespace {

/// Tokens match best within one author's way of writing, which sentences of the collection share with their pieces and
/// people's questions do not. In the collections of docs/grounding.md more than this begins to harm.
constexpr double kMostOfTokens = 0.3;

}  // namespace

std::string reranker_name(Engine& engine) {
  return embedder_name(engine) + (scores_pairs(engine) ? "-pairs" : "-tokens");
}

double most_rerank_share(const Engine& engine) {
  return scores_pairs(engine) ? 1.0 : kMostOfTokens;
}

Result<std::vector<float>> rerank_scores(Engine& engine, const std::string& question,
                                         std::span<const std::string> texts) {
  return scores_pairs(engine) ? score_texts(engine, question, texts) : match_texts(engine, question, texts);
}

}  // namespace ondol
