// ondol ask: answers out of indexed documents, with the places that say so.
//
// With a question it answers once. Without one it is a conversation, in which later questions may point back ("and in
// Korea?"): on a terminal with line editing, otherwise each line of standard input is a question.
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/document_store_option.h"
#include "cli/language.h"
#include "cli/line_editor.h"
#include "cli/open_embedder.h"
#include "cli/open_reranker.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "retrieve/answer/answerer.h"
#include "server/engine_generator.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string store;
  std::string question;
  ModelOptions model;
  AnswerOptions answer;
  bool extracts = false;
  bool by_words = false;
  bool no_rerank = false;
  bool always = false;
  bool json = false;
};

constexpr const char* kHelp =
    "  /clear   forget the conversation\n"
    "  /exit    leave (Ctrl-D too)\n";

void note(std::string_view text) {
  std::fputs(styled(text, "2").c_str(), stderr);
}

/// The model that was named, or the default one where it is large enough; null: sentences are quoted.
Result<std::unique_ptr<TextGenerator>> open_generator(const Options& options) {
  std::unique_ptr<TextGenerator> generator;
  if (options.extracts) return generator;
  const bool is_named = !options.model.model.empty();
  if (!is_named && !resolve_model("")) return generator;
  auto engine = ONDOL_TRY(open_engine(options.model));
  if (!is_named && !follows_instructions(*engine)) return generator;
  generator = ONDOL_TRY(EngineGenerator::create(std::move(engine)));
  return generator;
}

std::string place(const Citation& citation) {
  if (citation.page > 0) return fmt::format("{}, {} {}", citation.path, tr("page"), citation.page);
  if (citation.line > 0) return fmt::format("{}, {} {}", citation.path, tr("line"), citation.line);
  return citation.path;
}

void print_claim(const Claim& claim) {
  fmt::print("{}\n", claim_text(claim));
  if (!claim.disagreeing.empty()) {
    std::string numbers;
    for (const Citation& citation : claim.disagreeing) numbers += fmt::format(" [{}]", citation.number);
    fmt::print("  {}{}\n", tr("Sources disagree:"), numbers);
  } else if (claim.n_sources > 1) {
    fmt::print("  {}\n", fmt::format(fmt::runtime(tr("{} independent sources say so.")), claim.n_sources));
  }
  std::fflush(stdout);
}

void print_sources(const Answer& answer) {
  if (answer.declined) fmt::print("{}\n", answer.text);
  if (!answer.sources.empty()) fmt::print("\n{}\n", tr("Sources:"));
  for (const Citation& source : answer.sources) {
    fmt::print("[{}] {}\n    \"{}\"\n", source.number, place(source), one_line(source.quote));
  }
  std::fflush(stdout);
}

class Asking {
 public:
  Asking(Answerer answerer, bool json) : answerer_(std::move(answerer)), json_(json) {}

  Result<void> ask(const std::string& question) {
    interrupted = false;
    const auto sink = [&](const Claim& claim) {
      if (!json_) print_claim(claim);
      return !interrupted.load();
    };
    const Answer answer = ONDOL_TRY(answerer_.answer(question, history_, sink));
    if (json_) {
      fmt::print("{}\n", json_text(answer_json(answer)));
      std::fflush(stdout);
    } else {
      print_sources(answer);
    }
    history_.push_back({question, answer.text});
    return {};
  }

  void converse() {
    const bool on_terminal = stdin_is_terminal();
    if (on_terminal) note(fmt::format("{}\n", tr("Ask your documents; /help lists commands.")));
    LineEditor editor(on_terminal);
    bool is_first = true;
    while (const auto message = editor.read_message()) {
      if (message->empty()) continue;
      if (*message == "/exit" || *message == "/quit") break;
      if (command(*message)) continue;
      if (!is_first && !json_) fmt::print("\n");
      is_first = false;
      if (const auto asked = ask(*message); !asked) {
        std::fprintf(stderr, "%s %s\n", styled(tr("error:"), "1;31").c_str(), asked.error().message().c_str());
      }
    }
  }

 private:
  bool command(const std::string& message) {
    if (!message.starts_with('/')) return false;
    if (message == "/clear") {
      history_.clear();
      note(tr("The conversation is forgotten.\n"));
    } else {
      note(tr(kHelp));
    }
    return true;
  }

  Answerer answerer_;
  bool json_;
  std::vector<AnsweredQuestion> history_;
};

Result<void> ask(const Options& options) {
  ONDOL_TRY(expect_store(options.store));
  DocumentStore store = ONDOL_TRY(DocumentStore::open(options.store));
  std::unique_ptr<TextEmbedder> embedder;
  const std::string source = ONDOL_TRY(store.embedder_source());
  if (!source.empty() && !options.by_words) {
    embedder = ONDOL_TRY(open_embedder(source).in("the store's embedding model (--words searches without it)"));
  }
  const std::unique_ptr<TextGenerator> generator = ONDOL_TRY(open_generator(options));
  AnswerOptions wish = options.answer;
  std::unique_ptr<Reranker> reranker;
  if (!options.no_rerank && !options.by_words) reranker = ONDOL_TRY(open_kept_reranker(store));
  wish.search.reranker = reranker.get();
  wish.declines = !options.always;
  Asking asking(Answerer(store, embedder.get(), generator.get(), wish), options.json);
  if (!options.question.empty()) return asking.ask(options.question);
  asking.converse();
  return {};
}

}  // namespace

void add_ask(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "ask", "Answer a question out of indexed documents, with citations",
                                  "  ondol ask \"how long is the warranty\"\n"
                                  "  ondol ask \"보증 기간이 얼마야?\" --model qwen3-4b\n"
                                  "  ondol ask                              a conversation\n"
                                  "  echo \"who signed the contract?\" | ondol ask --json --store work.db\n"
                                  "  ondol ask \"보증 기간\" --extract        sentences of the documents, no model\n",
                                  [options] { return ask(*options); });
  command->add_option("QUESTION", options->question, "The question; without it, a conversation");
  command->add_option("--model", options->model.model,
                      "A model that follows instructions: a file, a folder or a name in the store; without it the "
                      "default, where that is large enough");
  command->add_flag("--extract", options->extracts, "Quote the sentences that fit best, without a model");
  command->add_option("-k", options->answer.n_passages, "Passages that an answer is taken from")
      ->capture_default_str()
      ->check(CLI::Range(1, 50));
  command->add_option("-n,--max-tokens", options->answer.max_tokens, "Most tokens of the model's answer")
      ->capture_default_str()
      ->check(CLI::Range(16, 1 << 20));
  command->add_flag("--always", options->always, "Answer also where the search finds too little");
  command->add_flag("--words", options->by_words, "Search by words alone, without the store's models");
  command->add_flag("--no-rerank", options->no_rerank, "Search without the store's reranker");
  command->add_flag("--json", options->json, "One JSON document for each answer");
  add_document_store_option(*command, options->store);
  options->model.add_to(*command);
}

}  // namespace ondol::cli
