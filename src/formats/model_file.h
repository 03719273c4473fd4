// ModelFile: metadata and named tensors, whatever container they came from.
//
// The canonical form is GGUF's: metadata keys ("llama.block_count") and tensor names ("blk.0.attn_q.weight") are those
// of GGUF, and shapes are outermost first. A Hugging Face folder is brought into this form by models/ (which knows the
// names of each architecture); this folder only reads and writes containers.
#pragma once

#include <any>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"

namespace ondol {

/// One metadata value, with the width that the file gave it, so that writing it back changes nothing.
struct MetaValue {
  using Array =
      std::variant<std::vector<uint8_t>, std::vector<int8_t>, std::vector<uint16_t>, std::vector<int16_t>,
                   std::vector<uint32_t>, std::vector<int32_t>, std::vector<float>, std::vector<bool>,
                   std::vector<std::string>, std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>>;
  using Value = std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool, std::string, uint64_t,
                             int64_t, double, Array>;
  Value value;
};

/// Where a tensor's numbers are. The view stays valid as long as the ModelFile that gave it.
struct TensorEntry {
  std::string name;
  Tensor tensor;
};

/// A tensor that is still to be written.
struct TensorSpec {
  std::string name;
  DType type = DType::F32;
  Shape shape;
};

/// Metadata in the file's order of keys, which are unique.
using Metadata = std::vector<std::pair<std::string, MetaValue>>;

class ModelFile {
 public:
  virtual ~ModelFile() = default;

  /// What to call the file in messages.
  virtual const std::string& path() const = 0;

  /// Metadata in the file's order of keys.
  virtual const Metadata& metadata() const = 0;

  /// Tensors in the file's order. Names are unique; every tensor lies inside the file.
  virtual const std::vector<TensorEntry>& tensors() const = 0;

  /// Lookups by name; nullptr when absent.
  const MetaValue* find_meta(std::string_view key) const;
  const Tensor* find_tensor(std::string_view name) const;

  /// Typed lookups. Integers convert between widths when the value fits; "absent" and "wrong type" are errors that name
  /// file and key.
  Result<int64_t> meta_int(std::string_view key) const;
  Result<double> meta_double(std::string_view key) const;
  Result<std::string> meta_string(std::string_view key) const;
  Result<std::vector<int64_t>> meta_ints(std::string_view key) const;  // a single integer gives one element
  Result<std::vector<float>> meta_floats(std::string_view key) const;

  /// As above, but `fallback` when absent (a wrong type is still an error).
  Result<int64_t> meta_int_or(std::string_view key, int64_t fallback) const;
  Result<double> meta_double_or(std::string_view key, double fallback) const;
  Result<bool> meta_bool_or(std::string_view key, bool fallback) const;
  Result<std::string> meta_string_or(std::string_view key, std::string_view fallback) const;

 private:
  mutable std::map<std::string, size_t, std::less<>> meta_index_;  // filled on first lookup; not thread-safe to fill
  mutable std::map<std::string, size_t, std::less<>> tensor_index_;
};

/// A ModelFile put together from parts: what the readers return, and what renames or converts the tensors of another.
class AssembledModelFile final : public ModelFile {
 public:
  /// `owners` are whatever keeps the memory of `tensors` alive: MappedFile, Buffer, shared_ptr.
  AssembledModelFile(std::string path, Metadata metadata, std::vector<TensorEntry> tensors,
                     std::vector<std::any> owners)
      : path_(std::move(path)),
        metadata_(std::move(metadata)),
        tensors_(std::move(tensors)),
        owners_(std::move(owners)) {}

  const std::string& path() const override { return path_; }
  const Metadata& metadata() const override { return metadata_; }
  const std::vector<TensorEntry>& tensors() const override { return tensors_; }

 private:
  std::string path_;
  Metadata metadata_;
  std::vector<TensorEntry> tensors_;
  std::vector<std::any> owners_;
};

/// Opens a GGUF file (or the first part of a split one), a .safetensors file, a sharded index or a folder.
/// Safetensors carry no metadata beyond strings; `models/hugging_face.h` turns a folder into the canonical form.
Result<std::shared_ptr<const ModelFile>> open_gguf(const std::string& path);
Result<std::shared_ptr<const ModelFile>> open_safetensors(const std::string& path);

}  // namespace ondol
