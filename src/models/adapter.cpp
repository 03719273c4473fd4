#include "models/adapter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "base/files.h"
#include "models/adapter_parts.h"
#include "quant/format.h"

namespace ondol {
namespace {

constexpr size_t kMaxConfigBytes = size_t{1} << 20;

/// What layers multiply with through nn/linear.h. Experts and DeepSeek's latent heads go other ways.
constexpr std::array<std::string_view, 13> kAdaptable = {
    "attn_q",   "attn_k", "attn_v",   "attn_qkv",      "attn_output",  "attn_q_a", "attn_q_b",
    "ffn_gate", "ffn_up", "ffn_down", "attn_kv_a_mqa", "ffn_gate_inp", "output"};

bool is_adaptable(std::string_view stem) {
  const std::string_view kind = stem.substr(stem.rfind('.') + 1);
  return std::find(kAdaptable.begin(), kAdaptable.end(), kind) != kAdaptable.end();
}

Error at(std::string_view stem, std::string_view what) {
  return Error(fmt::format("weight '{}': {}", stem, what));
}

/// `part` as F32 with this number of rows and columns; 0 is any.
Result<OwnedTensor> to_f32(const Tensor& part, int64_t rows, int64_t columns, std::string_view stem) {
  const bool fits = part.shape().rank() <= 2 && (rows == 0 || part.rows() == rows) &&
                    (columns == 0 || part.columns() == columns) && part.shape().elements() > 0;
  if (!fits) {
    const auto wanted = [](int64_t n) { return n == 0 ? std::string("rank") : std::to_string(n); };
    return at(stem, fmt::format("expected a part of [{}, {}], got {}", wanted(rows), wanted(columns),
                                to_string(part.shape())));
  }
  if (!has_format(part.type())) return at(stem, "expected floating or quantised numbers");
  if (part.columns() % info_of(part.type()).block_size != 0) return at(stem, "expected rows of whole blocks");
  OwnedTensor out(DType::F32, {part.rows(), part.columns()});
  for (int64_t row = 0; row < part.rows(); ++row) {
    format_of(part.type()).decode(part.row_bytes(row), out.tensor.f32(row), part.columns());
  }
  return out;
}

Result<void> add(const AdapterPart& part, const Model& model, Adapter& adapter) {
  const auto matrix = model.matrices().find(part.stem);
  if (matrix == model.matrices().end()) return at(part.stem, "the model has no such weight");
  if (!is_adaptable(part.stem)) return at(part.stem, "adapters of this kind of weight are not supported");
  if (part.a.empty() || part.b.empty()) return at(part.stem, "expected two parts, A and B; one is missing");
  const Tensor& weight = matrix->second;
  const OwnedTensor a = ONDOL_TRY(to_f32(part.a, 0, weight.columns(), part.stem));
  OwnedTensor b = ONDOL_TRY(to_f32(part.b, weight.rows(), a.tensor.rows(), part.stem));
  OwnedTensor magnitude;
  if (!part.magnitude.empty()) {
    if (part.magnitude.shape().elements() != weight.rows()) {
      return at(part.stem,
                fmt::format("expected {} magnitudes, got {}", weight.rows(), to_string(part.magnitude.shape())));
    }
    magnitude = ONDOL_TRY(to_f32(part.magnitude.reshaped({weight.rows(), 1}), weight.rows(), 1, part.stem));
  }
  if (part.interleaved_heads > 0) {
    b = ONDOL_TRY(interleave_heads(b, part.interleaved_heads, part.stem));
    if (!part.magnitude.empty()) magnitude = ONDOL_TRY(interleave_heads(magnitude, part.interleaved_heads, part.stem));
  }
  const auto rank = static_cast<float>(a.tensor.rows());
  adapter.add(part.stem, weight, a.tensor, b.tensor, part.alpha / (part.root_of_rank ? std::sqrt(rank) : rank),
              magnitude.tensor);
  return {};
}

}  // namespace

Result<std::shared_ptr<const Adapter>> load_adapter(const std::string& path, const Model& model,
                                                    const ModelFile& base) {
  std::error_code code;
  std::vector<AdapterPart> parts;
  std::shared_ptr<const ModelFile> file;
  if (std::filesystem::is_directory(path, code)) {
    const std::string config = ONDOL_TRY(read_file(path + "/adapter_config.json", kMaxConfigBytes));
    file = ONDOL_TRY(open_safetensors(path + "/adapter_model.safetensors"));
    parts = ONDOL_TRY(peft_adapter_parts(config, *file, model, base).in(path));
  } else {
    file = ONDOL_TRY(open_gguf(path));
    parts = ONDOL_TRY(gguf_adapter_parts(*file, base).in(path));
  }
  if (parts.empty()) return Error(fmt::format("{}: expected the tensors of an adapter, found none", path));
  auto adapter = std::make_shared<Adapter>(std::filesystem::path(path).stem().string());
  for (const AdapterPart& part : parts) ONDOL_TRY(add(part, model, *adapter).in(path));
  return std::shared_ptr<const Adapter>(std::move(adapter));
}

}  // namespace ondol
