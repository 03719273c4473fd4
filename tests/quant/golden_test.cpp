// Decoders and codebooks against blocks that another implementation decoded (tools/make_quant_goldens.py).
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "quant/formats.h"
#include "quant/half.h"
#include "tests/precompiled.h"

namespace ondol {
namespace {

std::string read_golden(const std::string& name) {
  std::ifstream file(ONDOL_SOURCE_DIR "/tests/golden/quant/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <typename T>
std::vector<T> take(const std::string& bytes, size_t offset, size_t count) {
  std::vector<T> values(count);
  std::memcpy(values.data(), bytes.data() + offset, count * sizeof(T));
  return values;
}

uint64_t fnv1a(const void* data, size_t size) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ static_cast<const unsigned char*>(data)[i]) * 0x100000001b3u;
  return hash;
}

constexpr DType kBlockTypes[] = {
#define ONDOL_TYPE(name, encoder) DType::name,
    ONDOL_BLOCK_FORMATS(ONDOL_TYPE)
#undef ONDOL_TYPE
};

class DecoderGolden : public testing::TestWithParam<DType> {};

TEST_P(DecoderGolden, DecodesBitForBit) {
  const DTypeInfo& info = info_of(GetParam());
  const std::string golden = read_golden(std::string(info.name) + ".bin");
  const size_t n_blocks = golden.size() / static_cast<size_t>(info.block_bytes + 4 * info.block_size);
  const size_t n_values = n_blocks * static_cast<size_t>(info.block_size);
  const size_t n_bytes = n_blocks * static_cast<size_t>(info.block_bytes);
  ASSERT_GE(n_blocks, 3u);
  ASSERT_EQ(golden.size(), n_bytes + 4 * n_values);
  const auto blocks = take<uint16_t>(golden, 0, (n_bytes + 1) / 2);
  const auto expected = take<uint32_t>(golden, n_bytes, n_values);
  std::vector<float> values(n_values);
  format_of(GetParam()).decode(blocks.data(), values.data(), static_cast<int64_t>(n_values));
  for (size_t i = 0; i < n_values; ++i) {
    ASSERT_EQ(f32_to_bits(values[i]), expected[i])
        << "element " << i << ": got " << values[i] << ", expected " << f32_from_bits(expected[i]);
  }
}

// Files come from outside: no bytes may make a decoder read out of bounds (the sanitizers watch).
TEST_P(DecoderGolden, DecodesAnyBytes) {
  const DTypeInfo& info = info_of(GetParam());
  const int64_t n = 256 * 64;
  std::mt19937 random(7);
  std::vector<uint16_t> blocks(row_bytes(GetParam(), n) / 2);
  for (uint16_t& word : blocks) word = static_cast<uint16_t>(random());
  std::vector<float> values(static_cast<size_t>(n));
  format_of(GetParam()).decode(blocks.data(), values.data(), n);
  std::fill(blocks.begin(), blocks.end(), static_cast<uint16_t>(0xffff));
  format_of(GetParam()).decode(blocks.data(), values.data(), info.block_size);
}

INSTANTIATE_TEST_SUITE_P(Formats, DecoderGolden, testing::ValuesIn(kBlockTypes),
                         [](const auto& test) { return std::string(info_of(test.param).name); });

TEST(Grids, AreTheOnesOfTheFormat) {
  std::string hashes;
  const auto add = [&](const char* name, const auto& grid) {
    hashes += fmt::format("{} {:016x}\n", name, fnv1a(grid.entry, sizeof(grid.entry)));
  };
  add("IQ2_XXS", kIq2XxsGrid);
  add("IQ2_XS", kIq2XsGrid);
  add("IQ2_S", kIq2SGrid);
  add("IQ3_XXS", kIq3XxsGrid);
  add("IQ3_S", kIq3SGrid);
  add("IQ1_S", kIq1Grid);
  EXPECT_EQ(hashes, read_golden("grids.txt"));
}

TEST(Half, RoundsLikeTheReference) {
  const std::string golden = read_golden("half.bin");
  const size_t n = golden.size() / 8;
  ASSERT_GT(n, 500u);
  const auto values = take<float>(golden, 0, n);
  const auto f16 = take<uint16_t>(golden, 4 * n, n);
  const auto bf16 = take<uint16_t>(golden, 6 * n, n);
  for (size_t i = 0; i < n; ++i) {
    EXPECT_EQ(f32_to_f16(values[i]), f16[i]) << values[i];
    EXPECT_EQ(f32_to_bf16(values[i]), bf16[i]) << values[i];
  }
}

}  // namespace
}  // namespace ondol
