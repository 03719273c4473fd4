// What a benchmark gave: rates round by round, shares of the machine's limits, ratios of two settings; and as JSON, our
// own and what other programs print. Measures and prints nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace ondol::cli {

/// Of at least one value; the mean of the middle two where their number is even.
double median(std::vector<double> values);

/// One test of one setting. Vectors have one value for each round.
struct TestResult {
  std::string test;     // "pp512", "tg64@d8192": what, how many tokens, behind how many in the context
  std::string backend;  // "cpu (avx512, 2 threads)"; empty where another program measured
  std::vector<double> tokens_per_s;
  /// Which limit of the machine was measured beside it, as `ondol doctor --json` names it; empty where none was.
  std::string limit;
  std::vector<double> limit_per_s;
  std::vector<double> used_per_s;  // what the test took of it

  double typical() const { return median(tokens_per_s); }
  double slowest() const;
  double fastest() const;
  /// Median over rounds of what was used of that round's limit.
  double limit_share() const;
};

/// One setting, or two that were measured in turn: results[i] are of setting i, and a row holds the same test of each.
struct BenchReport {
  std::vector<std::string> labels;
  std::vector<std::vector<TestResult>> rows;
  int rounds = 0;

  bool compares() const { return labels.size() == 2; }
};

/// How many times as fast the first is.
struct Ratio {
  double of_medians = 0;
  double lowest = 0;  // of the rounds
  double highest = 0;
};
Ratio ratio_of(const TestResult& first, const TestResult& second);

/// Which setting of a report is told apart by what: in JSON under "against".
enum class Rival { kSetting, kProgram };

json::array to_json(const BenchReport& report, Rival rival);

/// What a run of one round printed: `ondol bench --json`, or `llama-bench -o json`. A test that comes twice is an
/// error, as is a rate that is no positive number.
Result<std::vector<TestResult>> parse_results(std::string_view text);

/// Adds a round's values to those of earlier rounds. Both must be of the same test and limit.
void append_round(TestResult& all, const TestResult& round);

}  // namespace ondol::cli
