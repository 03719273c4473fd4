#include "cli/train_view.h"

#include <cstdio>

#include <fmt/format.h>

#include "cli/language.h"
#include "cli/terminal.h"

namespace ondol::cli {

std::string step_in_words(const train::StepReport& step, double seconds, std::optional<double> validation) {
  return fmt::format("step {:>5}  loss {:.4f}{}{}{}  {:.0f} tokens/s", step.step, step.loss,
                     step.preferences ? fmt::format("  margin {:.3f}", step.preferences->margin) : "",
                     step.drift ? fmt::format("  drift {:.4f}", *step.drift) : "",
                     validation ? fmt::format("  validation {:.4f}", *validation) : "",
                     static_cast<double>(step.n_tokens) / seconds);
}

TrainView::TrainView(int64_t first_step, int64_t n_steps, bool verbose)
    : first_step_(first_step), n_steps_(n_steps), verbose_(verbose) {}

TrainView::~TrainView() {
  clear();
}

void TrainView::clear() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

void TrainView::show(const train::StepReport& step, double seconds, std::optional<double> validation) {
  if (validation) validation_ = validation;
  if (verbose_ || (validation && stderr_is_terminal())) {
    clear();
    fmt::print(stderr, "{}\n", step_in_words(step, seconds, validation));
  }
  if (!stderr_is_terminal()) return;
  constexpr double kKept = 0.9;
  loss_ = kKept * loss_ + (1 - kKept) * step.loss;
  weight_ = kKept * weight_ + (1 - kKept);
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const auto done = static_cast<double>(step.step - first_step_);
  const double left = elapsed / done * static_cast<double>(n_steps_ - step.step);
  constexpr int kBarColumns = 20;
  const auto filled = static_cast<size_t>(kBarColumns * step.step / std::max<int64_t>(1, n_steps_));
  const std::string bar = std::string(filled, '#') + std::string(kBarColumns - filled, '.');
  std::string line =
      fmt::format("{} [{}] {}/{}  loss {:.4f}{}  {:.0f} tokens/s  {} left", tr("learning"), bar, step.step, n_steps_,
                  loss_ / weight_, validation_ ? fmt::format("  validation {:.4f}", *validation_) : "",
                  static_cast<double>(step.n_tokens) / seconds, human_duration(left));
  const auto columns = static_cast<size_t>(terminal_columns() - 1);
  if (line.size() > columns) line.resize(columns);
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  std::fflush(stderr);
  shown_ = true;
}

}  // namespace ondol::cli
