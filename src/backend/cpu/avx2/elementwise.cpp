#include "backend/cpu/avx2/vec.h"

#include "backend/cpu/simd/elementwise.inl"
