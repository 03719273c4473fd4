#include "formats/quantize.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "formats/gguf_writer.h"
#include "quant/format.h"

namespace ondol {
namespace {

constexpr int64_t kChunkElements = int64_t{1} << 22;  // per piece; the output of one fits into 16 MB
constexpr int64_t kGrainElements = 1 << 14;           // that one thread takes at a time
constexpr int64_t kMostColumns = int64_t{1} << 24;    // far above any model; bounds the memory of each thread
constexpr uint32_t kQuantizationVersion = 2;          // of the block layouts; all of today's files have it

bool is_block_type(DType type) {
  return info_of(type).block_size > 1;
}

/// The importance of the columns of a tensor: one row for all its rows, or one for each matrix of a stack.
struct ColumnImportance {
  const float* values = nullptr;
  int64_t rows_per_matrix = 0;  // 0: one row for all
  int64_t columns = 0;

  const float* of_row(int64_t row) const {
    if (values == nullptr || rows_per_matrix == 0) return values;
    return values + row / rows_per_matrix * columns;
  }
};

Result<ColumnImportance> importance_of(const TensorEntry& entry, const ImportanceMatrix* importance) {
  ColumnImportance result;
  if (importance == nullptr) return result;
  const auto found = importance->columns.find(entry.name);
  if (found == importance->columns.end()) return result;
  const Shape& shape = entry.tensor.shape();
  const auto n_values = static_cast<int64_t>(found->second.size());
  const int64_t n_matrices = shape.rank() < 3 ? 1 : shape.rows() / shape[shape.rank() - 2];
  result.values = found->second.data();
  result.columns = shape.columns();
  if (n_values == shape.columns()) return result;
  if (n_values == shape.columns() * n_matrices) {
    result.rows_per_matrix = shape[shape.rank() - 2];
    return result;
  }
  return Error(fmt::format("tensor '{}': the importance matrix has {} values for {}; it was made from another model",
                           entry.name, n_values, to_string(shape)));
}

/// Converts the rows of tensors, with the memory that this takes.
class RowConverter {
 public:
  RowConverter(ThreadPool& threads, int64_t most_columns)
      : threads_(threads), scratch_(static_cast<size_t>(threads.size())) {
    for (auto& rows : scratch_) rows.resize(static_cast<size_t>(2 * most_columns));
  }

  /// Converts rows [first, first + n) of `tensor`; the result stays valid until the next call. Adds the squared errors
  /// of the rows, in their order, to `squared_error`. Errors: numbers that are not finite before or after.
  Result<std::span<const uint8_t>> convert(const Tensor& tensor, DType to, const ColumnImportance& importance,
                                           int64_t first, int64_t n, double& squared_error) {
    const size_t out_row_bytes = row_bytes(to, tensor.columns());
    out_.resize(out_row_bytes * static_cast<size_t>(n));
    row_errors_.resize(static_cast<size_t>(n));
    const int64_t grain = std::max<int64_t>(1, kGrainElements / tensor.columns());
    threads_.run(n, grain, [&](int64_t begin, int64_t end, int thread) {
      for (int64_t i = begin; i < end; ++i) {
        const auto slot = static_cast<size_t>(i);
        row_errors_[slot] = convert_row(tensor, first + i, to, importance.of_row(first + i),
                                        out_.data() + slot * out_row_bytes, scratch_[static_cast<size_t>(thread)]);
      }
    });
    for (int64_t i = 0; i < n; ++i) {
      const double error = row_errors_[static_cast<size_t>(i)];
      if (!std::isfinite(error)) {
        return Error(
            fmt::format("row {}: has numbers that are not finite, or too large for {}", first + i, info_of(to).name));
      }
      squared_error += error;
    }
    return std::span<const uint8_t>(out_);
  }

 private:
  /// Returns the squared error of the row; not finite if any number before or after is not.
  static double convert_row(const Tensor& tensor, int64_t row, DType to, const float* importance, uint8_t* out,
                            std::vector<float>& scratch) {
    const int64_t n = tensor.columns();
    float* values = scratch.data();
    float* restored = values + n;
    format_of(tensor.type()).decode(tensor.row_bytes(row), values, n);
    format_of(to).encode(values, importance, out, n);
    format_of(to).decode(out, restored, n);
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double difference = static_cast<double>(values[i]) - static_cast<double>(restored[i]);
      sum += difference * difference;
    }
    return sum;
  }

  ThreadPool& threads_;
  std::vector<std::vector<float>> scratch_;  // of each thread: a row, and what became of it
  std::vector<uint8_t> out_;
  std::vector<double> row_errors_;
};

/// One run of quantize_file.
class Quantizer {
 public:
  Quantizer(const ModelFile& file, const QuantizeOptions& options, const QuantizePlan& plan, RowConverter& converter,
            const std::function<void(const QuantizeProgress&)>& progress, const std::atomic<bool>* cancel)
      : file_(file), options_(options), plan_(plan), converter_(converter), progress_(progress), cancel_(cancel) {
    for (const TensorEntry& entry : file.tensors()) total_bytes_ += entry.tensor.size_bytes();
  }

