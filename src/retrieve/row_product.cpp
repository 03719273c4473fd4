#include "retrieve/row_product.h"

#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "backend/cpu/dispatch.h"
#include "quant/half.h"

namespace ondol {
namespace {

constexpr size_t kNumbers = 32;
constexpr size_t kBlockBytes = 2 + kNumbers;  // an F16 scale before them

uint16_t scale_bits(const uint8_t* block) {
  uint16_t bits;
  std::memcpy(&bits, block, sizeof(bits));
  return bits;
}

#ifdef __x86_64__
__attribute__((target("avx2,fma,f16c"))) float avx2_row_product(const uint8_t* a, const uint8_t* b, size_t n_blocks) {
  __m256 sums = _mm256_setzero_ps();
  const __m256i ones = _mm256_set1_epi16(1);
  for (size_t i = 0; i < n_blocks; ++i, a += kBlockBytes, b += kBlockBytes) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + 2));
    const __m256i y = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + 2));
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_sign_epi8(x, x), _mm256_sign_epi8(y, x));
    const float scale = _cvtsh_ss(scale_bits(a)) * _cvtsh_ss(scale_bits(b));
    sums = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, ones)), _mm256_set1_ps(scale), sums);
  }
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}
#endif

}  // namespace

float plain_row_product(const uint8_t* a, const uint8_t* b, size_t n_blocks) {
  float sum = 0;
  for (size_t i = 0; i < n_blocks; ++i, a += kBlockBytes, b += kBlockBytes) {
    int32_t product = 0;
    for (size_t k = 2; k < kBlockBytes; ++k) product += static_cast<int8_t>(a[k]) * static_cast<int8_t>(b[k]);
    sum += f16_to_f32(scale_bits(a)) * f16_to_f32(scale_bits(b)) * static_cast<float>(product);
  }
  return sum;
}

RowProduct best_row_product() {
#ifdef __x86_64__
  if ((cpu::detect_features() & cpu::kAvx2) != 0) return avx2_row_product;
#endif
  return plain_row_product;
}

}  // namespace ondol
