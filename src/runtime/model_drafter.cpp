#include "runtime/model_drafter.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ondol {
namespace {

std::string quoted(const Tokenizer& tokenizer, TokenId id) {
  return id == kNoToken ? "none" : fmt::format("{} '{}'", id, tokenizer.token_text(id));
}

/// Where the texts of common ids differ, or a token that is no padding has no counterpart; empty when nowhere.
std::string difference(const Tokenizer& target, const Tokenizer& draft) {
  const int n = std::min(target.vocabulary_size(), draft.vocabulary_size());
  for (TokenId id = 0; id < n; ++id) {
    if (target.token_text(id) == draft.token_text(id)) continue;
    return fmt::format("token {} is '{}' there and '{}' here", id, target.token_text(id), draft.token_text(id));
  }
  const Tokenizer& longer = target.vocabulary_size() > n ? target : draft;
  for (TokenId id = n; id < longer.vocabulary_size(); ++id) {
    if (!longer.is_unused(id)) return fmt::format("only one of them has token {}", quoted(longer, id));
  }
  if (target.eos() != draft.eos()) {
    return fmt::format("texts end with token {} there and {} here", quoted(target, target.eos()),
                       quoted(draft, draft.eos()));
  }
  if ((target.adds_bos() || draft.adds_bos()) && target.bos() != draft.bos()) {
    return fmt::format("texts begin with token {} there and {} here", quoted(target, target.bos()),
                       quoted(draft, draft.bos()));
  }
  return "";
}

Result<void> check_same_vocabulary(const Engine& target, const Engine& draft) {
  const std::string found = difference(target.tokenizer(), draft.tokenizer());
  if (found.empty()) return {};
  return Error(
      fmt::format("{}: expected a draft model with the vocabulary of {} ({} tokens), got another one ({} tokens): {}; "
                  "take a small model of the same family",
                  draft.file().path(), target.file().path(), target.tokenizer().vocabulary_size(),
                  draft.tokenizer().vocabulary_size(), found));
}

GuessKind kind_of(double probability) {
  if (probability < 0.4) return GuessKind::kUnsure;
  if (probability < 0.7) return GuessKind::kLikely;
  return probability < 0.9 ? GuessKind::kVeryLikely : GuessKind::kSure;
}

/// The most likely token, the first of equals. Comparisons with NaN are false, so a broken model only guesses badly.
size_t most_likely(std::span<const float> logits) {
  size_t best = 0;
  for (size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best]) best = i;
  }
  return best;
}

double probability_of(size_t token, std::span<const float> logits) {
  // What is less likely than the best by e^20 does not count, and most tokens are.
  constexpr float kNegligible = 20.0f;
  const float best = logits[most_likely(logits)];
  double sum = 0;
  for (const float logit : logits) {
    if (logit > best - kNegligible) sum += std::exp(logit - best);
  }
  return sum > 0 ? std::exp(logits[token] - best) / sum : 0.0;
}

}  // namespace

Result<CompanionMemory> ModelDrafter::memory_needs(const std::string& path, const EngineOptions& options) {
  const auto file = ONDOL_TRY(open_model_file(path));
  const auto model = ONDOL_TRY(load_model(file));
  const MemoryPlan plan = plan_memory(*file, model->config(), options.kv_types, {}, options.batch_rows, 0);
  return CompanionMemory{plan.weights_bytes + plan.working_bytes, plan.kv_bytes_per_token, plan.context_wanted};
}

Result<std::unique_ptr<ModelDrafter>> ModelDrafter::open(const std::string& path, const Engine& target,
                                                         EngineOptions options) {
  options.context = {.at_most = target.context_length()};
  options.beside = {};
  options.observer = {};
  auto engine = ONDOL_TRY(Engine::open(path, options));
  const ModelConfig& config = engine->model().config();
  if (config.kv_layers.empty()) {
    return Error(fmt::format("{}: expected a draft model that generates text, got one that makes embeddings", path));
  }
  ONDOL_TRY(check_same_vocabulary(target, *engine));
  const int64_t n_tokens = std::min(config.vocabulary_size, target.model().config().vocabulary_size);
  return std::unique_ptr<ModelDrafter>(new ModelDrafter(std::move(engine), n_tokens));
}

void ModelDrafter::begin(std::span<const TokenId> text) {
  text_.assign(text.begin(), text.end());
  first_ = 0;
  is_new_ = true;
  failed_ = false;
}

/// The next token, as the sampler chooses it.
Guess ModelDrafter::choose() {
  const auto logits = session_.logits().first(static_cast<size_t>(n_tokens_));
  const auto token = sampler_ ? sampler_->sample(logits) : static_cast<TokenId>(most_likely(logits));
  if (sampler_) sampler_->accept(token);
  return {token, kind_of(probability_of(static_cast<size_t>(token), logits))};
}

std::vector<Guess> ModelDrafter::guess(int n, const Sampler* sampler, const AnotherPays& another_pays) {
  std::vector<Guess> guesses;
  n = static_cast<int>(std::min<int64_t>(n, engine_->context_length() / 2));
  if (n <= 0 || failed_ || text_.empty() || !catch_up(static_cast<size_t>(n))) return guesses;
  if (sampler != nullptr) {
    sampler_ = *sampler;
  } else {
    sampler_.reset();
  }
  while (true) {
    guesses.push_back(choose());
    const bool goes_on = another_pays(guesses);
    if (!goes_on || static_cast<int>(guesses.size()) >= n || !session_.append(guesses.back().token)) return guesses;
  }
}

/// Reads on, leaving room for n_free tokens; false when this was no small matter, or failed.
bool ModelDrafter::catch_up(size_t n_free) {
  const auto n_unread = [&] {
    const auto text = std::span(text_).subspan(first_);
    const auto read = session_.tokens();
    const auto [end, unused] = std::mismatch(text.begin(), text.end(), read.begin(), read.end());
    return static_cast<size_t>(text.end() - end);
  };
  const size_t room = static_cast<size_t>(engine_->context_length()) - n_free;
  const size_t most = is_new_ ? kMostToRead : kMostMissed;
  size_t unread = n_unread();
  if (unread > most || text_.size() - first_ > room) {
    // Half full, so that this is not soon needed again.
    first_ = text_.size() - std::min({text_.size(), most, room / 2 + 1});
    unread = n_unread();
  }
  const size_t n_left = unread - std::min(unread, static_cast<size_t>(engine_->batch_rows()));
  failed_ = !session_.sync(std::span(text_).subspan(first_, text_.size() - first_ - n_left));
  if (unread <= kMostBeforeGuess) is_new_ = false;
  return !failed_ && unread <= kMostBeforeGuess;
}

}  // namespace ondol
