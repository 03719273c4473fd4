// Measures two settings in turn (A B A B ...), so that what else the machine does meets both alike.
//
// Every round of each runs in a process of its own, `ondol bench ... --rounds 1 --json` for settings of ours. Some
// settings hold for a whole process (ONDOL_CPU), another program is a process anyway, and so neither finds memory that
// the other has warmed, spread or left little of. The price is loading the model, and reading --depth tokens, each
// time; neither is measured.
#pragma once

#include "cli/bench_options.h"
#include "cli/bench_results.h"

namespace ondol::cli {

/// `given` is the first setting; the second is options.against, or options.program. Tests meet by name ("pp512");
/// those of two settings of ours by kind, as a setting may change the rest. Tests without a counterpart are left out,
/// with a note on standard error. Fails when either program fails, when its output cannot be read, and when no test
/// has a counterpart.
Result<BenchReport> compare(const BenchOptions& options, const std::vector<GivenOption>& given);

}  // namespace ondol::cli
