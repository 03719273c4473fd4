// Parses arbitrary bytes as what another benchmark prints, and draws what was read.
#include "cli/bench_results.h"
#include "cli/bench_svg.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ondol::cli;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto results = parse_results(text);
  if (!results) return 0;
  BenchReport report;
  report.labels = {"first", std::string(text)};
  report.rounds = 1;
  for (const TestResult& result : *results) report.rows.push_back({result, result});
  (void)to_json(report, Rival::kProgram);
  (void)draw_svg(report);
  return 0;
}
