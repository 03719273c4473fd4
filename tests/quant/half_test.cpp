#include "quant/half.h"

#include <cmath>
#include <limits>

#include "tests/precompiled.h"

namespace ondol {
namespace {

// The definition of an IEEE binary16 number, for all bits that are not infinities or NaNs.
double f16_by_definition(int bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

TEST(Half, EveryF16DecodesByDefinitionAndComesBack) {
  for (int bits = 0; bits < 0x10000; ++bits) {
    const float value = f16_to_f32(static_cast<uint16_t>(bits));
    const int exponent = (bits >> 10) & 31;
    if (exponent != 31) {
      ASSERT_EQ(static_cast<double>(value), f16_by_definition(bits)) << bits;
    } else if ((bits & 1023) == 0) {
      ASSERT_TRUE(std::isinf(value)) << bits;
    } else {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_TRUE(std::isnan(f16_to_f32(f32_to_f16(value)))) << bits;
      continue;
    }
    ASSERT_EQ(std::signbit(value), (bits & 0x8000) != 0);
    ASSERT_EQ(f32_to_f16(value), bits);
  }
}

TEST(Half, EveryBf16ComesBack) {
  for (int bits = 0; bits < 0x10000; ++bits) {
    const float value = bf16_to_f32(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(value)))) << bits;
    } else {
      ASSERT_EQ(f32_to_bf16(value), bits);
    }
  }
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(f32_from_bits(0x7f800001u)))));
}

TEST(Half, E8m0IsHalfAPowerOfTwo) {
  for (int e = 0; e < 255; ++e) {
    ASSERT_EQ(static_cast<double>(e8m0_half_to_f32(static_cast<uint8_t>(e))), std::ldexp(1.0, e - 128)) << e;
  }
}

double ue4m3_by_definition(int bits) {
  const int exponent = bits >> 3;
  const int mantissa = bits & 7;
  return exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
}

TEST(Half, Ue4m3DecodesByDefinition) {
  for (int bits = 0; bits < 0x7f; ++bits) {
    ASSERT_EQ(2.0 * ue4m3_half_to_f32(static_cast<uint8_t>(bits)), ue4m3_by_definition(bits)) << bits;
  }
}

TEST(Half, Ue4m3RoundsToTheNearestEven) {
  EXPECT_EQ(f32_to_ue4m3(0.0f), 0);
  EXPECT_EQ(f32_to_ue4m3(-1.0f), 0);
  EXPECT_EQ(f32_to_ue4m3(1e9f), 0x7e);
  EXPECT_EQ(f32_to_ue4m3(std::numeric_limits<float>::infinity()), 0x7e);
  EXPECT_EQ(f32_to_ue4m3(std::numeric_limits<float>::quiet_NaN()), 0);
  for (int bits = 0; bits < 0x7e; ++bits) {
    const auto low = static_cast<float>(ue4m3_by_definition(bits));
    const auto high = static_cast<float>(ue4m3_by_definition(bits + 1));
    const float middle = (low + high) / 2;
    ASSERT_EQ(f32_to_ue4m3(low), bits);
    ASSERT_EQ(f32_to_ue4m3(middle), bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(f32_to_ue4m3(std::nextafter(middle, 0.0f)), bits);
    ASSERT_EQ(f32_to_ue4m3(std::nextafter(middle, 1e9f)), bits + 1);
  }
}

}  // namespace
}  // namespace ondol
