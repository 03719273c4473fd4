// The normalised Hadamard matrix of order 2 m is [[H, H], [H, -H]] / sqrt(2), with H that of order m. In float, unlike
// other plain kernels: every instruction set must give these bits, because what is turned goes into the cache.
#include "backend/cpu/ref/ref.h"

namespace ondol::cpu::ref {

void hadamard(float* x, int order, int n) {
  for (float* run = x; run < x + n; run += order) {
    for (int stride = 1; stride < order; stride *= 2) {
      for (int i = 0; i < order; ++i) {
        if ((i & stride) != 0) continue;
        const float a = run[i];
        const float b = run[i + stride];
        run[i] = a + b;
        run[i + stride] = a - b;
      }
    }
    for (int i = 0; i < order; ++i) run[i] *= hadamard_factor(order);
  }
}

}  // namespace ondol::cpu::ref
