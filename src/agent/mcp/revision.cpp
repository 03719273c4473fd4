#include "agent/mcp/revision.h"

#include <array>
#include <cstddef>

namespace ondol::mcp {
namespace {

constexpr std::array<std::string_view, 5> kRevisions = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25",
                                                        "2026-07-28"};
constexpr std::array<std::string_view, 8> kLevels = {"debug", "info",     "notice", "warning",
                                                     "error", "critical", "alert",  "emergency"};

template <typename Value, size_t n>
std::optional<Value> named(const std::array<std::string_view, n>& names, std::string_view name) {
  for (size_t i = 0; i < n; ++i)
    if (names[i] == name) return static_cast<Value>(i);
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Revision revision) {
  return kRevisions[static_cast<size_t>(revision)];
}

std::optional<Revision> revision_named(std::string_view name) {
  return named<Revision>(kRevisions, name);
}

std::string_view name_of(LogLevel level) {
  return kLevels[static_cast<size_t>(level)];
}

std::optional<LogLevel> log_level_named(std::string_view name) {
  return named<LogLevel>(kLevels, name);
}

}  // namespace ondol::mcp
