// What comes from the hub and from the disk on the way of a download, on any bytes: the description of a repository,
// search results, the saved state of a download, names.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "hub/download_state.h"
#include "net/http_client.h"
#include "hub/repository.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto repository = ondol::parse_repository(input)) {
    for (const ondol::HubFile& file : repository->files)
      ONDOL_CHECK(("/" + file.path + "/").find("/../") == std::string::npos && file.path[0] != '/');
    (void)ondol::choose_files(*repository, "");
    (void)ondol::choose_files(*repository, "Q4_K_M");
  }
  if (const auto state = ondol::parse_download_state(input)) {
    const auto again = ondol::parse_download_state(ondol::serialize(*state));
    ONDOL_CHECK(again.has_value() && again->done.ranges() == state->done.ranges());
    ONDOL_CHECK(state->done.n_bytes() <= state->size);
  }
  (void)ondol::parse_search(input);
  (void)ondol::HubName::parse(std::string(input));
  (void)ondol::retry_after_seconds(std::string(input), 0, 1);
  return 0;
}
