// x rounded as pairs.inl reads it.
#define ONDOL_ISA neon_i8mm
#include "backend/cpu/matmul_kernels.h"
#include "backend/cpu/neon/lanes.h"

#include "backend/cpu/lanes/round.inl"
