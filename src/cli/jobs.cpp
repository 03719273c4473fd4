// ondol jobs: goals for agents that outlive the terminal: queued, at times that come again, and done by workers.
#include <filesystem>

#include <fmt/format.h>

#include "agent/jobs/schedules.h"
#include "agent/jobs/stored_answer.h"
#include "agent/work/job_runner.h"
#include "agent/work/session_home.h"
#include "cli/act_view.h"
#include "cli/agent_parts.h"
#include "cli/command.h"
#include "cli/document_store_option.h"
#include "cli/language.h"
#include "cli/terminal.h"

namespace ondol::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  AgentTask act;
  std::string data_folder;
  std::string store;
  std::string mqtt_broker;
  ModelOptions engine;
  std::string table;
  std::string name;
  std::string cron;
  std::string files;
  double delay_seconds = 0;
  int priority = 0;
  int64_t id = 0;
  std::string answer;
  std::string state;
  int64_t most = 50;
  bool until_idle = false;
  bool json = false;
};

constexpr JobState kStates[] = {JobState::kWaiting, JobState::kRunning, JobState::kAsking,
                                JobState::kDone,    JobState::kFailed,  JobState::kCancelled};

Result<JobTable> open_table(Options& options) {
  if (options.data_folder.empty()) options.data_folder = agent_folder();
  if (!options.table.empty()) return JobTable::open(options.table);
  std::error_code code;
  fs::create_directories(options.data_folder, code);
  options.table = options.data_folder + "/jobs.db";
  return JobTable::open(options.table);
}

Result<void> add(Options& options) {
  std::error_code code;
  const fs::path workspace = fs::canonical(options.act.workspace, code);
  if (code) return Error(fmt::format("--workspace: there is no folder '{}'", options.act.workspace));
  options.act.workspace = workspace.string();
  JobTable table = ONDOL_TRY(open_table(options));
  if (!options.cron.empty() || !options.files.empty()) {
    if (options.name.empty()) {
      return Error("--at, --on-file: expected --name NAME with it, by which the schedule is known");
    }
    const auto kind = options.files.empty() ? Schedule::Kind::kTimes : Schedule::Kind::kFiles;
    return Schedules(table).put({.name = options.name,
                                 .kind = kind,
                                 .at = options.cron,
                                 .files = options.files,
                                 .secret = {},
                                 .work = work_of(options.act)});
  }
  const int64_t id = ONDOL_TRY(table.add({.name = options.name,
                                          .work = work_of(options.act),
                                          .delay_ms = static_cast<int64_t>(options.delay_seconds * 1000),
                                          .priority = options.priority}));
  fmt::print("{}\n", id);
  return {};
}

json::object as_json(const JobRecord& job) {
  return {{"id", job.id},
          {"name", job.name},
          {"state", name_of(job.state)},
          {"work", job.work},
          {"attempts", job.attempts},
          {"worker", job.worker},
          {"session", job.progress},
          {"question", question_in_words(job.question)},
          {"result", job.result},
          {"made_ms", job.made_ms},
          {"ended_ms", job.ended_ms}};
}

void print_job(const JobRecord& job, bool whole) {
  fmt::print("{:>5}  {:<9}  {}\n", job.id, tr(std::string(name_of(job.state)).c_str()),
             string_or(job.work, "goal", ""));
  if (job.state == JobState::kAsking) fmt::print("       {}\n", question_in_words(job.question));
  if (whole && !job.progress.empty()) fmt::print("       {}: {}\n", tr("session"), job.progress);
  if (whole && !job.result.empty()) fmt::print("       {}\n", job.result);
}

Result<void> list(Options& options) {
  std::optional<JobState> state;
  for (const JobState one : kStates) {
    if (options.state == name_of(one)) state = one;
  }
  JobTable table = ONDOL_TRY(open_table(options));
  json::array all;
  for (const JobRecord& job : ONDOL_TRY(table.list(options.most, {.state = state}))) {
    if (options.json) {
      all.push_back(as_json(job));
    } else {
      print_job(job, false);
    }
  }
  if (options.json) fmt::print("{}\n", json_text(all));
  return {};
}

