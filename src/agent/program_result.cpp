#include "agent/program_result.h"

#include <utility>

#include <fmt/format.h>

#include "agent/printable_text.h"

namespace ondol {
namespace {

/// How it ended, where that is not plain success.
std::string ending(const SandboxedRun& run, const SandboxLimits& limits) {
  if (run.timed_out) return fmt::format("ended after {:g} seconds", limits.seconds);
  if (run.disk_was_full)
    return fmt::format("ended: wrote more than {} MiB, or too many files", limits.disk_bytes >> 20);
  if (run.memory_was_full) return fmt::format("ended: needed more than {} MiB of memory", limits.memory_bytes >> 20);
  if (run.processes_were_too_many) return fmt::format("ended: more than {} processes", limits.processes);
  if (run.was_stopped) return "stopped";
  if (run.signal != 0) return fmt::format("ended by signal {}", run.signal);
  return run.exit_status == 0 ? "" : fmt::format("exit status {}", run.exit_status);
}

}  // namespace

ToolResult program_result(const SandboxedRun& run, const SandboxLimits& limits) {
  ToolResult result;
  result.text = printable_text(run.output);
  if (run.output_was_cut) result.text += "\n[more output was cut off]";
  const std::string end = ending(run, limits);
  if (!end.empty())
    result.text += fmt::format("{}[{}]", result.text.empty() || result.text.ends_with('\n') ? "" : "\n", end);
  if (result.text.empty()) result.text = "(no output)";
  result.is_untrusted = true;
  result.is_error = !end.empty();
  return result;
}

}  // namespace ondol
