#include "cli/terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

namespace ondol::cli {
namespace {

constexpr double kShowAfterSeconds = 0.5;
constexpr double kRefreshSeconds = 0.1;

extern "C" void on_interrupt(int) {
  // A second Ctrl-C while the first is still being handled means "now".
  if (interrupted.exchange(true)) _exit(130);
}

}  // namespace

std::atomic<bool> interrupted{false};

bool stdin_is_terminal() {
  return ::isatty(STDIN_FILENO) == 1;
}
bool stdout_is_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}
bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

std::string styled(std::string_view text, std::string_view sgr) {
  static const bool enabled = stderr_is_terminal() && std::getenv("NO_COLOR") == nullptr;
  return enabled ? fmt::format("\x1b[{}m{}\x1b[0m", sgr, text) : std::string(text);
}

int terminal_columns() {
  struct winsize size {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
}

std::string human_bytes(double bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  while (bytes >= 1024 && unit < 4) bytes /= 1024, ++unit;
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string human_duration(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02} min", s / 60, s % 60);
  return fmt::format("{}:{:02} h", s / 3600, s % 3600 / 60);
}

ProgressBar::ProgressBar(std::string label, std::string unit)
    : label_(std::move(label)), unit_(std::move(unit)), start_(Clock::now()), last_shown_(start_) {}

ProgressBar::~ProgressBar() {
  clear();
}

void ProgressBar::clear() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

void ProgressBar::update(double done, double total) {
  if (!stderr_is_terminal()) return;
  const auto now = Clock::now();
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double since_shown = std::chrono::duration<double>(now - last_shown_).count();
  if (first_done_ < 0) first_done_ = done;
  done_ = std::max(done_, done);
  if (elapsed < kShowAfterSeconds || (shown_ && since_shown < kRefreshSeconds && done_ < total)) return;
  last_shown_ = now;
  shown_ = true;

  const double rate = (done_ - first_done_) / elapsed;  // what an earlier run had done is no speed of this one
  const double share = total > 0 ? std::min(1.0, done_ / total) : 0;
  const bool is_bytes = unit_ == "bytes";
  const std::string rate_text = is_bytes ? human_bytes(rate) + "/s" : fmt::format("{:.1f} {}/s", rate, unit_);
  const std::string left = rate > 0 ? human_duration((total - done_) / rate) + " left" : "";
  constexpr int kBarColumns = 24;
  const int filled = static_cast<int>(share * kBarColumns);
  const std::string bar =
      std::string(static_cast<size_t>(filled), '#') + std::string(static_cast<size_t>(kBarColumns - filled), '.');
  std::string line = fmt::format("{} [{}] {:3.0f}%  {}  {}", label_, bar, share * 100, rate_text, left);
  const auto columns = static_cast<size_t>(terminal_columns() - 1);
  if (line.size() > columns) line.resize(columns);
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  std::fflush(stderr);
}

}  // namespace ondol::cli
