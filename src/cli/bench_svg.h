// A benchmark's result as a picture: one SVG file that needs nothing else, readable in light and in dark pages.
#pragma once

#include <string>

#include "cli/bench_results.h"

namespace ondol::cli {

/// Bars for each test, with figures, whiskers from the slowest to the fastest round, and the ratio of two settings.
/// Bars of one setting share one scale; of two, those of a test do, as reading and generating differ by far.
std::string draw_svg(const BenchReport& report);

}  // namespace ondol::cli
