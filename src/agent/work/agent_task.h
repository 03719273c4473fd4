// AgentTask: what one run of an agent is told, from the command line, out of a job table or over HTTP.
#pragma once

#include <string>
#include <vector>

#include "agent/loop.h"

namespace ondol {

struct AgentTask {
  std::string goal;
  std::string given;       // what came with it, in a stranger's words
  std::string given_from;  // what that is
  std::string workspace = ".";
  std::vector<std::string> tools;  // the only ones wanted; empty: all
  std::vector<std::string> mcp;    // servers by name, or files of them; empty: all that are configured; "none"
  std::string approve = "ask";
  std::string scope = "workspace";
  std::vector<std::string> hosts;
  std::string model;   // for workers that have several; "": the usual one
  std::string resume;  // a session's id, as the two below
  std::string branch;  // ID:STEP
  std::string replay;
  bool again = false;  // replay with the model
  LoopOptions loop;
};

/// What of it is kept in a job: goal, workspace (absolute), tools, approve, scope, hosts, model, budget, the session
/// that it goes on with. What came with the goal is its trigger's (schedules.h).
json::value work_of(const AgentTask& task);
/// Error: what is in the table is no such job.
Result<AgentTask> task_of(const json::value& work);

}  // namespace ondol
