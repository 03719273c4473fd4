#include "backend/cpu/avx512/vec.h"

#include "backend/cpu/simd/elementwise.inl"
