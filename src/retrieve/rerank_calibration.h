// Whether reading the best again helps in a collection, and how much that reading should count: found out as
// calibration.h finds out the share of meaning.
#pragma once

#include <functional>

#include "retrieve/document_store.h"
#include "retrieve/reranker.h"
#include "retrieve/text_embedder.h"

namespace ondol {

struct RerankCalibration {
  double share = 0;  // of the reranker's scores; 0: it does not help by a clear margin
  int64_t n_questions = 0;
  bool tells = false;  // whether there were enough of them
  bool was_stopped = false;
  double mrr = 0;  // mean reciprocal rank as found, with the share, and the best of any that it may have
  double mrr_reranked = 0;
  double mrr_best = 0;
};

/// `embedder` is the one of the store's vectors; null: the search is by words alone. After `progress` returned false it
/// is stopped, and tells nothing.
Result<RerankCalibration> calibrate_reranker(DocumentStore& store, Reranker& reranker, TextEmbedder* embedder,
                                             const std::function<bool(int64_t done, int64_t all)>& progress = {});

/// Whether the store's share must be measured: there is none yet, or the store has become twice or half as large since.
/// Another model's is measured too; an empty `name` stands for the kept one.
Result<bool> wants_rerank_calibration(DocumentStore& store, const std::string& name = "");

/// Measures, and keeps the reranker with its share, unless it was stopped.
Result<RerankCalibration> calibrate_and_keep(DocumentStore& store, Reranker& reranker, TextEmbedder* embedder,
                                             const std::function<bool(int64_t done, int64_t all)>& progress = {});

}  // namespace ondol
