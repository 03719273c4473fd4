#include "base/philox.h"

#include <gtest/gtest.h>

namespace ondol {
namespace {

// The vectors that come with Random123 (kat_vectors, philox4x32, 10 rounds).
TEST(Philox, GivesThePublishedVectors) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, StreamsAndElementsDiffer) {
  EXPECT_EQ(philox_bits(0, 0, 0), 0xe169c58d6627e8d5u);
  EXPECT_NE(philox_bits(1, 2, 3), philox_bits(1, 3, 2));
  EXPECT_NE(philox_bits(1, 2, 3), philox_bits(2, 2, 3));
  EXPECT_NE(philox_bits(1, 2, 3), philox_bits(1, 2, uint64_t{3} << 32));
}

}  // namespace
}  // namespace ondol
