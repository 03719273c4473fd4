#include "server/services.h"

namespace ondol::server {

Result<void> Services::load_data() {
  if (!data.exists()) return {};
  ONDOL_TRY(data.claim());
  ONDOL_TRY(files.load());
  ONDOL_TRY(tuning.load());
  ONDOL_TRY(vector_stores.load());
  return {};
}

}  // namespace ondol::server