Result<void> show(Options& options) {
  JobTable table = ONDOL_TRY(open_table(options));
  const auto job = ONDOL_TRY(table.find(options.id));
  if (!job) return Error(fmt::format("there is no job {}; hint: ondol jobs list", options.id));
  if (options.json) {
    fmt::print("{}\n", json_text(as_json(*job)));
  } else {
    print_job(*job, true);
  }
  return {};
}

Result<void> answer(Options& options) {
  JobTable table = ONDOL_TRY(open_table(options));
  if (ONDOL_TRY(table.answer(options.id, options.answer))) return {};
  return Error(fmt::format("job {} does not ask anything; hint: ondol jobs list --state asking", options.id));
}

Result<void> cancel(Options& options) {
  JobTable table = ONDOL_TRY(open_table(options));
  if (ONDOL_TRY(table.cancel(options.id))) return {};
  return Error(fmt::format("job {}: there is none, or it has ended", options.id));
}

Result<void> list_schedules(Options& options) {
  JobTable table = ONDOL_TRY(open_table(options));
  json::array all;
  for (const Schedule& one : ONDOL_TRY(Schedules(table).list())) {
    if (options.json) {
      all.push_back({{"name", one.name},
                     {"kind", name_of(one.kind)},
                     {"cron", one.at},
                     {"files", one.files},
                     {"work", one.work},
                     {"next_ms", one.next_ms},
                     {"last_ms", one.last_ms}});
    } else {
      const std::string& when = one.kind == Schedule::Kind::kTimes ? one.at : one.files;
      fmt::print("{:<16}  {:<16}  {}\n", one.name, when.empty() ? name_of(one.kind) : when,
                 string_or(one.work, "goal", ""));
    }
  }
  if (options.json) fmt::print("{}\n", json_text(all));
  return {};
}

Result<void> unschedule(Options& options) {
  JobTable table = ONDOL_TRY(open_table(options));
  if (ONDOL_TRY(Schedules(table).remove(options.name))) return {};
  return Error(fmt::format("there is no schedule '{}'; hint: ondol jobs schedules", options.name));
}

Result<void> work(Options& options) {
  ONDOL_TRY(open_table(options));
  AgentPlaces places = agent_places(options.data_folder, options.store);
  places.mqtt_broker = options.mqtt_broker;
  // One model for all jobs, which it asks in turn whether they go on.
  std::shared_ptr<AgentModel> model;
  std::function<bool()> goes_on;
  const auto model_for = [&](const std::string&, std::function<bool()> of_job) -> Result<std::shared_ptr<AgentModel>> {
    goes_on = std::move(of_job);
    if (model == nullptr) model = ONDOL_TRY(open_agent_model(options.engine, [&] { return goes_on(); }));
    return model;
  };
  JobRunner runner({.places = std::move(places), .model = model_for, .note = print_note});
  const auto do_job = [&](const LeasedJob& job, const JobWorker::Hooks& hooks) {
    fmt::print(stderr, "{} {}: {}\n", tr("job"), job.id, string_or(job.work, "goal", ""));
    return runner.run(job, hooks);
  };
  const std::string home = ONDOL_TRY(session_home(options.data_folder));
  JobWorker worker({.place = options.table, .name = fmt::format("{}", ::getpid()), .home = {.id = home}}, do_job,
                   [] { return interrupted.load(); });
  return worker.run(options.until_idle);
}

void add_place(CLI::App& command, Options& options) {
  command.add_option("--table", options.table,
                     "Where the jobs are: a file, or postgresql://... for several machines; without it, a file beside "
                     "the sessions");
  command.add_option("--data-dir", options.data_folder, "The folder that keeps sessions, approvals and skills");
}

