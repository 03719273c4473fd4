#include "backend/cpu/avx2/vec.h"
#include "backend/cpu/matmul_kernels.h"

namespace ondol::cpu::avx2 {
namespace {

/// Columns of x whose sums with kFloatRows rows fill the registers.
constexpr int kFloatColumns = 2;

}  // namespace
}  // namespace ondol::cpu::avx2

#include "backend/cpu/simd/matmul_float.inl"

#include "backend/cpu/lanes/round.inl"
