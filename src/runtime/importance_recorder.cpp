#include "runtime/importance_recorder.h"

#include <algorithm>

#include <fmt/format.h>

#include "formats/gguf_writer.h"

namespace ondol {

ProductObserver ImportanceRecorder::observer() {
  return [this](const Tensor& weight, const Tensor& x) { observe(weight, x); };
}

void ImportanceRecorder::attach(const ModelFile& file) {
  entries_.clear();
  for (const TensorEntry& tensor : file.tensors()) {
    const Shape& shape = tensor.tensor.shape();
    if (shape.rank() < 2) continue;
    const int64_t n_matrices = shape.rank() >= 3 ? shape.rows() / shape[shape.rank() - 2] : 1;
    const uint8_t* begin = tensor.tensor.bytes();
    entries_.push_back({tensor.name, begin, begin + tensor.tensor.size_bytes(), shape.columns(), n_matrices, {}, {}});
  }
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
}

void ImportanceRecorder::observe(const Tensor& weight, const Tensor& x) {
  auto found = std::upper_bound(entries_.begin(), entries_.end(), weight.bytes(),
                                [](const uint8_t* data, const Entry& entry) { return data < entry.begin; });
  if (found == entries_.begin()) return;
  Entry& entry = *--found;
  // A weight that the loader copied or transposed is not in the file.
  if (weight.bytes() >= entry.end || weight.columns() != entry.n_columns) return;
  const auto columns = static_cast<size_t>(entry.n_columns);
  if (entry.sums.empty()) {
    entry.sums.assign(columns * static_cast<size_t>(entry.n_matrices), 0.0f);
    entry.counts.assign(static_cast<size_t>(entry.n_matrices), 0.0f);
  }
  const size_t matrix_bytes = static_cast<size_t>(entry.end - entry.begin) / static_cast<size_t>(entry.n_matrices);
  const size_t matrix = static_cast<size_t>(weight.bytes() - entry.begin) / matrix_bytes;
  float* sums = entry.sums.data() + matrix * columns;
  for (int64_t row = 0; row < x.rows(); ++row) {
    const float* values = x.f32(row);
    for (size_t i = 0; i < columns; ++i) sums[i] += values[i] * values[i];
  }
  entry.counts[matrix] += static_cast<float>(x.rows());
}

Result<void> ImportanceRecorder::record(Engine& engine, std::span<const TokenId> tokens, int context, int max_chunks,
                                        const EvaluationProgress& progress) {
  attach(engine.file());
  context_ = context;
  int total = static_cast<int>(tokens.size() / static_cast<size_t>(context));
  if (max_chunks >= 0) total = std::min(total, max_chunks);
  if (total == 0) {
    return Error(fmt::format("the text has {} tokens, fewer than one chunk of {}; give more text or a smaller --ctx",
                             tokens.size(), context));
  }
  for (n_chunks_ = 0; n_chunks_ < total;) {
    KvSequence sequence(engine.cache());
    const auto chunk =
        tokens.subspan(static_cast<size_t>(n_chunks_) * static_cast<size_t>(context), static_cast<size_t>(context));
    for (size_t done = 0; done < chunk.size();) {
      const size_t n = std::min(chunk.size() - done, static_cast<size_t>(engine.batch_rows()));
      ONDOL_TRY(sequence.append(static_cast<int>(n)));
      Batch batch;
      batch.tokens.assign(chunk.begin() + static_cast<long>(done), chunk.begin() + static_cast<long>(done + n));
      batch.slices.push_back({&sequence, 0, static_cast<int>(n), static_cast<int>(done)});
      batch.output_rows = {static_cast<int32_t>(n - 1)};
      engine.forward(batch);
      done += n;
    }
    ++n_chunks_;
    if (progress && !progress(n_chunks_, total)) return Error("stopped");
  }
  return {};
}

Result<void> ImportanceRecorder::write(const std::string& path, const std::string& dataset) const {
  std::vector<TensorEntry> tensors;
  for (const Entry& entry : entries_) {
    if (entry.sums.empty()) continue;
    // The writer only reads; a view of memory that may change is what Tensor offers.
    auto* sums = const_cast<float*>(entry.sums.data());
    auto* counts = const_cast<float*>(entry.counts.data());
    tensors.push_back({entry.name + ".in_sum2", Tensor(DType::F32, {entry.n_matrices, entry.n_columns}, sums)});
    tensors.push_back({entry.name + ".counts", Tensor(DType::F32, {entry.n_matrices, 1}, counts)});
  }
  std::vector<std::pair<std::string, MetaValue>> metadata;
  metadata.emplace_back("general.type", MetaValue{std::string("imatrix")});
  metadata.emplace_back("imatrix.datasets", MetaValue{MetaValue::Array(std::vector<std::string>{dataset})});
  metadata.emplace_back("imatrix.chunk_count", MetaValue{static_cast<uint32_t>(n_chunks_)});
  metadata.emplace_back("imatrix.chunk_size", MetaValue{static_cast<uint32_t>(context_)});
  return write_gguf(path, metadata, tensors);
}

}  // namespace ondol
