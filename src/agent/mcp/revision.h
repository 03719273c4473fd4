// The revisions of the Model Context Protocol that both ends speak, and the names that stand in its messages.
//
// Up to 2025-11-25 a client shakes hands (`initialize`), which begins a session. Since 2026-07-28 every request says by
// itself, in `_meta`, what it needs: there are no sessions.
#pragma once

#include <optional>
#include <string_view>

namespace ondol::mcp {

enum class Revision { k2024_11_05, k2025_03_26, k2025_06_18, k2025_11_25, k2026_07_28 };

inline constexpr Revision kNewest = Revision::k2026_07_28;
inline constexpr Revision kNewestWithHandshake = Revision::k2025_11_25;

std::string_view name_of(Revision revision);
std::optional<Revision> revision_named(std::string_view name);

inline bool has_handshake(Revision revision) {
  return revision <= kNewestWithHandshake;
}
/// Several messages as a JSON array.
inline bool has_batches(Revision revision) {
  return revision == Revision::k2025_03_26;
}
/// An event with an id and no data, first of all, so that a client can take a cut stream up again.
inline bool has_priming_events(Revision revision) {
  return revision == Revision::k2025_11_25;
}

enum ErrorCode : int {
  kResourceNotFound = -32002,  // before 2026-07-28
  kHeaderMismatch = -32020,
  kMissingClientCapability = -32021,
  kUnsupportedRevision = -32022,
};

// Keys of `_meta`.
inline constexpr std::string_view kMetaRevision = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kMetaClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kMetaClientCapabilities = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kMetaServerInfo = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view kMetaLogLevel = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view kMetaSubscription = "io.modelcontextprotocol/subscriptionId";

/// Severity, mildest first (RFC 5424).
enum class LogLevel { kDebug, kInfo, kNotice, kWarning, kError, kCritical, kAlert, kEmergency };

std::string_view name_of(LogLevel level);
std::optional<LogLevel> log_level_named(std::string_view name);

}  // namespace ondol::mcp
