#include "models/gguf_form.h"

#include <map>

#include <fmt/format.h>

#include "models/hf_names.h"
#include "quant/format.h"

namespace ondol {
namespace {

GgufTensor as_it_is(const TensorEntry& entry) {
  Tensor tensor = entry.tensor;
  // The gate of a shared expert has one row; GGUF has it as a vector.
  if (entry.name.ends_with("ffn_gate_inp_shexp.weight")) tensor = tensor.reshaped({tensor.shape().elements()});
  return {{entry.name, tensor.type(), tensor.shape()}, [tensor](int64_t row) { return tensor.row_bytes(row); }, tensor};
}

/// Row r of the result is row order(r) of the tensor.
template <typename Order>
GgufTensor reordered(const TensorEntry& entry, Order order) {
  const Tensor tensor = entry.tensor;
  return {{entry.name, tensor.type(), tensor.shape()},
          [tensor, order](int64_t row) { return tensor.row_bytes(order(row)); },
          {}};
}

/// A bias is one row; its elements are reordered instead.
template <typename Order>
GgufTensor reordered_elements(const TensorEntry& entry, Order order) {
  const Tensor tensor = entry.tensor;
  auto row = std::make_shared<std::vector<uint8_t>>(tensor.size_bytes());
  const size_t size = row_bytes(tensor.type(), 1);
  return {{entry.name, tensor.type(), tensor.shape()},
          [tensor, order, row, size](int64_t) {
            for (int64_t i = 0; i < tensor.columns(); ++i) {
              const uint8_t* from = tensor.bytes() + static_cast<size_t>(order(i)) * size;
              std::copy(from, from + size, row->data() + static_cast<size_t>(i) * size);
            }
            return static_cast<const uint8_t*>(row->data());
          },
          {}};
}

/// In a head of `head_dim` rows, Hugging Face pairs row i with row i + head_dim / 2; GGUF puts the two side by side.
struct InterleavedRows {
  int64_t head_dim;
  int64_t operator()(int64_t row) const {
    const int64_t in_head = row % head_dim;
    return row - in_head + in_head / 2 + (in_head % 2) * (head_dim / 2);
  }
};

Result<GgufTensor> interleaved(const TensorEntry& entry, int64_t head_dim) {
  const int64_t n_rows = entry.tensor.shape()[0];
  if (head_dim < 2 || head_dim % 2 != 0 || n_rows % head_dim != 0) {
    return Error(fmt::format("tensor '{}': {} rows are no heads of {}", entry.name, n_rows, head_dim));
  }
  const InterleavedRows order{head_dim};
  return entry.tensor.shape().rank() == 1 ? reordered_elements(entry, order) : reordered(entry, order);
}

/// Experts 0, 1, ... one above the other.
Result<GgufTensor> stacked(const std::string& name, const std::map<int, Tensor>& experts) {
  std::vector<Tensor> parts;
  for (const auto& [index, tensor] : experts) {
    const bool fits = index == static_cast<int>(parts.size()) && tensor.shape().rank() == 2 &&
                      tensor.shape() == experts.begin()->second.shape() &&
                      tensor.type() == experts.begin()->second.type();
    if (!fits) return Error(fmt::format("tensor '{}': expert {} does not go with the others", name, index));
    parts.push_back(tensor);
  }
  const int64_t n_rows = parts[0].rows();
  const Shape shape{static_cast<int64_t>(parts.size()), n_rows, parts[0].columns()};
  return GgufTensor{
      {name, parts[0].type(), shape},
      [parts, n_rows](int64_t row) { return parts[static_cast<size_t>(row / n_rows)].row_bytes(row % n_rows); },
      {}};
}

struct LatentSizes {
  int64_t n_heads = 0;
  int64_t plain = 0;
  int64_t value = 0;
};

Result<LatentSizes> latent_sizes(const ModelFile& file) {
  LatentSizes sizes;
  sizes.n_heads = ONDOL_TRY(file.meta_int("deepseek2.attention.head_count"));
  sizes.value = ONDOL_TRY(file.meta_int("deepseek2.attention.value_length_mla"));
  sizes.plain = ONDOL_TRY(file.meta_int("deepseek2.attention.key_length_mla")) -
                ONDOL_TRY(file.meta_int("deepseek2.rope.dimension_count"));
  return sizes;
}

/// The part of attn_kv_b that makes values: [n_heads, value, latent].
GgufTensor value_part(const TensorEntry& entry, const std::string& name, const LatentSizes& sizes) {
  const Tensor tensor = entry.tensor;
  const int64_t period = sizes.plain + sizes.value;
  return {{name, tensor.type(), {sizes.n_heads, sizes.value, tensor.columns()}},
          [tensor, sizes, period](int64_t row) {
            return tensor.row_bytes(row / sizes.value * period + sizes.plain + row % sizes.value);
          },
          {}};
}

/// The part of attn_kv_b that makes keys, transposed: [n_heads, latent, plain].
GgufTensor key_part(const TensorEntry& entry, const std::string& name, const LatentSizes& sizes) {
  const Tensor tensor = entry.tensor;
  const int64_t period = sizes.plain + sizes.value;
  const int64_t latent = tensor.columns();
  const size_t size = row_bytes(tensor.type(), 1);
  auto line = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(sizes.plain) * size);
  return {{name, tensor.type(), {sizes.n_heads, latent, sizes.plain}},
          [tensor, sizes, period, latent, size, line](int64_t row) {
            const int64_t head = row / latent;
            const size_t column = static_cast<size_t>(row % latent) * size;
            for (int64_t i = 0; i < sizes.plain; ++i) {
              const uint8_t* from = tensor.row_bytes(head * period + i) + column;
              std::copy(from, from + size, line->data() + static_cast<size_t>(i) * size);
            }
            return static_cast<const uint8_t*>(line->data());
          },
          {}};
}

class Former {
 public:
  explicit Former(std::shared_ptr<const ModelFile> file) : file_(*file) { form_.source = std::move(file); }

