// A TOML file as the options of a command.
#pragma once

#include <string>

#include <CLI/App.hpp>

#include "base/result.h"

namespace ondol::cli {

/// Sets options of `command` that the command line left out, by their long names without dashes: `lr = 1e-4`,
/// `data = ["a.jsonl", "b/"]`, `dora = true`. Underscores count as dashes; tables only group ("[lora]"). Errors name
/// the line: TOML that is none, a name that the command lacks, a value that does not fit.
Result<void> apply_toml(const std::string& path, const CLI::App& command);

}  // namespace ondol::cli
