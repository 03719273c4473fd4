#include "cli/options.h"

#include <sys/stat.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "cli/terminal.h"
#include "hub/store.h"
#include "runtime/model_drafter.h"

namespace ondol::cli {
namespace {

Result<std::pair<TokenId, float>> parse_bias(const std::string& text) {
  const size_t split = text.find_first_of("=:");
  if (split != std::string::npos) {
    char* end = nullptr;
    const long id = std::strtol(text.c_str(), &end, 10);
    const bool id_is_whole = end == text.c_str() + split;
    const float bias = std::strtof(text.c_str() + split + 1, &end);
    if (id_is_whole && *end == '\0' && end != text.c_str() + split + 1)
      return std::pair{static_cast<TokenId>(id), bias};
  }
  return Error(
      fmt::format("--logit-bias: expected TOKEN_ID=BIAS (for example 15043=-5, or 15043=-inf), got '{}'", text));
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find_first_of(",;", begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<DType> kv_type_from(const std::string& name) {
  const auto type = dtype_from_name(name);
  const bool known =
      type && (*type == DType::F32 || *type == DType::F16 || *type == DType::Q8_0 || *type == DType::Q4_0);
  return known ? type : std::nullopt;
}

Result<KvTypes> parse_kv_types(const std::string& text) {
  const size_t slash = text.find('/');
  const auto keys = kv_type_from(text.substr(0, slash));
  const auto values = slash == std::string::npos ? keys : kv_type_from(text.substr(slash + 1));
  if (keys && values) return KvTypes(*keys, *values);
  return Error(fmt::format(
      "--kv: expected f32, f16, q8_0 or q4_0, or two of them as in q8_0/q4_0 (keys/values), got '{}'", text));
}

}  // namespace

void ModelOptions::add_to(CLI::App& command) {
  command.add_option("-t,--threads", n_threads, "Threads; 0: one for each core that this process may use")
      ->check(CLI::Range(0, 4096));
  command.add_option("-c,--ctx", context_length, "Context in tokens; without it, as much as model and memory allow")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
  command
      .add_option("--kv", kv_types,
                  "Precision of the key-value cache: f32, f16, q8_0 or q4_0; or of keys and of values, as in q8_0/q4_0")
      ->capture_default_str();
  command.add_option("--batch-size", batch_rows, "Tokens of a prompt evaluated at once")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command
      .add_option("--adapter", adapters,
                  "A low-rank adapter (a GGUF file, or a folder as PEFT writes it), perhaps with a factor: "
                  "PATH=0.5 (any number of times)")
      ->allow_extra_args(false);  // what follows its path may be the prompt
}

Result<AdapterWish> parse_adapter(const std::string& text) {
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos || std::filesystem::exists(text)) return AdapterWish{text, 1.0f};
  float factor = 0.0f;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + equals + 1, end, factor);
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(factor)) {
    return Error(fmt::format("--adapter {}: expected a number after '=', got '{}'", text, text.substr(equals + 1)));
  }
  return AdapterWish{text.substr(0, equals), factor};
}

Result<EngineOptions> ModelOptions::engine_options() const {
  EngineOptions options;
  options.cpu.n_threads = n_threads;
  options.context = {context_length, context_at_least};
  options.needs_tokenizer = needs_tokenizer;
  options.cpu.rounds_floats = rounds_floats;
  options.batch_rows = batch_rows;
  options.kv_types = ONDOL_TRY(parse_kv_types(kv_types));
  for (const std::string& adapter : adapters) options.adapters.push_back(ONDOL_TRY(parse_adapter(adapter)));
  return options;
}

void SamplingOptions::add_to(CLI::App& command) {
  const auto tell = [&](const CLI::Option* option, auto SamplerOptions::*member) {
    given_.push_back([this, option, member](SamplingWish& wish) {
      if (option->count() > 0) wish.set(member, sampler.*member);
    });
  };
  const auto number = [&](const char* flags, auto SamplerOptions::*member, const char* help) {
    tell(command.add_option(flags, sampler.*member, help)->capture_default_str()->group("Sampling"), member);
  };
  number("--temp", &SamplerOptions::temperature, "Temperature; 0 always takes the most likely token");
  command.add_option("-s,--seed", seed, "Seed: the same seed gives the same text")->group("Sampling");
  number("--top-k", &SamplerOptions::top_k, "Keep the k most likely tokens; 0 is off");
  number("--top-p", &SamplerOptions::top_p, "Keep the fewest tokens that reach this probability; 1 is off");
  number("--min-p", &SamplerOptions::min_p, "Keep tokens at least this many times as likely as the best; 0 is off");
  number("--typical", &SamplerOptions::typical_p, "Locally typical sampling; 1 is off");
  number("--top-n-sigma", &SamplerOptions::top_n_sigma,
         "Keep logits within n standard deviations of the best; 0 is off");
  number("--repeat-last-n", &SamplerOptions::repeat_last_n, "Tokens that penalties look back over; -1 is all");
  number("--repeat-penalty", &SamplerOptions::repeat_penalty, "Repetition penalty; 1 is off");
  number("--frequency-penalty", &SamplerOptions::frequency_penalty, "Per occurrence; 0 is off");
  number("--presence-penalty", &SamplerOptions::presence_penalty, "Once per token that occurred; 0 is off");
  number("--dry-multiplier", &SamplerOptions::dry_multiplier, "DRY penalty on repeated sequences; 0 is off");
  number("--dry-base", &SamplerOptions::dry_base, "DRY: growth per token of repetition");
  number("--dry-allowed-length", &SamplerOptions::dry_allowed_length, "DRY: repetitions up to this length are free");
  number("--dry-last-n", &SamplerOptions::dry_last_n, "DRY: tokens looked back over; -1 is all");
  number("--xtc-probability", &SamplerOptions::xtc_probability, "XTC: chance of dropping the top choices; 0 is off");
  number("--xtc-threshold", &SamplerOptions::xtc_threshold, "XTC: what counts as a top choice");
  number("--dynatemp-range", &SamplerOptions::dynamic_range, "Dynamic temperature: half-width of its range; 0 is off");
  number("--dynatemp-exp", &SamplerOptions::dynamic_exponent, "Dynamic temperature: exponent");
  tell(command.add_flag("--mirostat", sampler.mirostat, "Mirostat 2 in place of the truncating steps")
           ->group("Sampling"),
       &SamplerOptions::mirostat);
  number("--mirostat-tau", &SamplerOptions::mirostat_tau, "Mirostat: wanted surprise, in bits");
  number("--mirostat-eta", &SamplerOptions::mirostat_eta, "Mirostat: learning rate");
  command.add_option("--logit-bias", logit_bias, "TOKEN_ID=BIAS, any number of times")->group("Sampling");
  command.add_option("--samplers", chain, "The chain's steps in order: " + sampler_step_names())->group("Sampling");
}

