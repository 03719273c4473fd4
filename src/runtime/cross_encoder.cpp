#include "runtime/cross_encoder.h"

#include <algorithm>

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr int64_t kLeastTokens = 8;

void add_pair(Batch& batch, const TokenPair& pair) {
  BatchSlice slice;
  slice.first_row = static_cast<int>(batch.tokens.size());
  slice.n_rows = static_cast<int>(pair.tokens.size());
  batch.tokens.insert(batch.tokens.end(), pair.tokens.begin(), pair.tokens.end());
  batch.token_types.insert(batch.token_types.end(), pair.types.begin(), pair.types.end());
  batch.output_rows.push_back(slice.first_row);
  batch.slices.push_back(slice);
}

void finish(Engine& engine, Batch& batch, std::vector<float>& scores) {
  if (batch.slices.empty()) return;
  batch.output = Batch::Output::kScores;
  const Tensor result = engine.forward(batch);
  for (int64_t i = 0; i < result.rows(); ++i) scores.push_back(result.f32(i)[0]);
  batch = {};
}

}  // namespace

bool scores_pairs(const Engine& engine) {
  return engine.model().config().pooling == Pooling::kRank;
}

Result<TokenPair> token_pair(const Tokenizer& tokenizer, std::string_view question, std::string_view text,
                             int64_t limit) {
  const auto most = static_cast<size_t>(std::max(limit, kLeastTokens));
  const std::vector<TokenId> marks = tokenizer.encode("", true, SpecialTokens::kAsPlainText);
  if (marks.size() != 2) {
    return Error("expected a tokenizer that puts marks before and behind a text, got one that does not");
  }
  const TokenId end = marks.back();
  std::vector<TokenId> first = tokenizer.encode(question, true, SpecialTokens::kAsPlainText);
  const std::vector<TokenId> second = tokenizer.encode(text, true, SpecialTokens::kAsPlainText);
  if (first.size() > most / 2) {
    first.resize(most / 2);
    first.back() = end;
  }
  TokenPair pair{std::move(first), {}};
  // RoBERTa's kind puts the end twice between two texts, and tells them apart by nothing else.
  const bool has_types = tokenizer.token_text(marks.front()) != "<s>";
  if (!has_types) pair.tokens.push_back(end);
  pair.types.assign(pair.tokens.size(), 0);
  pair.tokens.insert(pair.tokens.end(), second.begin() + 1, second.end());
  if (pair.tokens.size() > most) {
    pair.tokens.resize(most);
    pair.tokens.back() = end;
  }
  pair.types.resize(pair.tokens.size(), has_types ? 1 : 0);
  return pair;
}

Result<std::vector<float>> score_texts(Engine& engine, const std::string& question,
                                       std::span<const std::string> texts) {
  if (!scores_pairs(engine)) {
    return Error(
        fmt::format("{}: expected a model that scores pairs of texts (a cross-encoder), got one without a head",
                    engine.file().path()));
  }
  std::vector<float> scores;
  Batch batch;
  for (const std::string& text : texts) {
    const TokenPair pair =
        ONDOL_TRY(token_pair(engine.tokenizer(), question, text, engine.context_length()).in(engine.file().path()));
    if (batch.tokens.size() + pair.tokens.size() > static_cast<size_t>(engine.batch_rows())) {
      finish(engine, batch, scores);
    }
    add_pair(batch, pair);
  }
  finish(engine, batch, scores);
  return scores;
}

}  // namespace ondol
