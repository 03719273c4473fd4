#include "runtime/session.h"

#include <algorithm>

#include <fmt/format.h>

namespace ondol {
namespace {

Result<void> check_ids(std::span<const TokenId> tokens, int64_t vocabulary_size) {
  for (const TokenId id : tokens) {
    if (id >= 0 && id < vocabulary_size) continue;
    return Error(fmt::format("expected token ids from 0 to {}, got {}", vocabulary_size - 1, id));
  }
  return {};
}

Error context_full(const Engine& engine, size_t needed) {
  return Error(
      fmt::format("the context is full: {} tokens are needed and the context holds {}; ask for a larger one "
                  "(--ctx {}), or shorten the text",
                  needed, engine.context_length(), (needed + 511) / 512 * 512));
}

}  // namespace

Result<void> Session::sync(std::span<const TokenId> tokens, const EvaluationProgress& progress) {
  ONDOL_CHECK(!tokens.empty());
  if (engine_->model().config().kv_layers.empty()) {
    return Error(fmt::format("{}: this model makes embeddings, not text (see: ondol embed)", engine_->file().path()));
  }
  ONDOL_TRY(check_ids(tokens, engine_->model().config().vocabulary_size));
  const auto [kept_end, unused] = std::mismatch(tokens_.begin(), tokens_.end(), tokens.begin(), tokens.end());
  auto n_kept = static_cast<size_t>(kept_end - tokens_.begin());
  // The last token is always evaluated, because its logits are wanted.
  n_kept = std::min(n_kept, tokens.size() - 1);
  roll_back(static_cast<int>(tokens_.size() - n_kept));
  n_reused_ = static_cast<int>(n_kept);
  return evaluate(tokens.subspan(n_kept), progress);
}

Result<void> Session::append(TokenId token) {
  ONDOL_TRY(check_ids({&token, 1}, engine_->model().config().vocabulary_size));
  return evaluate({&token, 1}, {});
}

int Session::most_at_once() const {
  const auto length = static_cast<int64_t>(tokens_.size());
  int64_t most = std::min({int64_t{kMostAtOnce}, int64_t{engine_->batch_rows()}, engine_->context_length() - length});
  const int64_t limit = engine_->model().config().rotation_changes_after;
  if (limit >= length && limit > 0) most = std::min(most, limit - length);
  return static_cast<int>(std::max<int64_t>(most, 1));
}

Result<void> Session::append_each(std::span<const TokenId> tokens) {
  if (tokens.size() == 1) return append(tokens[0]);
  ONDOL_CHECK(static_cast<int>(tokens.size()) <= most_at_once());
  ONDOL_TRY(check_ids(tokens, engine_->model().config().vocabulary_size));
  const int position = static_cast<int>(tokens_.size());
  const int n = static_cast<int>(tokens.size());
  ONDOL_TRY(sequence_.append(n));
  Batch batch;
  batch.tokens.assign(tokens.begin(), tokens.end());
  for (int i = 0; i < n; ++i) {
    // A slice of its own for each row: positions that depend on the length must not see the later ones.
    batch.slices.push_back({&sequence_, i, 1, position + i, position + i + 1, adapters_.uses()});
    batch.output_rows.push_back(i);
  }
  keep_logits(engine_->forward(batch));
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  return {};
}

void Session::keep_logits(const Tensor& logits) {
  logits_.clear();
  for (int64_t row = 0; row < logits.rows(); ++row) {
    logits_.emplace_back(logits.f32(row), static_cast<size_t>(logits.columns()));
  }
}

void Session::roll_back(int n) {
  ONDOL_CHECK(n >= 0 && static_cast<size_t>(n) <= tokens_.size());
  tokens_.resize(tokens_.size() - static_cast<size_t>(n));
  sequence_.truncate(static_cast<int>(tokens_.size()));
  logits_.clear();
}

Session Session::fork() const {
  Session copy(*engine_, adapters_);
  copy.sequence_ = sequence_.fork(sequence_.length());
  copy.tokens_ = tokens_;
  copy.is_long_ = is_long_;
  return copy;
}

Session::Session(Engine& engine, AdapterSet adapters, std::span<const TokenId> tokens, KvSequence sequence,
                 bool is_long)
    : engine_(&engine),
      adapters_(std::move(adapters)),
      sequence_(std::move(sequence)),
      tokens_(tokens.begin(), tokens.end()),
      is_long_(is_long) {
  ONDOL_CHECK(static_cast<int>(tokens_.size()) == sequence_.length());
}

bool Session::rotates_as_long(const Engine& engine, size_t n_total) {
  const int64_t limit = engine.model().config().rotation_changes_after;
  return limit > 0 && static_cast<int64_t>(n_total) > limit;
}

bool Session::must_start_over(size_t n_total) const {
  return !tokens_.empty() && is_long_ != rotates_as_long(*engine_, n_total);
}

Result<void> Session::join(Batch& batch, std::span<const TokenId> tokens, size_t n_total, bool wants_logits) {
  ONDOL_CHECK(!must_start_over(n_total));
  const int n = static_cast<int>(tokens.size());
  const int position = static_cast<int>(tokens_.size());
  const int first_row = static_cast<int>(batch.tokens.size());
  ONDOL_TRY(sequence_.append(n));
  is_long_ = rotates_as_long(*engine_, n_total);
  batch.tokens.insert(batch.tokens.end(), tokens.begin(), tokens.end());
  batch.slices.push_back({&sequence_, first_row, n, position, static_cast<int>(n_total), adapters_.uses()});
  if (wants_logits) batch.output_rows.push_back(first_row + n - 1);
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  logits_.clear();
  return {};
}

Result<void> Session::evaluate(std::span<const TokenId> tokens, const EvaluationProgress& progress) {
  const size_t n_total = tokens_.size() + tokens.size();
  if (static_cast<int64_t>(n_total) > engine_->context_length()) return context_full(*engine_, n_total);
  if (must_start_over(n_total)) {
    std::vector<TokenId> all = tokens_;
    all.insert(all.end(), tokens.begin(), tokens.end());
    roll_back(static_cast<int>(tokens_.size()));
    n_reused_ = 0;
    return evaluate(all, progress);
  }
  size_t done = 0;
  while (done < tokens.size()) {
    const size_t n = std::min(tokens.size() - done, static_cast<size_t>(engine_->batch_rows()));
    const bool is_last = done + n == tokens.size();
    Batch batch;
    ONDOL_TRY(join(batch, tokens.subspan(done, n), n_total, is_last));
    const Tensor logits = engine_->forward(batch);
    if (is_last) keep_logits(logits);
    done += n;
    if (progress && !progress(static_cast<int>(done), static_cast<int>(tokens.size())) && !is_last) {
      return Error("stopped");
    }
  }
  return {};
}

}  // namespace ondol
