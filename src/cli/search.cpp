// ondol search: passages of indexed documents.
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/document_store_option.h"
#include "cli/open_embedder.h"
#include "cli/open_reranker.h"
#include "cli/terminal.h"
#include "retrieve/document_store.h"
#include "retrieve/highlights.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string store;
  std::string question;
  SearchOptions search;
  bool by_words = false;
  bool no_rerank = false;
  bool json = false;
};

void print_json(const std::vector<Hit>& hits, std::string_view question) {
  json::array list;
  for (size_t i = 0; i < hits.size(); ++i) {
    const Hit& hit = hits[i];
    json::object object;
    object["rank"] = static_cast<int64_t>(i + 1);
    object["score"] = hit.score;
    object["path"] = hit.path;
    object["page"] = hit.page == 0 ? json::value(nullptr) : json::value(hit.page);
    object["start"] = static_cast<int64_t>(hit.start);
    object["end"] = static_cast<int64_t>(hit.end);
    object["headings"] = hit.headings;
    object["text"] = hit.text;
    json::array marks;
    for (const ByteRange& range : highlights(hit.text, question)) {
      marks.push_back(json::object{{"start", range.start}, {"end", range.end}});
    }
    object["highlights"] = std::move(marks);
    list.push_back(std::move(object));
  }
  fmt::print("{}\n", json_text(list));
}

/// Bold on a terminal.
std::string with_highlights(const std::string& text, std::string_view question) {
  if (!stdout_is_terminal() || std::getenv("NO_COLOR") != nullptr) return text;
  std::string shown;
  size_t at = 0;
  for (const ByteRange& range : highlights(text, question)) {
    shown += fmt::format("{}\033[1m{}\033[22m", text.substr(at, range.start - at), range.of(text));
    at = range.end;
  }
  return shown + text.substr(at);
}

void print(const std::vector<Hit>& hits, std::string_view question) {
  for (size_t i = 0; i < hits.size(); ++i) {
    const Hit& hit = hits[i];
    const std::string page = hit.page > 0 ? fmt::format(", page {}", hit.page) : "";
    const std::string headings = hit.headings.empty() ? "" : "  " + hit.headings;
    fmt::print("{}{}. {}{}, bytes {} to {}{}\n{}\n", i == 0 ? "" : "\n", i + 1, hit.path, page, hit.start, hit.end,
               headings, with_highlights(hit.text, question));
  }
}

Result<void> search(const Options& options) {
  ONDOL_TRY(expect_store(options.store));
  DocumentStore store = ONDOL_TRY(DocumentStore::open(options.store));
  SearchOptions wish = options.search;
  const std::string source = ONDOL_TRY(store.embedder_source());
  if (!source.empty() && !options.by_words) {
    const auto embedder =
        ONDOL_TRY(open_embedder(source).in("the store's embedding model (--words searches without it)"));
    wish.meaning = ONDOL_TRY(embedder->embed_question(options.question));
  }
  std::unique_ptr<Reranker> reranker;
  if (!options.no_rerank && !options.by_words) reranker = ONDOL_TRY(open_kept_reranker(store));
  wish.reranker = reranker.get();
  const std::vector<Hit> hits = ONDOL_TRY(store.search(options.question, wish));
  if (options.json) {
    print_json(hits, options.question);
  } else if (hits.empty()) {
    fmt::print(stderr, "Nothing fits.\n");
  } else {
    print(hits, options.question);
  }
  return {};
}

}  // namespace

void add_search(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "search", "Find passages in indexed documents",
                                  "  ondol search \"how long is the warranty\"\n"
                                  "  ondol search \"보증 기간\" -k 3 --json\n",
                                  [options] { return search(*options); });
  command->add_option("QUESTION", options->question, "Words or a question")->required();
  command->add_option("-k", options->search.n, "How many passages")->capture_default_str()->check(CLI::Range(1, 1000));
  command->add_flag("--words", options->by_words, "By words alone, without the store's models");
  command->add_flag("--no-rerank", options->no_rerank, "In the order as found, without the store's reranker");
  command->add_flag("--json", options->json, "One JSON array");
  add_document_store_option(*command, options->store);
}

}  // namespace ondol::cli
