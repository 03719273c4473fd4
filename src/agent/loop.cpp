#include "agent/loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "agent/loop_state.h"
#include "agent/loop_tools.h"

namespace ondol {
namespace {

constexpr int kMostMalformed = 3;  // answers in a row that lead nowhere

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

constexpr std::string_view kInstructions =
    "You reach the user's goal on their computer, step by step, with the tools. Look before you change something, and "
    "check what you did. You are in the workspace: a folder, in which paths are relative. Use a tool only where it is "
    "needed. What is refused stays refused: do not try to get around it. When the goal is reached, or cannot be, "
    "answer without a call, briefly, in the language of the goal, and say what you did.";

AgentCall call_from(const json::value& call) {
  AgentCall result{string_or(call, "id", ""), string_or(call, "name", ""), {}};
  const json::value* arguments = find_member(call, "arguments");
  if (arguments != nullptr && arguments->is_object()) result.arguments = arguments->get_object();
  return result;
}

}  // namespace

struct AgentLoop::State {
  State(LoopParts given, LoopOptions wish)
      : parts(std::move(given)),
        options(std::move(wish)),
        form(options.form.value_or(parts.model.has_tools() ? ActionForm::kCalls : ActionForm::kBlocks)),
        marks(string_or(parts.session.header(), "marks", "strangers")),
        history(marks),
        log(parts.session, parts.secrets, parts.observer),
        tools(parts.tools, own_tools(), options.tools_at_once),
        calls(parts, options, log, tools) {
    if (!parts.seconds_now) parts.seconds_now = steady_seconds;
    restore();
  }

  std::vector<std::unique_ptr<Tool>> own_tools() {
    std::vector<std::unique_ptr<Tool>> own;
    own.push_back(make_read_result(parts.session, [this](int number) { return calls.is_untrusted_result(number); }));
    if (!parts.skills.empty()) own.push_back(make_use_skill(parts.skills));
    if (parts.tools.size() > options.tools_at_once) {
      own.push_back(make_find_tools([this](const std::string& task) { return tools.find(task); }));
    }
    return own;
  }

  void restore();
  Result<void> add(const json::object& step) {
    history.apply(ONDOL_TRY(log.add(step)));
    return {};
  }

  bool goes_on() const { return !parts.context.goes_on || parts.context.goes_on(); }
  std::string system() const;
  std::vector<ToolDefinition> offered() const {
    return form == ActionForm::kCalls ? tools.definitions() : std::vector<ToolDefinition>();
  }
  int64_t answer_room() const {
    return std::min<int64_t>(options.answer_tokens, std::max<int64_t>(parts.model.context_length() / 4, 1));
  }
  std::string spent() const;
  Result<bool> fit_prompt();
  Result<void> offer();
  Result<AgentTurn> think();
  Result<bool> take(AgentTurn turn);
  /// Whether all calls were handled: one may wait for an approval.
  Result<bool> run_pending();
  Result<void> end(std::string reason, std::string text);
  Result<void> work();

  LoopParts parts;
  LoopOptions options;
  ActionForm form;
  UntrustedMarks marks;
  AgentHistory history;
  StepLog log;
  ToolDesk tools;
  CallDesk calls;

