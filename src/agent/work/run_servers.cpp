#include "agent/work/run_servers.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "agent/printable_text.h"
#include "net/http_client.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr const char* kApprovalName = "mcp_server";
constexpr std::string_view kNone = "none";

struct Candidate {
  mcp::ConfiguredServer server;
  bool is_strange = false;
};

json::array array_of(const std::vector<std::string>& texts) {
  json::array all;
  for (const std::string& text : texts) all.push_back(json::string(text));
  return all;
}

/// All that says what it does.
json::object described(const mcp::ConfiguredServer& server) {
  json::object all = {{"name", server.name}};
  if (server.is_remote()) {
    all["url"] = server.url.url;
    all["headers"] = array_of(server.url.headers);
    return all;
  }
  all["command"] = array_of(server.command.arguments);
  all["environment"] = array_of(server.command.environment);
  all["confined"] = server.cell.has_value();
  if (!server.cell) return all;
  all["writes"] = server.cell->may_write;
  all["hosts"] = array_of(server.cell->hosts);
  return all;
}

std::string preview_of(const mcp::ConfiguredServer& server) {
  if (server.is_remote()) return fmt::format("speak with the MCP server '{}' at {}", server.name, server.url.url);
  std::string how = "NOT confined: it can do whatever you can";
  if (server.cell) {
    const std::string hosts =
        server.cell->is_sealed() ? "no network" : fmt::format("the network ({})", fmt::join(server.cell->hosts, ", "));
    how = fmt::format("in the sandbox, {} the workspace, with {}", server.cell->may_write ? "changing" : "reading",
                      hosts);
  }
  std::string text =
      fmt::format("start the MCP server '{}', {}:\n{}", server.name, how, fmt::join(server.command.arguments, " "));
  for (const std::string& variable : server.command.environment) text += "\n  with " + variable;
  return printable_text(text);
}

Result<std::vector<Candidate>> read_candidates(const std::string& path, bool is_strange) {
  std::vector<Candidate> all;
  std::error_code error;
  // A folder that others wrote may have a link to a file of the owner's there.
  if (is_strange && !fs::is_regular_file(fs::symlink_status(path, error))) return all;
  if (!fs::exists(path, error)) return all;
  const auto author = is_strange ? mcp::ServerAuthor::kStranger : mcp::ServerAuthor::kOwner;
  for (mcp::ConfiguredServer& server : ONDOL_TRY(mcp::read_servers_file(path, author)))
    all.push_back({std::move(server), is_strange});
  return all;
}

/// What there is, the owner's first; a stranger's of the same name is not there.
Result<std::vector<Candidate>> all_candidates(const RunServerParts& parts, std::vector<std::string>& notes) {
  std::vector<Candidate> all = ONDOL_TRY(read_candidates(parts.data_folder + "/mcp.json", false));
  auto strange = read_candidates(parts.workspace + "/.ondol/mcp.json", true);
  if (!strange) {
    notes.push_back(strange.error().message());
    return all;
  }
  for (Candidate& one : *strange) {
    const bool is_known = std::any_of(all.begin(), all.end(),
                                      [&](const Candidate& other) { return other.server.name == one.server.name; });
    if (!is_known) all.push_back(std::move(one));
  }
  return all;
}

