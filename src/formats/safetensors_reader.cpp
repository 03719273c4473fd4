#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "formats/byte_cursor.h"
#include "formats/safetensors.h"
#include "formats/unique_keys.h"

namespace ondol {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the reference implementation
constexpr std::string_view kMetadataKey = "__metadata__";

/// Element types under the names that safetensors gives them.
std::optional<DType> dtype_of(std::string_view name) {
  if (name == "BOOL") return DType::U8;
  for (const DType type : {DType::F64, DType::F32, DType::F16, DType::BF16, DType::F8_E4M3, DType::I64, DType::I32,
                           DType::I16, DType::I8, DType::U8}) {
    if (info_of(type).name == name) return type;
  }
  return std::nullopt;
}

/// One entry of the header. Offsets count from the end of the header.
struct Entry {
  std::string name;
  DType type = DType::F32;
  Shape shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

std::optional<uint64_t> unsigned_number(const json::value& value) {
  const int64_t* number = value.if_int64();
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

Result<Shape> read_shape(const json::value& object) {
  const json::value* member = find_member(object, "shape");
  if (member == nullptr || !member->is_array()) return Error("expected a \"shape\" that is a list");
  std::array<int64_t, Shape::kMaxRank> dims{};
  size_t rank = 0;
  int64_t elements = 1;
  for (const json::value& item : member->get_array()) {
    const auto dim = unsigned_number(item);
    const bool fits = dim && (elements == 0 || *dim <= static_cast<uint64_t>(INT64_MAX / elements));
    if (!fits) return Error(fmt::format("shape: {} is no possible dimension", json::serialize(item)));
    const auto n = static_cast<int64_t>(*dim);
    elements *= n;
    if (rank < dims.size()) {
      dims[rank++] = n;
    } else if (dims.back() != 0 && n > INT64_MAX / dims.back()) {
      return Error("shape: too large");
    } else {
      dims.back() *= n;
    }
  }
  return Shape(std::span<const int64_t>(dims.data(), rank));
}

Result<Entry> read_entry(std::string_view name, const json::value& object) {
  Entry entry;
  entry.name = std::string(name);
  const std::string type_name = string_or(object, "dtype", "");
  const auto type = dtype_of(type_name);
  if (!type) {
    return Error(
        fmt::format("expected a dtype of F64, F32, F16, BF16, F8_E4M3, I64, I32, I16, I8, U8 or BOOL, got "
                    "'{}'",
                    type_name));
  }
  entry.type = *type;
  entry.shape = ONDOL_TRY(read_shape(object));
  const json::value* offsets = find_member(object, "data_offsets");
  if (offsets == nullptr || !offsets->is_array() || offsets->get_array().size() != 2) {
    return Error("expected \"data_offsets\": [begin, end]");
  }
  const auto begin = unsigned_number(offsets->get_array()[0]);
  const auto end = unsigned_number(offsets->get_array()[1]);
  if (!begin || !end || *begin > *end) {
    return Error(fmt::format("data_offsets: {} is no range", json::serialize(*offsets)));
  }
  entry.begin = *begin;
  entry.end = *end;
  const auto element_bytes = static_cast<uint64_t>(info_of(entry.type).block_bytes);
  const auto elements = static_cast<uint64_t>(entry.shape.elements());
  if (elements > INT64_MAX / element_bytes || elements * element_bytes != entry.end - entry.begin) {
    return Error(fmt::format("expected {} elements of {} bytes for {}, got data_offsets {}", elements, element_bytes,
                             to_string(entry.shape), json::serialize(*offsets)));
  }
  return entry;
}

Result<Metadata> read_metadata(const json::value& value) {
  if (!value.is_object()) return Error("expected an object of strings");
  Metadata metadata;
  for (const auto& [key, text] : value.get_object()) {
    if (!text.is_string()) return Error(fmt::format("'{}': expected a string", std::string_view(key)));
    metadata.emplace_back(std::string(key), MetaValue{std::string(text.get_string())});
  }
  return metadata;
}

/// The tensors must fill the data without overlap and gap, as the specification demands.
Result<void> check_places(const std::vector<Entry>& entries, uint64_t data_bytes) {
  std::vector<const Entry*> by_offset;
  by_offset.reserve(entries.size());
  for (const Entry& entry : entries) by_offset.push_back(&entry);
  std::sort(by_offset.begin(), by_offset.end(),
            [](const Entry* a, const Entry* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
  uint64_t end = 0;
  for (const Entry* entry : by_offset) {
    if (entry->begin != end) {
      return Error(fmt::format("tensor '{}': expected its data at {}, got {}; the tensors {}", entry->name, end,
                               entry->begin, entry->begin < end ? "overlap" : "leave a gap"));
    }
    end = entry->end;
  }
  if (end == data_bytes) return {};
  if (end < data_bytes) return Error(fmt::format("{} bytes after the last tensor belong to none", data_bytes - end));
  return Error(
      fmt::format("expected {} bytes of data, got {}; the file is cut, {} bytes are missing: download it again", end,
                  data_bytes, end - data_bytes));
}

/// The header's text. Its length comes first.
Result<std::string_view> read_header(ByteCursor& cursor) {
  const auto length = ONDOL_TRY(cursor.read<uint64_t>("length of the header"));
  if (length > kMaxHeaderBytes) {
    return Error(fmt::format("byte 0: expected a header of at most {} bytes, got {}; this is no safetensors file",
                             kMaxHeaderBytes, length));
  }
  const auto header = ONDOL_TRY(cursor.take(length, "header"));
  if (header.empty() || header[0] != '{') return Error("byte 8: expected '{'; this is no safetensors file");
  return std::string_view(reinterpret_cast<const char*>(header.data()), header.size());
}

void add_tensor(const Entry& entry, std::span<const uint8_t> data, SafetensorsContent& content) {
  // The mapping is read-only; Tensor has no read-only twin, and nobody writes to the weights of a ModelFile.
  auto* place = const_cast<uint8_t*>(data.data()) + entry.begin;
  const size_t alignment = static_cast<size_t>(info_of(entry.type).block_bytes);
  if (entry.end > entry.begin && reinterpret_cast<uintptr_t>(place) % alignment != 0) {
    const Buffer copy(entry.end - entry.begin);
    std::memcpy(copy.data(), place, copy.size_bytes());
    place = copy.data();
    content.owners.emplace_back(copy);
  }
  content.tensors.push_back({entry.name, Tensor(entry.type, entry.shape, place)});
}

}  // namespace

Result<SafetensorsContent> parse_safetensors(std::span<const uint8_t> bytes) {
  ByteCursor cursor(bytes);
  const std::string_view text = ONDOL_TRY(read_header(cursor));
  ONDOL_TRY(check_unique_json_keys(text).in("header"));
  const json::value header = ONDOL_TRY(parse_json(text).in("header"));
  const auto data = bytes.subspan(cursor.offset());
  SafetensorsContent content;
  std::vector<Entry> entries;
  for (const auto& [key, value] : header.as_object()) {
    const std::string_view name = key;
    if (name == kMetadataKey) {
      content.metadata = ONDOL_TRY(read_metadata(value).in(std::string(kMetadataKey)));
    } else {
      entries.push_back(ONDOL_TRY(read_entry(name, value).in(fmt::format("tensor '{}'", name))));
    }
  }
  ONDOL_TRY(check_places(entries, data.size()));
  content.tensors.reserve(entries.size());
  for (const Entry& entry : entries) add_tensor(entry, data, content);
  return content;
}

Result<std::map<std::string, std::string>> parse_safetensors_index(std::string_view text) {
  ONDOL_TRY(check_unique_json_keys(text));
  const json::value index = ONDOL_TRY(parse_json(text));
  const json::value* weights = find_member(index, "weight_map");
  if (weights == nullptr || !weights->is_object()) return Error("expected an object \"weight_map\"");
  std::map<std::string, std::string> files;
  for (const auto& [key, value] : weights->get_object()) {
    const std::string file = value.is_string() ? std::string(value.get_string()) : "";
    // A file somewhere else would let an index read what its owner did not mean to open.
    if (!file.ends_with(".safetensors") || file.find('/') != std::string::npos ||
        file.find('\0') != std::string::npos) {
      return Error(fmt::format("weight_map: '{}': expected the name of a .safetensors file beside the index, got {}",
                               std::string_view(key), json::serialize(value)));
    }
    files.emplace(std::string(key), file);
  }
  return files;
}

}  // namespace ondol
