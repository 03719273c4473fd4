#include "runtime/late_interaction.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "runtime/embedder.h"

namespace ondol {
namespace {

/// The states of a text's tokens, of length 1, one after another; marks around the text are left out.
struct TokenStates {
  std::vector<float> values;
  size_t width = 0;

  size_t n() const { return values.size() / width; }
  const float* row(size_t i) const { return values.data() + i * width; }
};

Result<std::vector<TokenId>> tokens_of(const Engine& engine, const std::string& text) {
  std::vector<TokenId> tokens = engine.tokenizer().encode(text, true, SpecialTokens::kAsPlainText);
  if (tokens.empty()) return Error("expected words, got an empty text");
  const auto most = static_cast<size_t>(std::max<int64_t>(engine.context_length(), 1));
  if (tokens.size() > most) tokens.resize(most);
  return tokens;
}

TokenStates states_of(const Tokenizer& tokenizer, std::span<const TokenId> tokens, const Tensor& hidden,
                      const BatchSlice& slice) {
  TokenStates states;
  states.width = static_cast<size_t>(hidden.columns());
  for (int i = 0; i < slice.n_rows; ++i) {
    // Where there is nothing but marks, they are the text.
    if (tokens.size() > 2 && tokenizer.is_control(tokens[static_cast<size_t>(i)])) continue;
    const float* row = hidden.f32(slice.first_row + i);
    double squares = 0;
    for (size_t k = 0; k < states.width; ++k) squares += static_cast<double>(row[k]) * row[k];
    const auto factor = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
    for (size_t k = 0; k < states.width; ++k) states.values.push_back(row[k] * factor);
  }
  return states;
}

/// Sums in several strands, which the compiler may keep side by side.
float product(const float* a, const float* b, size_t n) {
  constexpr size_t kStrands = 16;
  float sums[kStrands] = {};
  size_t i = 0;
  for (; i + kStrands <= n; i += kStrands) {
    for (size_t k = 0; k < kStrands; ++k) sums[k] += a[i + k] * b[i + k];
  }
  float sum = 0;
  for (const float strand : sums) sum += strand;
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

float match(const TokenStates& question, const TokenStates& text) {
  if (question.n() == 0 || text.n() == 0) return -1;
  double sum = 0;
  for (size_t q = 0; q < question.n(); ++q) {
    float best = -1;
    for (size_t t = 0; t < text.n(); ++t) {
      best = std::max(best, product(question.row(q), text.row(t), question.width));
    }
    sum += best;
  }
  return static_cast<float>(sum / static_cast<double>(question.n()));
}

}  // namespace

Result<std::vector<float>> match_texts(Engine& engine, const std::string& question,
                                       std::span<const std::string> texts) {
  std::vector<std::vector<TokenId>> all{ONDOL_TRY(tokens_of(engine, question).in("the question"))};
  for (size_t i = 0; i < texts.size(); ++i) {
    all.push_back(ONDOL_TRY(tokens_of(engine, texts[i]).in(fmt::format("text {}", i + 1))));
  }
  TokenStates of_question;
  std::vector<float> scores;
  size_t next = 0;
  ONDOL_TRY(run_texts(engine, all, {}, [&](const Tensor& hidden, const BatchSlice& slice) {
    TokenStates states = states_of(engine.tokenizer(), all[next], hidden, slice);
    if (next++ == 0) {
      of_question = std::move(states);
    } else {
      scores.push_back(match(of_question, states));
    }
  }));
  return scores;
}

}  // namespace ondol
