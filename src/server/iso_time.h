// Times as APIs write them: RFC 3339, in UTC.
#pragma once

#include <chrono>
#include <string>

namespace ondol::server {

using SystemTime = std::chrono::system_clock::time_point;

/// "2026-01-15T09:30:00Z"
std::string iso_time(SystemTime time);
/// "2026-01-15T09:30:00.123456Z"
std::string iso_time_micros(SystemTime time);

inline SystemTime from_unix_seconds(int64_t seconds) {
  return SystemTime(std::chrono::duration_cast<SystemTime::duration>(std::chrono::seconds(seconds)));
}

}  // namespace ondol::server
