#include "formats/gguf_reader.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "formats/byte_cursor.h"
#include "formats/gguf.h"

namespace ondol {
namespace {

constexpr size_t kMinMetaBytes = 8 + 4 + 1;        // key length, type, the smallest value
constexpr size_t kMinTensorBytes = 8 + 4 + 4 + 8;  // name length, rank, type, offset
constexpr size_t kMaxNameBytes = 65535;            // the specification's limit for keys
constexpr uint32_t kMinAlignment = 8;              // the specification asks for a multiple of 8; casts rely on it

/// What the file may be instead of a GGUF, told by its first bytes.
std::string_view guess_other_format(std::string_view head) {
  if (head.starts_with("FUGG")) return "a big-endian GGUF; convert it again for little-endian machines";
  if (head.starts_with("lmgg") || head.starts_with("tjgg") || head.starts_with("fmgg")) {
    return "a GGML file older than GGUF; download the model as GGUF";
  }
  if (head.starts_with("version https://git-lfs"))
    return "a Git LFS pointer; run 'git lfs pull' to get the file itself";
  if (head.starts_with("<")) return "a web page; the download went wrong";
  if (head.starts_with("PK")) return "a PyTorch or zip archive; convert the model to GGUF or safetensors";
  if (head.size() > 8 && head[8] == '{') return "a safetensors file";
  return "";
}

Result<void> check_magic(ByteCursor& cursor, std::span<const uint8_t> bytes) {
  const auto magic = ONDOL_TRY(cursor.take(kGgufMagic.size(), "magic"));
  if (std::equal(magic.begin(), magic.end(), kGgufMagic.begin())) return {};
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), std::min<size_t>(bytes.size(), 32));
  const std::string_view guess = guess_other_format(head);
  return Error(fmt::format("byte 0: expected 'GGUF', got {:02x} {:02x} {:02x} {:02x}; this is {}", magic[0], magic[1],
                           magic[2], magic[3], guess.empty() ? "no GGUF file" : guess));
}

Result<uint32_t> read_version(ByteCursor& cursor) {
  const uint32_t version = ONDOL_TRY(cursor.read<uint32_t>("version"));
  if (version == 2 || version == 3) return version;
  if (version == 1) {
    return Error("byte 4: expected GGUF version 2 or 3, got 1; such files are from 2023: download the model again");
  }
  if (version != 0 && (version & 0xffff) == 0) {
    return Error("byte 4: the file is big endian; download or convert a little-endian one");
  }
  return Error(
      fmt::format("byte 4: expected GGUF version 2 or 3, got {}; the file is damaged or needs a newer Ondol", version));
}

/// A string's bytes: its length, then as many bytes.
Result<std::string_view> read_string(ByteCursor& cursor, std::string_view what) {
  const auto length = ONDOL_TRY(cursor.read<uint64_t>(what));
  const auto text = ONDOL_TRY(cursor.take(length, what));
  return std::string_view(reinterpret_cast<const char*>(text.data()), text.size());
}

Result<std::string> read_name(ByteCursor& cursor, std::string_view what) {
  const size_t at = cursor.offset();
  const std::string_view name = ONDOL_TRY(read_string(cursor, what));
  if (name.empty() || name.size() > kMaxNameBytes) {
    return Error(fmt::format("byte {}: {}: expected 1 to {} bytes, got {}", at, what, kMaxNameBytes, name.size()));
  }
  return std::string(name);
}

template <typename T>
Result<T> read_scalar(ByteCursor& cursor) {
  if constexpr (std::is_same_v<T, std::string>) {
    return std::string(ONDOL_TRY(read_string(cursor, "string")));
  } else if constexpr (std::is_same_v<T, bool>) {
    const auto byte = ONDOL_TRY(cursor.read<uint8_t>("bool"));
    if (byte <= 1) return byte == 1;
    return Error(fmt::format("byte {}: bool: expected 0 or 1, got {}", cursor.offset() - 1, byte));
  } else {
    return cursor.read<T>("value");
  }
}

template <typename T>
Result<std::vector<T>> read_elements(ByteCursor& cursor) {
  constexpr bool kIsString = std::is_same_v<T, std::string>;
  const size_t count = ONDOL_TRY(cursor.read_count<uint64_t>("array length", kIsString ? 8 : sizeof(T)));
  std::vector<T> elements;
  if constexpr (kIsString || std::is_same_v<T, bool>) {
    elements.reserve(count);
    for (size_t i = 0; i < count; ++i) elements.push_back(ONDOL_TRY(read_scalar<T>(cursor)));
  } else {
    const auto raw = ONDOL_TRY(cursor.take(count * sizeof(T), "array"));
    elements.resize(count);
    if (count > 0) std::memcpy(elements.data(), raw.data(), raw.size());
  }
  return elements;
}

