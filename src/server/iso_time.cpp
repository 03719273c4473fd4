#include "server/iso_time.h"

#include <ctime>

#include <fmt/format.h>

namespace ondol::server {
namespace {

std::string without_zone(SystemTime time) {
  const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

std::string iso_time(SystemTime time) {
  return without_zone(time) + "Z";
}

std::string iso_time_micros(SystemTime time) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  return fmt::format("{}.{:06}Z", without_zone(time), micros % 1'000'000);
}

}  // namespace ondol::server
