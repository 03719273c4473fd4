// ConfinedRun: one run of ondol-cell, from outside: its start, its output, its limits and its end. What confines it is
// the concern of whoever says how it is started (sandbox_bubblewrap.cpp, sandbox_landlock.cpp).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/sandbox.h"
#include "base/descriptor.h"

namespace ondol {

/// How the cell is started.
struct CellStart {
  std::string program;
  std::vector<std::string> arguments;
  std::string request;  // see cell_request.h
  Descriptor filter;
  /// With bubblewrap: what it is to do, as its --args reads it, and what its files hold.
  std::string bubblewrap_arguments;
  std::vector<std::string> files;
  bool has_bubblewrap = false;
  /// Where the program writes besides the workspace, as this process sees it; empty: a file system of its own.
  std::string temporary_folder;
};

/// The environment that every program gets.
std::vector<std::string> sandbox_variables(const SandboxedCommand& command, const std::string& temporary_folder);

/// The part of the request that both kinds share: program, variables, folder, limits.
std::string cell_request(const SandboxedCommand& command, std::vector<std::string> variables, bool has_namespaces);

/// Ends all processes before it returns. Error: it did not come to the program's start.
Result<SandboxedRun> run_cell(const CellStart& start, const SandboxedCommand& command,
                              const std::function<bool()>& goes_on);

}  // namespace ondol
