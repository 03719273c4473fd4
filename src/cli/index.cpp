// ondol index: files and folders into a document store.
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/document_store_option.h"
#include "cli/language.h"
#include "cli/open_embedder.h"
#include "cli/open_reranker.h"
#include "cli/terminal.h"
#include "retrieve/database.h"
#include "retrieve/document_format.h"
#include "retrieve/document_store.h"
#include "retrieve/folder_watch.h"
#include "retrieve/indexer.h"
#include "retrieve/reader_process.h"
#include "retrieve/rerank_calibration.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string store;
  std::string embedder;
  std::string reranker;
  bool watches = false;
  bool is_weakness_told = false;  // of the reader's confinement
  IndexOptions index;
};

/// Changes are gathered until it has been quiet for so long.
constexpr int kSettleMs = 500;
/// In case the system has lost an event.
constexpr int kRescanSeconds = 600;
constexpr int kUnwatchedSeconds = 30;

constexpr size_t kMostShownFailures = 20;

constexpr const char* kNoReranker = "none";

/// Names of files may hold what moves a terminal's cursor.
std::string printable(std::string line) {
  for (char& c : line) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return line;
}

void print_files(std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  fmt::print(stderr, "{}\n", fmt::format(fmt::runtime(tr(title)), lines.size()));
  for (size_t i = 0; i < std::min(lines.size(), kMostShownFailures); ++i)
    fmt::print(stderr, "  {}\n", printable(lines[i]));
  if (lines.size() > kMostShownFailures) fmt::print(stderr, "  and {} more\n", lines.size() - kMostShownFailures);
}

/// With the model that is asked for, or the one that made the store's vectors.
Result<void> embed(const Options& options, DocumentStore& store) {
  const std::string source = options.embedder.empty() ? ONDOL_TRY(store.embedder_source()) : options.embedder;
  if (source.empty()) return {};
  if (options.embedder.empty() && ONDOL_TRY(store.n_without_vectors()) == 0) return {};
  const auto embedder = ONDOL_TRY(open_embedder(source));
  return embed_with_progress(store, *embedder);
}

/// The model that is asked for, or the one that the store keeps where it has grown since.
Result<void> weigh(Options& options, DocumentStore& store) {
  if (options.reranker == kNoReranker) {
    ONDOL_TRY(store.forget_reranker());
    return store.commit();
  }
  std::string model = std::exchange(options.reranker, "");  // once; the store keeps it
  if (model.empty()) {
    const auto kept = ONDOL_TRY(store.kept_reranker());
    if (!kept || !ONDOL_TRY(wants_rerank_calibration(store))) return {};
    model = kept->source;
  }
  const auto reranker = ONDOL_TRY(open_reranker(model));
  const std::string source = ONDOL_TRY(store.embedder_source());
  std::unique_ptr<TextEmbedder> embedder;
  if (!source.empty()) embedder = ONDOL_TRY(open_embedder(source));
  return weigh_reranker(store, *reranker, embedder.get());
}

bool changed_something(const IndexReport& report) {
  return report.n_added + report.n_changed + report.n_moved + report.n_removed > 0 || !report.failures.empty();
}

Result<IndexReport> bring_up_to_date(Options& options, DocumentStore& store) {
  IndexReport report;
  ReaderProcess reader({reader_program()});
  options.index.reader = &reader;
  {
    ProgressBar bar(std::string(tr("reading documents")), "bytes");
    options.index.progress = [&](uint64_t done, uint64_t all) {
      bar.update(static_cast<double>(done), static_cast<double>(all));
      return !interrupted.load();
    };
    report = ONDOL_TRY(index_files(store, options.index));
  }
  if (!reader.weakness().empty() && !options.is_weakness_told)
    fmt::print(stderr, "{} {}\n", tr("note:"), reader.weakness());
  options.is_weakness_told = options.is_weakness_told || !reader.weakness().empty();
  if (!report.was_stopped) ONDOL_TRY(embed(options, store));
  if (!report.was_stopped && !interrupted) ONDOL_TRY(weigh(options, store));
  if (!report.was_stopped && !interrupted) ONDOL_TRY(link_with_progress(store));
  return report;
}

Result<void> print_report(const Options& options, const IndexReport& report, DocumentStore& store) {
  const DocumentStoreStats stats = ONDOL_TRY(store.stats());
  fmt::print(stderr, "{}: {} new, {} changed, {} moved, {} gone, {} as before; {} documents in {} pieces\n",
             Database::shown(options.store), report.n_added, report.n_changed, report.n_moved, report.n_removed,
             report.n_same, stats.n_documents - stats.n_failed, stats.n_chunks);
  print_files("{} could not be read:", report.failures);
  print_files("{} were read in part:", report.incomplete);
  return {};
}

/// Until Ctrl-C.
Result<void> watch(Options& options, DocumentStore& store, FolderWatch folders) {
  fmt::print(stderr, "{}\n", tr("watching for changes; Ctrl-C ends it"));
  if (folders.n_unwatched() > 0) {
    fmt::print(stderr,
               "{} folders are looked at every {} seconds instead, because the system watches no more "
               "(fs.inotify.max_user_watches)\n",
               folders.n_unwatched(), kUnwatchedSeconds);
  }
  while (!interrupted) {
    const int seconds = folders.n_unwatched() > 0 ? kUnwatchedSeconds : kRescanSeconds;
    folders.wait(1000 * seconds, kSettleMs, [] { return interrupted.load(); });
    if (interrupted) break;
    const auto report = bring_up_to_date(options, store);
    // A disk that is full or a folder that is away for a moment does not end it.
    if (!report) fmt::print(stderr, "{}\n", report.error().message());
    if (report && changed_something(*report)) ONDOL_TRY(print_report(options, *report, store));
  }
  return {};
}

Result<void> index(Options options) {
  make_folder_of_store(options.store);
  DocumentStore store = ONDOL_TRY(DocumentStore::open(options.store));
  install_interrupt_handler();
  // Before the first look, so that nothing falls in between.
  std::optional<FolderWatch> folders;
  if (options.watches) folders.emplace(ONDOL_TRY(FolderWatch::start(options.index.paths)));
  const IndexReport report = ONDOL_TRY(bring_up_to_date(options, store));
  ONDOL_TRY(print_report(options, report, store));
  if (report.was_stopped) return Error("stopped; the same command goes on where it was");
  if (folders) return watch(options, store, std::move(*folders));
  return {};
}

std::string known_endings() {
  std::string endings;
  for (const DocumentFormatInfo& info : document_formats()) endings += fmt::format(" {}", info.endings);
  return endings;
}

}  // namespace

void add_index(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "index", "Make one's documents searchable, or bring that up to date",
                                  "  ondol index ~/Documents\n"
                                  "  ondol index notes/ report.md --store work.db\n"
                                  "  ondol index ~/Documents --embed all-minilm\n"
                                  "  ondol index ~/Documents --watch\n",
                                  [options] { return index(*options); });
  command->footer(fmt::format("{}\n{}{}", command->get_footer(),
                              tr("Reads text of any encoding, Markdown, source code, and"), known_endings()));
  command->add_option("PATHS", options->index.paths, "Files and folders")->required();
  command->add_option("--embed", options->embedder,
                      "An embedding model, so that pieces are found by their meaning too; it is remembered");
  command->add_option("--rerank", options->reranker,
                      "A cross-encoder, or an embedding model, that reads the best again where that helps in these "
                      "documents; it is remembered, and none forgets it");
  command->add_flag("--watch", options->watches, "Stay, and follow the changes of the files");
  add_document_store_option(*command, options->store);
}

}  // namespace ondol::cli
