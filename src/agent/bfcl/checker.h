// Whether calls are what a question of the Berkeley leaderboard asks for: its own rules, as its checker of syntax trees
// applies them (ast_checker.py of bfcl-eval 2026.3.23; tests/golden/bfcl compares with it).
//
// A call is right when it names the function, has every required parameter and none that is unknown, and when each
// value has its parameter's type (an integer will do for a float, in Python) and is among the possible answers. Texts
// are compared without case, spaces and the characters ,./-_*^ and with all quotes alike. A parameter may be absent
// where "" is among its possible answers. Of several calls, each must match another answer, in any order.
#pragma once

#include <string>
#include <vector>

#include "agent/agent_model.h"
#include "agent/bfcl/cases.h"

namespace ondol {

struct BfclVerdict {
  bool is_right = false;
  std::string why;  // it is wrong, in the leaderboard's words: "simple_function_checker:missing_required"
};

/// `calls` by the names that models get (bfcl_tool_name).
BfclVerdict check_bfcl(const BfclCategory& category, const BfclCase& question, const std::vector<AgentCall>& calls);

}  // namespace ondol