Result<SamplerOptions> SamplingOptions::resolved(const ModelFile& file) const {
  SamplingWish wish;
  for (const auto& tell : given_) tell(wish);
  SamplerOptions options = wish.over(recommended_sampling(file));
  options.seed = seed ? *seed : static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  if (!chain.empty()) options.chain = split_list(chain);
  for (const std::string& text : logit_bias) {
    const auto bias = ONDOL_TRY(parse_bias(text));
    options.logit_bias[bias.first] = bias.second;
  }
  return options;
}

void SpeculationOptions::add_to(CLI::App& command) {
  command
      .add_option("--speculate", wish,
                  "Guess tokens from repetitions and check several at once: auto, off, or how many (1 to 7). The text "
                  "stays the same, only faster")
      ->capture_default_str();
  command.add_option(
      "--draft", draft_model,
      "A small model with the same vocabulary that guesses tokens too (a file, a folder or a name in the "
      "store); it rests where that does not help");
}

Result<int> SpeculationOptions::resolved() const {
  if (wish == "auto") return kSpeculateAuto;
  if ((wish == "off" || wish == "0") && !draft_model.empty()) {
    return Error(fmt::format("--draft: expected guessing to be on, got --speculate {}", wish));
  }
  if (wish == "off") return 0;
  int n = -1;
  const char* end = wish.data() + wish.size();
  const auto parsed = std::from_chars(wish.data(), end, n);
  if (parsed.ec == std::errc() && parsed.ptr == end && n >= 0 && n <= DraftPolicy::kMostGuesses) return n;
  return Error(
      fmt::format("--speculate: expected auto, off or a number up to {}, got '{}'", DraftPolicy::kMostGuesses, wish));
}

std::string guesses_in_words(const Generated& result) {
  if (result.n_drafted == 0) return "";
  return fmt::format(", {} of {} guesses right", result.n_accepted, result.n_drafted);
}

namespace {

Result<std::unique_ptr<Engine>> open_engine(const std::string& model, const EngineOptions& options) {
  auto engine = ONDOL_TRY(Engine::open(ONDOL_TRY(resolve_model(model)), options));
  const MemoryPlan& plan = engine->plan();
  if (plan.context_length < plan.context_wanted) std::fprintf(stderr, "%s\n", plan.explain().c_str());
  return engine;
}

}  // namespace

Result<std::unique_ptr<Engine>> open_engine(const ModelOptions& options) {
  return open_engine(options.model, ONDOL_TRY(options.engine_options()));
}

Result<EngineWithDraft> open_engine_and_draft(const ModelOptions& options, const SpeculationOptions& speculation) {
  EngineOptions engine_options = ONDOL_TRY(options.engine_options());
  EngineWithDraft opened;
  if (speculation.draft_model.empty()) {
    opened.engine = ONDOL_TRY(open_engine(options.model, engine_options));
    return opened;
  }
  const std::string path = ONDOL_TRY(resolve_model(speculation.draft_model).in("--draft"));
  engine_options.beside = ONDOL_TRY(ModelDrafter::memory_needs(path, engine_options));
  opened.engine = ONDOL_TRY(open_engine(options.model, engine_options));
  engine_options.adapters.clear();  // they belong to the model, not to the one that guesses
  opened.draft = ONDOL_TRY(ModelDrafter::open(path, *opened.engine, engine_options));
  return opened;
}

Result<std::string> read_standard_input() {
  std::string text;
  char buffer[65536];
  size_t n = 0;
  while ((n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0) text.append(buffer, n);
  if (std::ferror(stdin) != 0) return Error("standard input: cannot read");
  return text;
}

}  // namespace ondol::cli
