// Runs a model over questions of the Berkeley leaderboard, its calls held to the functions' schemas, and scores it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/agent_model.h"
#include "agent/bfcl/checker.h"

namespace ondol {

struct BfclResult {
  std::string id;
  std::vector<AgentCall> calls;  // by the functions' own names
  std::string content;
  BfclVerdict verdict;
};

struct BfclScore {
  std::string category;
  int n = 0;
  int n_right = 0;
  double seconds = 0;

  double accuracy() const { return n == 0 ? 0 : static_cast<double>(n_right) / n; }
};

struct BfclOptions {
  int limit = 0;  // questions of a category; 0: all
  int max_tokens = 512;
  int reasoning_budget = 0;
};

/// `told` gets each result; false stops with an error. Errors: unreadable files, a model that cannot be run. A question
/// whose functions no grammar can hold to counts as wrong, as "grammar: why".
Result<BfclScore> evaluate_bfcl(AgentModel& model, const std::string& folder, const BfclCategory& category,
                                const BfclOptions& options, const std::function<bool(const BfclResult&)>& told);

}  // namespace ondol
