// ondol chat: a conversation in the terminal.
//
// On a terminal it has line editing with history, several lines at once and slash commands; Ctrl-C stops the answer and
// keeps the chat. Otherwise each line of standard input is one message, and only the answers are printed.
#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "base/files.h"
#include "cli/command.h"
#include "cli/language.h"
#include "cli/line_editor.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "runtime/conversation.h"
#include "runtime/generate.h"

namespace ondol::cli {
namespace {

struct ChatOptions {
  ModelOptions model;
  SamplingOptions sampling;
  SpeculationOptions speculation;
  std::string system;
  int max_tokens = -1;
  bool shift = false;
};

constexpr const char* kHelp =
    "  /system TEXT   new instructions to the model (and a new chat)\n"
    "  /clear         forget the conversation\n"
    "  /retry         answer the last message again\n"
    "  /undo          take the last message and its answer back\n"
    "  /save FILE     write the conversation as JSON     /load FILE   read it back\n"
    "  /stats         tokens, speed and how full the context is\n"
    "  /exit          leave (Ctrl-D too)\n"
    "  \"\"\"            begin and end a message of several lines; or end a line with \\\n"
    "  Ctrl-C         stop the answer\n";

class Chat {
 public:
  Chat(Engine& engine, std::unique_ptr<Drafter> draft, Sampler sampler, int speculate, const ChatOptions& options)
      : engine_(engine),
        sampler_(std::move(sampler)),
        session_(engine),
        speculation_(session_, speculate, std::move(draft)),
        options_(options) {
    set_system(options.system);
  }

  /// Handles one message or slash command; false ends the chat.
  bool handle(const std::string& input) {
    if (!input.starts_with('/')) {
      ask(input);
      return true;
    }
    const size_t space = input.find(' ');
    const std::string name = input.substr(0, space);
    const std::string argument = space == std::string::npos ? "" : input.substr(space + 1);
    if (name == "/exit" || name == "/quit" || name == "/bye") return false;
    const Result<void> result = command(name, argument);
    if (!result) report(result.error());
    return true;
  }

 private:
  Result<void> command(const std::string& name, const std::string& argument) {
    if (name == "/help" || name == "/?") {
      note(tr(kHelp));
    } else if (name == "/clear") {
      set_system(system_);
      note(tr("The conversation is forgotten.\n"));
    } else if (name == "/system") {
      set_system(argument);
      note(tr("New instructions; the conversation begins anew.\n"));
    } else if (name == "/retry") {
      return retry();
    } else if (name == "/undo") {
      return undo().has_value() ? Result<void>() : Error(std::string(tr("there is nothing to take back")));
    } else if (name == "/save") {
      return save(argument);
    } else if (name == "/load") {
      return load(argument);
    } else if (name == "/stats") {
      note(statistics());
    } else {
      return Error(fmt::format("expected a command that /help lists, got '{}'", name));
    }
    return {};
  }

  void set_system(const std::string& system) {
    system_ = system;
    messages_.clear();
    if (!system_.empty()) messages_.push_back(chat_message("system", system_));
  }

  /// Removes the last question and what followed it; gives the question.
  std::optional<std::string> undo() {
    for (size_t i = messages_.size(); i-- > 0;) {
      if (string_or(messages_[i], "role", "") != "user") continue;
      std::string question = string_or(messages_[i], "content", "");
      messages_.erase(messages_.begin() + static_cast<long>(i), messages_.end());
      return question;
    }
    return std::nullopt;
  }

  Result<void> retry() {
    const auto question = undo();
    if (!question) return Error(std::string(tr("there is no message to answer again")));
    ask(*question);
    return {};
  }

  Result<void> save(const std::string& path) {
    if (path.empty()) return Error("expected a file name: /save FILE");
    ONDOL_TRY(write_file_atomically(path, json::serialize(messages_) + "\n"));
    note(fmt::format("Saved to {}.\n", path));
    return {};
  }

  Result<void> load(const std::string& path) {
    if (path.empty()) return Error("expected a file name: /load FILE");
    const json::value document = ONDOL_TRY(parse_json(ONDOL_TRY(read_file(path))).in(path));
    const json::array* array = document.if_array();
    if (array == nullptr) return Error(path + ": expected a JSON array of messages");
    for (const json::value& message : *array) {
      if (string_or(message, "role", "").empty()) return Error(path + ": expected messages with a role and a content");
    }
    messages_ = *array;
    note(fmt::format("{} messages loaded.\n", messages_.size()));
    return {};
  }

  void ask(const std::string& question) {
    messages_.push_back(chat_message("user", question));
    const auto answered = answer();
    if (answered) return;
    messages_.pop_back();
    report(answered.error());
  }

