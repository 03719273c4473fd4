#include "formats/gguf_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <unordered_set>

#include <fmt/format.h>

#include "formats/gguf.h"

namespace ondol {
namespace {

constexpr std::string_view kExtension = ".gguf";
constexpr size_t kMaxParts = 65535;

template <typename T>
void put(std::string& out, T value) {
  if constexpr (std::is_same_v<T, bool>) {
    out += static_cast<char>(value ? 1 : 0);
  } else {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
}

void put(std::string& out, const std::string& text) {
  put(out, static_cast<uint64_t>(text.size()));
  out += text;
}

void put_value(std::string& out, const MetaValue& value) {
  std::visit(
      [&]<typename T>(const T& held) {
        put(out, gguf_value_id<T>());
        if constexpr (std::is_same_v<T, MetaValue::Array>) {
          std::visit(
              [&]<typename E>(const std::vector<E>& elements) {
                put(out, gguf_value_id<E>());
                put(out, static_cast<uint64_t>(elements.size()));
                for (const auto& element : elements) put(out, static_cast<const E&>(element));
              },
              held);
        } else {
          put(out, held);
        }
      },
      value.value);
}

uint64_t size_of(const TensorSpec& tensor) {
  return row_bytes(tensor.type, tensor.shape.columns()) * static_cast<uint64_t>(tensor.shape.rows());
}

/// Header, metadata and tensor list of one file, padded to where its data begins.
std::string make_header(const Metadata& metadata, std::span<const TensorSpec> tensors, uint64_t alignment) {
  std::string out(kGgufMagic);
  put(out, kGgufVersion);
  put(out, static_cast<uint64_t>(tensors.size()));
  put(out, static_cast<uint64_t>(metadata.size()));
  for (const auto& [key, value] : metadata) {
    put(out, key);
    put_value(out, value);
  }
  uint64_t offset = 0;
  for (const TensorSpec& tensor : tensors) {
    put(out, tensor.name);
    put(out, static_cast<uint32_t>(tensor.shape.rank()));
    for (int i = tensor.shape.rank() - 1; i >= 0; --i) put(out, static_cast<uint64_t>(tensor.shape[i]));
    put(out, static_cast<uint32_t>(tensor.type));
    put(out, offset);
    offset = align_up(offset + size_of(tensor), alignment);
  }
  out.resize(align_up(out.size(), alignment), '\0');
  return out;
}

Result<void> check_tensors(const std::vector<TensorSpec>& tensors) {
  std::unordered_set<std::string_view> seen;
  for (const TensorSpec& tensor : tensors) {
    const DTypeInfo& info = info_of(tensor.type);
    if (!seen.insert(tensor.name).second) return Error(fmt::format("tensor '{}' occurs twice", tensor.name));
    if (!is_gguf_type(tensor.type)) {
      return Error(fmt::format("tensor '{}': GGUF has no type {}", tensor.name, info.name));
    }
    if (tensor.shape.columns() % info.block_size != 0 || tensor.shape.elements() == 0) {
      return Error(fmt::format("tensor '{}': expected rows of a multiple of {} elements for {}, got {}", tensor.name,
                               info.block_size, info.name, to_string(tensor.shape)));
    }
  }
  return {};
}

Result<uint64_t> check_metadata(const Metadata& metadata) {
  std::unordered_set<std::string_view> seen;
  uint64_t alignment = kGgufDefaultAlignment;
  for (const auto& [key, value] : metadata) {
    if (!seen.insert(key).second) return Error(fmt::format("key '{}' occurs twice", key));
    if (key != kAlignmentKey) continue;
    const uint32_t* held = std::get_if<uint32_t>(&value.value);
    if (held == nullptr || *held < 8 || !std::has_single_bit(*held)) {
      return Error(fmt::format("key '{}': expected a power of two from 8", key));
    }
    alignment = *held;
  }
  return alignment;
}

/// The metadata of part `part` of `n_parts`: the model's in the first, and in each what says how they belong together.
Metadata part_metadata(const Metadata& metadata, size_t part, size_t n_parts, size_t n_tensors) {
  Metadata result;
  for (const auto& entry : metadata) {
    if (part == 0 || entry.first == kAlignmentKey) result.push_back(entry);
  }
  result.emplace_back(kSplitNumberKey, MetaValue{static_cast<uint16_t>(part)});
  result.emplace_back(kSplitCountKey, MetaValue{static_cast<uint16_t>(n_parts)});
  result.emplace_back(kSplitTensorsKey, MetaValue{static_cast<int32_t>(n_tensors)});
  return result;
}

/// How many tensors go into each part, so that no part is larger than `max_bytes` unless its only tensor is.
std::vector<size_t> plan_parts(const Metadata& metadata, std::span<const TensorSpec> tensors, uint64_t alignment,
                               uint64_t max_bytes) {
  if (max_bytes == 0 || tensors.empty()) return {tensors.size()};
  // The split.* values have fixed widths, so any numbers give the right header sizes.
  const auto empty_size = [&](size_t part) {
    return make_header(part_metadata(metadata, part, 1, 0), {}, alignment).size() + alignment;
  };
  const auto bytes_for = [&](const TensorSpec& tensor) {
    constexpr size_t kMostInfoBytes = 8 + 4 + 4 * 8 + 4 + 8;
    return tensor.name.size() + kMostInfoBytes + align_up(size_of(tensor), alignment);
  };
  std::vector<size_t> counts;
  uint64_t size = 0;
  for (const TensorSpec& tensor : tensors) {
    if (counts.empty() || size + bytes_for(tensor) > max_bytes) {
      size = empty_size(counts.size());
      counts.push_back(0);
    }
    ++counts.back();
    size += bytes_for(tensor);
  }
  return counts;
}

}  // namespace

Result<GgufWriter> GgufWriter::create(const std::string& path, const Metadata& metadata,
                                      std::vector<TensorSpec> tensors, const GgufWriteOptions& options) {
  GgufWriter writer;
  writer.alignment_ = ONDOL_TRY(check_metadata(metadata).in(path));
  ONDOL_TRY(check_tensors(tensors).in(path));
  writer.tensors_ = std::move(tensors);
  const auto counts = plan_parts(metadata, writer.tensors_, writer.alignment_, options.split_max_bytes);
  if (counts.size() > kMaxParts) return Error(fmt::format("{}: {} parts are too many", path, counts.size()));
  if (counts.size() > 1 && !path.ends_with(kExtension)) {
    return Error(fmt::format("{}: expected a name that ends in '{}' for a split model", path, kExtension));
  }
  size_t first = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const std::span<const TensorSpec> part_tensors(writer.tensors_.data() + first, counts[i]);
    Part part;
    part.n_tensors = counts[i];
    if (counts.size() == 1) {
      part.path = path;
      part.header = make_header(metadata, part_tensors, writer.alignment_);
    } else {
      part.path = split_file_name(path.substr(0, path.size() - kExtension.size()), static_cast<int>(i),
                                  static_cast<int>(counts.size()));
      part.header = make_header(part_metadata(metadata, i, counts.size(), writer.tensors_.size()), part_tensors,
                                writer.alignment_);
    }
    part.size_bytes = part.header.size();
    for (const TensorSpec& tensor : part_tensors) part.size_bytes += align_up(size_of(tensor), writer.alignment_);
    first += counts[i];
    writer.parts_.push_back(std::move(part));
  }
  if (!writer.tensors_.empty()) writer.bytes_left_in_tensor_ = size_of(writer.tensors_.front());
  ONDOL_TRY(writer.open_next_part());
  return writer;
}

Result<void> GgufWriter::open_next_part() {
  Part& part = parts_[files_.size()];
  files_.push_back(ONDOL_TRY(PartFile::create(part.path, part.size_bytes)));
  ONDOL_TRY(files_.back().append({reinterpret_cast<const uint8_t*>(part.header.data()), part.header.size()}));
  tensors_left_in_part_ = part.n_tensors;
  return {};
}

Result<void> GgufWriter::pad() {
  static constexpr std::array<uint8_t, 4096> kZeros{};
  const uint64_t written = files_.back().written_bytes();
  uint64_t missing = align_up(written, alignment_) - written;
  while (missing > 0) {
    const size_t n = std::min<size_t>(missing, kZeros.size());
    ONDOL_TRY(files_.back().append({kZeros.data(), n}));
    missing -= n;
  }
  return {};
}

Result<void> GgufWriter::append(std::span<const uint8_t> bytes) {
  ONDOL_CHECK(current_tensor_ < tensors_.size() && bytes.size() <= bytes_left_in_tensor_);
  if (tensors_left_in_part_ == 0) ONDOL_TRY(open_next_part());
  ONDOL_TRY(files_.back().append(bytes));
  bytes_left_in_tensor_ -= bytes.size();
  if (bytes_left_in_tensor_ > 0) return {};
  ONDOL_TRY(pad());
  ++current_tensor_;
  --tensors_left_in_part_;
  if (current_tensor_ < tensors_.size()) bytes_left_in_tensor_ = size_of(tensors_[current_tensor_]);
  return {};
}

Result<std::vector<std::string>> GgufWriter::finish() {
  ONDOL_CHECK(current_tensor_ == tensors_.size());
  std::vector<std::string> paths;
  // The first part last: without it nobody takes the others for a model.
  for (size_t i = files_.size(); i-- > 0;) {
    ONDOL_TRY(files_[i].publish());
    paths.insert(paths.begin(), files_[i].path());
  }
  return paths;
}

Result<void> write_gguf(const std::string& path, const Metadata& metadata, const std::vector<TensorEntry>& tensors,
                        const GgufWriteOptions& options) {
  std::vector<TensorSpec> specs;
  for (const TensorEntry& entry : tensors) specs.push_back({entry.name, entry.tensor.type(), entry.tensor.shape()});
  GgufWriter writer = ONDOL_TRY(GgufWriter::create(path, metadata, std::move(specs), options));
  for (const TensorEntry& entry : tensors) ONDOL_TRY(append_tensor(writer, entry.tensor));
  ONDOL_TRY(writer.finish());
  return {};
}

}  // namespace ondol
