#include "cli/bench_print.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/language.h"

namespace ondol::cli {
namespace {

constexpr const char* kLetters[] = {"A", "B"};

/// "read bandwidth" or "int8 rate", from the name that `ondol doctor --json` has for it.
std::string limit_name(const std::string& limit) {
  if (limit == "read_bytes_per_s") return std::string(tr("the read bandwidth"));
  return fmt::format(fmt::runtime(tr("the {} rate")), limit.substr(0, limit.find('_')));
}

std::string rate_in_words(const TestResult& result) {
  return fmt::format("{:.2f} ({:.2f} {} {:.2f})", result.typical(), result.slowest(), tr("to"), result.fastest());
}

std::string alone(const BenchReport& report) {
  std::string text = fmt::format("{}\n", report.labels[0]);
  if (!report.rows.empty()) text += report.rows[0][0].backend + "\n";
  for (const std::vector<TestResult>& row : report.rows) {
    const TestResult& m = row[0];
    text += fmt::format("{:<14} {:>9.2f} tokens/s  (from {:.2f} to {:.2f}, {} rounds)", m.test, m.typical(),
                        m.slowest(), m.fastest(), m.tokens_per_s.size());
    if (!m.limit.empty()) text += "  " + limit_in_words(m);
    text += '\n';
  }
  return text;
}

std::string compared(const BenchReport& report) {
  std::string text;
  for (size_t i = 0; i < 2; ++i) {
    const std::string& backend = report.rows[0][i].backend;
    text += fmt::format("{}  {}{}{}\n", kLetters[i], report.labels[i], backend.empty() ? "" : "    ", backend);
  }
  const std::string rounds = fmt::format(fmt::runtime(tr("median, slowest to fastest of {} rounds")), report.rounds);
  text += fmt::format("\n{:<16}{:<32}{:<32}{}\n", "", "A, tokens/s", "B, tokens/s", "A / B");
  for (const std::vector<TestResult>& row : report.rows) {
    const Ratio ratio = ratio_of(row[0], row[1]);
    text += fmt::format("{:<16}{:<32}{:<32}{:.3f} ({:.3f} {} {:.3f})\n", row_name(row), rate_in_words(row[0]),
                        rate_in_words(row[1]), ratio.of_medians, ratio.lowest, tr("to"), ratio.highest);
  }
  text += fmt::format("({})\n", rounds);
  for (const std::vector<TestResult>& row : report.rows) {
    for (size_t i = 0; i < 2; ++i) {
      if (!row[i].limit.empty())
        text += fmt::format("{} {:<14} {}\n", kLetters[i], row[i].test, limit_in_words(row[i]));
    }
  }
  return text;
}

}  // namespace

std::string share_in_words(const TestResult& result) {
  if (result.limit.empty()) return "";
  return fmt::format(fmt::runtime(tr("{:.0f} % of {}")), 100 * result.limit_share(), limit_name(result.limit));
}

std::string limit_in_words(const TestResult& result) {
  if (result.limit.empty()) return "";
  const bool is_bandwidth = result.limit == "read_bytes_per_s";
  const double unit = is_bandwidth ? 1e9 : 1e12;
  return fmt::format("{} ({:.2f} / {:.2f} {})", share_in_words(result), median(result.used_per_s) / unit,
                     median(result.limit_per_s) / unit, is_bandwidth ? "GB/s" : "T/s");
}

std::string row_name(const std::vector<TestResult>& row) {
  if (row.size() < 2 || row[0].test == row[1].test) return row[0].test;
  return row[0].test + " / " + row[1].test;
}

std::string in_words(const BenchReport& report) {
  return report.compares() ? compared(report) : alone(report);
}

}  // namespace ondol::cli
