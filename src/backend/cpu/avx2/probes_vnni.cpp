#include <immintrin.h>

#include "backend/cpu/probes.h"

namespace ondol::cpu::avx2 {

double probe_vnni(int64_t rounds) {
  constexpr int kChains = 10;
  __m256i sum[kChains];
  for (__m256i& s : sum) s = _mm256_setzero_si256();
  const __m256i a = _mm256_set1_epi8(static_cast<char>(probe_sink + 3));
  for (int64_t i = 0; i < rounds; ++i) {
    for (__m256i& s : sum) s = _mm256_dpbusd_avx_epi32(s, a, a);
  }
  for (const __m256i& s : sum) probe_sink = static_cast<float>(_mm256_extract_epi32(s, 0));
  return 2.0 * 32 * kChains * static_cast<double>(rounds);
}

}  // namespace ondol::cpu::avx2
