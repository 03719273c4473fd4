#include "backend/cpu/avx2/vec.h"
#include "backend/cpu/matmul_kernels.h"
#include "quant/q8_0.h"

namespace ondol::cpu::avx2 {
namespace {

/// Columns of x whose sums with kFloatRows rows fill the registers.
constexpr int kFloatColumns = 2;
/// Neighbours of a row of x that lie together in XBlock::q.
constexpr int kXRun = 4;

}  // namespace
}  // namespace ondol::cpu::avx2

#include "backend/cpu/simd/matmul_float.inl"

#include "backend/cpu/lanes/round.inl"

#include "backend/cpu/lanes/round_coarse.inl"
