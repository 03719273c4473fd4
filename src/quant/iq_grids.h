// The codebooks of the IQ formats: every index of a block stands for 4 or 8 magnitudes (IQ2, IQ3) or digits (IQ1).
//
// The tables are part of the GGUF format. They are stored compactly in iq_grids.cpp and laid out here for loading one
// entry at once (8 bytes, or 4 for IQ3).
#pragma once

#include <cstdint>

namespace ondol {

/// `kEntries` codebook entries of `kWidth` elements.
template <typename T, int kEntries, int kWidth>
struct alignas(64) IqGrid {
  T entry[kEntries][kWidth];
};

extern const IqGrid<uint8_t, 256, 8> kIq2XxsGrid;  // magnitudes 8, 25, 43
extern const IqGrid<uint8_t, 512, 8> kIq2XsGrid;
extern const IqGrid<uint8_t, 1024, 8> kIq2SGrid;
extern const IqGrid<uint8_t, 256, 4> kIq3XxsGrid;  // magnitudes 4, 12 .. 52, 62
extern const IqGrid<uint8_t, 512, 4> kIq3SGrid;    // magnitudes 1, 3 .. 15
extern const IqGrid<int8_t, 2048, 8> kIq1Grid;     // digits -1, 0, 1; shared by IQ1_S and IQ1_M

/// The offset that IQ1_S and IQ1_M add to (or subtract from) a group of digits.
constexpr float kIq1Delta = 0.125f;

/// IQ2_XXS, IQ2_XS and IQ3_XXS store 7 of 8 signs (bit set: negative); the eighth makes the number of minuses even.
static inline uint32_t iq_signs_of(uint32_t seven_bits) {
  return seven_bits | (static_cast<uint32_t>(__builtin_parity(seven_bits)) << 7);
}

/// `magnitude` with a minus if bit `i` of `signs` is set.
static inline float iq_signed(float magnitude, uint32_t signs, int i) {
  return (signs >> i) & 1 ? -magnitude : magnitude;
}

/// Little-endian 32 bits at any address.
static inline uint32_t iq_load_u32(const uint8_t* bytes) {
  uint32_t value;
  __builtin_memcpy(&value, bytes, sizeof(value));
  return value;
}

}  // namespace ondol