Error unknown_value_type(size_t at, uint32_t id) {
  return Error(fmt::format("byte {}: expected a metadata type from 0 to 12, got {}; the file is damaged", at, id));
}

Result<MetaValue> read_array(ByteCursor& cursor) {
  const size_t at = cursor.offset();
  const auto id = ONDOL_TRY(cursor.read<uint32_t>("type of the array's elements"));
  if (id == kGgufArrayId) return Error(fmt::format("byte {}: arrays of arrays are not supported", at));
  Result<MetaValue> result = unknown_value_type(at, id);
  with_gguf_value_type(id, [&]<typename T>() {
    auto elements = read_elements<T>(cursor);
    result = elements ? Result<MetaValue>(MetaValue{MetaValue::Array(*std::move(elements))}) : elements.error();
  });
  return result;
}

Result<MetaValue> read_value(ByteCursor& cursor) {
  const size_t at = cursor.offset();
  const auto id = ONDOL_TRY(cursor.read<uint32_t>("type"));
  if (id == kGgufArrayId) return read_array(cursor);
  Result<MetaValue> result = unknown_value_type(at, id);
  with_gguf_value_type(id, [&]<typename T>() {
    auto scalar = read_scalar<T>(cursor);
    result = scalar ? Result<MetaValue>(MetaValue{MetaValue::Value(*std::move(scalar))}) : scalar.error();
  });
  return result;
}

Result<Metadata> read_metadata(ByteCursor& cursor, size_t count) {
  Metadata metadata;
  std::unordered_set<std::string> seen;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = cursor.offset();
    std::string key = ONDOL_TRY(read_name(cursor, "key").in(fmt::format("metadata {} of {}", i + 1, count)));
    if (!seen.insert(key).second) return Error(fmt::format("byte {}: key '{}' occurs twice", at, key));
    MetaValue value = ONDOL_TRY(read_value(cursor).in(fmt::format("key '{}'", key)));
    metadata.emplace_back(std::move(key), std::move(value));
  }
  return metadata;
}

Result<uint32_t> alignment_of(const Metadata& metadata) {
  for (const auto& [key, value] : metadata) {
    if (key != kAlignmentKey) continue;
    const uint32_t* alignment = std::get_if<uint32_t>(&value.value);
    if (alignment != nullptr && *alignment >= kMinAlignment && std::has_single_bit(*alignment)) return *alignment;
    return Error(fmt::format("key '{}': expected a power of two from {} as a 32-bit unsigned number{}", key,
                             kMinAlignment, alignment == nullptr ? "" : fmt::format(", got {}", *alignment)));
  }
  return kGgufDefaultAlignment;
}

/// A tensor as the header describes it, before its place in the file was checked.
struct TensorInfo {
  std::string name;
  DType type = DType::F32;
  Shape shape;
  uint64_t offset = 0;  // from the start of the data section
  uint64_t size_bytes = 0;
};

/// Dimensions, which the file gives innermost first.
Result<Shape> read_shape(ByteCursor& cursor) {
  const size_t at = cursor.offset();
  const auto rank = ONDOL_TRY(cursor.read<uint32_t>("number of dimensions"));
  if (rank > Shape::kMaxRank) {
    return Error(fmt::format("byte {}: expected at most {} dimensions, got {}", at, Shape::kMaxRank, rank));
  }
  std::array<int64_t, Shape::kMaxRank> dims{};
  int64_t elements = 1;
  for (uint32_t i = 0; i < rank; ++i) {
    const auto dim = ONDOL_TRY(cursor.read<uint64_t>("dimension"));
    const bool fits = dim >= 1 && dim <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max() / elements);
    if (!fits) return Error(fmt::format("byte {}: {} is no possible dimension", cursor.offset() - 8, dim));
    elements *= static_cast<int64_t>(dim);
    dims[rank - 1 - i] = static_cast<int64_t>(dim);
  }
  return Shape(std::span<const int64_t>(dims.data(), rank));
}

Result<uint64_t> bytes_of(DType type, const Shape& shape) {
  const DTypeInfo& info = info_of(type);
  if (shape.columns() % info.block_size != 0) {
    return Error(fmt::format("expected rows of a multiple of {} elements for {}, got {}", info.block_size, info.name,
                             to_string(shape)));
  }
  const auto blocks = static_cast<uint64_t>(shape.elements() / info.block_size);
  const auto block_bytes = static_cast<uint64_t>(info.block_bytes);
  if (blocks > std::numeric_limits<int64_t>::max() / block_bytes) {
    return Error(fmt::format("{} of {} is larger than any file", to_string(shape), info.name));
  }
  return blocks * block_bytes;
}

