// The options of `ondol serve`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "base/result.h"
#include "cli/options.h"
#include "server/hosted_tools.h"
#include "server/model_pool.h"
#include "server/server.h"

namespace ondol::cli {

enum class LogForm { kNone, kText, kJson };

struct ServeOptions {
  server::ServerOptions server;
  server::PoolOptions pool;
  std::string data_folder;
  std::map<std::string, std::string> stores;  // document stores to search: names and places
  std::vector<std::string> workspaces;        // of agents
  std::string agent_table;
  int n_agent_workers = 4;
  LogForm log = LogForm::kNone;
  bool has_page = true;
  server::HostedToolOptions hosted;
};

/// As they were written.
struct ServeFlags {
  std::vector<std::string> models;
  std::string host = "127.0.0.1";
  int port = 8080;
  std::vector<std::string> keys;
  std::string key_file;
  int parallel = 0;
  ModelOptions model;
  std::string tls_certificate;
  std::string tls_key;
  std::vector<std::string> allowed_origins;
  std::vector<std::string> allowed_hosts;
  bool no_page = false;
  std::string data_folder;
  std::string cache_directory;
  std::string cache_size = "4GiB";
  std::string keep_alive = "5m";
  std::vector<std::string> aliases;
  std::vector<std::string> stores;
  bool code_interpreter = false;
  std::vector<std::string> mcp_hosts;
  std::vector<std::string> workspaces;
  std::string agent_table;
  int n_agent_workers = 4;
  std::string log;

  void add_to(CLI::App& command);
  /// `is_watched`: log even without --log.
  Result<ServeOptions> resolved(bool is_watched) const;
};

/// Whether only this machine can connect to the host.
bool is_local(const std::string& host);

/// "PATH", "PATH=FACTOR", "NAME=PATH" or "NAME=PATH=FACTOR"; what names a file that is there is believed first.
Result<server::AdapterToLoad> parse_named_adapter(const std::string& text);

/// "300", "90s", "5m", "1h", "2d"; negative is for ever.
Result<std::chrono::seconds> parse_duration(const std::string& text);
/// "4GiB", "500M", "1000000".
Result<uint64_t> parse_size(const std::string& text);

}  // namespace ondol::cli
