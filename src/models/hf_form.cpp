#include "models/hf_form.h"

#include <fmt/format.h>

#include "models/gguf_form.h"
#include "models/hf_copies.h"
#include "quant/format.h"

namespace ondol {
namespace {

void decode_row(const Tensor& tensor, int64_t row, float* out) {
  format_of(tensor.type()).decode(tensor.row_bytes(row), out, tensor.columns());
}

/// Matrices that several rows are gathered from, decoded when the first one is asked for.
class Decoded {
 public:
  explicit Decoded(Tensor source) : source_(source) {}

  float at(int64_t row, int64_t column) {
    if (matrix_.tensor.empty()) {
      matrix_ = OwnedTensor(DType::F32, {source_.rows(), source_.columns()});
      for (int64_t r = 0; r < source_.rows(); ++r) decode_row(source_, r, matrix_.tensor.f32(r));
    }
    return matrix_.tensor.f32(row)[column];
  }
  /// After the last row, so that a model of many layers does not pile up.
  void forget() { matrix_ = {}; }

 private:
  Tensor source_;
  OwnedTensor matrix_;
};

class Former {
 public:
  Former(const ModelFile& file, const HfArchitecture& architecture) : file_(file), architecture_(architecture) {}

  Result<std::vector<HfTensor>> run() {
    halves_ = ONDOL_TRY(file_.meta_string_or("ondol.rope_pairs", "")) == "halves";
    for (const TensorEntry& entry : file_.tensors()) ONDOL_TRY(add(entry));
    return std::move(tensors_);
  }

 private:
  Result<void> add(const TensorEntry& entry);
  Result<void> add_stack(const TensorEntry& entry, const HfNameParts& parts);
  Result<void> add_named(const TensorEntry& entry);
  Result<void> add_latent(const TensorEntry& keys, const HfNameParts& parts);
  Result<void> add_gpt_oss_experts(const HfNameParts& parts);
  Result<void> add_uninterleaved(HfTensor tensor, const Tensor& source);
  Result<const Tensor*> other(const std::string& name) const;
  std::string full_name(std::string_view name) const;
  HfTensor named(const TensorEntry& entry, const std::string& name, Shape shape) const;

