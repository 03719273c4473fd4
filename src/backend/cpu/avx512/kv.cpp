#include "backend/cpu/avx512/vec.h"

#include "backend/cpu/simd/kv_load.inl"

#include "backend/cpu/simd/hadamard.inl"
#include "backend/cpu/simd/kv_encode.inl"