  Result<GgufForm> run() {
    architecture_ = ONDOL_TRY(file_.meta_string("general.architecture"));
    halves_ = ONDOL_TRY(file_.meta_string_or("ondol.rope_pairs", "")) == "halves";
    if (halves_ && architecture_ != "llama") {
      return Error(fmt::format("GGUF's {} interleaves rotary pairs, and this model does not", architecture_));
    }
    add_metadata();
    for (const TensorEntry& entry : file_.tensors()) ONDOL_TRY(add(entry));
    return std::move(form_);
  }

 private:
  void add_metadata() {
    const std::string scaling = architecture_ + ".rope.scaling.";
    const bool dynamic = file_.meta_string_or(scaling + "type", "").value() == "dynamic";
    for (const auto& [key, value] : file_.metadata()) {
      // GGUF has no word for a base that grows with the context, and other readers refuse what they do not know.
      if (key == "ondol.rope_pairs" || (dynamic && key.starts_with(scaling))) continue;
      form_.metadata.emplace_back(key, value);
    }
    if (file_.find_meta("general.type") == nullptr) {
      form_.metadata.emplace_back("general.type", MetaValue{std::string("model")});
    }
  }

  Result<void> add(const TensorEntry& entry) {
    if (const auto expert = match_name("blk.{l}.ffn_gate_exps.{e}.{s}", entry.name)) return add_expert("gate", *expert);
    if (const auto expert = match_name("blk.{l}.ffn_up_exps.{e}.{s}", entry.name)) return add_expert("up", *expert);
    if (const auto expert = match_name("blk.{l}.ffn_down_exps.{e}.{s}", entry.name)) return add_expert("down", *expert);
    if (halves_ && is_rotated(entry.name)) {
      const int64_t head_dim = ONDOL_TRY(file_.meta_int(architecture_ + ".attention.key_length"));
      form_.tensors.push_back(ONDOL_TRY(interleaved(entry, head_dim)));
      return {};
    }
    if (match_name("blk.{l}.attn_kv_b.weight", entry.name) && architecture_ == "deepseek2" &&
        file_.find_meta("deepseek2.attention.key_length_mla") != nullptr) {
      return split_latent(entry);
    }
    form_.tensors.push_back(as_it_is(entry));
    return {};
  }

  /// All experts of a layer at once, when the first one comes.
  Result<void> add_expert(const char* kind, const HfNameParts& parts) {
    if (parts.expert != 0) return {};
    const std::string stem = fmt::format("blk.{}.ffn_{}_exps.", parts.layer, kind);
    std::map<int, Tensor> experts;
    for (int e = 0;; ++e) {
      const Tensor* tensor = file_.find_tensor(fmt::format("{}{}.{}", stem, e, parts.suffix));
      if (tensor == nullptr) break;
      experts[e] = *tensor;
    }
    form_.tensors.push_back(ONDOL_TRY(stacked(stem + std::string(parts.suffix), experts)));
    return {};
  }

