// ContinuousBatch: the texts of a scheduler and the passes over them. One thread, no locks; scheduler.cpp puts a thread
// and an inbox around it.
//
// Between two passes, a text's timeline is its prompt and all tokens chosen so far, of which a beginning is evaluated.
// A text that is being generated has one token left; a prompt, or a text that had to make room, has more. That is the
// only difference between them: whoever's last token is evaluated gets its next one.
//
// A text that is alone generates through Speculation, with its session lent to it, until others come.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/engine.h"
#include "runtime/pass_planner.h"
#include "runtime/prefix_cache.h"
#include "runtime/scheduled_text.h"
#include "runtime/scheduler.h"
#include "runtime/session.h"
#include "runtime/speculation.h"
#include "runtime/waiting_texts.h"

namespace ondol {

class ContinuousBatch {
 public:
  /// `store` may be null. `ended` is called after each text's on_end().
  ContinuousBatch(Engine& engine, const SchedulerOptions& options, PrefixStore* store, std::function<void()> ended);

  void add(std::unique_ptr<ScheduledText> text) { waiting_.push(std::move(text)); }
  /// Ends it now, if it has not ended yet.
  void cancel(uint64_t id);
  void cancel_all();

  bool has_work() const { return !running_.empty() || waiting_.size() > 0; }
  /// Lets texts in and runs one pass.
  void step();

  /// Before somebody else uses the engine and so many pages. False while texts run that need them; when nothing runs,
  /// there is as much room as there can be.
  bool make_room_beside(int n_pages);
  /// Whether waiting texts may begin.
  void set_admitting(bool admits) { is_admitting_ = admits; }
  /// Hands what the prefix cache remembers to the store. False when it takes no more now.
  bool save(bool waits) { return prefixes_.save(waits); }
  /// Takes a text from the store that may be asked for soon.
  void take_back(const PrefixText& text) { prefixes_.take_back(text); }

  /// All but n_requests.
  SchedulerStats stats() const;

 private:
  using Text = ScheduledText;
  using Clock = Text::Clock;

  void settle();
  void admit();
  bool admit_next();
  int pages_promised() const;
  bool shares_with_older(size_t i) const;
  void take_known_prefix(Text& text);
  void step_together();
  std::vector<PassPlanner::Wish> wishes();
  void fill_batch(std::span<const int> rows, Batch& batch, std::vector<Text*>& texts);
  bool make_room_for(const Text& text, int n_rows);
  void preempt_youngest();
  void after_pass(std::span<Text* const> texts, const Tensor& logits);
  bool report_prompt(Text& text);

  bool may_go_alone() const;
  void step_alone();

  void advance(Text& text, std::span<const float> logits);
  bool emit(Text& text, const TextInProgress::Step& step, std::span<const float> logits);
  std::unique_ptr<Text> take_running(const Text& text);
  void end_running(Text& text, StopReason reason, std::optional<Error> error = {});
  void end(std::unique_ptr<Text> text, StopReason reason, std::optional<Error> error);
  void remember(const Text& text, int n_tokens);
  PrefixKind kind_of(const Text& text) const;
  void join(Text& text, Batch& batch, int n_rows);
  Session continued(const Text& text, KvSequence known) const;

  Engine& engine_;
  SchedulerOptions options_;
  int64_t grows_after_;  // longer texts have rotations of their own length (dynamic NTK); 0: never
  std::function<void()> ended_;
  PrefixCache prefixes_;
  PassPlanner planner_;
  WaitingTexts<Text> waiting_;
  std::vector<std::unique_ptr<Text>> running_;  // the oldest first
  Session alone_session_;                       // of the text that is alone
  Speculation speculation_;
  Text* alone_ = nullptr;
  bool is_admitting_ = true;
  SchedulerStats counts_;
};

}  // namespace ondol
