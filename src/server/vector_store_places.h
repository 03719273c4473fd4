// Places in the documents of collections, so that what is cited can be shown.
#pragma once

#include "retrieve/answer/answer.h"
#include "server/services.h"
#include "server/vector_store.h"

namespace ondol::server {

/// claim_json and answer_json, whose citations say of which file they are.
json::object shown_claim(const Claim& claim, const VectorStore& store, const FileStore& files);
json::object shown_answer(const Answer& answer, const VectorStore& store, const FileStore& files);

/// What was read of a file, with its pages; and where ?start=S&end=E says so, parted around that place.
void send_document(Services& services, const Request& request, Responder& responder, const VectorStore& store,
                   const AttachedFile& file);

}  // namespace ondol::server
