#include "backend/cpu/neon/vec.h"

#include "backend/cpu/simd/elementwise.inl"