void add_adding(CLI::App& jobs, const std::shared_ptr<Options>& options) {
  CLI::App* command =
      add_command(jobs, "add", "Queue a goal, or have it come again and again",
                  "  ondol jobs add \"Summarise new files in inbox/ into news.md\" --workspace ~/notes\n"
                  "  ondol jobs add \"Tidy up\" --name tidy --at \"0 8 * * mon-fri\"\n"
                  "  ondol jobs add \"Summarise this file\" --name news --on-file \"inbox/*.txt\"\n",
                  [options] { return add(*options); });
  command->add_option("GOAL", options->act.goal, "What is to be reached, in plain words")->required();
  command->add_option("--workspace", options->act.workspace, "The folder to work in")->capture_default_str();
  command->add_option("--tools", options->act.tools, "The only tools wanted, by name: a,b")->delimiter(',');
  command->add_option("--mcp", options->act.mcp,
                      "An MCP server by its name in mcp.json, or none; without it, all; repeatable");
  command
      ->add_option("--approve", options->act.approve,
                   "What changes something: wait for `ondol jobs answer` (ask), do it (auto), or refuse it (never)")
      ->capture_default_str()
      ->check(CLI::IsMember({"ask", "auto", "never"}));
  command->add_option("--scope", options->act.scope, "What may happen at all")
      ->capture_default_str()
      ->check(CLI::IsMember({"read-only", "workspace", "full"}));
  command->add_option("--allow-host", options->act.hosts, "A host that may be reached; repeatable");
  command->add_option("--steps", options->act.loop.budget.turns, "Most answers of the model")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  command->add_option("--name", options->name, "The same name again is the same job, which is done once");
  auto* at =
      command->add_option("--at", options->cron, "Times that come again: \"minute hour day month weekday\", or @daily");
  command
      ->add_option("--on-file", options->files,
                   "Whenever a file of the workspace comes or changes whose path fits a pattern, as inbox/*.txt")
      ->excludes(at);
  command->add_option("--in", options->delay_seconds, "Not before so many seconds")->check(CLI::Range(0.0, 1e9));
  command->add_option("--priority", options->priority, "Higher ones first");
  add_place(*command, *options);
}

}  // namespace

void add_jobs(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  options->engine.context_at_least = 8192;
  CLI::App* jobs = app.add_subcommand("jobs", "Goals for agents in the background: queued, scheduled, done by workers");
  jobs->require_subcommand(1);
  add_adding(*jobs, options);

  CLI::App* working = add_command(*jobs, "work", "Do what is queued, one after the other; start several for more",
                                  "  ondol jobs work --model qwen3-4b\n", [options] { return work(*options); });
  working->add_option("--model", options->engine.model, "A model with a chat template; without it the default");
  working->add_flag("--until-idle", options->until_idle, "End when there is nothing to do");
  working->add_option("--mqtt", options->mqtt_broker, "A broker of devices (localhost:1883)");
  add_document_store_option(*working, options->store);
  options->engine.add_to(*working);

  CLI::App* listing = add_command(*jobs, "list", "The jobs, the latest first", "  ondol jobs list --state asking\n",
                                  [options] { return list(*options); });
  listing->add_option("--state", options->state, "Only these")
      ->check(CLI::IsMember({"waiting", "running", "asking", "done", "failed", "cancelled"}));
  listing->add_option("-n", options->most, "At most so many")->capture_default_str()->check(CLI::Range(1, 1000000));
  CLI::App* showing =
      add_command(*jobs, "show", "One job", "  ondol jobs show 7\n", [options] { return show(*options); });
  CLI::App* answering = add_command(*jobs, "answer", "Approve or refuse what a job asks", "  ondol jobs answer 7 yes\n",
                                    [options] { return answer(*options); });
  CLI::App* cancelling =
      add_command(*jobs, "cancel", "End a job", "  ondol jobs cancel 7\n", [options] { return cancel(*options); });
  for (CLI::App* command : {showing, answering, cancelling}) {
    command->add_option("ID", options->id, "Its number")->required();
  }
  answering->add_option("ANSWER", options->answer, "yes, no, or always for this workspace")
      ->required()
      ->check(CLI::IsMember({"yes", "no", "always"}));
  CLI::App* schedules = add_command(*jobs, "schedules", "Goals that come again", "  ondol jobs schedules\n",
                                    [options] { return list_schedules(*options); });
  CLI::App* ending = add_command(*jobs, "unschedule", "Forget a schedule", "  ondol jobs unschedule tidy\n",
                                 [options] { return unschedule(*options); });
  ending->add_option("NAME", options->name, "Its name")->required();
  for (CLI::App* command : {listing, showing, schedules})
    command->add_flag("--json", options->json, "One JSON document");
  for (CLI::App* command : {working, listing, showing, answering, cancelling, schedules, ending}) {
    add_place(*command, *options);
  }
}

}  // namespace ondol::cli
