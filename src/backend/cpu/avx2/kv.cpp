#include "backend/cpu/avx2/vec.h"

#include "backend/cpu/simd/kv_load.inl"

#include "backend/cpu/simd/hadamard.inl"
#include "backend/cpu/simd/kv_encode.inl"
