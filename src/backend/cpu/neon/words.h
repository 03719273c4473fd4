// The vectors of Neon that lanes.h and strips.h share.
#pragma once

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#ifndef ONDOL_ISA
#define ONDOL_ISA neon
#endif

namespace ondol::cpu::ONDOL_ISA {
namespace {

// Words hold four neighbouring bytes of a row.
using Words = uint32x4_t;
using Ints = int32x4_t;
using Floats = float32x4_t;

/// Dot products are of signed bytes.
constexpr int kSignedOffset = 0;

inline Floats fma(Floats a, Floats b, Floats c) {
  return vfmaq_f32(c, a, b);
}
inline Floats to_floats(Ints x) {
  return vcvtq_f32_s32(x);
}

/// The F16 in the low half of each word.
inline Floats half_to_floats(Words x) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(x)));
}

/// table[byte] for all bytes, which must be below 16.
inline Words look_up(const int8_t (&table)[16], Words bytes) {
  return vreinterpretq_u32_s8(vqtbl1q_s8(vld1q_s8(table), vreinterpretq_u8_u32(bytes)));
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
