// DType: how the numbers of a tensor are stored. Values are GGUF's type ids, so files need no translation; the types
// from 60 on occur in safetensors only.
//
// The list is the only place that knows ids, names and block sizes. Encoding and decoding live in quant/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ondol {

// X(name, gguf_id, elements per block, bytes per block)
#define ONDOL_DTYPES(X)   \
  X(F32, 0, 1, 4)         \
  X(F16, 1, 1, 2)         \
  X(Q4_0, 2, 32, 18)      \
  X(Q4_1, 3, 32, 20)      \
  X(Q5_0, 6, 32, 22)      \
  X(Q5_1, 7, 32, 24)      \
  X(Q8_0, 8, 32, 34)      \
  X(Q2_K, 10, 256, 84)    \
  X(Q3_K, 11, 256, 110)   \
  X(Q4_K, 12, 256, 144)   \
  X(Q5_K, 13, 256, 176)   \
  X(Q6_K, 14, 256, 210)   \
  X(IQ2_XXS, 16, 256, 66) \
  X(IQ2_XS, 17, 256, 74)  \
  X(IQ3_XXS, 18, 256, 98) \
  X(IQ1_S, 19, 256, 50)   \
  X(IQ4_NL, 20, 32, 18)   \
  X(IQ3_S, 21, 256, 110)  \
  X(IQ2_S, 22, 256, 82)   \
  X(IQ4_XS, 23, 256, 136) \
  X(I8, 24, 1, 1)         \
  X(I16, 25, 1, 2)        \
  X(I32, 26, 1, 4)        \
  X(I64, 27, 1, 8)        \
  X(F64, 28, 1, 8)        \
  X(IQ1_M, 29, 256, 56)   \
  X(BF16, 30, 1, 2)       \
  X(TQ1_0, 34, 256, 54)   \
  X(TQ2_0, 35, 256, 66)   \
  X(MXFP4, 39, 32, 17)    \
  X(NVFP4, 40, 64, 36)    \
  X(U8, 60, 1, 1)         \
  X(F8_E4M3, 61, 1, 1)

enum class DType : uint8_t {
#define ONDOL_ENUMERATOR(name, id, block, bytes) name = id,
  ONDOL_DTYPES(ONDOL_ENUMERATOR)
#undef ONDOL_ENUMERATOR
};

struct DTypeInfo {
  DType type;
  std::string_view name;
  int block_size;   // elements in one block; 1 for plain types
  int block_bytes;  // bytes of one block
};

/// Name and block size of a type. Every DType value has an entry.
const DTypeInfo& info_of(DType type);

/// Whether GGUF has this type.
constexpr bool is_gguf_type(DType type) {
  return static_cast<uint8_t>(type) < 60;
}

/// The type with this GGUF id, or nothing when Ondol does not know it.
std::optional<DType> dtype_from_gguf_id(uint32_t id);

/// The type with this name ("Q4_K", "bf16"; case does not matter), or nothing.
std::optional<DType> dtype_from_name(std::string_view name);

/// Bytes of a row of `n_elements`, which must be a multiple of the block size.
inline size_t row_bytes(DType type, int64_t n_elements) {
  const DTypeInfo& info = info_of(type);
  return static_cast<size_t>(n_elements / info.block_size) * static_cast<size_t>(info.block_bytes);
}

}  // namespace ondol