  Result<QuantizedTensor> write_tensor(size_t index, GgufWriter& writer) {
    const TensorEntry& entry = file_.tensors()[index];
    const Tensor& tensor = entry.tensor;
    QuantizedTensor report{entry.name, tensor.type(), plan_.types[index], tensor.size_bytes()};
    report.to_bytes = row_bytes(report.to, tensor.columns()) * static_cast<uint64_t>(tensor.rows());
    const bool is_copy = report.from == report.to;
    ColumnImportance importance;
    if (!is_copy) importance = ONDOL_TRY(importance_of(entry, options_.importance));
    report.has_importance = importance.values != nullptr;
    const int64_t chunk_rows = std::max<int64_t>(1, kChunkElements / std::max<int64_t>(tensor.columns(), 1));
    double squared_error = 0;
    for (int64_t row = 0; row < tensor.rows(); row += chunk_rows) {
      if (cancel_ != nullptr && cancel_->load()) return Error("cancelled");
      const int64_t n = std::min(chunk_rows, tensor.rows() - row);
      if (is_copy) {
        ONDOL_TRY(append_tensor(writer, tensor.slice_rows(row, n)));
      } else {
        const auto converted = converter_.convert(tensor, report.to, importance, row, n, squared_error);
        if (!converted) return converted.error().in(fmt::format("tensor '{}'", entry.name));
        ONDOL_TRY(writer.append(*converted));
      }
      done_bytes_ += row_bytes(tensor.type(), tensor.columns()) * static_cast<uint64_t>(n);
      if (progress_) progress_({entry.name, index, file_.tensors().size(), done_bytes_, total_bytes_});
    }
    report.rmse = std::sqrt(squared_error / static_cast<double>(tensor.shape().elements()));
    return report;
  }

 private:
  const ModelFile& file_;
  const QuantizeOptions& options_;
  const QuantizePlan& plan_;
  RowConverter& converter_;
  const std::function<void(const QuantizeProgress&)>& progress_;
  const std::atomic<bool>* cancel_;
  uint64_t done_bytes_ = 0;
  uint64_t total_bytes_ = 0;
};

/// The columns of the widest tensor that is converted. Errors: what must not or cannot be converted.
Result<int64_t> check_conversions(const ModelFile& file, const QuantizePlan& plan, bool allow_requantize) {
  int64_t most_columns = 0;
  for (size_t i = 0; i < file.tensors().size(); ++i) {
    const auto& [name, tensor] = file.tensors()[i];
    if (tensor.type() == plan.types[i]) continue;
    most_columns = std::max(most_columns, tensor.columns());
    if (tensor.columns() > kMostColumns) {
      return Error(fmt::format("{}: tensor '{}': expected rows of at most {} numbers, got {}", file.path(), name,
                               kMostColumns, tensor.columns()));
    }
    if (!is_block_type(tensor.type()) || allow_requantize) continue;
    return Error(
        fmt::format("{}: tensor '{}' is quantised already ({}), which loses quality twice; start from an F16, "
                    "BF16 or F32 file, or allow requantising",
                    file.path(), name, info_of(tensor.type()).name));
  }
  return most_columns;
}

std::vector<TensorSpec> planned_tensors(const ModelFile& file, const QuantizePlan& plan) {
  std::vector<TensorSpec> specs;
  for (size_t i = 0; i < file.tensors().size(); ++i) {
    specs.push_back({file.tensors()[i].name, plan.types[i], file.tensors()[i].tensor.shape()});
  }
  return specs;
}

}  // namespace

Result<QuantizeReport> quantize_file(const ModelFile& file, const std::string& out_path, const QuantizeOptions& options,
                                     ThreadPool& threads, const std::function<void(const QuantizeProgress&)>& progress,
                                     const std::atomic<bool>* cancel) {
  QuantizePlanOptions plan_options = options.plan;
  plan_options.has_importance = options.importance != nullptr;
  const QuantizePlan plan = ONDOL_TRY(plan_quantization(file, plan_options).in(file.path()));
  const int64_t most_columns = ONDOL_TRY(check_conversions(file, plan, options.allow_requantize));
  Metadata metadata = file.metadata();
  set_metadata(metadata, {"general.quantization_version", MetaValue{kQuantizationVersion}});
  set_metadata(metadata, {"general.file_type", MetaValue{plan.file_type_id}});
  for (const MetadataOverride& change : options.metadata) set_metadata(metadata, change);
  GgufWriter writer = ONDOL_TRY(GgufWriter::create(out_path, metadata, planned_tensors(file, plan),
                                                   {.split_max_bytes = options.split_max_bytes}));
  RowConverter converter(threads, most_columns);
  Quantizer quantizer(file, options, plan, converter, progress, cancel);
  QuantizeReport report;
  report.file_type = plan.file_type;
  report.notes = plan.notes;
  for (size_t i = 0; i < file.tensors().size(); ++i) {
    report.tensors.push_back(ONDOL_TRY(quantizer.write_tensor(i, writer).in(file.path())));
    report.from_bytes += report.tensors.back().from_bytes;
    report.to_bytes += report.tensors.back().to_bytes;
  }
  report.paths = ONDOL_TRY(writer.finish());
  return report;
}

}  // namespace ondol
