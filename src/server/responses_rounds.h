// The rounds of a response: the model answers, or calls tools that this server runs, and goes on with what came of
// them.
#pragma once

#include "server/responses_run.h"
#include "server/services.h"

namespace ondol::server {

/// What a response needs of this server beside its model.
struct HostedNeeds {
  std::vector<RemoteServer> servers;  // with their secrets, which nobody else keeps
  CodeContainerPtr container;         // where there is code_interpreter
  bool is_given_back = false;         // a call was approved with this request
};

/// Looks at the tools of `request` that run here, for who asks: takes their secrets out, and finds a container.
/// `history` is what it continues. Error: what is wrong with them. On a worker.
std::optional<HttpError> prepare_hosted(Services& services, ResponseRequest& request, const ResponseItems& history,
                                        const Request& http, HostedNeeds& needs);

/// The letters of the marks around strangers' words, where there may be any in the conversation.
void set_letters(Services& services, ResponseRequest& request, const ResponseItems& history, const Request& http);

/// Makes the response. To be called on a worker. `responder`, or null, cancels it when its client goes.
void start_response(Services& services, const std::shared_ptr<ResponseRun>& run, const ResponderPtr& responder,
                    HostedNeeds needs);

}  // namespace ondol::server
