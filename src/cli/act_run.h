// A run of `ondol act` without the terminal: what it is told, what it needs, and the loop. `ondol jobs` runs the same.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/engine_agent_model.h"
#include "agent/loop.h"
#include "cli/act_tools.h"
#include "cli/options.h"

namespace ondol::cli {

struct ActOptions {
  std::string goal;
  std::string workspace = ".";
  std::vector<std::string> tools;
  std::string approve = "ask";
  std::string scope = "workspace";
  std::vector<std::string> hosts;
  std::string resume;
  std::string branch;  // ID:STEP
  std::string replay;
  bool again = false;  // replay with the model
  std::string data_folder;
  std::string store;
  std::string mqtt_broker;
  ModelOptions model;
  LoopOptions loop;
};

/// The folder of the sessions.
std::string sessions_of(const ActOptions& options);

/// What a run needs, all of it there before its session is begun.
struct Workshop {
  std::string workspace;
  std::shared_ptr<EngineAgentModel> model;
  std::unique_ptr<ActTools> tools;
  std::vector<std::unique_ptr<Tool>> recorded;
  SkillList skills;
};

/// Loads the model of the options. `goes_on` is asked while it reads and writes; false ends that.
Result<std::shared_ptr<EngineAgentModel>> open_agent_model(const ActOptions& options, std::function<bool()> goes_on);

/// All but the model, which takes longer. Errors: no such folder, tool or session to replay, no sandbox.
Result<Workshop> open_workshop(const ActOptions& options);

/// The session to work in: a new one, or one that there is.
Result<AgentSession> open_session(const ActOptions& options, const Workshop& shop);

/// Whoever can be asked. Without `approve`, what must be asked about is refused.
struct ActPeople {
  std::function<Result<ApprovalAnswer>(const ApprovalRequest& request)> approve;
  std::function<Result<std::string>(std::string_view question)> answer;
};

/// Works on the goal, or goes on with the session where there is none.
Result<LoopOutcome> run_act(const ActOptions& options, Workshop& shop, AgentSession& session, const ActPeople& people,
                            std::function<bool()> goes_on, std::function<void(const json::object& step)> observer);

}  // namespace ondol::cli
