#include "backend/cpu/neon/vec.h"

#include "backend/cpu/simd/elementwise.inl"
#include "backend/cpu/simd/math.inl"

#include "backend/cpu/simd/activation.inl"
#include "backend/cpu/simd/gradients.inl"
#include "backend/cpu/simd/norm.inl"
