#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "base/files.h"
#include "base/json.h"
#include "formats/safetensors.h"

namespace ondol {
namespace {

constexpr std::string_view kExtension = ".safetensors";
constexpr size_t kHeaderAlignment = 8;

uint64_t size_of(const TensorSpec& tensor) {
  return row_bytes(tensor.type, tensor.shape.columns()) * static_cast<uint64_t>(tensor.shape.rows());
}

Result<void> check_tensors(const std::vector<TensorSpec>& tensors) {
  std::unordered_set<std::string_view> seen;
  for (const TensorSpec& tensor : tensors) {
    const DTypeInfo& info = info_of(tensor.type);
    if (!seen.insert(tensor.name).second) return Error(fmt::format("tensor '{}' occurs twice", tensor.name));
    if (info.block_size != 1) {
      return Error(fmt::format("tensor '{}': safetensors have no type {}; decode it to F32, F16 or BF16 first",
                               tensor.name, info.name));
    }
  }
  return {};
}

Result<Metadata> complete_metadata(const Metadata& metadata) {
  Metadata result = metadata;
  bool has_format = false;
  for (const auto& [key, value] : metadata) {
    if (!std::holds_alternative<std::string>(value.value)) {
      return Error(fmt::format("metadata '{}': safetensors hold only strings", key));
    }
    has_format = has_format || key == "format";
  }
  if (!has_format) result.emplace_back("format", MetaValue{std::string("pt")});
  return result;
}

std::string make_header(const Metadata& metadata, std::span<const TensorSpec> tensors) {
  json::object header;
  json::object& strings = header["__metadata__"].emplace_object();
  for (const auto& [key, value] : metadata) strings[key] = std::get<std::string>(value.value);
  uint64_t offset = 0;
  for (const TensorSpec& tensor : tensors) {
    json::array shape;
    for (int i = 0; i < tensor.shape.rank(); ++i) shape.push_back(tensor.shape[i]);
    const uint64_t end = offset + size_of(tensor);
    const std::string_view type = info_of(tensor.type).name;
    header[tensor.name] = {{"dtype", type}, {"shape", shape}, {"data_offsets", json::array{offset, end}}};
    offset = end;
  }
  std::string text = json::serialize(header);
  text.resize((text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  const uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + text;
}

/// How many tensors go into each shard.
std::vector<size_t> plan_shards(const std::vector<TensorSpec>& tensors, uint64_t max_bytes) {
  if (max_bytes == 0 || tensors.empty()) return {tensors.size()};
  std::vector<size_t> counts;
  uint64_t size = 0;
  for (const TensorSpec& tensor : tensors) {
    if (counts.empty() || size + size_of(tensor) > max_bytes) {
      counts.push_back(0);
      size = 0;
    }
    ++counts.back();
    size += size_of(tensor);
  }
  return counts;
}

}  // namespace

Result<SafetensorsWriter> SafetensorsWriter::create(const std::string& path, const Metadata& metadata,
                                                    std::vector<TensorSpec> tensors,
                                                    const SafetensorsWriteOptions& options) {
  if (!path.ends_with(kExtension)) return Error(fmt::format("{}: expected a name that ends in '{}'", path, kExtension));
  ONDOL_TRY(check_tensors(tensors).in(path));
  const Metadata complete = ONDOL_TRY(complete_metadata(metadata).in(path));
  SafetensorsWriter writer;
  writer.path_ = path;
  writer.tensors_ = std::move(tensors);
  const auto counts = plan_shards(writer.tensors_, options.shard_max_bytes);
  const std::string stem = path.substr(0, path.size() - kExtension.size());
  size_t first = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const std::string name =
        counts.size() == 1 ? path : fmt::format("{}-{:05}-of-{:05}{}", stem, i + 1, counts.size(), kExtension);
    writer.add_shard(name, first, counts[i], complete);
    first += counts[i];
  }
  ONDOL_TRY(writer.open_next_shard());
  ONDOL_TRY(writer.advance());
  return writer;
}

void SafetensorsWriter::add_shard(std::string path, size_t first, size_t n_tensors, const Metadata& metadata) {
  const std::span<const TensorSpec> specs(tensors_.data() + first, n_tensors);
  Shard shard;
  shard.path = std::move(path);
  shard.header = make_header(metadata, specs);
  shard.n_tensors = n_tensors;
  shard.size_bytes = shard.header.size();
  for (const TensorSpec& spec : specs) shard.size_bytes += size_of(spec);
  shards_.push_back(std::move(shard));
}

Result<void> SafetensorsWriter::open_next_shard() {
  const Shard& shard = shards_[files_.size()];
  files_.push_back(ONDOL_TRY(PartFile::create(shard.path, shard.size_bytes)));
  tensors_left_in_shard_ = shard.n_tensors;
  return files_.back().append({reinterpret_cast<const uint8_t*>(shard.header.data()), shard.header.size()});
}

/// Makes the next tensor that has any bytes the current one, and its shard the open one.
Result<void> SafetensorsWriter::advance() {
  for (; current_tensor_ < tensors_.size(); ++current_tensor_) {
    if (tensors_left_in_shard_ == 0) ONDOL_TRY(open_next_shard());
    --tensors_left_in_shard_;
    bytes_left_in_tensor_ = size_of(tensors_[current_tensor_]);
    if (bytes_left_in_tensor_ > 0) break;
  }
  return {};
}

Result<void> SafetensorsWriter::append(std::span<const uint8_t> bytes) {
  if (bytes.empty()) return {};
  ONDOL_CHECK(current_tensor_ < tensors_.size() && bytes.size() <= bytes_left_in_tensor_);
  ONDOL_TRY(files_.back().append(bytes));
  bytes_left_in_tensor_ -= bytes.size();
  if (bytes_left_in_tensor_ > 0) return {};
  ++current_tensor_;
  return advance();
}

std::string SafetensorsWriter::index_json() const {
  json::object weight_map;
  uint64_t total = 0;
  size_t tensor = 0;
  for (const Shard& shard : shards_) {
    const std::string file = shard.path.substr(shard.path.rfind('/') + 1);
    for (size_t i = 0; i < shard.n_tensors; ++i, ++tensor) {
      weight_map[tensors_[tensor].name] = file;
      total += size_of(tensors_[tensor]);
    }
  }
  return json::serialize(json::object{{"metadata", {{"total_size", total}}}, {"weight_map", std::move(weight_map)}});
}

Result<void> SafetensorsWriter::finish() {
  ONDOL_CHECK(current_tensor_ == tensors_.size());
  for (PartFile& file : files_) ONDOL_TRY(file.publish());
  if (shards_.size() > 1) ONDOL_TRY(write_file_atomically(path_ + ".index.json", index_json()));
  return {};
}

Result<void> write_safetensors(const std::string& path, const Metadata& metadata,
                               const std::vector<TensorEntry>& tensors, const SafetensorsWriteOptions& options) {
  std::vector<TensorSpec> specs;
  for (const TensorEntry& entry : tensors) specs.push_back({entry.name, entry.tensor.type(), entry.tensor.shape()});
  SafetensorsWriter writer = ONDOL_TRY(SafetensorsWriter::create(path, metadata, std::move(specs), options));
  for (const TensorEntry& entry : tensors) ONDOL_TRY(append_tensor(writer, entry.tensor));
  return writer.finish();
}

}  // namespace ondol
