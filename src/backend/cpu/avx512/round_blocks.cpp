#include "backend/cpu/avx512/round_blocks.h"

#include "backend/cpu/avx512/lanes.h"
#include "backend/cpu/matmul_kernels.h"

#include "backend/cpu/lanes/slots.inl"

namespace ondol::cpu::avx512 {
namespace {

static_assert(kWide == 16, "a vector has a number for each column");

/// Number c of the result is the largest of vector c. Uses m as memory.
inline __m512i largest_of_each(__m512i (&m)[kWide]) {
  for (int i = 0; i < 8; ++i) {
    const __m512i a = m[2 * i];
    const __m512i b = m[2 * i + 1];
    m[i] = _mm512_max_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  }
  for (int i = 0; i < 4; ++i) {
    const __m512i a = m[2 * i];
    const __m512i b = m[2 * i + 1];
    m[i] = _mm512_max_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
  }
  // Each quarter of m[i] has its largest of columns 4 i to 4 i + 3.
  for (int i = 0; i < 2; ++i) {
    const __m512i a = m[2 * i];
    const __m512i b = m[2 * i + 1];
    m[i] = _mm512_max_epi32(_mm512_shuffle_i32x4(a, b, 0x44), _mm512_shuffle_i32x4(a, b, 0xee));
  }
  return _mm512_max_epi32(_mm512_shuffle_i32x4(m[0], m[1], 0x88), _mm512_shuffle_i32x4(m[0], m[1], 0xdd));
}

/// The largest magnitude of the next n times kXGroup floats of each of kWide columns.
inline __attribute__((always_inline)) __m512 largest_of_columns(const float* x, size_t x_stride, int n) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  __m512i magnitudes[kWide];
  for (int c = 0; c < kWide; ++c) {
    const float* column = x + static_cast<size_t>(c) * x_stride;
    magnitudes[c] = _mm512_and_si512(_mm512_loadu_si512(column), magnitude);
    for (int i = 16; i < n * kXGroup; i += 16) {
      magnitudes[c] =
          _mm512_max_epi32(magnitudes[c], _mm512_and_si512(_mm512_loadu_si512(column + i), magnitude));
    }
  }
  return (__m512)largest_of_each(magnitudes);
}

/// Rounds the next kXGroup floats of each of kWide columns times its factor.
inline void round_groups(const float* x, size_t x_stride, const float (&factors)[kWide], int8_t* q, int32_t* sums) {
  // Adding this leaves the nearest integer in the low bits.
  const __m512 rounder = _mm512_set1_ps(12582912.0f);
  alignas(64) uint8_t bytes[2][kWide][16];
  for (int c = 0; c < kWide; ++c) {
    const float* column = x + static_cast<size_t>(c) * x_stride;
    const __m512 factor = _mm512_set1_ps(factors[c]);
    for (int half = 0; half < 2; ++half) {
      const __m512 value = _mm512_fmadd_ps(_mm512_loadu_ps(column + 16 * half), factor, rounder);
      _mm_store_si128(reinterpret_cast<__m128i*>(bytes[half][c]), _mm512_cvtepi32_epi8((__m512i)value));
    }
  }
  for (int half = 0; half < 2; ++half, sums += kWide) {
    Words runs[4];
    load16(bytes[half][0], 16, runs);
    __m512i sum = _mm512_setzero_si512();
    for (const Words& run : runs) {
      _mm512_storeu_si512(q, (__m512i)run);
      q += sizeof(Words);
      sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), (__m512i)run);
    }
    _mm512_storeu_si512(sums, sum);
  }
}

/// Neighbours share a scale in `n_shared` times kXGroup.
template <int n_shared>
inline void round_blocks_in(const float* x, size_t x_stride, int64_t k, int8_t* q, float* scale, int32_t* sums) {
  for (int64_t column = 0; column < k; column += n_shared * kXGroup) {
    const int groups = k - column < n_shared * kXGroup ? static_cast<int>(k - column) / kXGroup : n_shared;
    const __m512 largest = largest_of_columns(x, x_stride, n_shared == 1 ? 1 : groups);
    const __mmask16 is_positive = _mm512_cmp_ps_mask(largest, _mm512_setzero_ps(), _CMP_GT_OQ);
    alignas(64) float factors[kWide];
    _mm512_store_ps(factors, _mm512_maskz_div_ps(is_positive, _mm512_set1_ps(127.0f), largest));
    for (int i = 0; i < groups; ++i) {
      _mm512_storeu_ps(scale, _mm512_mul_ps(largest, _mm512_set1_ps(1.0f / 127.0f)));
      round_groups(x, x_stride, factors, q, sums);
      x += kXGroup;
      q += kXGroup * kWide;
      scale += kWide;
      sums += 2 * kWide;
    }
  }
}

}  // namespace

void round_blocks(const float* x, size_t x_stride, int n, int64_t k, int width, int8_t* q, float* scale,
                  int32_t* sums) {
  if (n != kWide || width != kWide) return round_columns(x, x_stride, n, k, width, q, scale, sums);
  round_blocks_in<1>(x, x_stride, k, q, scale, sums);
}

void round_coarse_blocks(const float* x, size_t x_stride, int n, int64_t k, int width, int8_t* q, float* scale,
                         int32_t* sums) {
  if (n != kWide || width != kWide) return round_coarse_columns(x, x_stride, n, k, width, q, scale, sums);
  round_blocks_in<kCoarseGroup / kXGroup>(x, x_stride, k, q, scale, sums);
}

}  // namespace ondol::cpu::avx512
