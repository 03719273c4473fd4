// The rounds of a response: the model answers, or searches files and goes on with what it found.
#pragma once

#include "server/responses_run.h"
#include "server/services.h"

namespace ondol::server {

/// What is wrong with the stores that the request names, for `asker`; `request` is where it comes from.
std::optional<HttpError> check_file_search(Services& services, const ResponseTools& tools, const Request& request);

/// Makes the response. To be called on a worker. `responder`, or null, cancels it when its client goes.
void start_response(Services& services, const std::shared_ptr<ResponseRun>& run, const ResponderPtr& responder);

}  // namespace ondol::server
