#include "cli/eval_bfcl.h"

#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "agent/bfcl/evaluate.h"
#include "agent/engine_agent_model.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string data;
  std::vector<std::string> categories;
  std::string log;
  BfclOptions bfcl;
  ModelOptions model;
  bool json = false;
};

/// Those that were asked for; otherwise all that there are files of.
Result<std::vector<BfclCategory>> categories_of(const Options& options) {
  std::vector<BfclCategory> categories;
  for (const std::string& name : options.categories) categories.push_back(ONDOL_TRY(find_bfcl_category(name)));
  if (!categories.empty()) return categories;
  std::error_code code;
  for (const BfclCategory& category : bfcl_categories()) {
    const std::string path = fmt::format("{}/BFCL_v4_{}.json", options.data, category.name);
    if (std::filesystem::exists(path, code)) categories.push_back(category);
  }
  if (categories.empty()) return Error(fmt::format("--data: {}: expected files BFCL_v4_<category>.json", options.data));
  return categories;
}

json::object as_json(const BfclScore& score) {
  return {{"accuracy", score.accuracy()}, {"right", score.n_right}, {"questions", score.n}, {"seconds", score.seconds}};
}

json::object as_json(const BfclResult& result, const std::string& category) {
  json::array calls;
  for (const AgentCall& call : result.calls) {
    json::object entry;
    entry[call.name] = call.arguments;
    calls.push_back(std::move(entry));
  }
  json::object line = {{"category", category}, {"id", result.id}};
  line["calls"] = std::move(calls);
  line["content"] = result.content;
  line["right"] = result.verdict.is_right;
  if (!result.verdict.is_right) line["why"] = result.verdict.why;
  return line;
}

Result<void> eval_bfcl(const Options& options) {
  const std::vector<BfclCategory> categories = ONDOL_TRY(categories_of(options));
  auto engine = ONDOL_TRY(open_engine(options.model));
  const auto model =
      ONDOL_TRY(EngineAgentModel::create(std::move(engine), options.model.model, [] { return !interrupted.load(); }));
  std::FILE* log = options.log.empty() ? nullptr : std::fopen(options.log.c_str(), "w");
  if (!options.log.empty() && log == nullptr) return Error(fmt::format("--log: {}: cannot write", options.log));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> closer(log,
                                                               [](std::FILE* f) { return f ? std::fclose(f) : 0; });
  json::object scores;
  int n = 0, n_right = 0;
  for (const BfclCategory& category : categories) {
    ProgressBar progress(std::string(category.name), "questions");
    int n_done = 0;
    const auto told = [&](const BfclResult& result) {
      ++n_done;
      progress.update(n_done, options.bfcl.limit > 0 ? options.bfcl.limit : n_done);
      if (log != nullptr) fmt::print(log, "{}\n", json_text(as_json(result, std::string(category.name))));
      return !interrupted.load();
    };
    const BfclScore score = ONDOL_TRY(evaluate_bfcl(*model, options.data, category, options.bfcl, told));
    progress.clear();
    n += score.n;
    n_right += score.n_right;
    scores[score.category] = as_json(score);
    if (!options.json) {
      fmt::print("{:<24} {:6.2f} %  {} of {}, {}\n", score.category, 100 * score.accuracy(), score.n_right, score.n,
                 human_duration(score.seconds));
      std::fflush(stdout);
    }
  }
  if (options.json) {
    json::object all;
    all["accuracy"] = n == 0 ? 0.0 : static_cast<double>(n_right) / n;
    all["right"] = n_right;
    all["questions"] = n;
    all["categories"] = std::move(scores);
    fmt::print("{}\n", json_text(all));
  }
  return {};
}

}  // namespace

void add_eval_bfcl(CLI::App& eval) {
  auto options = std::make_shared<Options>();
  options->model.context_at_least = 8192;
  CLI::App* command =
      add_command(eval, "bfcl", "How well a model calls functions: questions of the Berkeley leaderboard, version 4",
                  "  ondol eval bfcl qwen3-4b --data bfcl\n"
                  "  ondol eval bfcl qwen3-4b --data bfcl --category simple_python,parallel --limit 20 --json\n",
                  [options] { return eval_bfcl(*options); });
  command->add_option("MODEL", options->model.model, "A file, a folder or a name in the store; without it the default");
  command->add_option("--data", options->data, "The folder with BFCL_v4_<category>.json and possible_answer/")
      ->required();
  command->add_option("--category", options->categories, "Categories, with commas; without it all that are there")
      ->delimiter(',');
  command->add_option("--limit", options->bfcl.limit, "Questions of each category; 0: all")
      ->check(CLI::Range(0, 1 << 20));
  command->add_option("-n,--max-tokens", options->bfcl.max_tokens, "Most tokens of an answer")
      ->capture_default_str()
      ->check(CLI::Range(16, 1 << 20));
  command->add_option("--think", options->bfcl.reasoning_budget, "Most tokens of thinking before an answer; -1: any")
      ->capture_default_str()
      ->check(CLI::Range(-1, 1 << 20));
  command->add_option("--log", options->log, "A file for each question's calls and verdict, as JSON Lines");
  command->add_flag("--json", options->json, "One JSON document");
  options->model.add_to(*command);
}

}  // namespace ondol::cli
