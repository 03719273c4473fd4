// Loads arbitrary bytes as a model and runs it over three tokens: whatever loads must compute.
#include <algorithm>
#include <memory>

#include "formats/gguf_reader.h"
#include "models/model.h"

namespace {

using namespace ondol;

class BytesFile final : public ModelFile {
 public:
  explicit BytesFile(GgufContent content) : content_(std::move(content)) {}
  const std::string& path() const override { return path_; }
  const Metadata& metadata() const override { return content_.metadata; }
  const std::vector<TensorEntry>& tensors() const override { return content_.tensors; }

 private:
  std::string path_ = "fuzz.gguf";
  GgufContent content_;
};

/// Tensors of a file may overlap, so that a small file can hold a large model. Those only cost time here.
bool is_small(const ModelConfig& config) {
  int64_t kv_elements = 0;
  for (const KvLayerShape& layer : config.kv_layers) kv_elements += int64_t{layer.n_heads} * (layer.k_dim + layer.v_dim);
  return kv_elements < 1 << 16 && config.n_layers <= 16 && config.vocabulary_size < 1 << 14;
}

void run(const Model& model, const char* instruction_set) {
  const ModelConfig& config = model.config();
  auto backend = create_cpu_backend({1, instruction_set});
  auto cache = KvCache::create(config.kv_layers, DType::F32, kPageTokens);
  if (!backend || !cache) return;
  KvSequence sequence(*cache);
  if (!sequence.append(3)) return;
  Batch batch;
  for (int64_t i = 0; i < 3; ++i) batch.tokens.push_back(static_cast<int32_t>(std::min(i, config.vocabulary_size - 1)));
  batch.slices.push_back({config.causal ? &sequence : nullptr, 0, 3, 0});
  batch.output_rows = {0, 2};
  batch.output = config.causal ? Batch::Output::kLogits : Batch::Output::kHidden;
  Arena arena;
  Context context{**backend, arena};
  const Tensor result = model.forward(batch, *cache, context);
  [[maybe_unused]] volatile float keep = result.f32(1)[result.columns() - 1];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto content = parse_gguf({data, size});
  if (!content) return 0;
  const auto model = load_model(std::make_shared<BytesFile>(std::move(content).value()));
  if (!model || !is_small((*model)->config())) return 0;
  run(**model, "ref");
  run(**model, "");
  return 0;
}
