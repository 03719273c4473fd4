#include "models/convert.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/files.h"
#include "formats/gguf_writer.h"
#include "formats/metadata_override.h"
#include "formats/safetensors.h"
#include "models/gguf_form.h"
#include "models/hf_config_writer.h"
#include "models/hf_form.h"
#include "models/pretty_json.h"
#include "quant/format.h"

namespace ondol {
namespace {

constexpr uint64_t kShardBytes = uint64_t{5} << 30;
constexpr size_t kPieceBytes = size_t{1} << 20;

bool is_float(DType type) {
  return type == DType::F32 || type == DType::F16 || type == DType::BF16;
}
bool is_block(DType type) {
  return info_of(type).block_size > 1;
}

Result<void> check_type(const ConvertOptions& options) {
  if (!options.type || is_float(*options.type)) return {};
  return Error(fmt::format("conversion is to F32, F16 or BF16, got {}; quantising is another step",
                           info_of(*options.type).name));
}

Result<void> report(const ConvertOptions& options, const std::string& tensor, size_t index, size_t n_tensors) {
  if (!options.progress || options.progress({tensor, index, n_tensors})) return {};
  return Error("stopped before the end; nothing was written");
}

/// Gathers rows and hands them on in pieces.
template <typename Writer>
class PieceWriter {
 public:
  explicit PieceWriter(Writer& writer) : writer_(writer) {}

  /// Room for `n` bytes, which count as written.
  uint8_t* next(size_t n) {
    piece_.resize(piece_.size() + n);
    return piece_.data() + piece_.size() - n;
  }
  Result<void> pass_on(bool at_end) {
    if (!at_end && piece_.size() < kPieceBytes) return {};
    ONDOL_TRY(writer_.append(piece_));
    piece_.clear();
    return {};
  }

 private:
  Writer& writer_;
  std::vector<uint8_t> piece_;
};

/// The number of general.file_type; 0 (F32) when nothing else fits.
uint32_t file_type_of(const std::vector<TensorSpec>& specs) {
  uint32_t type = 0;
  int64_t most = 0;
  for (const TensorSpec& spec : specs) {
    if (spec.shape.rank() < 2 || spec.shape.elements() <= most) continue;
    most = spec.shape.elements();
    if (spec.type == DType::F16) type = 1;
    if (spec.type == DType::BF16) type = 32;
    if (spec.type == DType::MXFP4) type = 38;
    if (spec.type == DType::F32) type = 0;
  }
  return type;
}

Result<DType> gguf_type(const GgufTensor& tensor, const ConvertOptions& options) {
  const DType usual = ONDOL_TRY(type_in_gguf(tensor.spec));
  const bool may_differ = !is_f32_in_gguf(tensor.spec) && !is_block(usual);
  return options.type && may_differ ? *options.type : usual;
}

template <typename Writer>
Result<void> write_rows(const GgufTensor& tensor, DType type, Writer& writer) {
  const TensorSpec& spec = tensor.spec;
  PieceWriter<Writer> pieces(writer);
  const int64_t n_columns = spec.shape.columns();
  const size_t out_bytes = row_bytes(type, n_columns);
  std::vector<float> numbers(static_cast<size_t>(n_columns));
  for (int64_t row = 0; row < spec.shape.rows(); ++row) {
    const uint8_t* from = tensor.row(row);
    uint8_t* to = pieces.next(out_bytes);
    if (type == spec.type) {
      std::copy(from, from + out_bytes, to);
    } else {
      format_of(spec.type).decode(from, numbers.data(), n_columns);
      format_of(type).encode(numbers.data(), nullptr, to, n_columns);
    }
    ONDOL_TRY(pieces.pass_on(row + 1 == spec.shape.rows()));
  }
  return {};
}

/// The type of most numbers in matrices, among those that a folder may have.
DType usual_type(const std::vector<HfTensor>& tensors) {
  int64_t counts[3] = {0, 0, 0};
  constexpr DType kTypes[3] = {DType::BF16, DType::F16, DType::F32};
  for (const HfTensor& tensor : tensors) {
    if (tensor.spec.shape.rank() < 2 || tensor.f32_by_rule) continue;
    for (int i = 0; i < 3; ++i) {
      if (tensor.spec.type == kTypes[i] || (i == 0 && is_block(tensor.spec.type))) {
        counts[i] += tensor.spec.shape.elements();
      }
    }
  }
  return kTypes[std::max_element(counts, counts + 3) - counts];
}

/// Whether every number survives the way to `type` and back.
bool is_exact(const HfTensor& tensor, DType type) {
  const int64_t n = tensor.spec.shape.columns();
  std::vector<float> numbers(static_cast<size_t>(n)), back(numbers.size());
  std::vector<uint8_t> encoded(row_bytes(type, n));
  for (int64_t row = 0; row < tensor.spec.shape.rows(); ++row) {
    tensor.row(row, numbers.data());
    format_of(type).encode(numbers.data(), nullptr, encoded.data(), n);
    format_of(type).decode(encoded.data(), back.data(), n);
    if (numbers != back) return false;
  }
  return true;
}

DType hf_type(const HfTensor& tensor, DType usual, const ConvertOptions& options) {
  if (options.type) return *options.type;
  if (is_block(tensor.spec.type)) return usual;
  if (tensor.f32_by_rule && tensor.spec.type == DType::F32 && usual != DType::F32) {
    return is_exact(tensor, usual) ? usual : DType::F32;
  }
  return tensor.spec.type;
}

Result<void> write_weights(const std::vector<HfTensor>& tensors, const std::vector<DType>& types,
                           const std::string& path, const ConvertOptions& options) {
  std::vector<TensorSpec> specs;
  for (size_t i = 0; i < tensors.size(); ++i) {
    specs.push_back({tensors[i].spec.name, types[i], tensors[i].spec.shape});
  }
  const uint64_t limit = options.max_file_bytes > 0 ? options.max_file_bytes : kShardBytes;
  SafetensorsWriter writer = ONDOL_TRY(SafetensorsWriter::create(path, {}, std::move(specs), {limit}));
  PieceWriter<SafetensorsWriter> pieces(writer);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Shape& shape = tensors[i].spec.shape;
    ONDOL_TRY(report(options, tensors[i].spec.name, i, tensors.size()));
    std::vector<float> numbers(static_cast<size_t>(shape.columns()));
    for (int64_t row = 0; row < shape.rows(); ++row) {
      tensors[i].row(row, numbers.data());
      format_of(types[i]).encode(numbers.data(), nullptr, pieces.next(row_bytes(types[i], shape.columns())),
                                 shape.columns());
      ONDOL_TRY(pieces.pass_on(row + 1 == shape.rows()));
    }
  }
  return writer.finish();
}

/// The files by which sentence-transformers knows how to make one vector of a text.
Result<void> write_pooling(const ModelFile& file, const std::string& folder, const json::object& config) {
  const std::string key = file.meta_string("general.architecture").value() + ".pooling_type";
  const int64_t pooling = ONDOL_TRY(file.meta_int_or(key, 0));
  const json::value* width = config.if_contains("hidden_size");
  if (pooling < 1 || pooling > 3 || width == nullptr) return {};
  const json::array modules{
      json::object{{"idx", 0}, {"name", "0"}, {"path", ""}, {"type", "sentence_transformers.models.Transformer"}},
      json::object{{"idx", 1}, {"name", "1"}, {"path", "1_Pooling"}, {"type", "sentence_transformers.models.Pooling"}}};
  const json::object settings{{"word_embedding_dimension", *width},
                              {"pooling_mode_cls_token", pooling == 2},
                              {"pooling_mode_mean_tokens", pooling == 1},
                              {"pooling_mode_lasttoken", pooling == 3}};
  std::error_code code;
  std::filesystem::create_directories(folder + "/1_Pooling", code);
  ONDOL_TRY(write_file_atomically(folder + "/modules.json", pretty_json(modules)));
  return write_file_atomically(folder + "/1_Pooling/config.json", pretty_json(settings));
}

}  // namespace

