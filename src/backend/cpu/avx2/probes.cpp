#include <immintrin.h>

#include "backend/cpu/probes.h"

namespace ondol::cpu::avx2 {
namespace {

constexpr int kChains = 12;  // latency times throughput, with a margin; leaves registers for the operands

double fp32(int64_t rounds) {
  __m256 sum[kChains];
  for (__m256& s : sum) s = _mm256_setzero_ps();
  const __m256 x = _mm256_set1_ps(probe_sink + 0.5f);
  for (int64_t i = 0; i < rounds; ++i) {
    for (__m256& s : sum) s = _mm256_fmadd_ps(s, x, x);
  }
  for (const __m256& s : sum) probe_sink = _mm256_cvtss_f32(s);
  return 2.0 * 8 * kChains * static_cast<double>(rounds);
}

double int8(int64_t rounds) {
  __m256i sum[kChains];
  for (__m256i& s : sum) s = _mm256_setzero_si256();
  __m256i a = _mm256_set1_epi8(static_cast<char>(probe_sink + 3));
  const __m256i ones = _mm256_set1_epi16(1);
  for (int64_t i = 0; i < rounds; ++i) {
    for (__m256i& s : sum) {
      // The operand changes, so that the product is not taken out of the loop.
      const __m256i product = _mm256_maddubs_epi16(a, _mm256_or_si256(a, s));
      s = _mm256_add_epi32(s, _mm256_madd_epi16(product, ones));
    }
  }
  for (const __m256i& s : sum) probe_sink = static_cast<float>(_mm256_extract_epi32(s, 0));
  return 2.0 * 32 * kChains * static_cast<double>(rounds);
}

uint64_t read(const uint8_t* data, size_t size_bytes) {
  __m256i all[4];
  for (__m256i& word : all) word = _mm256_setzero_si256();
  for (size_t i = 0; i < size_bytes; i += 128) {
    for (int j = 0; j < 4; ++j) {
      all[j] = _mm256_xor_si256(
          all[j], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + i + 32 * static_cast<size_t>(j))));
    }
  }
  const __m256i result = _mm256_xor_si256(_mm256_xor_si256(all[0], all[1]), _mm256_xor_si256(all[2], all[3]));
  return static_cast<uint64_t>(_mm256_extract_epi64(result, 0) ^ _mm256_extract_epi64(result, 1) ^
                               _mm256_extract_epi64(result, 2) ^ _mm256_extract_epi64(result, 3));
}

}  // namespace

const Probes kProbes = {int8, nullptr, fp32, read};

}  // namespace ondol::cpu::avx2
