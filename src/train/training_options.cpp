#include "train/training_options.h"

#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ondol::train {
namespace {

template <typename Value>
struct Name {
  std::string_view text;
  Value value;
};

using Shape = Schedule::Shape;
constexpr Name<Method> kMethods[] = {{"lora", Method::kLora}, {"qlora", Method::kLora}, {"full", Method::kFull},
                                     {"dpo", Method::kDpo},   {"orpo", Method::kOrpo},  {"kto", Method::kKto}};
constexpr Name<Shape> kSchedules[] = {
    {"cosine", Shape::kCosine}, {"linear", Shape::kLinear}, {"constant", Shape::kConstant}, {"wsd", Shape::kWsd}};
constexpr Name<TrainOn> kTrainOn[] = {
    {"all", TrainOn::kAll}, {"assistant", TrainOn::kAssistant}, {"last", TrainOn::kLast}};
constexpr OptimizerKind kOptimizers[] = {OptimizerKind::kAdamW, OptimizerKind::kAdamW8Bit, OptimizerKind::kAdamWBf16,
                                         OptimizerKind::kMuon, OptimizerKind::kLion};
constexpr Name<ProductTypes> kPrecisions[] = {
    {"fp32", {DType::F32, DType::F32}}, {"bf16", {DType::BF16, DType::BF16}}, {"int8", {DType::Q8_0, DType::Q8_0}}};

template <typename Value>
Result<Value> value_named(std::span<const Name<Value>> names, std::string_view wanted) {
  std::string known;
  for (const auto& [text, value] : names) {
    if (wanted == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  return Error(fmt::format("expected one of {}, got '{}'", known, wanted));
}

/// The first name of a value.
template <typename Value>
std::string name_of(std::span<const Name<Value>> names, Value wanted) {
  for (const auto& [text, value] : names) {
    if (value == wanted) return std::string(text);
  }
  return "";
}

}  // namespace

TrainingOptions::TrainingOptions() {
  trainer.schedule.warm_up = 10;
  trainer.optimizer.decay = 0.0;
  data.encoder.sequence_length = 1024;
}

Result<Method> method_named(std::string_view name) {
  return value_named<Method>(kMethods, name);
}

Result<Schedule::Shape> schedule_named(std::string_view name) {
  return value_named<Shape>(kSchedules, name);
}

Result<TrainOn> train_on_named(std::string_view name) {
  return value_named<TrainOn>(kTrainOn, name);
}

Result<OptimizerKind> optimizer_named(std::string_view name) {
  std::vector<Name<OptimizerKind>> names;
  for (const OptimizerKind kind : kOptimizers) names.push_back({optimizer_name(kind), kind});
  return value_named<OptimizerKind>(names, name);
}

Result<ProductTypes> product_types(std::string_view precision) {
  return value_named<ProductTypes>(kPrecisions, precision);
}

void settle(TrainingOptions& options) {
  using Preference = PreferenceOptions::Kind;
  const Method method = options.method;
  options.preferences.kind = method == Method::kKto    ? Preference::kKto
                             : method == Method::kOrpo ? Preference::kOrpo
                                                       : Preference::kDpo;
  if (method == Method::kDpo || method == Method::kOrpo || method == Method::kKto) {
    options.trainer.preferences = options.preferences;
  }
  OptimizerOptions& optimizer = options.trainer.optimizer;
  if (optimizer.kind == OptimizerKind::kLion) optimizer.beta2 = 0.99;
  optimizer.seed = options.lora.seed;
  options.data.seed = options.lora.seed;
  options.data.n_threads = options.n_threads;
}

std::vector<std::pair<std::string, std::string>> identity_of(const TrainingOptions& options) {
  const Schedule& schedule = options.trainer.schedule;
  const LoraOptions& lora = options.lora;
  return {{"--method", name_of<Method>(kMethods, options.method)},
          {"--optimizer", std::string(optimizer_name(options.trainer.optimizer.kind))},
          {"--precision", options.precision},
          {"--schedule", name_of<Shape>(kSchedules, schedule.shape)},
          {"--lr", fmt::format("{}", schedule.rate)},
          {"--warm-up", fmt::format("{}", schedule.warm_up)},
          {"--steps", fmt::format("{}", schedule.n_steps)},
          {"--batch", fmt::format("{} sequences a step", options.trainer.sequences_per_step)},
          {"--clip", fmt::format("{}", options.trainer.clip)},
          {"--decay", fmt::format("{}", options.trainer.optimizer.decay)},
          {"--seed", fmt::format("{}", lora.seed)},
          {"--rank", fmt::format("{}", lora.rank)},
          {"--alpha", fmt::format("{}", lora.alpha)},
          {"--rslora", fmt::format("{}", lora.rank_stabilised)},
          {"--lora-plus", fmt::format("{}", lora.b_rate)},
          {"--dora", fmt::format("{}", lora.magnitudes)},
          {"--target", fmt::format("{}", fmt::join(lora.targets, " "))},
          {"--beta", fmt::format("{}", options.preferences.beta)},
          {"--lambda", fmt::format("{}", options.preferences.odds_weight)},
          {"--desirable", fmt::format("{}", options.preferences.desirable)},
          {"--keep-weight", fmt::format("{}", options.keep.weight)},
          {"--undesirable", fmt::format("{}", options.preferences.undesirable)},
          {"--early-stop", fmt::format("{}", options.early_stop)}};
}

}  // namespace ondol::train
