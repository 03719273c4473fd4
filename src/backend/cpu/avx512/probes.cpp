#include <immintrin.h>

#include "backend/cpu/probes.h"

namespace ondol::cpu::avx512 {
namespace {

constexpr int kChains = 16;

double fp32(int64_t rounds) {
  __m512 sum[kChains];
  for (__m512& s : sum) s = _mm512_setzero_ps();
  const __m512 x = _mm512_set1_ps(probe_sink + 0.5f);
  for (int64_t i = 0; i < rounds; ++i) {
    for (__m512& s : sum) s = _mm512_fmadd_ps(s, x, x);
  }
  for (const __m512& s : sum) probe_sink = _mm512_cvtss_f32(s);
  return 2.0 * 16 * kChains * static_cast<double>(rounds);
}

double int8(int64_t rounds) {
  __m512i sum[kChains];
  for (__m512i& s : sum) s = _mm512_setzero_si512();
  const __m512i a = _mm512_set1_epi8(static_cast<char>(probe_sink + 3));
  for (int64_t i = 0; i < rounds; ++i) {
    for (__m512i& s : sum) s = _mm512_dpbusd_epi32(s, a, a);
  }
  for (const __m512i& s : sum) probe_sink = static_cast<float>(_mm512_cvtsi512_si32(s));
  return 2.0 * 64 * kChains * static_cast<double>(rounds);
}

uint64_t read(const uint8_t* data, size_t size_bytes) {
  __m512i all[4];
  for (__m512i& word : all) word = _mm512_setzero_si512();
  for (size_t i = 0; i < size_bytes; i += 256) {
    for (int j = 0; j < 4; ++j)
      all[j] = _mm512_xor_si512(all[j], _mm512_loadu_si512(data + i + 64 * static_cast<size_t>(j)));
  }
  const __m512i result = _mm512_xor_si512(_mm512_xor_si512(all[0], all[1]), _mm512_xor_si512(all[2], all[3]));
  return static_cast<uint64_t>(_mm512_reduce_or_epi64(result));
}

}  // namespace

const Probes kProbes = {int8, nullptr, fp32, read};

}  // namespace ondol::cpu::avx512
