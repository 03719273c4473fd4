// ondol doctor: what this machine is and what it reaches.
#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/sandbox.h"
#include "backend/machine.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "runtime/plan.h"

namespace ondol::cli {
namespace {

struct Options {
  int n_threads = 0;
  bool json = false;
  bool quick = false;
};

/// NVIDIA and AMD devices that the kernel shows. Ondol computes on the processor; the list says what else is there.
std::vector<std::string> graphics_devices() {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code ignored;
  for (int i = 0; fs::exists(fmt::format("/dev/nvidia{}", i), ignored); ++i)
    names.push_back(fmt::format("nvidia{}", i));
  if (fs::exists("/dev/kfd", ignored)) names.emplace_back("amd");
  return names;
}

struct SandboxReport {
  std::string kind = "none";
  std::string description;  // or why there is none
};

/// By a trial: that bubblewrap is installed does not mean that it may do anything.
SandboxReport examine_sandbox() {
  const auto sandbox = Sandbox::open();
  if (!sandbox) return {"none", sandbox.error().message()};
  const bool is_bubblewrap = (*sandbox)->kind() == Sandbox::Kind::kBubblewrap;
  return {is_bubblewrap ? "bubblewrap" : "landlock", (*sandbox)->description()};
}

void print_json(const MachineReport& report) {
  json::object document;
  document["processor"] = report.processor;
  document["processors"] = report.processors.processors;
  document["cores"] = report.processors.cores;
  document["efficiency_cores"] = report.processors.efficiency_cores;
  document["memory_nodes"] = report.processors.nodes;
  document["threads"] = report.n_threads;
  document["instruction_set"] = report.instruction_set;
  document["instruction_sets"] = json::value_from(report.instruction_sets);
  document["extensions"] = json::value_from(report.extensions);
  document["memory_available_bytes"] = available_memory_bytes();
  document["read_bytes_per_s"] = report.read_bytes_per_s;
  document["int8_operations_per_s"] = report.int8_operations_per_s;
  document["bf16_operations_per_s"] = report.bf16_operations_per_s;
  document["fp32_operations_per_s"] = report.fp32_operations_per_s;
  document["gpus"] = json::value_from(graphics_devices());
  const SandboxReport sandbox = examine_sandbox();
  document["sandbox"] = sandbox.kind;
  document[sandbox.kind == "none" ? "sandbox_error" : "sandbox_description"] = sandbox.description;
  fmt::print("{}\n", json::serialize(document));
}

std::string rate(double per_second) {
  return per_second > 0 ? fmt::format("{:.2f} T/s", per_second / 1e12) : "no instruction for it in use";
}

/// "6 (4 of them efficiency cores, 8 hyperthreads in all), memory on 2 nodes"
std::string core_text(const ProcessorCounts& counts) {
  std::vector<std::string> parts;
  if (counts.efficiency_cores > 0) parts.push_back(fmt::format("{} of them efficiency cores", counts.efficiency_cores));
  if (counts.processors > counts.cores) parts.push_back(fmt::format("{} hyperthreads in all", counts.processors));
  std::string text = std::to_string(counts.cores);
  if (!parts.empty()) text += fmt::format(" ({})", fmt::join(parts, ", "));
  if (counts.nodes > 1) text += fmt::format(", memory on {} nodes", counts.nodes);
  return text;
}

void print_text(const MachineReport& report, bool measured) {
  const auto row = [](std::string_view name, const std::string& value) { fmt::print("{:<18}{}\n", name, value); };
  row("processor", report.processor);
  row("cores", core_text(report.processors));
  row("threads", std::to_string(report.n_threads));
  row("instruction set",
      fmt::format("{} (ONDOL_CPU can force: {})", report.instruction_set, fmt::join(report.instruction_sets, ", ")));
  row("extensions", fmt::format("{}", fmt::join(report.extensions, ", ")));
  row("free memory", human_bytes(static_cast<double>(available_memory_bytes())));
  if (measured) {
    row("read bandwidth", fmt::format("{:.1f} GB/s", report.read_bytes_per_s / 1e9));
    row("int8 rate", rate(report.int8_operations_per_s));
    row("bf16 rate", rate(report.bf16_operations_per_s));
    row("fp32 rate", rate(report.fp32_operations_per_s));
  }
  const auto devices = graphics_devices();
  row("GPUs", devices.empty()
                  ? "none found"
                  : fmt::format("{} (not used: Ondol computes on the processor)", fmt::join(devices, ", ")));
  row("sandbox", examine_sandbox().description);
}

Result<void> doctor(const Options& options) {
  CpuOptions cpu;
  cpu.n_threads = options.n_threads;
  const MachineReport report = ONDOL_TRY(examine_machine(cpu, !options.quick));
  options.json ? print_json(report) : print_text(report, !options.quick);
  return {};
}

}  // namespace

void add_doctor(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "doctor", "What this machine is and what it reaches, measured",
                  "  ondol doctor\n  ondol doctor --json -t 2\n", [options] { return doctor(*options); });
  command->add_option("-t,--threads", options->n_threads, "Threads; 0: one for each core that this process may use");
  command->add_flag("--json", options->json, "One JSON document");
  command->add_flag("--quick", options->quick, "Do not measure");
}

}  // namespace ondol::cli
