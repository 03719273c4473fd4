// Terminal: what may be shown where. Colour and progress only on a terminal; Ctrl-C as a flag.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

namespace ondol::cli {

bool stdin_is_terminal();
bool stdout_is_terminal();
bool stderr_is_terminal();

/// Wraps `text` in an SGR style ("2" dim, "1" bold, "31" red) when standard error is a terminal and NO_COLOR is unset.
std::string styled(std::string_view text, std::string_view sgr);

/// Columns of the terminal, 80 when unknown.
int terminal_columns();

/// Set by the first Ctrl-C after install_interrupt_handler(); a second one ends the process at once.
extern std::atomic<bool> interrupted;
void install_interrupt_handler();

/// "1.2 GiB", "340 MB/s" and the like.
std::string human_bytes(double bytes);
std::string human_duration(double seconds);

/// One line on standard error with a bar, rate and time left. Shown only on a terminal, from half a second on; it never
/// goes backwards.
class ProgressBar {
 public:
  /// `unit` names what is counted ("tokens"); "bytes" is shown in human form.
  ProgressBar(std::string label, std::string unit);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(double done, double total);
  /// Removes the line.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  std::string unit_;
  Clock::time_point start_;
  Clock::time_point last_shown_;
  double first_done_ = -1;
  double done_ = 0;
  bool shown_ = false;
};

}  // namespace ondol::cli
