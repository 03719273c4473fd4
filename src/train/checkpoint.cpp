#include "train/checkpoint.h"

#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "formats/gguf_writer.h"

namespace ondol::train {
namespace {

constexpr std::string_view kType = "checkpoint";
constexpr std::string_view kOption = "checkpoint.option.";

/// Everything that a checkpoint restores.
std::vector<TensorEntry> tensors_of(const Parameters& parameters, Optimizer& optimizer) {
  std::vector<TensorEntry> tensors;
  for (const Parameter& parameter : parameters.all()) tensors.push_back({parameter.name, parameter.value});
  for (TensorEntry& state : optimizer.states()) tensors.push_back(std::move(state));
  return tensors;
}

Result<Hash128> hash_from(const ModelFile& file, const std::string& key) {
  const std::string text = ONDOL_TRY(file.meta_string(key));
  Hash128 hash;
  const auto read = [&](size_t begin, uint64_t& half) {
    const char* end = text.data() + begin + 16;
    return std::from_chars(text.data() + begin, end, half, 16).ptr == end;
  };
  // Hash128::hex writes the high half first.
  if (text.size() != 32 || !read(0, hash.high) || !read(16, hash.low)) {
    return Error(fmt::format("{}: expected 32 hexadecimal digits, got '{}'", key, text));
  }
  return hash;
}

Result<void> check_identity(const ModelFile& file, const TrainingIdentity& identity) {
  const std::string type = ONDOL_TRY(file.meta_string_or("general.type", ""));
  if (type != kType) return Error(fmt::format("general.type: expected '{}', got '{}'", kType, type));
  if (ONDOL_TRY(hash_from(file, "checkpoint.model")) != identity.model) {
    return Error(
        "it is of another model; hint: give the model that the training began with, or start without --resume");
  }
  for (const auto& [name, value] : identity.options) {
    const std::string before = ONDOL_TRY(file.meta_string_or(std::string(kOption) + name, "(none)"));
    if (before == value) continue;
    return Error(fmt::format("{}: expected {} as the training began with, got {}; hint: start again without --resume",
                             name, before, value));
  }
  return {};
}

Result<TrainingProgress> progress_from(const ModelFile& file) {
  TrainingProgress progress;
  progress.n_steps = ONDOL_TRY(file.meta_int("checkpoint.steps"));
  const int64_t epoch = ONDOL_TRY(file.meta_int("checkpoint.epoch"));
  const int64_t index = ONDOL_TRY(file.meta_int("checkpoint.sequence"));
  if (progress.n_steps < 0 || epoch < 0 || index < 0) return Error("expected counts of at least 0");
  progress.data = {static_cast<uint64_t>(epoch), static_cast<uint64_t>(index),
                   ONDOL_TRY(hash_from(file, "checkpoint.data"))};
  if (file.find_meta("checkpoint.best_validation") != nullptr) {
    progress.best_validation = ONDOL_TRY(file.meta_double("checkpoint.best_validation"));
  }
  progress.n_since_best = ONDOL_TRY(file.meta_int("checkpoint.validations_since_best"));
  return progress;
}

}  // namespace

Hash128 hash_of(const ModelFile& file) {
  Hash128 hash;
  for (const TensorEntry& entry : file.tensors()) {
    const std::string about =
        fmt::format("{} {} {};", entry.name, info_of(entry.tensor.type()).name, to_string(entry.tensor.shape()));
    hash = hash_bytes({reinterpret_cast<const uint8_t*>(about.data()), about.size()}, hash);
    const size_t n_bytes = row_bytes(entry.tensor.type(), entry.tensor.columns());
    if (entry.tensor.row_stride_bytes() == n_bytes) {
      hash = hash_bytes({entry.tensor.bytes(), entry.tensor.size_bytes()}, hash);
      continue;
    }
    for (int64_t row = 0; row < entry.tensor.rows(); ++row) {
      hash = hash_bytes({entry.tensor.row_bytes(row), n_bytes}, hash);
    }
  }
  return hash;
}

Result<void> write_checkpoint(const std::string& path, const TrainingIdentity& identity,
                              const TrainingProgress& progress, const Parameters& parameters, Optimizer& optimizer) {
  Metadata metadata = {{"general.type", {std::string(kType)}},
                       {"checkpoint.model", {identity.model.hex()}},
                       {"checkpoint.data", {progress.data.data.hex()}},
                       {"checkpoint.steps", {progress.n_steps}},
                       {"checkpoint.epoch", {static_cast<int64_t>(progress.data.epoch)}},
                       {"checkpoint.sequence", {static_cast<int64_t>(progress.data.index)}},
                       {"checkpoint.validations_since_best", {progress.n_since_best}}};
  if (progress.best_validation) metadata.push_back({"checkpoint.best_validation", {*progress.best_validation}});
  for (const auto& [name, value] : identity.options) metadata.push_back({std::string(kOption) + name, {value}});
  return ondol::write_gguf(path, metadata, tensors_of(parameters, optimizer));
}

Result<TrainingProgress> read_checkpoint(const std::string& path, const TrainingIdentity& identity,
                                         Parameters& parameters, Optimizer& optimizer) {
  const auto file = ONDOL_TRY(open_gguf(path));
  ONDOL_TRY(check_identity(*file, identity).in(path));
  TrainingProgress progress = ONDOL_TRY(progress_from(*file).in(path));
  const std::vector<TensorEntry> tensors = tensors_of(parameters, optimizer);
  for (const TensorEntry& entry : tensors) {
    const Tensor* saved = file->find_tensor(entry.name);
    if (saved == nullptr) return Error(fmt::format("{}: expected a tensor '{}', found none", path, entry.name));
    if (saved->type() == entry.tensor.type() && saved->shape().elements() == entry.tensor.shape().elements()) continue;
    return Error(fmt::format("{}: tensor '{}': expected {} of {}, got {} of {}", path, entry.name,
                             to_string(entry.tensor.shape()), info_of(entry.tensor.type()).name,
                             to_string(saved->shape()), info_of(saved->type()).name));
  }
  for (TensorEntry entry : tensors) {
    const Tensor& saved = *file->find_tensor(entry.name);
    std::memcpy(entry.tensor.bytes(), saved.bytes(), entry.tensor.size_bytes());
  }
  optimizer.resume_at(progress.n_steps);
  return progress;
}

}  // namespace ondol::train
