// A ModelFile that is another one with some metadata and tensors replaced, added or taken away.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "formats/model_file.h"

namespace ondol {

class OverlayFile final : public ModelFile {
 public:
  explicit OverlayFile(std::shared_ptr<const ModelFile> base)
      : path_("tiny.gguf"), base_(std::move(base)), metadata_(base_->metadata()), tensors_(base_->tensors()) {}

  const std::string& path() const override { return path_; }
  const std::vector<std::pair<std::string, MetaValue>>& metadata() const override { return metadata_; }
  const std::vector<TensorEntry>& tensors() const override { return tensors_; }

  void set(const std::string& key, MetaValue::Value value) {
    remove_key(key);
    metadata_.emplace_back(key, MetaValue{std::move(value)});
  }
  void remove_key(const std::string& key) {
    std::erase_if(metadata_, [&](const auto& entry) { return entry.first == key; });
  }
  void set(const std::string& name, Tensor tensor) {
    remove_tensor(name);
    tensors_.push_back({name, tensor});
  }
  void remove_tensor(const std::string& name) {
    std::erase_if(tensors_, [&](const TensorEntry& entry) { return entry.name == name; });
  }
  /// A tensor of the base. (Lookups in the overlay itself remember the first state that they see.)
  const Tensor& original(const std::string& name) const { return *base_->find_tensor(name); }
  /// Fills an F32 tensor of the base with copies of `value`.
  void fill(const std::string& name, float value) {
    OwnedTensor filled(DType::F32, original(name).shape());
    for (int64_t i = 0; i < filled.tensor.shape().elements(); ++i) filled.tensor.f32()[i] = value;
    set(name, filled.tensor);
    owned_.push_back(std::move(filled));
  }

 private:
  std::string path_;
  std::shared_ptr<const ModelFile> base_;
  std::vector<std::pair<std::string, MetaValue>> metadata_;
  std::vector<TensorEntry> tensors_;
  std::vector<OwnedTensor> owned_;
};

}  // namespace ondol
