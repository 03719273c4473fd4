#include "models/hf_tensors.h"

#include <cstring>
#include <set>

#include <fmt/format.h>

#include "models/hf_copies.h"

namespace ondol {
namespace {

class Renamer {
 public:
  Renamer(const ModelFile& source, const HfArchitecture& architecture, int n_layers, int64_t first_position_row)
      : source_(source), architecture_(architecture), n_layers_(n_layers), first_position_row_(first_position_row) {}

  Result<CanonicalTensors> run() {
    for (const TensorEntry& entry : source_.tensors()) {
      ONDOL_TRY(add(entry).in(fmt::format("{}: tensor '{}'", source_.path(), entry.name)));
    }
    return std::move(result_);
  }

 private:
  Result<void> add(const TensorEntry& entry);
  Result<void> add_plain(const HfMatch& match, const Tensor& tensor);
  Result<void> add_gpt_oss(const HfMatch& match, const TensorEntry& entry);
  Result<void> put(std::string name, const Tensor& tensor);
  Result<void> put_copy(std::string name, OwnedTensor copy) {
    result_.owners.emplace_back(copy.buffer);
    return put(std::move(name), copy.tensor);
  }

  const ModelFile& source_;
  const HfArchitecture& architecture_;
  int n_layers_;
  int64_t first_position_row_;
  CanonicalTensors result_;
  std::set<std::string> names_;
};

/// Names inside the numbered layers of the text model; those of a vision tower begin with something else.
bool is_in_layer(std::string_view name) {
  for (const std::string_view start : {"layers.", "h.", "encoder.layer.", "encoder.layers.", "transformer.layer."}) {
    if (name.starts_with(start)) return true;
  }
  return false;
}

Result<void> Renamer::add(const TensorEntry& entry) {
  const std::string_view name = without_model_prefix(entry.name);
  const auto match = find_by_hf_name(architecture_, name);
  if (!match) {
    // Layers beyond the last one predict several tokens at once; they are not part of the model proper.
    int layer = -1;
    if (const size_t digits = name.find_first_of("0123456789"); digits != name.npos) {
      layer = std::atoi(std::string(name.substr(digits, 6)).c_str());
    }
    if (!is_in_layer(name) || layer >= n_layers_) return {};
    return Error(fmt::format("{} models have no such weight", architecture_.model_type));
  }
  if (match->parts.layer >= n_layers_) return {};
  switch (match->name->transform) {
    case HfTransform::kDrop:
    case HfTransform::kMxfp4Scales:
      return {};
    case HfTransform::kGptOssGateUp:
    case HfTransform::kGptOssDown:
    case HfTransform::kGptOssBias:
    case HfTransform::kMxfp4GateUp:
    case HfTransform::kMxfp4Down:
      return add_gpt_oss(*match, entry);
    default:
      return add_plain(*match, entry.tensor);
  }
}

Result<void> Renamer::add_plain(const HfMatch& match, const Tensor& tensor) {
  std::string name = fill_name(match.name->canonical, match.parts);
  switch (match.name->transform) {
    case HfTransform::kPlusOne: {
      OwnedTensor copy = ONDOL_TRY(to_f32(tensor));
      for (int64_t row = 0; row < copy.tensor.rows(); ++row) {
        for (int64_t i = 0; i < copy.tensor.columns(); ++i) copy.tensor.f32(row)[i] += 1.0f;
      }
      return put_copy(std::move(name), std::move(copy));
    }
    case HfTransform::kTranspose:
      return put_copy(std::move(name), ONDOL_TRY(transposed(tensor)));
    case HfTransform::kPositions: {
      if (tensor.shape().rank() != 2 || tensor.rows() <= first_position_row_) {
        return Error(fmt::format("expected more than {} rows, got {}", first_position_row_, to_string(tensor.shape())));
      }
      return put(std::move(name), tensor.slice_rows(first_position_row_, tensor.rows() - first_position_row_));
    }
    default:
      return put(std::move(name), tensor);
  }
}

Result<void> Renamer::add_gpt_oss(const HfMatch& match, const TensorEntry& entry) {
  const std::string stem = fmt::format("blk.{}.ffn_", match.parts.layer);
  const Tensor& tensor = entry.tensor;
  switch (match.name->transform) {
    case HfTransform::kGptOssGateUp:
      ONDOL_TRY(put_copy(stem + "gate_exps.weight", ONDOL_TRY(transposed_columns(tensor, 0, 2))));
      return put_copy(stem + "up_exps.weight", ONDOL_TRY(transposed_columns(tensor, 1, 2)));
    case HfTransform::kGptOssDown:
      return put_copy(stem + "down_exps.weight", ONDOL_TRY(transposed_columns(tensor, 0, 1)));
    case HfTransform::kGptOssBias:
      ONDOL_TRY(put_copy(stem + "gate_exps.bias", ONDOL_TRY(every_second_column(tensor, 0))));
      return put_copy(stem + "up_exps.bias", ONDOL_TRY(every_second_column(tensor, 1)));
    default:
      break;
  }
  std::string scales_name = entry.name;
  scales_name.replace(scales_name.size() - std::strlen("blocks"), std::string::npos, "scales");
  const Tensor* scales = source_.find_tensor(scales_name);
  if (scales == nullptr) return Error(fmt::format("there is no tensor '{}' to go with it", scales_name));
  if (match.name->transform == HfTransform::kMxfp4Down) {
    return put_copy(stem + "down_exps.weight", ONDOL_TRY(mxfp4_rows(tensor, *scales, 0, 1)));
  }
  ONDOL_TRY(put_copy(stem + "gate_exps.weight", ONDOL_TRY(mxfp4_rows(tensor, *scales, 0, 2))));
  return put_copy(stem + "up_exps.weight", ONDOL_TRY(mxfp4_rows(tensor, *scales, 1, 2)));
}

/// Vectors are F32 in the canonical form, and so is everything that is not the matrix of a product; F64 is not
/// computed with.
Result<void> Renamer::put(std::string name, const Tensor& tensor) {
  if (!names_.insert(name).second) return Error(fmt::format("a second tensor becomes '{}'", name));
  const bool small = tensor.shape().rank() < 2 || name.ends_with(".bias");
  if ((small && tensor.type() != DType::F32) || tensor.type() == DType::F64) {
    OwnedTensor copy = ONDOL_TRY(to_f32(tensor));
    result_.owners.emplace_back(copy.buffer);
    result_.tensors.push_back({std::move(name), copy.tensor});
    return {};
  }
  result_.tensors.push_back({std::move(name), tensor});
  return {};
}

}  // namespace

Result<CanonicalTensors> canonical_tensors(const ModelFile& source, const HfArchitecture& architecture, int n_layers,
                                           int64_t first_position_row) {
  return Renamer(source, architecture, n_layers, first_position_row).run();
}

}  // namespace ondol