Result<std::vector<std::string>> convert_to_gguf(std::shared_ptr<const ModelFile> file, const std::string& path,
                                                 const ConvertOptions& options) {
  ONDOL_TRY(check_type(options));
  GgufForm form = ONDOL_TRY(gguf_form(std::move(file)));
  std::vector<TensorSpec> specs;
  for (const GgufTensor& tensor : form.tensors) {
    specs.push_back(
        {tensor.spec.name, ONDOL_TRY(gguf_type(tensor, options).in(form.source->path())), tensor.spec.shape});
  }
  if (form.source->find_meta("general.file_type") == nullptr || options.type) {
    set_metadata(form.metadata, {"general.file_type", MetaValue{file_type_of(specs)}});
  }
  set_metadata(form.metadata, {"general.quantization_version", MetaValue{uint32_t{2}}});
  for (const MetadataOverride& entry : options.metadata) set_metadata(form.metadata, entry);
  GgufWriter writer = ONDOL_TRY(GgufWriter::create(path, form.metadata, specs, {options.max_file_bytes}));
  for (size_t i = 0; i < specs.size(); ++i) {
    ONDOL_TRY(report(options, specs[i].name, i, specs.size()));
    ONDOL_TRY(write_rows(form.tensors[i], specs[i].type, writer));
  }
  return writer.finish();
}

Result<void> convert_to_hugging_face(std::shared_ptr<const ModelFile> file, const std::string& folder,
                                     const ConvertOptions& options) {
  ONDOL_TRY(check_type(options));
  const HfArchitecture* architecture = ONDOL_TRY(hf_architecture_for(*file));
  const std::vector<HfTensor> tensors = ONDOL_TRY(hf_tensors(*file, *architecture));
  const DType usual = options.type.value_or(usual_type(tensors));
  std::vector<DType> types;
  for (const HfTensor& tensor : tensors) types.push_back(hf_type(tensor, usual, options));
  const json::object config = ONDOL_TRY(hf_config(*file, *architecture, usual));

  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) return Error(fmt::format("{}: cannot create the folder: {}", folder, code.message()));
  ONDOL_TRY(write_weights(tensors, types, folder + "/model.safetensors", options));
  ONDOL_TRY(write_pooling(*file, folder, config));
  for (const auto& [name, content] : options.files) {
    ONDOL_TRY(write_file_atomically(folder + "/" + name, content));
  }
  // Last, because a folder without it is not taken for a model.
  return write_file_atomically(folder + "/config.json", pretty_json(config));
}

}  // namespace ondol
