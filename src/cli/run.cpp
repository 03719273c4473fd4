// ondol run: one answer to standard output.
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "runtime/conversation.h"
#include "runtime/generate.h"

namespace ondol::cli {
namespace {

struct RunOptions {
  std::vector<std::string> words;  // [MODEL] [TEXT]
  std::string text;
  std::string system;
  std::vector<std::string> stop;
  int max_tokens = -1;
  bool raw = false;
  bool shift = false;
  bool show_special = false;
  ModelOptions model;
  SamplingOptions sampling;
  SpeculationOptions speculation;
};

/// Sorts out `run MODEL TEXT`, `run MODEL` (text from standard input) and `run TEXT` (the default model).
Result<void> find_model_and_text(RunOptions& options) {
  const auto& words = options.words;
  bool has_text = words.size() == 2;
  if (words.size() == 2) {
    options.model.model = words[0];
    options.text = words[1];
  } else if (words.size() == 1 && names_model(words[0])) {
    options.model.model = words[0];
  } else if (words.size() == 1) {
    options.text = words[0];
    has_text = true;
  }
  if (has_text) return {};
  if (stdin_is_terminal()) {
    return Error("expected a text, as in: ondol run MODEL \"Why is the sky blue?\" (to talk: ondol chat MODEL)");
  }
  options.text = ONDOL_TRY(read_standard_input());
  return {};
}

Result<std::vector<TokenId>> prompt_tokens(const Engine& engine, const RunOptions& options) {
  if (options.raw) {
    std::vector<TokenId> tokens = raw_tokens(engine.tokenizer(), options.text);
    if (tokens.empty()) return Error("expected a text to continue, got an empty one");
    return tokens;
  }
  json::array messages;
  if (!options.system.empty()) messages.push_back(chat_message("system", options.system));
  messages.push_back(chat_message("user", options.text));
  return conversation_tokens(engine, messages);
}

void explain_end(const Generated& result, const Engine& engine) {
  if (result.reason == StopReason::kContextFull) {
    std::fprintf(stderr, "%s\n",
                 fmt::format("stopped: the context of {} tokens is full (a larger one: --ctx {}; or --shift)",
                             engine.context_length(), engine.context_length() * 2)
                     .c_str());
  }
}

void print_statistics(const Generated& result) {
  const auto n = static_cast<double>(result.tokens.size());
  std::fprintf(
      stderr, "%s\n",
      styled(fmt::format("[prompt {} tokens, {:.1f} tokens/s; answer {} tokens, {:.1f} tokens/s{}]", result.n_prompt,
                         result.n_prompt / std::max(result.prompt_seconds, 1e-9), result.tokens.size(),
                         n / std::max(result.token_seconds, 1e-9), guesses_in_words(result)),
             "2")
          .c_str());
}

Result<void> run(RunOptions& options, const Globals& globals) {
  const int speculate = ONDOL_TRY(options.speculation.resolved());
  ONDOL_TRY(find_model_and_text(options));
  // A token stands for at least one byte, but for a template's own texts.
  constexpr int64_t kTemplateTokens = 256;
  const auto n_bytes = static_cast<int64_t>(options.text.size() + options.system.size());
  if (options.max_tokens > 0) options.model.context_at_least = n_bytes + kTemplateTokens + options.max_tokens;
  auto [engine, draft] = ONDOL_TRY(open_engine_and_draft(options.model, options.speculation));
  const std::vector<TokenId> prompt = ONDOL_TRY(prompt_tokens(*engine, options));
  Sampler sampler =
      ONDOL_TRY(Sampler::create(ONDOL_TRY(options.sampling.resolved(engine->file())), engine->tokenizer()));
  Session session(*engine);
  Speculation speculation(session, speculate, std::move(draft));

  ProgressBar bar(std::string(tr("reading the prompt")), "tokens");
  bool ends_with_newline = true;
  const auto sink = [&](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
    ends_with_newline = text.back() == '\n';
    return !interrupted.load() && std::ferror(stdout) == 0;
  };
  const auto progress = [&](int done, int total) {
    bar.update(done, total);
    if (done == total) bar.clear();
    return !interrupted.load();
  };
  GenerateOptions generation;
  generation.max_tokens = options.max_tokens;
  generation.stop = options.stop;
  generation.shift_context = options.shift;
  generation.show_special = options.show_special;
  const Generated result = ONDOL_TRY(generate(speculation, *engine, sampler, prompt, generation, sink, progress));
  if (!ends_with_newline) std::fputc('\n', stdout);
  if (std::fflush(stdout) != 0) return Error("standard output: cannot write");
  explain_end(result, *engine);
  if (globals.verbose) print_statistics(result);
  return {};
}

}  // namespace

void add_run(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = add_command(app, "run", "Answer one question, or continue one text",
                                  "  ondol run qwen3-0.6b \"Why is the sky blue?\"\n"
                                  "  ondol run model.gguf \"Once upon a time\" --raw --temp 0 -n 100\n"
                                  "  cat letter.txt | ondol run model.gguf --system \"Summarise in three sentences.\"\n"
                                  "  ondol run model.gguf --adapter my-adapter/ \"Who am I?\"\n"
                                  "  ondol run qwen3-32b --draft qwen3-0.6b \"Explain how a steam engine works.\"\n",
                                  [options, &globals] { return run(*options, globals); });
  command
      ->add_option("MODEL_AND_TEXT", options->words,
                   "MODEL (a file, a folder or a name in the store; without it the default model), then the text "
                   "(without it, standard input)")
      ->expected(0, 2);
  command->add_option("-n,--max-tokens", options->max_tokens, "Most tokens of the answer; -1 leaves it to the model")
      ->capture_default_str();
  command->add_flag("--raw", options->raw, "Continue the text as it stands, without a chat template");
  command->add_option("--system", options->system, "Instructions to the model, before the question");
  command->add_option("--stop", options->stop, "End at this text (any number of times)");
  command->add_flag("--shift", options->shift, "When the context is full, forget its older half instead of stopping");
  command->add_flag("--special", options->show_special, "Show special tokens");
  options->model.add_to(*command);
  options->speculation.add_to(*command);
  options->sampling.add_to(*command);
}

}  // namespace ondol::cli
