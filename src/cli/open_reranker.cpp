#include "cli/open_reranker.h"

#include <fmt/format.h>

#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "retrieve/rerank_calibration.h"
#include "server/engine_reranker.h"

namespace ondol::cli {
namespace {

/// Pieces of the largest size, a dozen at once.
constexpr int kBatchRows = 2048;

void say(const RerankCalibration& found) {
  if (found.share == 0) {
    fmt::print(stderr, "{}\n",
               fmt::format(fmt::runtime(tr("reading again does not help here, left out ({} questions: {:.3f} without, "
                                           "at most {:.3f} with)")),
                           found.n_questions, found.mrr, found.mrr_best));
    return;
  }
  fmt::print(stderr, "{}\n",
             fmt::format(fmt::runtime(tr("reading again counts {:.0f} percent ({} questions: {:.3f} without, {:.3f} "
                                         "with)")),
                         100 * found.share, found.n_questions, found.mrr, found.mrr_reranked));
}

}  // namespace

Result<std::unique_ptr<Reranker>> open_reranker(const std::string& model) {
  ModelOptions options;
  options.model = model;
  options.rounds_floats = true;
  options.batch_rows = kBatchRows;
  return std::unique_ptr<Reranker>(std::make_unique<EngineReranker>(ONDOL_TRY(open_engine(options))));
}

Result<std::unique_ptr<Reranker>> open_kept_reranker(DocumentStore& store) {
  const auto kept = ONDOL_TRY(store.kept_reranker());
  if (!kept || kept->share == 0) return std::unique_ptr<Reranker>();
  return open_reranker(kept->source).in("the store's reranker (--no-rerank searches without it)");
}

Result<void> weigh_reranker(DocumentStore& store, Reranker& reranker, TextEmbedder* embedder) {
  if (!ONDOL_TRY(wants_rerank_calibration(store, reranker.name()))) return {};
  ProgressBar bar(std::string(tr("weighing the reading again")), "questions");
  const auto found = ONDOL_TRY(calibrate_and_keep(store, reranker, embedder, [&](int64_t done, int64_t all) {
    bar.update(static_cast<double>(done), static_cast<double>(all));
    return !interrupted.load();
  }));
  bar.clear();
  if (found.tells) {
    say(found);
  } else if (!found.was_stopped) {
    fmt::print(stderr, "{}\n", tr("too few texts tell whether reading again helps, left out"));
  }
  return {};
}

}  // namespace ondol::cli
