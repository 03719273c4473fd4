// From what a person calls a model to its file, with this program's store.
#include "cli/options.h"
#include "hub/find_model.h"

namespace ondol::cli {

Result<std::string> resolve_model(const std::string& model) {
  const Store store;
  return ONDOL_TRY(model.empty() ? find_default_model(store) : find_model(model, store)).path;
}

bool names_model(const std::string& model) {
  return ondol::names_model(model, Store());
}

}  // namespace ondol::cli
