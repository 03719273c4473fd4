#include "server/tuning_request.h"

#include <algorithm>

#include <fmt/format.h>

#include "text/unicode.h"

namespace ondol::server {
namespace {

constexpr double kUsualRate = 2e-4;
constexpr double kUsualEpochs = 3;
constexpr size_t kMaxSuffixBytes = 64;
constexpr size_t kMaxMetadata = 16;
constexpr int64_t kMaxSteps = 1'000'000;

/// Nothing for "auto" and for what is absent.
std::optional<double> number_or_auto(const Fields& fields, std::string_view key, double low, double high) {
  const json::value* value = fields.find(key);
  if (value != nullptr && value->is_string() && value->get_string() == "auto") return {};
  return fields.number(key, low, high);
}

std::optional<int64_t> integer_or_auto(const Fields& fields, std::string_view key, int64_t low, int64_t high) {
  const json::value* value = fields.find(key);
  if (value != nullptr && value->is_string() && value->get_string() == "auto") return {};
  return fields.integer(key, low, high);
}

/// The value that a name stands for; nothing when it is absent.
template <typename Value>
std::optional<Value> named(const Fields& fields, std::string_view key, Result<Value> (*find)(std::string_view)) {
  const auto name = fields.text(key);
  if (!name) return {};
  auto value = find(*name);
  if (value) return std::move(*value);
  fields.fail(key, fmt::format("{}: {}", fields.path_of(key), value.error().message()));
  return {};
}

void read_hyperparameters(const Fields& fields, TuningRequest& request) {
  train::TrainingOptions& options = request.options;
  const auto epochs = number_or_auto(fields, "n_epochs", 0.001, 10000);
  const auto batch = integer_or_auto(fields, "batch_size", 1, 1 << 20);
  const auto rate = number_or_auto(fields, "learning_rate_multiplier", 1e-6, 1e6);
  options.epochs = epochs.value_or(kUsualEpochs);
  options.trainer.sequences_per_step = batch.value_or(1);
  options.trainer.schedule.rate = kUsualRate * rate.value_or(1);
  if (const auto beta = number_or_auto(fields, "beta", 1e-6, 1e6)) options.preferences.beta = *beta;
  json::object& shown = request.hyperparameters_shown;
  shown = {{"batch_size", options.trainer.sequences_per_step}};
  shown["learning_rate_multiplier"] = rate.value_or(1);
  shown["n_epochs"] = options.epochs;
  const bool has_beta = options.method == train::Method::kDpo || options.method == train::Method::kKto;
  if (has_beta) shown["beta"] = options.preferences.beta;
}

void read_method(const Fields& fields, TuningRequest& request) {
  static const json::object kNothing;
  RequestFault& fault = fields.fault();
  const json::object* method = fields.object("method");
  const Fields about(method == nullptr ? kNothing : *method, fault, "method");
  const std::string type = about.text("type").value_or("supervised");
  if (type == "supervised") {
    request.options.method = train::Method::kLora;
  } else if (type == "dpo" || type == "orpo" || type == "kto") {
    request.options.method = *train::method_named(type);
  } else {
    about.fail("type",
               fmt::format("method.type: expected supervised, dpo, orpo or kto, got '{}'", type.substr(0, 100)));
    return;
  }
  const json::object* own = about.object(type);
  const Fields of_type(own == nullptr ? kNothing : *own, fault, about.path_of(type));
  const json::object* hyperparameters = of_type.object("hyperparameters");
  std::string path = of_type.path_of("hyperparameters");
  if (hyperparameters == nullptr && (hyperparameters = fields.object("hyperparameters")) != nullptr) {
    path = "hyperparameters";  // where OpenAI had them before there were methods
  }
  read_hyperparameters(Fields(hyperparameters == nullptr ? kNothing : *hyperparameters, fault, path), request);
  const json::object shown = {{"hyperparameters", request.hyperparameters_shown}};
  request.method_shown = {{"type", type}, {type, shown}};
}

void read_adapter(const Fields& fields, train::LoraOptions& lora) {
  if (const auto rank = fields.integer("rank", 1, 4096)) {
    lora.rank = static_cast<int>(*rank);
    lora.alpha = 2.0 * lora.rank;
  }
  lora.alpha = fields.number("alpha", 1e-3, 1e6).value_or(lora.alpha);
  lora.rank_stabilised = fields.flag("rslora").value_or(false);
  lora.b_rate = fields.number("lora_plus", 1e-3, 1e6).value_or(1);
  lora.magnitudes = fields.flag("dora").value_or(false);
  lora.targets = fields.texts("target");
}

/// The options of `ondol train`, under its names.
void read_own_fields(const Fields& fields, TuningRequest& request) {
  train::TrainingOptions& options = request.options;
  read_adapter(fields, options.lora);
  options.n_steps = fields.integer("steps", 1, kMaxSteps).value_or(0);
  train::Schedule& schedule = options.trainer.schedule;
  schedule.rate = fields.number("lr", 1e-9, 10).value_or(schedule.rate);
  schedule.warm_up = fields.integer("warm_up", 0, kMaxSteps).value_or(schedule.warm_up);
  schedule.shape = named(fields, "schedule", train::schedule_named).value_or(schedule.shape);
  train::OptimizerOptions& optimizer = options.trainer.optimizer;
  optimizer.kind = named(fields, "optimizer", train::optimizer_named).value_or(optimizer.kind);
  optimizer.decay = fields.number("decay", 0, 10).value_or(optimizer.decay);
  options.trainer.clip = fields.number("clip", 0, 1e6).value_or(options.trainer.clip);
  options.trainer.sequences_per_step *= fields.integer("accumulate", 1, 1 << 10).value_or(1);
  train::EncoderOptions& encoder = options.data.encoder;
  encoder.train_on = named(fields, "train_on", train::train_on_named).value_or(encoder.train_on);
  encoder.sequence_length = static_cast<uint32_t>(fields.integer("seq", 16, 1 << 20).value_or(encoder.sequence_length));
  options.data.validation_fraction = fields.number("valid", 0, 0.9).value_or(0);
  options.early_stop = fields.integer("early_stop", 0, kMaxSteps).value_or(0);
  options.n_threads = static_cast<int>(fields.integer("threads", 0, 4096).value_or(0));
  train::PreferenceOptions& preferences = options.preferences;
  preferences.odds_weight = fields.number("lambda", 0, 1e6).value_or(preferences.odds_weight);
  preferences.desirable = fields.number("desirable", 0, 1e6).value_or(1);
  preferences.undesirable = fields.number("undesirable", 0, 1e6).value_or(1);
  named(fields, "precision", train::product_types);
  options.precision = fields.text("precision").value_or(options.precision);
  request.save_every = fields.integer("save_every", 1, kMaxSteps).value_or(request.save_every);
  request.save_seconds = fields.number("save_seconds", 1, 1e6).value_or(request.save_seconds);
  request.is_live = fields.flag("live").value_or(false);
  const std::string priority = fields.text("priority").value_or("low");
  request.yields = priority == "low";
  if (!request.yields && priority != "normal") {
    fields.fail("priority", fmt::format("{}: expected low or normal", fields.path_of("priority")));
  }
}

void read_suffix(const Fields& fields, TuningRequest& request) {
  request.suffix = fields.text("suffix").value_or("");
  const auto is_odd = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
           std::string_view(":=,/\\").find(c) != std::string_view::npos;
  };
  const bool is_sane = request.suffix.size() <= kMaxSuffixBytes && is_valid_utf8(request.suffix) &&
                       std::none_of(request.suffix.begin(), request.suffix.end(), is_odd);
  if (is_sane) return;
  fields.fail("suffix", fmt::format("suffix: expected up to {} bytes without spaces and without : = , / and \\",
                                    kMaxSuffixBytes));
}

}  // namespace

TuningRequest read_tuning_request(const Fields& fields) {
  static const json::object kNothing;
  TuningRequest request;
  request.model = fields.required_text("model");
  request.training_file = fields.required_text("training_file");
  request.validation_file = fields.text("validation_file").value_or("");
  read_suffix(fields, request);
  request.options.lora.seed = static_cast<uint64_t>(fields.integer("seed", 0, INT32_MAX).value_or(0));
  if (const json::object* metadata = fields.object("metadata")) {
    request.metadata = *metadata;
    if (metadata->size() > kMaxMetadata) fields.fail("metadata", "metadata: expected at most 16 pairs");
  }
  read_method(fields, request);
  const json::object* own = fields.object("ondol");
  read_own_fields(Fields(own == nullptr ? kNothing : *own, fields.fault(), "ondol"), request);
  train::settle(request.options);
  return request;
}

}  // namespace ondol::server
