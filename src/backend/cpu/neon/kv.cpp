#include "backend/cpu/neon/vec.h"

#include "backend/cpu/simd/kv_load.inl"

#include "backend/cpu/simd/hadamard.inl"
#include "backend/cpu/simd/kv_encode.inl"
