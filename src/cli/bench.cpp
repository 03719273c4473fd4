// ondol bench: tokens per second of reading a prompt (pp) and of generating (tg), alone or against another setting or
// program. What is measured is in bench_measure, how two are compared in bench_compare.
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "base/files.h"
#include "cli/bench_compare.h"
#include "cli/bench_measure.h"
#include "cli/bench_print.h"
#include "cli/bench_svg.h"
#include "cli/command.h"

namespace ondol::cli {
namespace {

Result<void> bench(const BenchOptions& options, const CLI::App& command) {
  const bool alone = options.against.empty() && options.program.empty();
  const BenchReport report = ONDOL_TRY(alone ? measure(options) : compare(options, given_setting(command)));
  if (options.json) {
    const Rival rival = options.program.empty() ? Rival::kSetting : Rival::kProgram;
    fmt::print("{}\n", json::serialize(to_json(report, rival)));
  } else {
    fmt::print("{}", in_words(report));
  }
  return options.svg.empty() ? Result<void>() : write_file_atomically(options.svg, draw_svg(report));
}

}  // namespace

void add_bench(CLI::App& app, const Globals&) {
  struct State {
    BenchOptions options;
    const CLI::App* command = nullptr;
  };
  auto state = std::make_shared<State>();
  CLI::App* command =
      add_command(app, "bench", "Measure tokens per second of reading and generating",
                  "  ondol bench model.gguf -t 2 -r 5 --json\n"
                  "  ondol bench model.gguf -p 0 -n 64 --depth 8192 --kv q8_0 --limits\n"
                  "  ondol bench model.gguf -p 0 -n 32 --batch 8\n"
                  "  ondol bench model.gguf --against '-t 1' --svg threads.svg\n"
                  "  ondol bench model.gguf --against other-model.gguf\n"
                  "  ondol bench model.gguf --against 'ONDOL_CPU=avx2 --kv q8_0'\n"
                  "  ondol bench model.gguf -t 2 --program 'llama-bench -m model.gguf -t 2 -p 512 -n 64 "
                  "-r 1 -o json'\n",
                  [state] { return bench(state->options, *state->command); });
  state->command = command;
  add_bench_options(*command, state->options);
}

}  // namespace ondol::cli
