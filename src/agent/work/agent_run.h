// One run of an agent: what it needs, its session, and the loop. `ondol act`, `ondol jobs` and the server run the same.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/work/agent_task.h"
#include "agent/work/work_tools.h"

namespace ondol {

/// Where agents keep and find things.
struct AgentPlaces {
  std::string data_folder;                                 // sessions, approvals, notes, skills
  decltype(ToolNeeds::search_documents) search_documents;  // none: there are no documents
  std::string reader_program;                              // ondol-reader
  std::string mqtt_broker;

  std::string sessions() const { return data_folder + "/sessions"; }
};

/// What a run needs, all of it there before its session is begun.
struct Workshop {
  std::string workspace;
  std::shared_ptr<AgentModel> model;
  std::unique_ptr<WorkTools> tools;
  std::vector<std::unique_ptr<Tool>> recorded;
  SkillList skills;
};

/// All but the model, which takes longer. Errors: no such folder, tool or session to replay, no sandbox.
Result<Workshop> open_workshop(const AgentTask& task, const AgentPlaces& places);

/// The session to work in: a new one, or one that there is.
Result<AgentSession> open_session(const AgentTask& task, const AgentPlaces& places, const Workshop& shop);

/// Whoever can be asked. Without `approve`, what must be asked about is refused.
struct AgentPeople {
  std::function<Result<ApprovalAnswer>(const ApprovalRequest& request)> approve;
  std::function<Result<std::string>(std::string_view question)> answer;
  std::function<void(const std::string& text)> note = {};  // told what is left out; may be absent
};

/// Works on the goal, or goes on with the session where there is none. `by` is kept with the goal.
Result<LoopOutcome> run_agent(const AgentTask& task, const AgentPlaces& places, Workshop& shop, AgentSession& session,
                              const AgentPeople& people, std::function<bool()> goes_on,
                              std::function<void(const json::object& step)> observer, const std::string& by = "");

/// How a run ended, in words; "" where the outcome's text says it all.
std::string_view end_in_words(std::string_view reason);

}  // namespace ondol
