#include "cli/open_embedder.h"

#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "retrieve/calibration.h"
#include "retrieve/embedding.h"
#include "server/engine_embedder.h"

namespace ondol::cli {

Result<std::unique_ptr<TextEmbedder>> open_embedder(const std::string& model) {
  ModelOptions options;
  options.model = model;
  options.rounds_floats = true;
  options.batch_rows = 2048;
  auto embedder = ONDOL_TRY(EngineEmbedder::create(ONDOL_TRY(open_engine(options))));
  return std::unique_ptr<TextEmbedder>(std::move(embedder));
}

Result<void> embed_with_progress(DocumentStore& store, TextEmbedder& embedder) {
  ProgressBar bar(std::string(tr("reading for meaning")), "pieces");
  ONDOL_TRY(embed_pending(store, embedder, [&](int64_t done, int64_t all) {
    bar.update(static_cast<double>(done), static_cast<double>(all));
    return !interrupted.load();
  }));
  if (interrupted || ONDOL_TRY(store.n_without_vectors()) > 0) return {};
  bar.clear();
  ProgressBar weighing(std::string(tr("weighing words and meaning")), "questions");
  ONDOL_TRY(calibrate_if_grown(store, embedder, [&](int64_t done, int64_t all) {
    weighing.update(static_cast<double>(done), static_cast<double>(all));
    return !interrupted.load();
  }));
  return {};
}

Result<void> link_with_progress(DocumentStore& store) {
  ProgressBar bar(std::string(tr("linking near pieces")), "pieces");
  ONDOL_TRY(store.complete_graph([&](int64_t done, int64_t all) {
    bar.update(static_cast<double>(done), static_cast<double>(all));
    return !interrupted.load();
  }));
  return {};
}

}  // namespace ondol::cli
