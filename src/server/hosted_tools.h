// HostedTools: what this server runs itself for models of the Responses API, beside searches in files: programs in a
// sandbox, and tools of MCP servers. Nothing of it happens unless the owner allows it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/host_list.h"
#include "agent/sandbox.h"
#include "server/code_containers.h"
#include "server/workers.h"

namespace ondol::server {

struct HostedToolOptions {
  bool runs_code = false;              // code_interpreter
  std::vector<std::string> mcp_hosts;  // that MCP servers may be on, as in host_list.h; none: there is no such tool
  CodeContainerLimits containers = {};
  std::string sandbox = {};  // Sandbox::open()
};

class HostedTools {
 public:
  HostedTools();
  ~HostedTools() { stop(); }

  /// Call once, before anybody asks. Tries the sandbox out. Errors: a host that is none.
  Result<void> offer(HostedToolOptions options);

  bool runs_code() const { return runs_code_; }
  bool reaches_servers() const { return !mcp_hosts_.is_empty(); }
  const HostList& mcp_hosts() const { return mcp_hosts_; }
  /// Error: none works here, and what to do about it. Where runs_code().
  Result<Sandbox*> sandbox() const;
  CodeContainers& containers() { return *containers_; }

  /// The letters in the marks around strangers' words (agent/result_text.h) in a conversation: nobody can guess them,
  /// and they stay the same while it goes on. `beginning` is how it began.
  std::string letters(const std::string& owner, std::string_view beginning) const;

  /// For what takes long.
  void post(std::function<void()> job) { workers_.post(std::move(job)); }
  /// Sees to it that containers are removed when they have expired.
  void watch_containers();
  /// Whether stop() has been called, so that who takes long gives up.
  bool is_ending() const { return is_ending_; }
  /// Returns when its threads have ended; what is posted later is dropped.
  void stop();

 private:
  bool runs_code_ = false;
  HostList mcp_hosts_;
  std::unique_ptr<Sandbox> sandbox_;
  std::optional<Error> sandbox_error_;
  const std::string secret_;
  std::unique_ptr<CodeContainers> containers_;
  std::atomic<bool> is_ending_{false};
  std::atomic<bool> is_watching_{false};
  Workers workers_{4};  // the last member: what they run uses the others
};

}  // namespace ondol::server
