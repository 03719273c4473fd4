// Lines about answered requests, for a log. Whoever writes the log decides where to.
#pragma once

#include <cstdint>
#include <string>

#include "server/metrics.h"
#include "server/server.h"

namespace ondol::server {

/// "2026-01-15T09:30:00Z 127.0.0.1 POST /v1/chat/completions 200 1.234 s, 512 B in, 2048 B out [req_...]". Control
/// characters of the path are escaped, so that a line stays one line and a terminal obeys nobody.
std::string log_text(const RequestRecord& record, int64_t unix_seconds);

/// The same as one line of JSON: {"time","id","client","method","path","route","status","seconds",...}.
std::string log_json(const RequestRecord& record, int64_t unix_seconds);

/// Counts it: ondol_http_requests_total, ondol_http_request_seconds, ondol_http_{request,response}_bytes_total,
/// ondol_http_clients_gone_total.
void count_request(Metrics& metrics, const RequestRecord& record);

}  // namespace ondol::server
