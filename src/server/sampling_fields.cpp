#include "server/sampling_fields.h"

#include <charconv>
#include <limits>
#include <random>

#include <fmt/format.h>

namespace ondol::server {
namespace {

constexpr double kAny = std::numeric_limits<float>::max();

void read(const Fields& fields, std::string_view key, double low, double high, float SamplerOptions::*member,
          SamplingWish& wish) {
  if (const auto number = fields.number(key, low, high)) wish.set(member, static_cast<float>(*number));
}

void read(const Fields& fields, std::string_view key, int64_t low, int64_t high, int SamplerOptions::*member,
          SamplingWish& wish) {
  if (const auto number = fields.integer(key, low, high)) wish.set(member, static_cast<int>(*number));
}

/// OpenAI's object {"15043": -100}, or llama.cpp's list [[15043, -100], [15044, false]].
void read_logit_bias(const Fields& fields, std::map<TokenId, float>& biases) {
  const json::value* value = fields.find("logit_bias");
  if (value == nullptr) return;
  const auto wrong = [&](const std::string& what) {
    fields.fail("logit_bias",
                "logit_bias: expected an object of token ids and numbers, as in {\"15043\": -100}, got " + what);
  };
  const auto set = [&](TokenId id, const json::value& bias) {
    if (bias.is_bool() && !bias.get_bool()) {
      biases[id] = -std::numeric_limits<float>::infinity();
    } else if (bias.is_number()) {
      // -100 is a ban in OpenAI's words.
      const auto number = bias.to_number<double>();
      biases[id] = number <= -100 ? -std::numeric_limits<float>::infinity() : static_cast<float>(number);
    } else {
      wrong(std::string(kind_name(bias)));
    }
  };
  if (const json::object* object = value->if_object()) {
    for (const auto& [key, bias] : *object) {
      TokenId id = 0;
      const auto end = key.data() + key.size();
      const auto parsed = std::from_chars(key.data(), end, id);
      if (parsed.ec != std::errc() || parsed.ptr != end) return wrong(fmt::format("'{}'", std::string_view(key)));
      set(id, bias);
    }
    return;
  }
  if (!value->is_array()) return wrong(std::string(kind_name(*value)));
  for (const json::value& pair : value->get_array()) {
    if (!pair.is_array() || pair.get_array().size() != 2 || !pair.get_array()[0].is_int64()) {
      return wrong("an array of something else than [id, number]");
    }
    set(static_cast<TokenId>(pair.get_array()[0].get_int64()), pair.get_array()[1]);
  }
}

}  // namespace

uint64_t random_seed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

SamplingWish read_sampling(const Fields& fields) {
  SamplingWish wish;
  read(fields, "temperature", 0, 100, &SamplerOptions::temperature, wish);
  read(fields, "top_p", 0, 1, &SamplerOptions::top_p, wish);
  read(fields, "min_p", 0, 1, &SamplerOptions::min_p, wish);
  // -1 is off in vLLM's words.
  if (const auto k = fields.integer("top_k", -1, 1 << 30)) {
    wish.set(&SamplerOptions::top_k, static_cast<int>(std::max<int64_t>(0, *k)));
  }
  read(fields, "typical_p", 0, 1, &SamplerOptions::typical_p, wish);
  if (const auto n = fields.number("top_n_sigma", -1, kAny)) {
    wish.set(&SamplerOptions::top_n_sigma, static_cast<float>(std::max(0.0, *n)));
  }
  read(fields, "repeat_last_n", -1, 1 << 30, &SamplerOptions::repeat_last_n, wish);
  read(fields, "repeat_penalty", 0, kAny, &SamplerOptions::repeat_penalty, wish);
  read(fields, "repetition_penalty", 0, kAny, &SamplerOptions::repeat_penalty, wish);
  read(fields, "frequency_penalty", -kAny, kAny, &SamplerOptions::frequency_penalty, wish);
  read(fields, "presence_penalty", -kAny, kAny, &SamplerOptions::presence_penalty, wish);
  read(fields, "dry_multiplier", 0, kAny, &SamplerOptions::dry_multiplier, wish);
  read(fields, "dry_base", 0, kAny, &SamplerOptions::dry_base, wish);
  read(fields, "dry_allowed_length", 0, 1 << 30, &SamplerOptions::dry_allowed_length, wish);
  read(fields, "dry_penalty_last_n", -1, 1 << 30, &SamplerOptions::dry_last_n, wish);
  if (fields.has("dry_sequence_breakers")) {
    wish.set(&SamplerOptions::dry_breakers, fields.texts("dry_sequence_breakers"));
  }
  read(fields, "xtc_probability", 0, 1, &SamplerOptions::xtc_probability, wish);
  read(fields, "xtc_threshold", 0, 1, &SamplerOptions::xtc_threshold, wish);
  read(fields, "dynatemp_range", 0, 100, &SamplerOptions::dynamic_range, wish);
  read(fields, "dynatemp_exponent", 0, 100, &SamplerOptions::dynamic_exponent, wish);
  // llama.cpp counts versions of it; the first is not here.
  if (const auto version = fields.integer("mirostat", 0, 2)) wish.set(&SamplerOptions::mirostat, *version == 2);
  read(fields, "mirostat_tau", 0, kAny, &SamplerOptions::mirostat_tau, wish);
  read(fields, "mirostat_eta", 0, kAny, &SamplerOptions::mirostat_eta, wish);
  std::map<TokenId, float> biases;
  read_logit_bias(fields, biases);
  wish.set(&SamplerOptions::logit_bias, std::move(biases));
  const auto seed = fields.integer("seed", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  wish.set(&SamplerOptions::seed, seed && *seed != -1 ? static_cast<uint64_t>(*seed) : random_seed());
  return wish;
}

}  // namespace ondol::server
