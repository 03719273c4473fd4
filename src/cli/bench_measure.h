// Measures one setting in this process: tokens per second of reading a prompt (pp) and of generating (tg).
#pragma once

#include "cli/bench_options.h"
#include "cli/bench_results.h"

namespace ondol::cli {

/// The tests in turn, after a short round that only warms caches up. With options.limits, every round also measures
/// what the machine reaches: tg has the bandwidth with which memory is read as its limit, for the weights and cached
/// keys and values of every token; pp has the rate of the arithmetic that most of its products with weights are done
/// in.
Result<BenchReport> measure(const BenchOptions& options);

}  // namespace ondol::cli
