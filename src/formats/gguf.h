// The constants of GGUF that reader and writer share. Source: the GGUF specification, docs/gguf.md of ggml-org/ggml.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "formats/model_file.h"

namespace ondol {

inline constexpr std::string_view kGgufMagic = "GGUF";
inline constexpr uint32_t kGgufVersion = 3;
inline constexpr uint32_t kGgufDefaultAlignment = 32;
inline constexpr uint32_t kGgufArrayId = 9;

inline constexpr std::string_view kAlignmentKey = "general.alignment";
inline constexpr std::string_view kSplitCountKey = "split.count";
inline constexpr std::string_view kSplitNumberKey = "split.no";
inline constexpr std::string_view kSplitTensorsKey = "split.tensors.count";

/// Calls f.template operator()<T>() with the C++ type of a metadata value that is no array; false for any other id.
template <typename F>
bool with_gguf_value_type(uint32_t id, F&& f) {
  switch (id) {
    case 0:
      f.template operator()<uint8_t>();
      return true;
    case 1:
      f.template operator()<int8_t>();
      return true;
    case 2:
      f.template operator()<uint16_t>();
      return true;
    case 3:
      f.template operator()<int16_t>();
      return true;
    case 4:
      f.template operator()<uint32_t>();
      return true;
    case 5:
      f.template operator()<int32_t>();
      return true;
    case 6:
      f.template operator()<float>();
      return true;
    case 7:
      f.template operator()<bool>();
      return true;
    case 8:
      f.template operator()<std::string>();
      return true;
    case 10:
      f.template operator()<uint64_t>();
      return true;
    case 11:
      f.template operator()<int64_t>();
      return true;
    case 12:
      f.template operator()<double>();
      return true;
    default:
      return false;
  }
}

/// The id of a value's type: the inverse of the above.
template <typename T>
constexpr uint32_t gguf_value_id() {
  if constexpr (std::is_same_v<T, uint8_t>) return 0;
  if constexpr (std::is_same_v<T, int8_t>) return 1;
  if constexpr (std::is_same_v<T, uint16_t>) return 2;
  if constexpr (std::is_same_v<T, int16_t>) return 3;
  if constexpr (std::is_same_v<T, uint32_t>) return 4;
  if constexpr (std::is_same_v<T, int32_t>) return 5;
  if constexpr (std::is_same_v<T, float>) return 6;
  if constexpr (std::is_same_v<T, bool>) return 7;
  if constexpr (std::is_same_v<T, std::string>) return 8;
  if constexpr (std::is_same_v<T, MetaValue::Array>) return kGgufArrayId;
  if constexpr (std::is_same_v<T, uint64_t>) return 10;
  if constexpr (std::is_same_v<T, int64_t>) return 11;
  if constexpr (std::is_same_v<T, double>) return 12;
}

/// Rounds up to a multiple of `alignment`, a power of two. `offset` must be at least `alignment` below the maximum.
constexpr uint64_t align_up(uint64_t offset, uint64_t alignment) {
  return (offset + alignment - 1) & ~(alignment - 1);
}

/// "model-00002-of-00005.gguf" for prefix "model", part 1 (counted from 0) of 5.
std::string split_file_name(std::string_view prefix, int part, int n_parts);

}  // namespace ondol