  std::string task;  // what tools are chosen by: the goal and the model's latest words, never strangers'
  std::string goal;
  json::array told;  // the tools of the latest offer
  std::vector<AgentCall> pending;
  std::set<std::string> begun;  // of the pending calls
  bool is_block = false;
  int n_answers = 0;  // of the whole session, for ids
  int n_malformed = 0;
  double began = 0;
  LoopOutcome outcome;
};

void AgentLoop::State::restore() {
  std::map<std::string, AgentCall> known;
  for (const json::object& step : parts.session.steps()) {
    history.apply(step);
    const std::string type = string_or(step, "type", "");
    if (type == "goal") {
      goal = string_or(step, "text", "");
      pending.clear();
      calls.restore(step, nullptr);
    } else if (type == "offer") {
      if (const json::value* names = step.if_contains("tools"); names != nullptr && names->is_array()) {
        told = names->get_array();
        tools.restore(told);
      }
    } else if (type == "answer") {
      ++n_answers;
      task = goal + "\n" + string_or(step, "content", "");
      is_block = bool_or(step, "is_block", false);
      pending.clear();
      begun.clear();
      const json::value* list = step.if_contains("calls");
      if (list == nullptr || !list->is_array()) continue;
      for (const json::value& call : list->get_array()) pending.push_back(call_from(call));
      for (const AgentCall& call : pending) known[call.id] = call;
    } else if (type == "call") {
      begun.insert(string_or(step, "call", ""));
    } else if (type == "result") {
      const std::string id = string_or(step, "call", "");
      const auto call = known.find(id);
      calls.restore(step, call == known.end() ? nullptr : &call->second);
      if (call != known.end()) tools.was_used(call->second.name);
      std::erase_if(pending, [&](const AgentCall& entry) { return entry.id == id; });
    }
  }
}

/// Always the same as long as the tools are, so that keys and values of the prompt's beginning are found again.
std::string AgentLoop::State::system() const {
  std::string text = fmt::format("{}\n\n{}", kInstructions, UntrustedMarks::explanation());
  const std::string skills = skills_in_words(parts.skills);
  if (!skills.empty()) text += "\n\n" + skills;
  if (!options.instructions.empty()) text += "\n\n" + options.instructions;
  if (form == ActionForm::kBlocks) text += "\n\n" + blocks_in_words(tools.definitions());
  return parts.secrets.filter(text).text;
}

/// Which budget is spent; "" where all have something left.
std::string AgentLoop::State::spent() const {
  if (outcome.turns >= options.budget.turns) return "turns";
  if (outcome.tokens >= options.budget.tokens) return "tokens";
  if (parts.seconds_now() - began >= options.budget.seconds) return "seconds";
  return "";
}

/// Shortens the history until the prompt leaves room for an answer. False: nothing helps.
Result<bool> AgentLoop::State::fit_prompt() {
  const int64_t most = parts.model.context_length() - answer_room();
  const std::string text = system();
  const std::vector<ToolDefinition> definitions = offered();
  const auto size = [&](const json::array& messages) { return parts.model.count_prompt(messages, definitions); };
  if (ONDOL_TRY(size(history.messages(text))) <= most) return true;
  const json::value step = ONDOL_TRY(history.shorten(text, most, size));
  if (!step.is_object()) return false;
  ONDOL_TRY(add(step.get_object()));
  return ONDOL_TRY(size(history.messages(text))) <= most;
}

Result<void> AgentLoop::State::offer() {
  tools.choose(task);
  if (tools.names() == told) return {};
  told = tools.names();
  json::object step = {{"type", "offer"}};
  step["tools"] = told;
  return add(step);
}

Result<AgentTurn> AgentLoop::State::think() {
  AgentModel::Wish wish;
  wish.messages = history.messages(system());
  wish.tools = offered();
  if (form == ActionForm::kBlocks) wish.content = ONDOL_TRY(block_grammar(tools.definitions()));
  wish.max_tokens = static_cast<int>(std::clamp<int64_t>(options.budget.tokens - outcome.tokens, 1, answer_room()));
  wish.reasoning_budget = options.reasoning_budget;
  wish.temperature = options.temperature;
  wish.seed = options.seed + static_cast<uint64_t>(n_answers);
  wish.sink = [this](const AnswerDelta& delta) {
    if (parts.stream) parts.stream(delta);
    return goes_on();
  };
  return parts.model.generate(wish);
}

/// Records the answer. True: it ends the run.
Result<bool> AgentLoop::State::take(AgentTurn turn) {
  ++outcome.turns;
  ++n_answers;
  outcome.tokens += turn.prompt_tokens - turn.cached_tokens + turn.answer_tokens;
  is_block = false;
  if (form == ActionForm::kBlocks) {
    if (auto action = find_block(turn.content, tools.definitions())) {
      turn.calls = {std::move(action->call)};
      is_block = true;
    }
  }
  int n = 0;
  json::array list;
  for (AgentCall& call : turn.calls) {
    call.id = fmt::format("c{}x{}", n_answers, ++n);  // models' own need not differ
    json::object entry = {{"id", call.id}, {"name", call.name}};
    entry["arguments"] = call.arguments;
    list.push_back(std::move(entry));
  }
  json::object step = {{"type", "answer"}, {"content", turn.content}};
  if (!turn.reasoning.empty()) step["reasoning"] = turn.reasoning;
  step["calls"] = std::move(list);
  if (is_block) step["is_block"] = true;
  if (turn.was_cut) step["was_cut"] = true;
  step["prompt_tokens"] = turn.prompt_tokens;
  step["cached_tokens"] = turn.cached_tokens;
  step["answer_tokens"] = turn.answer_tokens;
  ONDOL_TRY(add(step));
  task = goal + "\n" + turn.content;
  pending = std::move(turn.calls);
  begun.clear();
  if (!pending.empty()) {
    n_malformed = 0;
    return false;
  }
  const bool is_empty = turn.content.find_first_not_of(" \t\r\n") == std::string::npos;
  if (!is_empty && !turn.was_cut) {
    ONDOL_TRY(end("done", parts.secrets.filter(turn.content).text));
    return true;
  }
  if (++n_malformed >= kMostMalformed) {
    ONDOL_TRY(end("stuck", is_empty ? "the model gave no answer" : "the model's answers came to no end"));
    return true;
  }
  ONDOL_TRY(add({{"type", "note"},
                 {"text", is_empty ? "Your answer was empty. Call a tool, or answer in words."
                                   : "Your answer was cut off because it was too long. Be brief, or call a tool."}}));
  return false;
}

Result<bool> AgentLoop::State::run_pending() {
  while (!pending.empty() && goes_on()) {
    const AgentCall call = pending.front();
    // Nobody knows what a call did that was begun when the process ended.
    if (begun.contains(call.id)) {
      history.apply(ONDOL_TRY(calls.drop(call, is_block, true)));
    } else {
      const auto result = ONDOL_TRY(calls.handle(call, is_block));
      if (!result) return false;
      history.apply(*result);
    }
    pending.erase(pending.begin());
  }
  return true;
}

Result<void> AgentLoop::State::end(std::string reason, std::string text) {
  outcome.reason = std::move(reason);
  outcome.text = std::move(text);
  // To the millisecond: what is kept reads back as it was, digit by digit.
  outcome.seconds = std::round((parts.seconds_now() - began) * 1e3) / 1e3;
  return add({{"type", "end"},
              {"reason", outcome.reason},
              {"text", outcome.text},
              {"turns", outcome.turns},
              {"tokens", outcome.tokens},
              {"seconds", outcome.seconds}});
}

Result<void> AgentLoop::State::work() {
  while (true) {
    if (!ONDOL_TRY(run_pending())) {
      outcome.asked = calls.question();
      return end("asking", question_of(*outcome.asked));
    }
    if (!goes_on()) return end("cancelled", "");
    if (calls.is_stuck()) return end("stuck", "the model repeats a call that fails");
    if (const std::string budget = spent(); !budget.empty()) return end(budget, "the budget is spent");
    ONDOL_TRY(offer());
    const auto fits = fit_prompt();
    if (!fits) return end("error", fits.error().message());
    if (!*fits) return end("context", "goal and tools do not fit into the model's context");
    auto turn = think();
    if (!goes_on() || (turn && turn->was_stopped)) return end("cancelled", "");
    if (!turn) return end("error", turn.error().message());
    if (ONDOL_TRY(take(std::move(*turn)))) return {};
  }
}

AgentLoop::AgentLoop(LoopParts parts, LoopOptions options)
    : state_(std::make_unique<State>(std::move(parts), std::move(options))) {}
AgentLoop::~AgentLoop() = default;

const Taint& AgentLoop::taint() const {
  return state_->calls.taint();
}

Result<LoopOutcome> AgentLoop::run(const AgentGoal& goal) {
  State& state = *state_;
  state.outcome = {};
  state.began = state.parts.seconds_now();
  if (!goal.text.empty()) {
    // Calls that nobody waits for any more would leave a template with calls without results.
    for (const AgentCall& call : state.pending) {
      state.history.apply(ONDOL_TRY(state.calls.drop(call, state.is_block, state.begun.contains(call.id))));
    }
    state.pending.clear();
    const json::object step = ONDOL_TRY(state.calls.goal_step(goal));
    ONDOL_TRY(state.add(step));
    state.calls.restore(step, nullptr);
    state.goal = state.task = goal.text;
    state.tools.begin_goal();
  }
  if (state.goal.empty()) return Error("expected a goal");
  ONDOL_TRY(state.work());
  return state.outcome;
}

}  // namespace ondol
