#include "runtime/continuous_batch.h"

#include <algorithm>
#include <utility>

#include "runtime/token_chances.h"

namespace ondol {
namespace {

double seconds_between(ScheduledText::Clock::time_point start, ScheduledText::Clock::time_point end) {
  return std::chrono::duration<double>(end - start).count();
}

int pages_of(size_t n_tokens) {
  return static_cast<int>((n_tokens + kPageTokens - 1) / kPageTokens);
}

size_t n_common(std::span<const TokenId> a, std::span<const TokenId> b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

/// From which length on the base of the rotations grows with it ("dynamic"); 0: it does not.
int64_t rotation_grows_after(const Engine& engine) {
  const std::string prefix = engine.model().config().architecture + ".rope.scaling.";
  const auto type = engine.file().meta_string_or(prefix + "type", "");
  if (!type || *type != "dynamic") return 0;
  const auto original = engine.file().meta_int_or(prefix + "original_context_length", 0);
  return original && *original > 0 ? *original : engine.model().config().context_length;
}

}  // namespace

ContinuousBatch::ContinuousBatch(Engine& engine, const SchedulerOptions& options, PrefixStore* store,
                                 std::function<void()> ended)
    : engine_(engine),
      options_(options),
      grows_after_(rotation_grows_after(engine)),
      ended_(std::move(ended)),
      prefixes_(engine.cache(), store),
      planner_(engine.batch_rows(), std::clamp(options.prefill_rows, 1, engine.batch_rows())),
      alone_session_(engine),
      speculation_(alone_session_, options.speculate) {
  options_.max_running = std::clamp(options_.max_running, 1, engine.batch_rows());
}

void ContinuousBatch::step() {
  admit();
  if (may_go_alone()) {
    step_alone();
  } else if (!running_.empty()) {
    settle();
    step_together();
  }
}

// Who gets in.

void ContinuousBatch::admit() {
  while (is_admitting_ && waiting_.size() > 0 && static_cast<int>(running_.size()) < options_.max_running) {
    if (!admit_next()) break;
  }
}

/// Pages that running texts still need for the tokens that they have, and one for each to grow.
int ContinuousBatch::pages_promised() const {
  int n = 0;
  for (const auto& text : running_) {
    const int n_held = text.get() == alone_ ? alone_session_.sequence().n_pages() : text->session.sequence().n_pages();
    n += std::max(0, pages_of(text->timeline.size() + 1) - n_held) + 1;
  }
  return n;
}

PrefixKind ContinuousBatch::kind_of(const Text& text) const {
  PrefixKind kind{Session::rotates_as_long(engine_, text.timeline.size()), text.adapters().key()};
  if (grows_after_ == 0 || text.n_prompt() <= grows_after_) return kind;
  // Only prompts of the same length are read with the same rotations.
  const auto length = static_cast<uint64_t>(text.n_prompt());
  kind.adapters = hash_bytes({reinterpret_cast<const uint8_t*>(&length), sizeof(length)}, kind.adapters);
  return kind;
}

/// A session of the text that begins with what is known of it.
Session ContinuousBatch::continued(const Text& text, KvSequence known) const {
  const auto tokens = std::span(text.timeline).first(static_cast<size_t>(known.length()));
  return Session(engine_, text.adapters(), tokens, std::move(known), kind_of(text).is_long);
}

/// The next in line runs if all its tokens have room beside those of the running texts; nobody overtakes it.
bool ContinuousBatch::admit_next() {
  Text& next = *waiting_.front();
  KvSequence known = prefixes_.find(next.timeline, kind_of(next));
  const int n_available = engine_.cache().n_free_pages() + prefixes_.n_pages();
  const int n_needed = pages_of(next.timeline.size()) - known.length() / kPageTokens;
  if (!running_.empty() && n_needed + pages_promised() > n_available) return false;
  std::unique_ptr<Text> text = waiting_.pop();
  const int n_known = known.length();
  text->session = continued(*text, std::move(known));
  if (!text->was_admitted) {
    text->was_admitted = true;
    text->admitted = Clock::now();
    text->text.begin(text->request.prompt);
    text->n_cached = n_known;
    counts_.n_cached_tokens += static_cast<uint64_t>(n_known);
    counts_.n_prompt_tokens += static_cast<uint64_t>(text->n_prompt());
  }
  const auto is_younger = [&](const std::unique_ptr<Text>& other) { return other->id > text->id; };
  running_.insert(std::find_if(running_.begin(), running_.end(), is_younger), std::move(text));
  return true;
}

// Passes over all texts.

/// Whether an older text is evaluating what this one begins with, so that waiting for it saves doing it again.
bool ContinuousBatch::shares_with_older(size_t i) const {
  const Text& text = *running_[i];
  for (size_t j = 0; j < i; ++j) {
    const Text& older = *running_[j];
    if (older.n_left() <= 1 || older.n_evaluated() < text.n_evaluated() || kind_of(older) != kind_of(text)) continue;
    const size_t n = n_common(older.timeline, text.timeline);
    if (n / kPageTokens > static_cast<size_t>(text.n_evaluated() / kPageTokens)) return true;
  }
  return false;
}

/// What another text has evaluated meanwhile.
void ContinuousBatch::take_known_prefix(Text& text) {
  KvSequence known = prefixes_.find(text.timeline, kind_of(text));
  const int n_more = known.length() - text.n_evaluated();
  if (n_more <= 0) return;
  text.session = continued(text, std::move(known));
  if (text.has_begun()) return;
  text.n_cached += n_more;
  counts_.n_cached_tokens += static_cast<uint64_t>(n_more);
}

std::vector<PassPlanner::Wish> ContinuousBatch::wishes() {
  std::vector<PassPlanner::Wish> wishes;
  for (size_t i = 0; i < running_.size(); ++i) {
    Text& text = *running_[i];
    if (text.session.must_start_over(text.timeline.size())) text.session = Session(engine_, text.adapters());
    if (text.n_left() > PassPlanner::kMostForcedRows) take_known_prefix(text);
    const int n = !text.is_generating && shares_with_older(i) ? 0 : text.n_left();
    wishes.push_back({text.request.client, n, text.is_generating});
  }
  return wishes;
}

/// The oldest first; the youngest may have to make room before it is their turn.
void ContinuousBatch::fill_batch(std::span<const int> rows, Batch& batch, std::vector<Text*>& texts) {
  for (size_t i = 0; i < running_.size(); ++i) {
    Text& text = *running_[i];
    if (rows[i] == 0) continue;
    if (!make_room_for(text, rows[i])) break;
    join(text, batch, rows[i]);
    texts.push_back(&text);
  }
}

/// Where rotations grow with the length, a prompt is read with those of its whole length, and each token after it with
/// those of the length that it makes; so it is for a text that had to make room, too.
void ContinuousBatch::join(Text& text, Batch& batch, int n_rows) {
  while (n_rows > 0) {
    const int position = text.n_evaluated();
    int n = n_rows;
    auto n_total = static_cast<int>(text.timeline.size());
    if (grows_after_ > 0) {
      const bool is_prompt = position < text.n_prompt();
      n = is_prompt ? std::min(n_rows, text.n_prompt() - position) : 1;
      n_total = is_prompt ? text.n_prompt() : position + 1;
    }
    const auto part = std::span(text.timeline).subspan(static_cast<size_t>(position), static_cast<size_t>(n));
    const auto joined = text.session.join(batch, part, static_cast<size_t>(n_total), n == text.n_left());
    ONDOL_CHECK(joined.has_value());
    n_rows -= n;
  }
}

/// False when the text itself had to go.
bool ContinuousBatch::make_room_for(const Text& text, int n_rows) {
  const KvSequence& sequence = text.session.sequence();
  while (true) {
    const int n = sequence.pages_wanted(n_rows);
    if (prefixes_.make_room(n) >= n) return true;
    if (running_.size() == 1) {
      // It may be that a page shared with the prefix cache cannot be copied.
      prefixes_.clear();
      if (sequence.pages_wanted(n_rows) <= engine_.cache().n_free_pages()) return true;
    }
    const bool is_youngest = running_.back().get() == &text;
    preempt_youngest();
    if (is_youngest) return false;
  }
}

/// Its keys and values stay in the prefix cache as long as nobody wants their pages.
void ContinuousBatch::preempt_youngest() {
  std::unique_ptr<Text> text = std::move(running_.back());
  running_.pop_back();
  if (running_.empty()) {
    // Nobody else is left to make room, so only a job that keeps pages can have taken them.
    end(std::move(text), StopReason::kContextFull, Error("the cache has no pages left; something else keeps them"));
    return;
  }
  remember(*text, text->n_evaluated());
  text->session = Session(engine_, text->adapters());
  text->is_generating = false;
  ++counts_.n_preempted;
  waiting_.push_back_first(std::move(text));
}

void ContinuousBatch::step_together() {
  const std::vector<PassPlanner::Wish> all = wishes();
  const std::vector<int> rows = planner_.plan(all);
  Batch batch;
  std::vector<Text*> texts;
  fill_batch(rows, batch, texts);
  if (batch.tokens.empty()) return;
  int n_generating = 0;
  for (const Text* text : texts) n_generating += text->is_generating ? 1 : 0;
  const int n_rows = static_cast<int>(batch.tokens.size());
  const auto start = Clock::now();
  const Tensor logits = engine_.forward(batch);
  planner_.saw_pass(n_generating, n_rows - n_generating, seconds_between(start, Clock::now()));
  ++counts_.n_passes;
  counts_.n_rows += static_cast<uint64_t>(n_rows);
  after_pass(texts, logits);
}

void ContinuousBatch::after_pass(std::span<Text* const> texts, const Tensor& logits) {
  int64_t row = 0;
  for (Text* text : texts) {
    const bool has_logits = text->n_left() == 0;
    // Whole pages, so that the text need not copy the page that it writes to next.
    if (!text->is_generating) remember(*text, text->n_evaluated() / kPageTokens * kPageTokens);
    if (!report_prompt(*text)) {
      row += has_logits ? 1 : 0;
      end_running(*text, StopReason::kCancelled);
      continue;
    }
    if (!has_logits) continue;
    text->is_generating = true;
    advance(*text, {logits.f32(row++), static_cast<size_t>(logits.columns())});
  }
}

bool ContinuousBatch::report_prompt(Text& text) {
  if (text.has_begun()) return true;
  const bool goes_on = text.sink->on_prompt(std::min(text.n_evaluated(), text.n_prompt()), text.n_prompt());
  if (text.n_left() == 0) text.first_logits = Clock::now();
  return goes_on;
}

// A text that is alone.

bool ContinuousBatch::may_go_alone() const {
  if (running_.size() != 1 || !running_[0]->is_generating) return false;
  if (running_[0].get() == alone_) return !alone_session_.must_start_over(alone_->timeline.size());
  return running_[0]->n_left() == 1 && !running_[0]->session.must_start_over(running_[0]->timeline.size());
}

void ContinuousBatch::step_alone() {
  Text& text = *running_[0];
  if (alone_ != &text) {
    alone_ = &text;
    alone_session_ = std::exchange(text.session, Session(engine_, text.adapters()));
    speculation_.begin(alone_session_.tokens());
  }
  const size_t n_before = speculation_.length();
  const int n_drafted_before = speculation_.n_drafted();
  for (size_t i = n_before; i < text.timeline.size(); ++i) {
    const int n_wanted = text.text.n_left();
    const auto appended = speculation_.append(text.timeline[i], n_wanted, &text.sampler);
    if (!appended) {
      end_running(text, StopReason::kContextFull, appended.error());
      return;
    }
  }
  ++counts_.n_passes;
  counts_.n_rows += text.timeline.size() - n_before;
  counts_.n_drafted += static_cast<uint64_t>(speculation_.n_drafted() - n_drafted_before);
  advance(text, speculation_.logits());
}

void ContinuousBatch::settle() {
  if (alone_ == nullptr) return;
  speculation_.settle();
  alone_->session = std::move(alone_session_);
  alone_session_ = Session(engine_);
  alone_ = nullptr;
}

bool ContinuousBatch::make_room_beside(int n_pages) {
  if (prefixes_.make_room(n_pages) < n_pages) {
    if (!running_.empty()) return false;
    prefixes_.clear();
  }
  settle();
  return true;
}

// What becomes of a text.

/// Its timeline is evaluated: the next token, and those that follow by force.
void ContinuousBatch::advance(Text& text, std::span<const float> logits) {
  if (text.text.is_complete()) {
    end_running(text, StopReason::kMaxTokens);
    return;
  }
  bool is_chosen = false;
  while (!is_chosen || !text.text.needs_logits()) {
    const bool needs_logits = text.text.needs_logits();
    const TextInProgress::Step step = text.text.next(logits);
    is_chosen = is_chosen || needs_logits;
    if (step.token != kNoToken && !emit(text, step, needs_logits ? logits : std::span<const float>())) {
      end_running(text, StopReason::kCancelled);
      return;
    }
    if (step.end) {
      end_running(text, *step.end);
      return;
    }
    if (static_cast<int64_t>(text.timeline.size()) > engine_.context_length()) {
      end_running(text, StopReason::kContextFull);
      return;
    }
  }
}

bool ContinuousBatch::emit(Text& text, const TextInProgress::Step& step, std::span<const float> logits) {
  text.timeline.push_back(step.token);
  ++counts_.n_generated_tokens;
  TokenEvent event;
  event.token = step.token;
  event.text = step.text;
  if (text.request.n_best >= 0 && !logits.empty()) {
    TokenChances chances = chances_of(logits, step.token, text.request.n_best);
    event.logprob = chances.logprob;
    event.best = std::move(chances.best);
  }
  return text.sink->on_token(event);
}

void ContinuousBatch::remember(const Text& text, int n_tokens) {
  // What was generated beyond the limit has rotations that no other text's beginning has.
  if (grows_after_ > 0) {
    n_tokens = static_cast<int>(std::min<int64_t>(n_tokens, std::max<int64_t>(grows_after_, text.n_prompt())));
  }
  if (n_tokens == 0) return;
  const auto tokens = text.session.tokens().first(static_cast<size_t>(n_tokens));
  PrefixKind kind = kind_of(text);
  // After the end, the timeline may be one token longer than what was evaluated, and beyond the limit.
  kind.is_long = text.session.is_long();
  prefixes_.insert(tokens, text.session.sequence(), kind);
}

std::unique_ptr<ScheduledText> ContinuousBatch::take_running(const Text& text) {
  const auto place = std::find_if(running_.begin(), running_.end(), [&](const auto& t) { return t.get() == &text; });
  ONDOL_CHECK(place != running_.end());
  std::unique_ptr<Text> taken = std::move(*place);
  running_.erase(place);
  return taken;
}

void ContinuousBatch::end_running(Text& text, StopReason reason, std::optional<Error> error) {
  if (alone_ == &text) settle();
  remember(text, text.n_evaluated());
  end(take_running(text), reason, std::move(error));
}

void ContinuousBatch::end(std::unique_ptr<Text> text, StopReason reason, std::optional<Error> error) {
  GenerationEnd end;
  end.reason = reason;
  end.error = std::move(error);
  if (reason != StopReason::kCancelled) end.text = text->text.finish();
  end.stop_text = text->text.stop_text();
  end.n_prompt = text->n_prompt();
  end.n_cached = text->n_cached;
  end.n_generated = text->text.n_tokens();
  const auto now = Clock::now();
  const auto admitted = text->was_admitted ? text->admitted : now;
  const auto begun = text->has_begun() ? text->first_logits : now;
  end.queue_seconds = seconds_between(text->submitted, admitted);
  end.prompt_seconds = seconds_between(admitted, begun);
  end.token_seconds = seconds_between(begun, now);
  counts_.n_cancelled += reason == StopReason::kCancelled ? 1 : 0;
  const std::shared_ptr<GenerationSink> sink = text->sink;
  text.reset();  // its pages are free before anybody hears of the end
  sink->on_end(end);
  ended_();
}

void ContinuousBatch::cancel(uint64_t id) {
  if (std::unique_ptr<Text> text = waiting_.remove(id)) {
    end(std::move(text), StopReason::kCancelled, {});
    return;
  }
  const auto place = std::find_if(running_.begin(), running_.end(), [&](const auto& text) { return text->id == id; });
  if (place != running_.end()) end_running(**place, StopReason::kCancelled);
}

void ContinuousBatch::cancel_all() {
  while (!running_.empty()) end_running(*running_.back(), StopReason::kCancelled);
  while (waiting_.size() > 0) end(waiting_.pop(), StopReason::kCancelled, {});
}

SchedulerStats ContinuousBatch::stats() const {
  SchedulerStats stats = counts_;
  stats.n_running = static_cast<int>(running_.size());
  stats.n_waiting = static_cast<int>(waiting_.size());
  stats.n_pages = engine_.cache().n_pages();
  stats.n_pages_cached = prefixes_.n_pages();
  stats.n_pages_used = stats.n_pages - engine_.cache().n_free_pages() - stats.n_pages_cached;
  return stats;
}

}  // namespace ondol