  Result<void> answer() {
    const auto prompt = ONDOL_TRY(conversation_tokens(engine_, messages_));
    GenerateOptions generation;
    generation.max_tokens = options_.max_tokens;
    generation.shift_context = options_.shift;
    interrupted = false;
    ProgressBar bar(std::string(tr("reading")), "tokens");
    std::string text;
    const auto sink = [&](std::string_view piece) {
      text += piece;
      std::fwrite(piece.data(), 1, piece.size(), stdout);
      std::fflush(stdout);
      show_live_rate(piece);
      return !interrupted.load();
    };
    const auto progress = [&](int done, int total) {
      bar.update(done, total);
      if (done == total) bar.clear();
      return !interrupted.load();
    };
    live_start_ = std::chrono::steady_clock::now();
    live_pieces_ = 0;
    last_ = ONDOL_TRY(generate(speculation_, engine_, sampler_, prompt, generation, sink, progress));
    if (text.empty() || text.back() != '\n') std::fputc('\n', stdout);
    std::fflush(stdout);
    messages_.push_back(chat_message("assistant", text));
    after_answer();
    return {};
  }

  /// The terminal's title carries the speed while an answer runs, so that the text itself stays clean.
  void show_live_rate(std::string_view piece) {
    if (!stderr_is_terminal() || piece.empty()) return;
    ++live_pieces_;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - live_start_).count();
    if (seconds <= 0) return;
    std::fprintf(stderr, "\x1b]0;ondol: %.1f tokens/s\x07", live_pieces_ / seconds);
  }

  void after_answer() {
    if (last_.reason == StopReason::kContextFull) {
      report(
          Error(fmt::format("the context of {} tokens is full: /clear begins anew, /undo goes back; "
                            "or start with --ctx {} or --shift",
                            engine_.context_length(), engine_.context_length() * 2)));
    }
    if (last_.n_shifts > 0) note(tr("The older half of the conversation was forgotten to make room.\n"));
    if (last_.reason == StopReason::kCancelled) note(tr("(stopped)\n"));
    interrupted = false;
    if (stderr_is_terminal()) note(statistics());
  }

  std::string statistics() const {
    const double n = static_cast<double>(last_.tokens.size());
    return fmt::format(
        "[{} tokens, {:.1f} tokens/s{}; prompt {} new of {} tokens, {:.1f} tokens/s; context {} of {}]\n",
        last_.tokens.size(), n / std::max(last_.token_seconds, 1e-9), guesses_in_words(last_),
        last_.n_prompt - last_.n_reused, last_.n_prompt,
        (last_.n_prompt - last_.n_reused) / std::max(last_.prompt_seconds, 1e-9), session_.tokens().size(),
        engine_.context_length());
  }

  static void note(std::string_view text) { std::fputs(styled(text, "2").c_str(), stderr); }
  static void report(const Error& error) {
    std::fprintf(stderr, "%s %s\n", styled(tr("error:"), "1;31").c_str(), error.message().c_str());
  }

  Engine& engine_;
  Sampler sampler_;
  Session session_;
  Speculation speculation_;
  const ChatOptions& options_;
  std::string system_;
  json::array messages_;
  Generated last_;
  std::chrono::steady_clock::time_point live_start_;
  double live_pieces_ = 0;
};

Result<void> chat(ChatOptions& options) {
  const int speculate = ONDOL_TRY(options.speculation.resolved());
  auto [engine, draft] = ONDOL_TRY(open_engine_and_draft(options.model, options.speculation));
  if (engine->chat_template() == nullptr) {
    return Error(engine->file().path() + ": the model has no chat template; it can continue texts: ondol run --raw");
  }
  Sampler sampler =
      ONDOL_TRY(Sampler::create(ONDOL_TRY(options.sampling.resolved(engine->file())), engine->tokenizer()));
  Chat chat(*engine, std::move(draft), std::move(sampler), speculate, options);
  const bool on_terminal = stdin_is_terminal();
  if (on_terminal) {
    std::fprintf(stderr, "%s\n",
                 styled(fmt::format("{}, context {} tokens. {}",
                                    std::filesystem::path(engine->file().path()).filename().string(),
                                    engine->context_length(), tr("/help lists commands.")),
                        "2")
                     .c_str());
  }
  LineEditor editor(on_terminal);
  while (const auto message = editor.read_message()) {
    if (message->empty()) continue;
    if (!chat.handle(*message)) break;
  }
  return {};
}

}  // namespace

void add_chat(CLI::App& app, const Globals&) {
  auto options = std::make_shared<ChatOptions>();
  CLI::App* command = add_command(app, "chat", "Talk with a model in the terminal",
                                  "  ondol chat\n"
                                  "  ondol chat qwen3-0.6b --system \"Answer in Korean.\"\n"
                                  "  ondol chat qwen3-32b --draft qwen3-0.6b\n",
                                  [options] { return chat(*options); });
  command->add_option("MODEL", options->model.model, "A file, a folder or a name in the store; without it the default");
  command->add_option("--system", options->system, "Instructions to the model");
  command->add_option("-n,--max-tokens", options->max_tokens, "Most tokens of an answer; -1 leaves it to the model")
      ->capture_default_str();
  command->add_flag("--shift", options->shift, "When the context is full, forget its older half instead of stopping");
  options->model.add_to(*command);
  options->speculation.add_to(*command);
  options->sampling.add_to(*command);
}

}  // namespace ondol::cli
