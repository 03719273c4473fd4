#include "models/merge.h"

#include <fmt/format.h>

#include "formats/gguf_writer.h"
#include "quant/format.h"

namespace ondol {
namespace {

OwnedTensor merge(const Tensor& matrix, const LowRank& parts, ThreadPool& threads) {
  OwnedTensor merged(DType::F32, matrix.shape());
  threads.run(matrix.rows(), 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t h = begin; h < end; ++h) {
      float* row = merged.tensor.f32(h);
      format_of(matrix.type()).decode(matrix.row_bytes(h), row, matrix.columns());
      for (int64_t r = 0; r < parts.a.rows(); ++r) {
        const float factor = parts.b.f32(h)[r];
        const float* direction = parts.a.f32(r);
        for (int64_t c = 0; c < matrix.columns(); ++c) row[c] += factor * direction[c];
      }
      if (parts.stretch.empty()) continue;
      for (int64_t c = 0; c < matrix.columns(); ++c) row[c] *= parts.stretch.f32()[h];
    }
  });
  return merged;
}

/// Rows of floats in another type.
std::vector<uint8_t> encoded(const Tensor& floats, DType type, ThreadPool& threads) {
  const size_t n_bytes = row_bytes(type, floats.columns());
  std::vector<uint8_t> bytes(n_bytes * static_cast<size_t>(floats.rows()));
  threads.run(floats.rows(), 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      format_of(type).encode(floats.f32(row), nullptr, bytes.data() + n_bytes * static_cast<size_t>(row),
                             floats.columns());
    }
  });
  return bytes;
}

}  // namespace

Result<std::shared_ptr<const ModelFile>> merge_adapter(std::shared_ptr<const ModelFile> file, const Model& model,
                                                       const Adapter& adapter, ThreadPool& threads) {
  std::vector<TensorEntry> tensors;
  std::vector<std::any> owners;
  size_t n_merged = 0;
  for (const TensorEntry& entry : file->tensors()) {
    TensorEntry& made = tensors.emplace_back(entry);
    constexpr std::string_view kEnd = ".weight";
    if (!entry.name.ends_with(kEnd)) continue;
    const auto matrix = model.matrices().find(std::string_view(entry.name).substr(0, entry.name.size() - kEnd.size()));
    if (matrix == model.matrices().end()) continue;
    const auto parts = adapter.find(matrix->second);
    if (!parts) continue;
    OwnedTensor merged = merge(matrix->second, *parts, threads);
    made.tensor = merged.tensor;
    owners.emplace_back(std::move(merged.buffer));
    ++n_merged;
  }
  if (n_merged == 0) return Error("the adapter adds to none of the model's tensors");
  owners.emplace_back(file);
  return std::shared_ptr<const ModelFile>(
      std::make_shared<AssembledModelFile>(file->path(), file->metadata(), std::move(tensors), std::move(owners)));
}

Result<void> write_in_types_of(const ModelFile& before, const ModelFile& merged, const std::string& path,
                               ThreadPool& threads) {
  std::vector<TensorSpec> specs;
  for (const TensorEntry& entry : merged.tensors()) {
    const Tensor* old = before.find_tensor(entry.name);
    ONDOL_CHECK(old != nullptr);
    const bool is_new = old->type() != entry.tensor.type();
    if (is_new && format_of(old->type()).encode == nullptr) {
      return Error(fmt::format("tensor '{}': {} cannot be written; give another type with --type", entry.name,
                               info_of(old->type()).name));
    }
    specs.push_back({entry.name, old->type(), entry.tensor.shape()});
  }
  GgufWriter writer = ONDOL_TRY(GgufWriter::create(path, merged.metadata(), specs));
  for (const TensorEntry& entry : merged.tensors()) {
    const DType type = before.find_tensor(entry.name)->type();
    if (type == entry.tensor.type()) {
      ONDOL_TRY(append_tensor(writer, entry.tensor));
    } else {
      ONDOL_TRY(writer.append(encoded(entry.tensor, type, threads)));
    }
  }
  ONDOL_TRY(writer.finish());
  return {};
}

}  // namespace ondol