  const ModelFile& file_;
  const HfArchitecture& architecture_;
  bool halves_ = false;
  std::vector<HfTensor> tensors_;
};

std::string Former::full_name(std::string_view name) const {
  const bool is_head = name == "lm_head.weight" || name.starts_with("classifier.");
  return is_head ? std::string(name) : std::string(architecture_.prefix) + std::string(name);
}

HfTensor Former::named(const TensorEntry& entry, const std::string& name, Shape shape) const {
  HfTensor tensor;
  tensor.spec = {full_name(name), entry.tensor.type(), shape};
  tensor.f32_by_rule = is_f32_in_gguf({entry.name, entry.tensor.type(), entry.tensor.shape()});
  return tensor;
}

Result<const Tensor*> Former::other(const std::string& name) const {
  const Tensor* tensor = file_.find_tensor(name);
  if (tensor != nullptr && has_format(tensor->type())) return tensor;
  return Error(fmt::format("there is no tensor '{}' of floating numbers", name));
}

Result<void> Former::add(const TensorEntry& entry) {
  if (entry.name.starts_with("rope_f")) return {};  // divisors of frequencies go into config.json
  if (!has_format(entry.tensor.type())) {
    return Error(fmt::format("tensor '{}': {} are no floating numbers", entry.name, info_of(entry.tensor.type()).name));
  }
  if (architecture_.model_type == "gpt_oss") {
    if (const auto parts = match_name("blk.{l}.ffn_gate_exps.weight", entry.name)) return add_gpt_oss_experts(*parts);
    if (entry.name.find("_exps.") != std::string::npos) return {};  // together with the gates
  }
  if (const auto parts = match_name("blk.{l}.attn_k_b.weight", entry.name)) return add_latent(entry, *parts);
  if (match_name("blk.{l}.attn_v_b.weight", entry.name)) return {};
  for (const char* stem : {"gate", "up", "down"}) {
    const auto parts = match_name(fmt::format("blk.{{l}}.ffn_{}_exps.weight", stem), entry.name);
    if (parts && entry.tensor.shape().rank() == 3) return add_stack(entry, *parts);
  }
  return add_named(entry);
}

Result<void> Former::add_stack(const TensorEntry& entry, const HfNameParts&) {
  const std::string stem = entry.name.substr(0, entry.name.size() - std::string_view("weight").size());
  for (int64_t e = 0; e < entry.tensor.shape()[0]; ++e) {
    ONDOL_TRY(add_named({fmt::format("{}{}.weight", stem, e), entry.tensor[e]}));
  }
  return {};
}

Result<void> Former::add_named(const TensorEntry& entry) {
  const auto match = find_by_canonical_name(architecture_, entry.name);
  if (!match) {
    return Error(fmt::format("tensor '{}': {} models have no name for it", entry.name, architecture_.model_type));
  }
  const Tensor source = entry.tensor;
  const std::string name = fill_name(match->name->hf, match->parts);
  HfTensor tensor = named(entry, name, source.shape());
  switch (match->name->transform) {
    case HfTransform::kPlusOne:
      tensor.row = [source](int64_t row, float* out) {
        decode_row(source, row, out);
        for (int64_t i = 0; i < source.columns(); ++i) out[i] -= 1.0f;
      };
      break;
    case HfTransform::kTranspose: {
      tensor.spec.shape = {source.columns(), source.rows()};
      tensor.row = [decoded = std::make_shared<Decoded>(source), source](int64_t row, float* out) {
        for (int64_t i = 0; i < source.rows(); ++i) out[i] = decoded->at(i, row);
        if (row + 1 == source.columns()) decoded->forget();
      };
      break;
    }
    case HfTransform::kRopeRowsQ:
    case HfTransform::kRopeRowsK:
      if (!halves_) return add_uninterleaved(std::move(tensor), source);
      [[fallthrough]];
    default:
      if (entry.name.ends_with("ffn_gate_inp_shexp.weight")) tensor.spec.shape = {1, source.shape().elements()};
      tensor.row = [source](int64_t row, float* out) { decode_row(source, row, out); };
  }
  tensors_.push_back(std::move(tensor));
  return {};
}

/// Rows that GGUF has side by side are half a head apart.
Result<void> Former::add_uninterleaved(HfTensor tensor, const Tensor& source) {
  const int64_t width = ONDOL_TRY(file_.meta_int("llama.embedding_length"));
  const int64_t n_heads = ONDOL_TRY(file_.meta_int("llama.attention.head_count"));
  const int64_t fallback = n_heads > 0 ? width / n_heads : 0;
  const int64_t head_dim = ONDOL_TRY(file_.meta_int_or("llama.attention.key_length", fallback));
  const int64_t n = source.shape()[0];
  if (head_dim < 2 || head_dim % 2 != 0 || n % head_dim != 0) {
    return Error(fmt::format("tensor '{}': {} rows are no heads of {}", tensor.spec.name, n, head_dim));
  }
  const auto place = [head_dim](int64_t i) {
    const int64_t in_head = i % head_dim;
    return i - in_head + in_head % (head_dim / 2) * 2 + in_head / (head_dim / 2);
  };
  if (source.shape().rank() == 1) {
    tensor.row = [source, place](int64_t, float* out) {
      std::vector<float> row(static_cast<size_t>(source.columns()));
      decode_row(source, 0, row.data());
      for (int64_t i = 0; i < source.columns(); ++i) out[i] = row[static_cast<size_t>(place(i))];
    };
  } else {
    tensor.row = [source, place](int64_t row, float* out) { decode_row(source, place(row), out); };
  }
  tensors_.push_back(std::move(tensor));
  return {};
}

/// attn_k_b [heads, latent, plain] and attn_v_b [heads, value, latent] become kv_b_proj [heads * (plain + value),
/// latent].
Result<void> Former::add_latent(const TensorEntry& entry, const HfNameParts& parts) {
  const Tensor keys = entry.tensor;
  const Tensor values = *ONDOL_TRY(other(fmt::format("blk.{}.attn_v_b.weight", parts.layer)));
  const bool fits = keys.shape().rank() == 3 && values.shape().rank() == 3 && keys.shape()[0] == values.shape()[0] &&
                    keys.shape()[1] == values.columns();
  if (!fits) return Error(fmt::format("tensor '{}' does not go with attn_v_b", entry.name));
  const int64_t n_heads = keys.shape()[0], latent = keys.shape()[1], plain = keys.columns(), value = values.shape()[1];
  const int64_t period = plain + value;
  HfTensor tensor =
      named(entry, fmt::format("layers.{}.self_attn.kv_b_proj.weight", parts.layer), {n_heads * period, latent});
  tensor.row = [=, decoded = std::make_shared<Decoded>(keys)](int64_t row, float* out) {
    const int64_t head = row / period, in_head = row % period;
    if (in_head >= plain) return decode_row(values, head * value + in_head - plain, out);
    for (int64_t i = 0; i < latent; ++i) out[i] = decoded->at(head * latent + i, in_head);
    if (head + 1 == n_heads && in_head + 1 == plain) decoded->forget();
  };
  tensors_.push_back(std::move(tensor));
  return {};
}

/// Gates and ups [E, F, D] become gate_up_proj [E, D, 2 F] with columns in turn, downs [E, D, F] down_proj [E, F, D].
Result<void> Former::add_gpt_oss_experts(const HfNameParts& parts) {
  const std::string stem = fmt::format("blk.{}.ffn_", parts.layer);
  const std::string out = fmt::format("layers.{}.mlp.experts.", parts.layer);
  const Tensor gate = *ONDOL_TRY(other(stem + "gate_exps.weight"));
  const Tensor up = *ONDOL_TRY(other(stem + "up_exps.weight"));
  const Tensor down = *ONDOL_TRY(other(stem + "down_exps.weight"));
  const Tensor gate_bias = *ONDOL_TRY(other(stem + "gate_exps.bias"));
  const Tensor up_bias = *ONDOL_TRY(other(stem + "up_exps.bias"));
  const Tensor down_bias = *ONDOL_TRY(other(stem + "down_exps.bias"));
  if (gate.shape().rank() != 3 || gate.shape() != up.shape() || down.shape().rank() != 3) {
    return Error(fmt::format("tensor '{}gate_exps.weight' does not go with those beside it", stem));
  }
  const int64_t n_experts = gate.shape()[0], inner = gate.shape()[1], width = gate.columns();
  HfTensor gate_up = named({stem + "gate_exps.weight", gate}, out + "gate_up_proj", {n_experts, width, 2 * inner});
  gate_up.row = [=, gates = std::make_shared<Decoded>(gate), ups = std::make_shared<Decoded>(up)](int64_t row,
                                                                                                  float* to) {
    const int64_t expert = row / width;
    for (int64_t i = 0; i < inner; ++i) {
      to[2 * i] = gates->at(expert * inner + i, row % width);
      to[2 * i + 1] = ups->at(expert * inner + i, row % width);
    }
    if (row + 1 == n_experts * width) {
      gates->forget();
      ups->forget();
    }
  };
  HfTensor down_proj = named({stem + "down_exps.weight", down}, out + "down_proj", {n_experts, inner, width});
  down_proj.row = [=, downs = std::make_shared<Decoded>(down)](int64_t row, float* to) {
    for (int64_t i = 0; i < width; ++i) to[i] = downs->at(row / inner * width + i, row % inner);
    if (row + 1 == n_experts * inner) downs->forget();
  };
  HfTensor bias = named({stem + "gate_exps.bias", gate_bias}, out + "gate_up_proj_bias", {n_experts, 2 * inner});
  bias.row = [=](int64_t row, float* to) {
    std::vector<float> gates(static_cast<size_t>(inner)), ups(static_cast<size_t>(inner));
    decode_row(gate_bias, row, gates.data());
    decode_row(up_bias, row, ups.data());
    for (size_t i = 0; i < gates.size(); ++i) {
      to[2 * i] = gates[i];
      to[2 * i + 1] = ups[i];
    }
  };
  tensors_.insert(tensors_.end(), {std::move(gate_up), std::move(bias), std::move(down_proj)});
  return add_named({stem + "down_exps.bias", down_bias});
}

}  // namespace

Result<const HfArchitecture*> hf_architecture_for(const ModelFile& file) {
  const std::string name = ONDOL_TRY(file.meta_string("general.architecture"));
  if (name == "bert" && ONDOL_TRY(file.meta_int_or("bert.pooling_type", 0)) == 4) {
    const bool is_whole = file.find_tensor("cls.weight") != nullptr && file.find_tensor("cls.output.weight") != nullptr;
    if (is_whole) return &hf_scorer();
    return Error(
        fmt::format("{}: a model that scores texts without tensors 'cls' and 'cls.output' cannot be written "
                    "as a Hugging Face folder",
                    file.path()));
  }
  std::string_view type;
  if (name == "llama" && ONDOL_TRY(file.meta_int_or("llama.expert_count", 0)) > 0) {
    type = "mixtral";
  } else if (name == "llama" && ONDOL_TRY(file.meta_int_or("llama.attention.sliding_window", 0)) > 0) {
    type = "mistral";
  } else if (name == "deepseek2" && ONDOL_TRY(file.meta_int_or("deepseek2.expert_gating_func", 1)) == 2) {
    type = "deepseek_v3";
  } else if (name == "bert" && file.find_tensor("token_types.weight") == nullptr) {
    type = "distilbert";
  }
  if (!type.empty()) return find_hf_architecture(type);
  for (const HfArchitecture& architecture : hf_architectures()) {
    if (architecture.architecture == name) return &architecture;
  }
  return Error(fmt::format("{}: '{}' models cannot be written as a Hugging Face folder", file.path(), name));
}

Result<std::vector<HfTensor>> hf_tensors(const ModelFile& file, const HfArchitecture& architecture) {
  return Former(file, architecture).run().in(file.path());
}

}  // namespace ondol
