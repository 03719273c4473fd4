// The list of commands, and what main() does around them.
#include <cstdio>
#include <exception>
#include <optional>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/language.h"
#include "cli/program.h"
#include "cli/terminal.h"

namespace ondol::cli {
namespace {

constexpr const char* kVersion = "ondol 0.1.0";

constexpr const char* kFooter =
    "Examples:\n"
    "  ondol pull Qwen/Qwen3-0.6B-GGUF          fetch a model\n"
    "  ondol run qwen3-0.6b \"Why is the sky blue?\"\n"
    "  ondol chat                                talk, with the model fetched last\n"
    "  ondol show model.gguf                     what it is, and whether it fits\n"
    "\n"
    "`ondol COMMAND --help` shows the options and examples of a command.";

using AddCommand = void (*)(CLI::App&, const Globals&);

constexpr AddCommand kCommands[] = {
    add_run,
    add_chat,
    add_serve,
    add_show,
    add_list,
    add_pull,
    add_rm,
    add_tokenize,
    add_detokenize,
    add_template,
    add_embed,
    add_perplexity,
    add_logits,
    add_bench,
    add_imatrix,
    add_quantize,
    add_convert,
    add_train,
    add_train_tokenizer,
    add_merge,
    add_plot,
    add_index,
    add_search,
    add_ask,
    add_act,
    add_jobs,
    add_mcp,
    add_acp,
    add_eval,
    add_copy_store,
    add_doctor,
};

void print_error(const std::string& message) {
  std::fprintf(stderr, "%s %s\n", styled(tr("error:"), "1;31").c_str(), message.c_str());
}

/// Set by the command that ran; a callback's result cannot pass through CLI11.
std::optional<Error> failure;

}  // namespace

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& examples, std::function<Result<void>()> run) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("Examples:\n" + examples);
  command->callback([run = std::move(run)] {
    const Result<void> result = run();
    if (!result) failure = result.error();
  });
  return command;
}

int run_program(int argc, char** argv) {
  CLI::App app("Run, teach, ground and put to work open language models on your own hardware.", "ondol");
  app.footer(kFooter);
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  app.fallthrough();
  Globals globals;
  app.add_flag("-v,--verbose", globals.verbose, "More messages, and progress also when not on a terminal");
  for (const AddCommand add : kCommands) add(app, globals);
  translate_help(app);
  install_interrupt_handler();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    app.exit(e);
    return 2;
  } catch (const std::bad_alloc&) {
    print_error("out of memory; try a shorter context (--ctx) or a smaller model");
    return 1;
  } catch (const std::exception& e) {
    print_error(e.what());
    return 1;
  }
  if (!failure) return 0;
  print_error(failure->message());
  return interrupted ? 130 : 1;
}

}  // namespace ondol::cli
