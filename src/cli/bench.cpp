// ondol bench: tokens per second of reading a prompt (pp) and of generating (tg).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <numeric>

#include <fmt/format.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace ondol::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  ModelOptions model;
  int prompt = 512;
  int generate = 64;
  int rounds = 5;
  int depth = 0;
  int batch = 1;
  bool json = false;
};

struct Measurement {
  std::string test;
  std::vector<double> tokens_per_s;

  double median() const {
    std::vector<double> sorted = tokens_per_s;
    std::sort(sorted.begin(), sorted.end());
    const size_t n = sorted.size();
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  }
  double min() const { return *std::min_element(tokens_per_s.begin(), tokens_per_s.end()); }
  double max() const { return *std::max_element(tokens_per_s.begin(), tokens_per_s.end()); }
};

/// Sequences that are evaluated together, each `depth` positions long when a test starts.
class Bench {
 public:
  Bench(Engine& engine, int n_sequences) : engine_(engine) {
    for (int i = 0; i < n_sequences; ++i) sequences_.emplace_back(engine.cache());
  }

  /// Brings every sequence to `depth` positions.
  Result<void> set_depth(int depth) {
    for (KvSequence& sequence : sequences_) {
      if (sequence.length() > depth) sequence.truncate(depth);
      while (sequence.length() < depth) {
        ONDOL_TRY(evaluate({&sequence, 1}, std::min(engine_.batch_rows(), depth - sequence.length()), false));
      }
    }
    return {};
  }

  Result<double> prompt_rate(int n_tokens) {
    const auto start = Clock::now();
    for (KvSequence& sequence : sequences_) {
      for (int done = 0; done < n_tokens;) {
        const int n = std::min(engine_.batch_rows(), n_tokens - done);
        ONDOL_TRY(evaluate({&sequence, 1}, n, done + n == n_tokens));
        done += n;
      }
    }
    return rate(start, n_tokens);
  }

  Result<double> generation_rate(int n_tokens) {
    const auto start = Clock::now();
    for (int i = 0; i < n_tokens; ++i) ONDOL_TRY(evaluate(sequences_, 1, true));
    return rate(start, n_tokens);
  }

 private:
  double rate(Clock::time_point start, int n_tokens) const {
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return n_tokens * static_cast<double>(sequences_.size()) / seconds;
  }

  /// One forward pass with `n` more tokens for each sequence.
  Result<void> evaluate(std::span<KvSequence> sequences, int n, bool wants_logits) {
    Batch batch;
    for (KvSequence& sequence : sequences) {
      const int position = sequence.length();
      ONDOL_TRY(sequence.append(n));
      const int first_row = static_cast<int>(batch.tokens.size());
      for (int i = 0; i < n; ++i) batch.tokens.push_back(next_token());
      batch.slices.push_back({&sequence, first_row, n, position});
      if (wants_logits) batch.output_rows.push_back(first_row + n - 1);
    }
    engine_.forward(batch);
    if (interrupted) return Error("stopped");
    return {};
  }

  // Different tokens, so that mixtures of experts use different experts.
  TokenId next_token() {
    token_ = (token_ * 1103515245u + 12345u) & 0x7fffffffu;
    return static_cast<TokenId>(token_ % static_cast<uint32_t>(engine_.model().config().vocabulary_size));
  }

  Engine& engine_;
  std::vector<KvSequence> sequences_;
  uint32_t token_ = 1;
};

Result<std::vector<Measurement>> measure(Bench& bench, const Options& options) {
  const std::string suffix = options.depth > 0 ? fmt::format("@d{}", options.depth) : "";
  Measurement prompt{fmt::format("pp{}{}", options.prompt, suffix), {}};
  Measurement generation{fmt::format("tg{}{}", options.generate, suffix), {}};
  ProgressBar bar(std::string(tr("measuring")), "rounds");
  for (int round = 0; round <= options.rounds; ++round) {
    const bool counts = round > 0;  // the first round warms caches up
    if (options.prompt > 0) {
      ONDOL_TRY(bench.set_depth(options.depth));
      const double rate = ONDOL_TRY(bench.prompt_rate(counts ? options.prompt : std::min(options.prompt, 64)));
      if (counts) prompt.tokens_per_s.push_back(rate);
    }
    if (options.generate > 0) {
      ONDOL_TRY(bench.set_depth(options.depth));
      const double rate = ONDOL_TRY(bench.generation_rate(counts ? options.generate : std::min(options.generate, 4)));
      if (counts) generation.tokens_per_s.push_back(rate);
    }
    bar.update(round, options.rounds);
  }
  std::vector<Measurement> all;
  if (options.prompt > 0) all.push_back(std::move(prompt));
  if (options.generate > 0) all.push_back(std::move(generation));
  return all;
}

void print(const std::vector<Measurement>& all, const Engine& engine, bool as_json) {
  if (!as_json) {
    fmt::print("{}\n{}\n", engine.file().path(), engine.backend().description());
    for (const Measurement& m : all) {
      fmt::print("{:<14} {:>9.2f} tokens/s  (from {:.2f} to {:.2f}, {} rounds)\n", m.test, m.median(), m.min(), m.max(),
                 m.tokens_per_s.size());
    }
    return;
  }
  json::array document;
  for (const Measurement& m : all) {
    json::object entry;
    entry["test"] = m.test;
    entry["tokens_per_s"] = m.median();
    entry["min"] = m.min();
    entry["max"] = m.max();
    entry["rounds"] = m.tokens_per_s.size();
    entry["backend"] = engine.backend().description();
    document.push_back(std::move(entry));
  }
  fmt::print("{}\n", json::serialize(document));
}

Result<void> bench(Options& options) {
  options.model.needs_tokenizer = false;
  if (options.model.context_length == 0) {
    const int longest = options.depth + std::max(options.prompt, options.generate) + kPageTokens;
    options.model.context_length = static_cast<int64_t>(longest) * options.batch;
  }
  auto engine = ONDOL_TRY(open_engine(options.model));
  if (!engine->model().config().causal) return Error(engine->file().path() + ": an embedding model generates no text");
  Bench bench(*engine, options.batch);
  const auto all = ONDOL_TRY(measure(bench, options));
  print(all, *engine, options.json);
  return {};
}

}  // namespace

void add_bench(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "bench", "Measure tokens per second of reading and generating",
                                  "  ondol bench model.gguf -t 2 -r 5 --json\n"
                                  "  ondol bench model.gguf -p 0 -n 64 --depth 8192 --kv q8_0\n"
                                  "  ondol bench model.gguf -p 0 -n 32 --batch 8\n",
                                  [options] { return bench(*options); });
  command->add_option("MODEL", options->model.model, "A file, a folder or a name in the store; without it the default");
  const CLI::Range count(0, 1 << 24);
  command->add_option("-p,--prompt", options->prompt, "Tokens of the prompt; 0 leaves this test out")
      ->check(count)
      ->capture_default_str();
  command->add_option("-n,--generate", options->generate, "Tokens to generate; 0 leaves this test out")
      ->check(count)
      ->capture_default_str();
  command->add_option("-r,--rounds", options->rounds, "Rounds; the median is reported")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--depth", options->depth, "Tokens in the context before each test")
      ->check(count)
      ->capture_default_str();
  command->add_option("--batch", options->batch, "Sequences at once")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_flag("--json", options->json, "One JSON document");
  options->model.add_to(*command);
}

}  // namespace ondol::cli
