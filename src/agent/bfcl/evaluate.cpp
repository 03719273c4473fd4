#include "agent/bfcl/evaluate.h"

#include <algorithm>
#include <chrono>

namespace ondol {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string function_name(const BfclCase& question, const std::string& tool) {
  for (const json::value& function : question.functions) {
    const std::string name = string_or(function, "name", "");
    if (bfcl_tool_name(name) == tool) return name;
  }
  return tool;
}

}  // namespace

Result<BfclScore> evaluate_bfcl(AgentModel& model, const std::string& folder, const BfclCategory& category,
                                const BfclOptions& options, const std::function<bool(const BfclResult&)>& told) {
  const std::vector<BfclCase> cases = ONDOL_TRY(read_bfcl(folder, category));
  BfclScore score;
  score.category = std::string(category.name);
  const auto start = std::chrono::steady_clock::now();
  for (const BfclCase& question : cases) {
    if (options.limit > 0 && score.n >= options.limit) break;
    AgentModel::Wish wish;
    wish.messages = question.messages;
    wish.tools = bfcl_tools(question.functions, category.language);
    wish.max_tokens = options.max_tokens;
    wish.reasoning_budget = options.reasoning_budget;
    auto turn = model.generate(wish);
    BfclResult result{question.id, {}, "", {}};
    if (turn) {
      result.verdict = check_bfcl(category, question, turn->calls);
      result.calls = std::move(turn->calls);
      result.content = std::move(turn->content);
    } else {
      result.verdict = {false, "not run: " + turn.error().message()};
    }
    for (AgentCall& call : result.calls) call.name = function_name(question, call.name);
    ++score.n;
    score.n_right += result.verdict.is_right ? 1 : 0;
    if (!told(result)) return Error("stopped");
  }
  score.seconds = seconds_since(start);
  return score;
}

}  // namespace ondol
