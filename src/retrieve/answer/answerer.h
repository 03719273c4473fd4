// Answerer: a question to an answer out of a store, each claim with places that were checked.
//
// With a model it generates from the best passages, held to a form in which it can only cite what is there; what comes
// out is checked all the same (check.h), and only what has passed is ever shown. Without one the sentences that fit
// best are quoted. Questions that the documents are not about are declined by the search (confidence.h), or by the
// model.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "retrieve/answer/answer.h"
#include "retrieve/answer/follow_up.h"
#include "retrieve/answer/passages.h"
#include "retrieve/answer/text_generator.h"
#include "retrieve/document_store.h"
#include "retrieve/text_embedder.h"

namespace ondol {

struct AnswerOptions {
  size_t n_passages = 6;
  size_t n_extracted = 3;  // sentences that are quoted without a model, at most
  int max_tokens = 512;    // of a model's answer; less where the context is small
  bool declines = true;    // where the search finds too little
  SearchOptions search;    // n and meaning are filled in
};

/// Each claim of an answer once it has passed, with its numbers. False stops the answer.
using ClaimSink = std::function<bool(const Claim& claim)>;

class Answerer {
 public:
  /// All must outlive it; embedder and generator may be null. Not for several threads at once.
  Answerer(DocumentStore& store, TextEmbedder* embedder, TextGenerator* generator, AnswerOptions options = {})
      : store_(store), embedder_(embedder), generator_(generator), options_(std::move(options)) {}

  /// `history` are the turns before, the oldest first. Errors: those of store, embedder and generator; a context that
  /// cannot hold the question and a passage.
  Result<Answer> answer(const std::string& question, std::span<const AnsweredQuestion> history = {},
                        const ClaimSink& sink = {});

 private:
  /// What is searched for, and how near the store comes to it.
  struct Search {
    std::string words;    // with their weights by repetition
    std::string meaning;  // to be embedded
    double closeness = 0;
    double least = 0;  // that would do
  };
  Result<Search> search_for(const std::string& question, std::span<const AnsweredQuestion> history);
  Result<Search> measured(std::string words, std::string meaning, std::string_view question);
  Result<std::string> rewritten(const std::string& question, std::span<const AnsweredQuestion> history);
  Result<std::vector<Passage>> find_passages(const Search& search);
  Result<void> generate(const std::string& question, std::vector<Passage> passages,
                        std::span<const AnsweredQuestion> history, const ClaimSink& sink, Answer& answer);
  Result<void> extract_into(const std::string& question, const Search& search, std::span<const Passage> passages,
                            const ClaimSink& sink, Answer& answer);

  DocumentStore& store_;
  TextEmbedder* embedder_;
  TextGenerator* generator_;
  AnswerOptions options_;
};

}  // namespace ondol