  Result<void> split_latent(const TensorEntry& entry) {
    const LatentSizes sizes = ONDOL_TRY(latent_sizes(file_));
    const bool fits = entry.tensor.shape().rank() == 2 && sizes.n_heads > 0 && sizes.plain > 0 && sizes.value > 0 &&
                      entry.tensor.rows() % sizes.n_heads == 0 &&
                      entry.tensor.rows() / sizes.n_heads == sizes.plain + sizes.value &&
                      info_of(entry.tensor.type()).block_size == 1;
    if (!fits)
      return Error(fmt::format("tensor '{}': {} cannot be split", entry.name, to_string(entry.tensor.shape())));
    const std::string prefix = entry.name.substr(0, entry.name.size() - std::string_view("kv_b.weight").size());
    form_.tensors.push_back(key_part(entry, prefix + "k_b.weight", sizes));
    form_.tensors.push_back(value_part(entry, prefix + "v_b.weight", sizes));
    return {};
  }

  static bool is_rotated(std::string_view name) {
    return match_name("blk.{l}.attn_q.{s}", name) || match_name("blk.{l}.attn_k.{s}", name);
  }

  const ModelFile& file_;
  std::string architecture_;
  bool halves_ = false;
  GgufForm form_;
};

/// The rows of `source` in `type`, which is its own or F32.
OwnedTensor copied(const GgufTensor& source, DType type) {
  OwnedTensor copy(type, source.spec.shape);
  for (int64_t row = 0; row < copy.tensor.rows(); ++row) {
    const uint8_t* from = source.row(row);
    if (type == source.spec.type) {
      std::copy(from, from + copy.tensor.row_stride_bytes(), copy.tensor.row_bytes(row));
    } else {
      format_of(source.spec.type).decode(from, copy.tensor.f32(row), copy.tensor.columns());
    }
  }
  return copy;
}

}  // namespace

Result<GgufForm> gguf_form(std::shared_ptr<const ModelFile> file) {
  const std::string path = file->path();
  return Former(std::move(file)).run().in(path);
}

Result<DType> type_in_gguf(const TensorSpec& spec) {
  if (!has_format(spec.type)) {
    return Error(fmt::format("tensor '{}': expected floating numbers, got {}", spec.name, info_of(spec.type).name));
  }
  const bool is_block = info_of(spec.type).block_size > 1;
  return is_f32_in_gguf(spec) && !is_block ? DType::F32 : spec.type;
}

Result<std::shared_ptr<const ModelFile>> in_gguf_form(std::shared_ptr<const ModelFile> file) {
  const std::string path = file->path();
  GgufForm form = ONDOL_TRY(gguf_form(std::move(file)));
  std::vector<TensorEntry> tensors;
  std::vector<std::any> owners;
  for (const GgufTensor& source : form.tensors) {
    const DType type = ONDOL_TRY(type_in_gguf(source.spec).in(path));
    Tensor tensor = source.whole;
    if (tensor.empty() || type != source.spec.type) {
      OwnedTensor copy = copied(source, type);
      tensor = copy.tensor;
      owners.emplace_back(std::move(copy.buffer));
    }
    tensors.push_back({source.spec.name, tensor});
  }
  owners.emplace_back(std::move(form.source));
  return std::shared_ptr<const ModelFile>(
      std::make_shared<AssembledModelFile>(path, std::move(form.metadata), std::move(tensors), std::move(owners)));
}

bool is_f32_in_gguf(const TensorSpec& spec) {
  if (spec.shape.rank() < 2 || !spec.name.ends_with(".weight")) return true;
  for (const std::string_view ending : {"_norm.weight", "ffn_gate_inp.weight", "ffn_gate_inp_shexp.weight"}) {
    if (spec.name.ends_with(ending)) return true;
  }
  // An error of a cross-encoder's head goes into the score as it is, and the head is small.
  if (spec.name == "cls.weight" || spec.name == "cls.output.weight") return true;
  return spec.name == "position_embd.weight" || spec.name == "token_types.weight";
}

}  // namespace ondol
