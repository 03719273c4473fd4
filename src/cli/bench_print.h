// A benchmark's result in words.
#pragma once

#include <string>

#include "cli/bench_results.h"

namespace ondol::cli {

/// "86 % of the read bandwidth (26.5 of 30.8 GB/s)"; empty where no limit was measured.
std::string limit_in_words(const TestResult& result);
/// "86 % of the read bandwidth".
std::string share_in_words(const TestResult& result);

/// The name that both tests of a row have, or both names.
std::string row_name(const std::vector<TestResult>& row);

std::string in_words(const BenchReport& report);

}  // namespace ondol::cli
