// Which instruction sets this processor has, and the table of kernels that follows from it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "backend/cpu/kernels.h"
#include "base/result.h"

namespace ondol::cpu {

/// CpuFeature bits of this processor, as far as the operating system lets programs use them.
uint64_t detect_features();

/// The table named `instruction_set` ("ref", "avx2", "avx512", "amx", "neon"), or with an empty name the one that the
/// environment variable ONDOL_CPU names, or else the best. Empty slots are filled from lower tables. Fails when the
/// name is unknown or `features` lack what it needs.
Result<CpuKernels> select_kernels(const std::string& instruction_set, uint64_t features);

/// Names that select_kernels accepts on this kind of processor, lowest first: "ref, avx2, avx512, amx".
std::string known_instruction_sets();

}  // namespace ondol::cpu