Result<std::vector<Candidate>> chosen_candidates(const RunServerParts& parts, std::vector<std::string>& notes) {
  const std::vector<std::string>& wanted = parts.task.mcp;
  if (wanted.size() == 1 && wanted[0] == kNone) return std::vector<Candidate>();
  std::vector<Candidate> all = ONDOL_TRY(all_candidates(parts, notes));
  if (wanted.empty()) return all;
  std::vector<Candidate> chosen;
  for (const std::string& entry : wanted) {
    if (names_server_file(entry)) {
      for (mcp::ConfiguredServer& server : ONDOL_TRY(mcp::read_servers_file(entry).in("--mcp")))
        chosen.push_back({std::move(server), false});
      continue;
    }
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Candidate& one) { return one.server.name == entry; });
    if (found == all.end()) {
      std::vector<std::string> names;
      for (const Candidate& one : all) names.push_back(one.server.name);
      return Error(
          fmt::format("--mcp: expected a file, none, or one of the servers ({}) of {}/mcp.json and "
                      ".ondol/mcp.json, got '{}'",
                      fmt::join(names, ", "), parts.data_folder, entry));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

/// What forbids to speak with it; "" where nothing does.
std::string beyond_policy(const mcp::ConfiguredServer& server, const AgentTask& task) {
  if (!server.is_remote()) return "";
  const auto origin = origin_of(server.url.url);
  if (!origin) return origin.error().message();
  const std::string host = fmt::format("{}:{}", origin->host, origin->port);
  if (task.scope != "full") return fmt::format("it is at {}, which needs --scope full", host);
  if (!host_is_allowed(task.hosts, host))
    return fmt::format("{0} is not among the allowed hosts; hint: --allow-host {0}", host);
  return "";
}

/// What forbids to start one that came with the folder. `waits_for`: the one who could say is not there.
Result<std::string> unapproved(const mcp::ConfiguredServer& server, const RunServerParts& parts,
                               std::optional<ApprovalRequest>& waits_for) {
  const json::object words = described(server);
  const RememberedApproval approval = approval_of(kApprovalName, words, {});
  if (parts.approvals.has(approval)) return std::string();
  const std::string reason = "it stands in .ondol/mcp.json of this folder, which others may have written";
  if (!parts.approve || parts.task.approve != "ask") return reason + ", and nobody is there to allow it";
  ApprovalRequest request{kApprovalName, words, preview_of(server), reason, approval};
  const ApprovalAnswer answer = ONDOL_TRY(parts.approve(request));
  if (answer == ApprovalAnswer::kAlways) ONDOL_TRY(parts.approvals.add(approval));
  if (answer == ApprovalAnswer::kLater) waits_for = std::move(request);
  const bool is_allowed = answer == ApprovalAnswer::kAlways || answer == ApprovalAnswer::kOnce;
  return is_allowed ? std::string() : reason + ", and it was not allowed";
}

}  // namespace

bool names_server_file(std::string_view entry) {
  return entry.find('/') != entry.npos || entry.ends_with(".json");
}

bool names_server_tool(std::string_view name) {
  return name.find("__") != name.npos;
}

std::vector<Tool*> RunServers::wanted(const AgentTask& task) const {
  std::vector<Tool*> all = tools.tools();
  if (task.tools.empty()) return all;
  std::erase_if(all, [&](const Tool* tool) {
    return std::find(task.tools.begin(), task.tools.end(), tool->definition().name) == task.tools.end();
  });
  return all;
}

Result<RunServers> connect_servers(const RunServerParts& parts) {
  std::vector<std::string> notes;
  std::vector<mcp::ConfiguredServer> allowed;
  std::optional<ApprovalRequest> waits_for;
  for (Candidate& one : ONDOL_TRY(chosen_candidates(parts, notes))) {
    std::string why = beyond_policy(one.server, parts.task);
    if (why.empty() && one.is_strange) why = ONDOL_TRY(unapproved(one.server, parts, waits_for));
    if (why.empty())
      allowed.push_back(std::move(one.server));
    else
      notes.push_back(fmt::format("MCP server '{}' is left out: {}", one.server.name, why));
  }
  if (waits_for) allowed.clear();
  mcp::ClientOptions options;
  options.version = "0.1.0";
  RunServers servers{mcp::ServerTools::connect(allowed, options, parts.goes_on, {&parts.sandbox, parts.workspace}),
                     std::move(notes), std::move(waits_for)};
  for (const std::string& failure : servers.tools.failures()) servers.notes.push_back("MCP server " + failure);
  return servers;
}

}  // namespace ondol
