// Small floats as bits: F16 (IEEE binary16), BF16, E8M0 (MX scales) and UE4M3 (NVFP4 scales), to and from float.
//
// Everything is static inline over plain integers, so kernel files built for one instruction set may include it without
// leaving a weak symbol behind. No function depends on subnormal floats being honoured by the processor's mode.
#pragma once

#include <cstdint>

namespace ondol {

static inline float f32_from_bits(uint32_t bits) {
  return __builtin_bit_cast(float, bits);
}
static inline uint32_t f32_to_bits(float value) {
  return __builtin_bit_cast(uint32_t, value);
}

/// Exact.
static inline float f16_to_f32(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  uint32_t bits;
  if (magnitude < 0x0400u) {
    bits = f32_to_bits(static_cast<float>(magnitude) * 0x1p-24f);
  } else if (magnitude < 0x7c00u) {
    bits = (magnitude << 13) + (112u << 23);
  } else {
    bits = (magnitude << 13) | 0x7f800000u;
  }
  return f32_from_bits(bits | sign);
}

/// Rounds to nearest, ties to even. From 65520 on the result is infinity; a NaN becomes a quiet NaN.
static inline uint16_t f32_to_f16(float value) {
  const uint32_t bits = f32_to_bits(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u;
  } else if (magnitude >= 0x477ff000u) {
    half = 0x7c00u;
  } else if (magnitude < 0x38800000u) {
    // One unit in the last place of 0.5f is the smallest F16, so this addition does the rounding.
    half = f32_to_bits(f32_from_bits(magnitude) + 0.5f) - 0x3f000000u;
  } else {
    half = (magnitude - (112u << 23) + 0x0fffu + ((magnitude >> 13) & 1u)) >> 13;
  }
  return static_cast<uint16_t>(half | sign);
}

/// Exact.
static inline float bf16_to_f32(uint16_t bits) {
  return f32_from_bits(static_cast<uint32_t>(bits) << 16);
}

/// Rounds to nearest, ties to even. A NaN becomes a quiet NaN with the same sign and leading payload.
static inline uint16_t f32_to_bf16(float value) {
  const uint32_t bits = f32_to_bits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x0040u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// Half of the E8M0 scale 2^(e - 127), because MXFP4's values are kept doubled. Exact. 255 (NaN in the OCP MX
/// specification 1.0) is read as 2^128 / 2, as every GGUF reader does.
static inline float e8m0_half_to_f32(uint8_t e) {
  return f32_from_bits(e < 2 ? 0x00200000u << e : static_cast<uint32_t>(e - 1) << 23);
}

/// Half of a UE4M3 scale (E4M3 with bias 7 whose sign bit is ignored), because NVFP4's values are kept doubled. Exact.
/// 0x7f (NaN) is read as 0, as every GGUF reader does.
static inline float ue4m3_half_to_f32(uint8_t bits) {
  if (bits == 0x7f) return 0.0f;
  const uint32_t exponent = (bits >> 3) & 0x0fu;
  const uint32_t mantissa = bits & 0x07u;
  if (exponent == 0) return static_cast<float>(mantissa) * 0x1p-10f;
  return f32_from_bits(((exponent + 119u) << 23) | (mantissa << 20));
}

/// The UE4M3 nearest to `value` (not halved), ties to even: 0 for negative values and NaN, at most 448.
static inline uint8_t f32_to_ue4m3(float value) {
  if (!(value > 0.0f)) return 0;
  if (value >= 448.0f) return 0x7e;
  if (value < 0x1p-6f) {
    // One unit in the last place of 2^14 is the smallest UE4M3, 2^-9.
    return static_cast<uint8_t>(f32_to_bits(value + 0x1p14f) - f32_to_bits(0x1p14f));
  }
  const uint32_t bits = f32_to_bits(value);
  return static_cast<uint8_t>((bits - (120u << 23) + 0x7ffffu + ((bits >> 20) & 1u)) >> 20);
}

}  // namespace ondol
