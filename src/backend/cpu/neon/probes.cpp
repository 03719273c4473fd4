#include <arm_neon.h>

#include "backend/cpu/probes.h"

namespace ondol::cpu::neon {
namespace {

constexpr int kChains = 16;

double fp32(int64_t rounds) {
  float32x4_t sum[kChains];
  for (float32x4_t& s : sum) s = vdupq_n_f32(0);
  const float32x4_t x = vdupq_n_f32(probe_sink + 0.5f);
  for (int64_t i = 0; i < rounds; ++i) {
    for (float32x4_t& s : sum) s = vfmaq_f32(x, s, x);
  }
  for (const float32x4_t& s : sum) probe_sink = vgetq_lane_f32(s, 0);
  return 2.0 * 4 * kChains * static_cast<double>(rounds);
}

double int8(int64_t rounds) {
  int32x4_t sum[kChains];
  for (int32x4_t& s : sum) s = vdupq_n_s32(0);
  const int8x16_t a = vdupq_n_s8(static_cast<int8_t>(probe_sink + 3));
  for (int64_t i = 0; i < rounds; ++i) {
    for (int32x4_t& s : sum) s = vdotq_s32(s, a, a);
  }
  for (const int32x4_t& s : sum) probe_sink = static_cast<float>(vgetq_lane_s32(s, 0));
  return 2.0 * 16 * kChains * static_cast<double>(rounds);
}

uint64_t read(const uint8_t* data, size_t size_bytes) {
  uint8x16_t all[4];
  for (uint8x16_t& word : all) word = vdupq_n_u8(0);
  for (size_t i = 0; i < size_bytes; i += 64) {
    for (int j = 0; j < 4; ++j) all[j] = veorq_u8(all[j], vld1q_u8(data + i + 16 * static_cast<size_t>(j)));
  }
  const uint64x2_t result = vreinterpretq_u64_u8(veorq_u8(veorq_u8(all[0], all[1]), veorq_u8(all[2], all[3])));
  return vgetq_lane_u64(result, 0) ^ vgetq_lane_u64(result, 1);
}

}  // namespace

const Probes kProbes = {int8, nullptr, fp32, read};

}  // namespace ondol::cpu::neon
