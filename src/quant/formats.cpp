// Makes the list of formats.h, and the plain types F32, F16 and BF16, into a table by DType.
#include "quant/formats.h"

#include <bit>
#include <cstring>

#include "base/check.h"
#include "quant/half.h"

namespace ondol {
namespace {

static_assert(std::endian::native == std::endian::little, "blocks are read as they lie in files");

constexpr DTypeInfo layout_of(DType type) {
  switch (type) {
#define ONDOL_LAYOUT(name, id, block, bytes) \
  case DType::name:                          \
    return {DType::name, #name, block, bytes};
    ONDOL_DTYPES(ONDOL_LAYOUT)
#undef ONDOL_LAYOUT
  }
  return {};
}

template <DType kType, typename Block>
void decode_blocks(const void* blocks, float* out, int64_t n) {
  static_assert(sizeof(Block) == layout_of(kType).block_bytes);
  constexpr int kSize = layout_of(kType).block_size;
  const auto* block = static_cast<const Block*>(blocks);
  for (int64_t i = 0; i < n / kSize; ++i) decode_block(block[i], out + i * kSize);
}

void decode_f32(const void* values, float* out, int64_t n) {
  std::memcpy(out, values, static_cast<size_t>(n) * 4);
}

void encode_f32(const float* values, const float*, void* out, int64_t n) {
  std::memcpy(out, values, static_cast<size_t>(n) * 4);
}

// Files of other formats may place 16-bit tensors at odd addresses, hence the copies.
template <float (*kConvert)(uint16_t)>
void decode_16(const void* values, float* out, int64_t n) {
  const auto* bytes = static_cast<const unsigned char*>(values);
  for (int64_t i = 0; i < n; ++i) {
    uint16_t bits;
    std::memcpy(&bits, bytes + 2 * i, 2);
    out[i] = kConvert(bits);
  }
}

template <uint16_t (*kConvert)(float)>
void encode_16(const float* values, const float*, void* out, int64_t n) {
  auto* bytes = static_cast<unsigned char*>(out);
  for (int64_t i = 0; i < n; ++i) {
    const uint16_t bits = kConvert(values[i]);
    std::memcpy(bytes + 2 * i, &bits, 2);
  }
}

constexpr QuantFormat kFormats[] = {{DType::F32, decode_f32, encode_f32},
                                    {DType::F16, decode_16<f16_to_f32>, encode_16<f32_to_f16>},
                                    {DType::BF16, decode_16<bf16_to_f32>, encode_16<f32_to_bf16>},
#define ONDOL_FORMAT(name, encoder) {DType::name, decode_blocks<DType::name, Block##name>, encoder},
                                    ONDOL_BLOCK_FORMATS(ONDOL_FORMAT)
#undef ONDOL_FORMAT
};

const QuantFormat* find_format(DType type) {
  for (const QuantFormat& format : kFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

}  // namespace

const QuantFormat& format_of(DType type) {
  const QuantFormat* format = find_format(type);
  ONDOL_CHECK(format != nullptr);
  return *format;
}

bool has_format(DType type) {
  return find_format(type) != nullptr;
}

}  // namespace ondol
