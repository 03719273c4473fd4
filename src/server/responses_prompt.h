// The conversation of a response as a job for a model, cut to its context where the request says so.
#pragma once

#include <functional>
#include <optional>

#include "server/chat.h"
#include "server/responses_items.h"

namespace ondol::server {

/// The items without the oldest ones: everything before item `cut` but instructions (system, developer).
ResponseItems items_from(const ResponseItems& items, size_t cut);

/// What is left of a conversation: the least is dropped so that `fits` holds, in whole exchanges that begin with a
/// user's message; the last one always stays. `fits` is asked about as often as the logarithm of their number.
ResponseItems newest_items(const ResponseItems& items, const std::function<bool(const ResponseItems&)>& fits);

/// What stands before a conversation: messages_of_items().
struct ResponseWords {
  std::string instructions;
  std::string letters;
};

/// On a worker. `chat` is the request without messages. `n_dropped` is how many items there was no room for.
std::optional<HttpError> prepare_response(const LoadedModel& model, ChatRequest chat, const ResponseWords& words,
                                          const ResponseItems& items, bool truncates, AnswerJob& job,
                                          size_t& n_dropped);

}  // namespace ondol::server
