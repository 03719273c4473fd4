// Invented questions: sentences of a collection, each looking for the piece that it comes from, from which it has been
// taken out (an inverse cloze task; Lee et al., 2019). What a search is worth in a collection can so be measured
// without anybody's judgements.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "retrieve/document_store.h"
#include "retrieve/text_embedder.h"

namespace ondol {

constexpr size_t kInventedQuestions = 120;

struct InventedQuestion {
  int64_t chunk = 0;
  std::string text;
  std::string rest;  // of the piece
};

/// At most kInventedQuestions; pieces that have no sentence of a fit length give none.
std::vector<InventedQuestion> invent_questions(std::span<const DocumentStore::ChunkText> chunks);

/// How pieces stand before a question, by words and by meaning: 1 is the best, 0 what is usual (fusion.h).
struct Standing {
  struct Place {
    int64_t chunk = 0;
    float words = 0;
    float meaning = 0;
  };
  Place wanted;  // with the rest of its text only
  std::vector<Place> others;
};

/// Words are searched for with every second word of the question, as people do not ask with the words of the text.
/// `meaning` is the question's vector and `rest` are those of the wanted piece's rest; both empty: words alone.
Result<Standing> standing_of(DocumentStore& store, const InventedQuestion& question, std::span<const float> meaning,
                             const TextEmbedder::Parts& rest);

}  // namespace ondol
