#include "cli/bench_results.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "text/unicode.h"

namespace ondol::cli {
namespace {

constexpr size_t kMostTests = 1000;
constexpr size_t kLongestName = 64;
constexpr const char* kExpected = "expected the JSON of `ondol bench --json` or `llama-bench -o json`";

json::object describe(const TestResult& result) {
  json::object entry;
  entry["test"] = result.test;
  entry["tokens_per_s"] = result.typical();
  entry["min"] = result.slowest();
  entry["max"] = result.fastest();
  entry["rounds"] = result.tokens_per_s.size();
  if (!result.backend.empty()) entry["backend"] = result.backend;
  if (!result.limit.empty()) {
    entry["limit"] = result.limit;
    entry["limit_per_s"] = median(result.limit_per_s);
    entry["used_per_s"] = median(result.used_per_s);
    entry["limit_share"] = result.limit_share();
  }
  return entry;
}

/// The start of a text, for messages.
std::string excerpt(std::string_view text) {
  constexpr size_t kLongest = 60;
  std::string start(text.substr(0, text.find_first_of("\r\n")));
  for (char& c : start) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  if (start.size() > kLongest) start = start.substr(0, kLongest) + "...";
  return replace_invalid_utf8(start);
}

/// llama-bench says in three numbers what our names say.
std::string name_in_llama_bench(const json::value& entry) {
  const int64_t prompt = int_or(entry, "n_prompt", 0);
  const int64_t generated = int_or(entry, "n_gen", 0);
  const int64_t depth = int_or(entry, "n_depth", 0);
  std::string name;
  if (prompt > 0) name = fmt::format("pp{}", prompt);
  if (generated > 0) name += fmt::format("{}tg{}", name.empty() ? "" : "+", generated);
  if (depth > 0) name += fmt::format("@d{}", depth);
  return name;
}

bool is_plain(std::string_view name) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '@' || c == '+' || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), plain);
}

Result<TestResult> parse_result(const json::value& entry) {
  TestResult result;
  const bool ours = find_member(entry, "tokens_per_s") != nullptr;
  result.test = ours ? string_or(entry, "test", "") : name_in_llama_bench(entry);
  const double rate = double_or(entry, ours ? "tokens_per_s" : "avg_ts", 0);
  if (!is_plain(result.test)) {
    return Error(fmt::format("{}, got an entry that names no test: '{}'", kExpected, excerpt(json::serialize(entry))));
  }
  if (!std::isfinite(rate) || rate <= 0) {
    return Error(fmt::format("{}, got no tokens per second for {}", kExpected, result.test));
  }
  result.tokens_per_s = {rate};
  result.backend = ours ? string_or(entry, "backend", "") : "";
  const double limit = double_or(entry, "limit_per_s", 0);
  const double used = double_or(entry, "used_per_s", 0);
  if (limit > 0 && used > 0 && std::isfinite(limit) && std::isfinite(used)) {
    result.limit = string_or(entry, "limit", "");
    result.limit_per_s = {limit};
    result.used_per_s = {used};
  }
  return result;
}

}  // namespace

double median(std::vector<double> values) {
  ONDOL_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double TestResult::slowest() const {
  return *std::min_element(tokens_per_s.begin(), tokens_per_s.end());
}

double TestResult::fastest() const {
  return *std::max_element(tokens_per_s.begin(), tokens_per_s.end());
}

double TestResult::limit_share() const {
  std::vector<double> shares;
  for (size_t i = 0; i < limit_per_s.size(); ++i) shares.push_back(used_per_s[i] / limit_per_s[i]);
  return median(std::move(shares));
}

Ratio ratio_of(const TestResult& first, const TestResult& second) {
  ONDOL_CHECK(first.tokens_per_s.size() == second.tokens_per_s.size());
  std::vector<double> ratios;
  for (size_t i = 0; i < first.tokens_per_s.size(); ++i) {
    ratios.push_back(first.tokens_per_s[i] / second.tokens_per_s[i]);
  }
  const auto [lowest, highest] = std::minmax_element(ratios.begin(), ratios.end());
  return {first.typical() / second.typical(), *lowest, *highest};
}

json::array to_json(const BenchReport& report, Rival rival) {
  json::array document;
  for (const std::vector<TestResult>& row : report.rows) {
    json::object entry = describe(row[0]);
    if (report.compares()) {
      json::object against = describe(row[1]);
      against[rival == Rival::kProgram ? "program" : "setting"] = replace_invalid_utf8(report.labels[1]);
      entry["against"] = std::move(against);
      const Ratio ratio = ratio_of(row[0], row[1]);
      entry["ratio"] = ratio.of_medians;
      entry["ratio_min"] = ratio.lowest;
      entry["ratio_max"] = ratio.highest;
    }
    document.push_back(std::move(entry));
  }
  return document;
}

Result<std::vector<TestResult>> parse_results(std::string_view text) {
  const auto document = parse_json(text);
  if (!document || !document->is_array()) return Error(fmt::format("{}, got '{}'", kExpected, excerpt(text)));
  const json::array& entries = document->get_array();
  if (entries.empty() || entries.size() > kMostTests) {
    return Error(fmt::format("{} with 1 to {} tests, got {}", kExpected, kMostTests, entries.size()));
  }
  std::vector<TestResult> results;
  for (const json::value& entry : entries) {
    TestResult result = ONDOL_TRY(parse_result(entry));
    const auto same = [&](const TestResult& other) { return other.test == result.test; };
    if (std::any_of(results.begin(), results.end(), same)) {
      return Error(fmt::format("expected each test once, got {} twice; compare one setting at a time", result.test));
    }
    results.push_back(std::move(result));
  }
  return results;
}

void append_round(TestResult& all, const TestResult& round) {
  ONDOL_CHECK(all.test == round.test && all.limit == round.limit);
  all.tokens_per_s.insert(all.tokens_per_s.end(), round.tokens_per_s.begin(), round.tokens_per_s.end());
  all.limit_per_s.insert(all.limit_per_s.end(), round.limit_per_s.begin(), round.limit_per_s.end());
  all.used_per_s.insert(all.used_per_s.end(), round.used_per_s.begin(), round.used_per_s.end());
}

}  // namespace ondol::cli
