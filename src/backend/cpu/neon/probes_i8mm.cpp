#include <arm_neon.h>

#include "backend/cpu/probes.h"

namespace ondol::cpu::neon {

double probe_i8mm(int64_t rounds) {
  constexpr int kChains = 16;
  int32x4_t sum[kChains];
  for (int32x4_t& s : sum) s = vdupq_n_s32(0);
  const int8x16_t a = vdupq_n_s8(static_cast<int8_t>(probe_sink + 3));
  for (int64_t i = 0; i < rounds; ++i) {
    for (int32x4_t& s : sum) s = vmmlaq_s32(s, a, a);
  }
  for (const int32x4_t& s : sum) probe_sink = static_cast<float>(vgetq_lane_s32(s, 0));
  return 2.0 * 32 * kChains * static_cast<double>(rounds);
}

}  // namespace ondol::cpu::neon
