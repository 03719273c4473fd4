#define ONDOL_ISA avx512
#include "backend/cpu/matmul_kernels.h"

#include "backend/cpu/lanes/types.inl"

#include "backend/cpu/lanes/round.inl"
#include "backend/cpu/lanes/table.inl"