/// Everything after the name.
Result<void> read_tensor_rest(ByteCursor& cursor, uint32_t alignment, TensorInfo& info) {
  info.shape = ONDOL_TRY(read_shape(cursor));
  const size_t type_at = cursor.offset();
  const auto type_id = ONDOL_TRY(cursor.read<uint32_t>("type"));
  const auto type = dtype_from_gguf_id(type_id);
  if (!type) {
    return Error(
        fmt::format("byte {}: tensor type {} is unknown; the file is damaged, or uses a removed type or one "
                    "that needs a newer Ondol",
                    type_at, type_id));
  }
  info.type = *type;
  info.size_bytes = ONDOL_TRY(bytes_of(info.type, info.shape));
  const size_t offset_at = cursor.offset();
  info.offset = ONDOL_TRY(cursor.read<uint64_t>("offset"));
  if (info.offset % alignment != 0 || info.offset > std::numeric_limits<int64_t>::max()) {
    return Error(
        fmt::format("byte {}: expected an offset that is a multiple of {}, got {}", offset_at, alignment, info.offset));
  }
  return {};
}

Result<std::vector<TensorInfo>> read_tensor_infos(ByteCursor& cursor, size_t count, uint32_t alignment) {
  std::vector<TensorInfo> infos;
  std::unordered_set<std::string> seen;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = cursor.offset();
    TensorInfo info;
    info.name = ONDOL_TRY(read_name(cursor, "name").in(fmt::format("tensor {} of {}", i + 1, count)));
    if (!seen.insert(info.name).second) return Error(fmt::format("byte {}: tensor '{}' occurs twice", at, info.name));
    ONDOL_TRY(read_tensor_rest(cursor, alignment, info).in(fmt::format("tensor '{}'", info.name)));
    infos.push_back(std::move(info));
  }
  return infos;
}

/// Every tensor must lie inside the file and apart from the others.
Result<void> check_places(const std::vector<TensorInfo>& infos, uint64_t data_start, uint64_t file_size) {
  std::vector<const TensorInfo*> by_offset;
  by_offset.reserve(infos.size());
  for (const TensorInfo& info : infos) by_offset.push_back(&info);
  std::sort(by_offset.begin(), by_offset.end(),
            [](const TensorInfo* a, const TensorInfo* b) { return a->offset < b->offset; });
  uint64_t end = 0;
  const TensorInfo* previous = nullptr;
  for (const TensorInfo* info : by_offset) {
    if (info->offset < end) {
      return Error(fmt::format("tensor '{}': begins at byte {}, inside tensor '{}'; the file is damaged", info->name,
                               data_start + info->offset, previous->name));
    }
    end = info->offset + info->size_bytes;  // both are below 2^63
    previous = info;
  }
  if (previous == nullptr || data_start + end <= file_size) return {};
  return Error(
      fmt::format("tensor '{}': expected its data up to byte {}, got a file of {} bytes; the file is cut, {} "
                  "bytes are missing: download it again",
                  previous->name, data_start + end, file_size, data_start + end - file_size));
}

}  // namespace

Result<GgufContent> parse_gguf(std::span<const uint8_t> bytes) {
  ByteCursor cursor(bytes);
  GgufContent content;
  ONDOL_TRY(check_magic(cursor, bytes));
  content.version = ONDOL_TRY(read_version(cursor));
  const size_t n_tensors = ONDOL_TRY(cursor.read_count<int64_t>("number of tensors", kMinTensorBytes));
  const size_t n_metadata = ONDOL_TRY(cursor.read_count<int64_t>("number of metadata entries", kMinMetaBytes));
  content.metadata = ONDOL_TRY(read_metadata(cursor, n_metadata));
  content.alignment = ONDOL_TRY(alignment_of(content.metadata));
  const auto infos = ONDOL_TRY(read_tensor_infos(cursor, n_tensors, content.alignment));
  const uint64_t data_start = align_up(cursor.offset(), content.alignment);
  ONDOL_TRY(check_places(infos, data_start, bytes.size()));
  content.tensors.reserve(infos.size());
  for (const TensorInfo& info : infos) {
    // The mapping is read-only; Tensor has no read-only twin, and nobody writes to the weights of a ModelFile.
    auto* data = const_cast<uint8_t*>(bytes.data()) + data_start + info.offset;
    content.tensors.push_back({info.name, Tensor(info.type, info.shape, data)});
  }
  return content;
}

}  // namespace ondol
