#include "backend/cpu/neon/vec.h"

#include "backend/cpu/simd/kv_load.inl"
#include "backend/cpu/simd/math.inl"

#include "backend/cpu/simd/attention_rows.inl"

#include "backend/cpu/simd/attention_few.inl"
#include "backend/cpu/simd/attention_many.inl"

#include "backend/cpu/simd/attention.inl"
