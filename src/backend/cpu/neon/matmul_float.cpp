#include "backend/cpu/matmul_kernels.h"
#include "quant/q8_0.h"
#include "backend/cpu/neon/vec.h"

namespace ondol::cpu::neon {
namespace {

/// Columns of x whose sums with kFloatRows rows fill the registers.
constexpr int kFloatColumns = 4;
/// Neighbours of a row of x that lie together in XBlock::q.
constexpr int kXRun = 4;

}  // namespace
}  // namespace ondol::cpu::neon

#include "backend/cpu/simd/matmul_float.inl"

#include "backend/cpu/lanes/round.inl"

#include "backend/cpu/lanes/round_coarse.inl"
