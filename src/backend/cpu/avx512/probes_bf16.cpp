#include <immintrin.h>

#include "backend/cpu/probes.h"

namespace ondol::cpu::avx512 {

double probe_bf16(int64_t rounds) {
  constexpr int kChains = 16;
  __m512 sum[kChains];
  for (__m512& s : sum) s = _mm512_setzero_ps();
  const __m512bh x = _mm512_cvtne2ps_pbh(_mm512_set1_ps(probe_sink + 0.5f), _mm512_set1_ps(0.25f));
  for (int64_t i = 0; i < rounds; ++i) {
    for (__m512& s : sum) s = _mm512_dpbf16_ps(s, x, x);
  }
  for (const __m512& s : sum) probe_sink = _mm512_cvtss_f32(s);
  return 2.0 * 32 * kChains * static_cast<double>(rounds);
}

}  // namespace ondol::cpu::avx512
