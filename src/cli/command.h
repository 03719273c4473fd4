// Commands: each subcommand is one file with one function add_NAME, and a line in commands.cpp.
#pragma once

#include <string>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/result.h"

namespace ondol::cli {

/// What every command may look at.
struct Globals {
  bool verbose = false;
};

/// Adds a subcommand whose body is `run`; its error becomes exit status 1 with the message on standard error.
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& examples, std::function<Result<void>()> run);

void add_run(CLI::App& app, const Globals& globals);
void add_chat(CLI::App& app, const Globals& globals);
void add_show(CLI::App& app, const Globals& globals);
void add_list(CLI::App& app, const Globals& globals);
void add_pull(CLI::App& app, const Globals& globals);
void add_rm(CLI::App& app, const Globals& globals);
void add_tokenize(CLI::App& app, const Globals& globals);
void add_detokenize(CLI::App& app, const Globals& globals);
void add_template(CLI::App& app, const Globals& globals);
void add_perplexity(CLI::App& app, const Globals& globals);
void add_logits(CLI::App& app, const Globals& globals);
void add_embed(CLI::App& app, const Globals& globals);
void add_imatrix(CLI::App& app, const Globals& globals);
void add_quantize(CLI::App& app, const Globals& globals);
void add_convert(CLI::App& app, const Globals& globals);
void add_bench(CLI::App& app, const Globals& globals);
void add_doctor(CLI::App& app, const Globals& globals);
void add_train(CLI::App& app, const Globals& globals);
void add_merge(CLI::App& app, const Globals& globals);
void add_plot(CLI::App& app, const Globals& globals);
void add_train_tokenizer(CLI::App& app, const Globals& globals);
void add_serve(CLI::App& app, const Globals& globals);
void add_index(CLI::App& app, const Globals& globals);
void add_copy_store(CLI::App& app, const Globals& globals);
void add_search(CLI::App& app, const Globals& globals);
void add_ask(CLI::App& app, const Globals& globals);
void add_act(CLI::App& app, const Globals& globals);
void add_jobs(CLI::App& app, const Globals& globals);
void add_mcp(CLI::App& app, const Globals& globals);
void add_acp(CLI::App& app, const Globals& globals);
void add_eval(CLI::App& app, const Globals& globals);

}  // namespace ondol::cli
