// ondol eval bfcl: calling functions, by the questions and rules of the Berkeley leaderboard.
#pragma once

#include <CLI/App.hpp>

namespace ondol::cli {

void add_eval_bfcl(CLI::App& eval);

}  // namespace ondol::cli
