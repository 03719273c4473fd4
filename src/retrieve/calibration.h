// Calibration: how much meaning counts beside words in a collection, found out without anybody's judgements.
//
// Sentences of the collection are taken for questions, each looking for the piece that it comes from, from which it has
// been taken out (an inverse cloze task; Lee et al., 2019). Words are searched for with every second word of it, as
// people do not ask with the words of the text. The share with which these pieces come first best is the
// collection's. An embedding model that does not know a language, or a subject, so loses its say there.
#pragma once

#include <functional>

#include "retrieve/document_store.h"
#include "retrieve/text_embedder.h"

namespace ondol {

struct Calibration {
  double meaning_share = kMeaningShare;
  int64_t n_questions = 0;  // fewer than a few tell nothing: the share is then the usual one
  double mrr_words = 0;     // mean reciprocal rank by words alone, by meaning alone, and with the share
  double mrr_meaning = 0;
  double mrr = 0;
};

/// Measures the share; the store's vectors must be the embedder's. `progress` as that of embed_pending(); after false
/// the questions so far count.
Result<Calibration> calibrate(DocumentStore& store, TextEmbedder& embedder,
                              const std::function<bool(int64_t done, int64_t all)>& progress = {});

/// Measures and keeps the share where there is none yet of this embedder, or the store has become twice or half as
/// large since. Whether it did.
Result<bool> calibrate_if_grown(DocumentStore& store, TextEmbedder& embedder,
                                const std::function<bool(int64_t done, int64_t all)>& progress = {});

}  // namespace ondol
