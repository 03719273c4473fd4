#include "formats/imatrix.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/files.h"
#include "formats/byte_cursor.h"
#include "formats/gguf.h"
#include "formats/gguf_reader.h"

namespace ondol {
namespace {

constexpr std::string_view kSumsEnding = ".in_sum2";
constexpr std::string_view kCountsEnding = ".counts";
constexpr size_t kMinEntryBytes = 12;  // lengths of name and values, number of calls

Result<void> check_values(std::string_view name, std::span<const float> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i]) && values[i] >= 0) continue;
    return Error(fmt::format("'{}': column {}: expected a number from 0, got {}", name, i, values[i]));
  }
  return {};
}

/// One entry of the older kind: the values are sums over `calls`.
Result<void> read_entry(ByteCursor& cursor, ImportanceMatrix& result) {
  const size_t at = cursor.offset();
  const size_t name_bytes = ONDOL_TRY(cursor.read_count<int32_t>("length of the name", 1));
  const auto raw_name = ONDOL_TRY(cursor.take(name_bytes, "name"));
  const std::string name(raw_name.begin(), raw_name.end());
  const auto calls = ONDOL_TRY(cursor.read<int32_t>("number of calls"));
  const size_t n_values = ONDOL_TRY(cursor.read_count<int32_t>("number of values", sizeof(float)));
  const auto raw_values = ONDOL_TRY(cursor.take(n_values * sizeof(float), "values"));
  std::vector<float> values(n_values);
  if (n_values > 0) std::memcpy(values.data(), raw_values.data(), raw_values.size());
  if (calls > 0) {
    for (float& value : values) value /= static_cast<float>(calls);
  }
  ONDOL_TRY(check_values(name, values));
  if (!result.columns.emplace(name, std::move(values)).second) {
    return Error(fmt::format("byte {}: '{}' occurs twice", at, name));
  }
  return {};
}

Result<ImportanceMatrix> parse_older_kind(std::span<const uint8_t> bytes) {
  ByteCursor cursor(bytes);
  ImportanceMatrix result;
  const size_t n_entries = ONDOL_TRY(cursor.read_count<int32_t>("number of entries", kMinEntryBytes));
  if (n_entries == 0) return Error("byte 0: expected at least one entry, got none");
  for (size_t i = 0; i < n_entries; ++i) {
    ONDOL_TRY(read_entry(cursor, result).in(fmt::format("entry {} of {}", i + 1, n_entries)));
  }
  return result;  // what may follow, the name of the text that was used, is of no use here
}

/// The means of one weight: sums divided by how many tokens each matrix of a stack saw.
Result<std::vector<float>> mean_squares(std::string_view name, const Tensor& sums, const Tensor* counts) {
  const bool fits = counts != nullptr && sums.type() == DType::F32 && counts->type() == DType::F32 &&
                    counts->shape().elements() == sums.rows();
  if (!fits) {
    return Error(fmt::format("'{}': expected F32 sums {} with a count for each row, got {}", name,
                             to_string(sums.shape()), counts == nullptr ? "none" : to_string(counts->shape())));
  }
  std::vector<float> means;
  means.reserve(static_cast<size_t>(sums.shape().elements()));
  const float* count = counts->f32();
  for (int64_t row = 0; row < sums.rows(); ++row) {
    const float* sum = sums.f32(row);
    for (int64_t i = 0; i < sums.columns(); ++i) means.push_back(count[row] > 0 ? sum[i] / count[row] : 1.0F);
  }
  ONDOL_TRY(check_values(name, means));
  return means;
}

Result<ImportanceMatrix> from_gguf(const ModelFile& file) {
  ImportanceMatrix result;
  for (const TensorEntry& entry : file.tensors()) {
    if (!entry.name.ends_with(kSumsEnding)) continue;
    const std::string name = entry.name.substr(0, entry.name.size() - kSumsEnding.size());
    const Tensor* counts = file.find_tensor(name + std::string(kCountsEnding));
    result.columns[name] = ONDOL_TRY(mean_squares(name, entry.tensor, counts));
  }
  if (result.columns.empty())
    return Error("expected tensors that end in '.in_sum2', got none; this is no importance matrix");
  return result;
}

}  // namespace

Result<ImportanceMatrix> parse_importance(std::span<const uint8_t> bytes) {
  const bool is_gguf =
      bytes.size() >= kGgufMagic.size() && std::equal(kGgufMagic.begin(), kGgufMagic.end(), bytes.begin());
  if (!is_gguf) return parse_older_kind(bytes);
  GgufContent content = ONDOL_TRY(parse_gguf(bytes));
  return from_gguf(AssembledModelFile("", std::move(content.metadata), std::move(content.tensors), {}));
}

Result<ImportanceMatrix> load_importance(const std::string& path) {
  const MappedFile mapping = ONDOL_TRY(MappedFile::open(path));
  return parse_importance(mapping.bytes()).in(path);
}

}  // namespace ondol
