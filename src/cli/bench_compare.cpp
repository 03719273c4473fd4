#include "cli/bench_compare.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/child_process.h"
#include "cli/language.h"
#include "cli/terminal.h"

namespace ondol::cli {
namespace {

struct Side {
  std::string name;   // for messages
  std::string label;  // for people who read the result
  ChildCommand command;
};

Side side_of_ours(std::string name, std::string label, const std::vector<GivenOption>& setting, bool limits) {
  ChildCommand command{"/proc/self/exe", {"ondol", "bench"}, {}};
  for (std::string& word : to_words(setting)) command.arguments.push_back(std::move(word));
  command.arguments.insert(command.arguments.end(), {"--rounds=1", "--json"});
  if (limits) command.arguments.emplace_back("--limits");
  return {std::move(name), std::move(label), std::move(command)};
}

Result<std::vector<Side>> sides_of(const BenchOptions& options, const std::vector<GivenOption>& given) {
  std::vector<Side> sides;
  const std::string label = in_short(given);
  sides.push_back(side_of_ours("the first setting", label.empty() ? "ondol" : label, given, options.limits));
  if (!options.program.empty()) {
    sides.push_back({"--program", options.program, {"/bin/sh", {"sh", "-c", options.program}, {}}});
    return sides;
  }
  const Setting setting = ONDOL_TRY(parse_setting(options.against).in("--against"));
  sides.push_back(side_of_ours("--against", options.against, overlaid(given, setting.options), options.limits));
  sides.back().command.environment = setting.environment;
  return sides;
}

/// The last line that says anything, without what our own messages begin with.
std::string last_line(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find_last_not_of(" \t\r\n");
    if (end == std::string_view::npos) break;
    text = text.substr(0, end + 1);
    std::string_view line = text.substr(text.rfind('\n') + 1);
    if (const std::string prefix = std::string(tr("error:")) + " "; line.starts_with(prefix)) {
      line.remove_prefix(prefix.size());
    }
    return std::string(line);
  }
  return "";
}

Result<std::vector<TestResult>> run_once(const Side& side) {
  const ChildOutput output = ONDOL_TRY(run_child(side.command, interrupted).in(side.name));
  if (output.exit_status != 0) {
    const std::string why = last_line(output.errors);
    return Error(fmt::format("{}: expected exit status 0, got {}{}{}", side.name, output.exit_status,
                             why.empty() ? "" : ": ", why));
  }
  return parse_results(output.text).in(side.name);
}

/// "pp" of "pp512@d8192".
std::string_view kind_of(const TestResult& result) {
  return std::string_view(result.test).substr(0, 2);
}

const TestResult* find_counterpart(const TestResult& test, const std::vector<TestResult>& others, bool by_kind) {
  for (const TestResult& other : others) {
    if (by_kind ? kind_of(other) == kind_of(test) : other.test == test.test) return &other;
  }
  return nullptr;
}

std::string names_of(const std::vector<TestResult>& results) {
  std::vector<std::string> names;
  for (const TestResult& result : results) names.push_back(result.test);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The rows of a first round: a test of each, where both have it.
Result<std::vector<std::vector<TestResult>>> pair_up(const std::vector<TestResult>& first,
                                                     const std::vector<TestResult>& second, bool by_kind) {
  std::vector<std::vector<TestResult>> rows;
  for (const TestResult& test : first) {
    if (const TestResult* other = find_counterpart(test, second, by_kind); other != nullptr) {
      rows.push_back({test, *other});
    }
  }
  if (rows.empty()) {
    return Error(fmt::format("no test has a counterpart: the first setting gives {}, the second {}", names_of(first),
                             names_of(second)));
  }
  if (rows.size() < first.size() || rows.size() < second.size()) {
    fmt::print(stderr, "{}: {}; {}\n", tr("only tests that both have are compared"), names_of(first), names_of(second));
  }
  return rows;
}

/// Adds a later round's results of one side to its column.
Result<void> append(std::vector<std::vector<TestResult>>& rows, size_t column, const std::vector<TestResult>& round,
                    const std::string& name) {
  for (std::vector<TestResult>& row : rows) {
    TestResult& all = row[column];
    const TestResult* result = find_counterpart(all, round, false);
    if (result == nullptr || result->limit != all.limit) {
      return Error(fmt::format("{}: expected {} in every round, got {}", name, all.test, names_of(round)));
    }
    append_round(all, *result);
  }
  return {};
}

}  // namespace

Result<BenchReport> compare(const BenchOptions& options, const std::vector<GivenOption>& given) {
  const std::vector<Side> sides = ONDOL_TRY(sides_of(options, given));
  BenchReport report;
  report.rounds = options.rounds;
  report.labels = {sides[0].label, sides[1].label};
  ProgressBar bar(std::string(tr("measuring")), "runs");
  bar.update(0, 2.0 * options.rounds);
  for (int round = 0; round < options.rounds; ++round) {
    const auto first = ONDOL_TRY(run_once(sides[0]));
    bar.update(2 * round + 1, 2.0 * options.rounds);
    const auto second = ONDOL_TRY(run_once(sides[1]));
    bar.update(2 * round + 2, 2.0 * options.rounds);
    if (round == 0) {
      report.rows = ONDOL_TRY(pair_up(first, second, options.program.empty()));
      continue;
    }
    ONDOL_TRY(append(report.rows, 0, first, sides[0].name));
    ONDOL_TRY(append(report.rows, 1, second, sides[1].name));
  }
  return report;
}

}  // namespace ondol::cli
