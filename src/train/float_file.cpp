#include "train/float_file.h"

#include <fmt/format.h>

#include "quant/format.h"

namespace ondol::train {

Result<std::shared_ptr<const ModelFile>> in_floats(const ModelFile& file) {
  std::vector<TensorEntry> tensors;
  std::vector<std::any> owners;
  for (const TensorEntry& entry : file.tensors()) {
    if (!has_format(entry.tensor.type())) {
      return Error(fmt::format("{}: tensor '{}': expected floats or quantised floats, got {}", file.path(), entry.name,
                               info_of(entry.tensor.type()).name));
    }
    OwnedTensor owned(DType::F32, entry.tensor.shape());
    const QuantFormat& format = format_of(entry.tensor.type());
    for (int64_t row = 0; row < entry.tensor.rows(); ++row) {
      format.decode(entry.tensor.row_bytes(row), owned.tensor.f32(row), entry.tensor.columns());
    }
    tensors.push_back({entry.name, owned.tensor});
    owners.emplace_back(std::move(owned.buffer));
  }
  return std::shared_ptr<const ModelFile>(
      std::make_shared<AssembledModelFile>(file.path(), file.metadata(), std::move(tensors), std::move(owners)));
}

void add_all(const ModelFile& file, Parameters& parameters) {
  for (const TensorEntry& entry : file.tensors()) {
    if (!entry.name.starts_with("rope_")) parameters.add(entry.name, entry.tensor);
  }
}

}  // namespace ondol::train
