// The program, for main().
#pragma once

namespace ondol::cli {

/// Parses the arguments, runs the command and returns the exit status: 0 done, 1 failed, 2 wrong usage.
int run_program(int argc, char** argv);

}  // namespace ondol::cli
