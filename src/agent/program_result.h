// What a model is told of a program that ran in the sandbox.
#pragma once

#include "agent/sandbox.h"
#include "agent/tool.h"

namespace ondol {

/// What it wrote, and how it ended where that is not plain success; then it is an error. The words are a stranger's.
ToolResult program_result(const SandboxedRun& run, const SandboxLimits& limits);

}  // namespace ondol
