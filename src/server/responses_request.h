// The body of POST /v1/responses.
#pragma once

#include <string>

#include "server/chat.h"
#include "server/fields.h"
#include "server/responses_items.h"
#include "server/responses_tools.h"

namespace ondol::server {

struct ResponseRequest {
  ChatRequest chat;   // all but the messages
  json::object echo;  // the fields of the response that repeat the request, or say what was taken instead
  ResponseTools tools;
  std::string instructions;
  std::string letters;  // of the marks around strangers' words, where there may be any; not of the body
  std::string previous_id;
  ResponseItems input;
  bool stores = true;
  bool streams = false;
  bool in_background = false;
  bool truncates = false;      // drops the oldest items where they do not fit
  bool wants_summary = false;  // of reasoning
  bool wants_results = false;  // of searches
  bool wants_outputs = false;  // of programs
  int most_calls = 8;          // of tools that run here
};

/// Errors are in the fault of `body`. `find`: stored items.
ResponseRequest read_response_request(const Fields& body, const FindItem& find, const OfferedTools& offered = {});

}  // namespace ondol::server
