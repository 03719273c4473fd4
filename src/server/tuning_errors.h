// What went wrong with a training, in the words of the client that asked for it.
#pragma once

#include "server/file_store.h"
#include "server/tuning_job.h"

namespace ondol::server {

/// Paths of kept files become their names, and the field that named the file the parameter, with the line. Of other
/// errors, code and parameter stay empty.
TuningError explain(const Error& error, const FileStore& files, const TuningJob& job);

/// {"code", "message", "param", "line"?}
json::object shown(const TuningError& error);

}  // namespace ondol::server
