#include "cli/bench_measure.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "backend/counting_backend.h"
#include "cli/language.h"
#include "cli/terminal.h"

namespace ondol::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Sequences that are evaluated together, each `depth` positions long when a test starts.
class Sequences {
 public:
  using Pass = std::function<void(const Batch&)>;

  Sequences(Engine& engine, int n, Pass pass) : engine_(engine), pass_(std::move(pass)) {
    for (int i = 0; i < n; ++i) sequences_.emplace_back(engine.cache());
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

  /// n_tokens more for each sequence, one sequence after another.
  Result<void> read(int n_tokens) {
    for (KvSequence& sequence : sequences_) {
      for (int done = 0; done < n_tokens;) {
        const int n = std::min(engine_.batch_rows(), n_tokens - done);
        ONDOL_TRY(evaluate({&sequence, 1}, n, done + n == n_tokens));
        done += n;
      }
    }
    return {};
  }

  /// n_tokens more for each sequence, one token of all sequences after another.
  Result<void> generate(int n_tokens) {
    for (int i = 0; i < n_tokens; ++i) ONDOL_TRY(evaluate(sequences_, 1, true));
    return {};
  }

 private:
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
    pass_(batch);
    if (interrupted) return Error("stopped");
    return {};
  }

  // Different tokens, so that mixtures of experts use different experts.
  TokenId next_token() {
    token_ = (token_ * 1103515245u + 12345u) & 0x7fffffffu;
    return static_cast<TokenId>(token_ % static_cast<uint32_t>(engine_.model().config().vocabulary_size));
  }

  Engine& engine_;
  Pass pass_;
  std::vector<KvSequence> sequences_;
  uint32_t token_ = 1;
};

/// One of the two tests: which it is, how long, what it asks of the machine and what it gave.
struct Test {
  Result<void> (Sequences::*run)(int n_tokens);
  int n_tokens;
  int warm_up_tokens;
  bool reads_memory;  // its limit is bandwidth, else arithmetic
  Demand demand;
  TestResult result;
};

const char* name_of(const Test& test) {
  if (test.reads_memory) return "read_bytes_per_s";
  switch (test.demand.main_arithmetic()) {
    case Arithmetic::kInt8:
      return "int8_operations_per_s";
    case Arithmetic::kBf16:
      return "bf16_operations_per_s";
    case Arithmetic::kFp32:
      return "fp32_operations_per_s";
  }
  return "";
}

class Measurement {
 public:
  explicit Measurement(const BenchOptions& options) : options_(options) {}

  Result<void> open() {
    ModelOptions model = options_.model;
    model.needs_tokenizer = false;
    if (model.context_length == 0) {
      const int longest = options_.depth + std::max(options_.prompt, options_.generate) + kPageTokens;
      model.context_length = static_cast<int64_t>(longest) * options_.batch;
    }
    engine_ = ONDOL_TRY(open_engine(model));
    if (!engine_->model().config().causal) {
      return Error(engine_->file().path() + ": an embedding model generates no text");
    }
    add_test("pp", &Sequences::read, options_.prompt, 64, false);
    add_test("tg", &Sequences::generate, options_.generate, 4, true);
    return options_.limits ? prepare_limits() : Result<void>();
  }

  Result<BenchReport> run() {
    Sequences sequences(*engine_, options_.batch, [this](const Batch& batch) { engine_->forward(batch); });
    ProgressBar bar(std::string(tr("measuring")), "rounds");
    for (int round = 0; round <= options_.rounds; ++round) {
      ONDOL_TRY(run_round(sequences, round > 0));
      bar.update(round, options_.rounds);
    }
    BenchReport report;
    report.rounds = options_.rounds;
    report.labels = {engine_->file().path()};
    for (Test& test : tests_) report.rows.push_back({std::move(test.result)});
    return report;
  }

 private:
  void add_test(const char* kind, Result<void> (Sequences::*run)(int), int n_tokens, int warm_up, bool reads_memory) {
    if (n_tokens == 0) return;
    Test test{run, n_tokens, std::min(n_tokens, warm_up), reads_memory, {}, {}};
    test.result.test = fmt::format("{}{}", kind, n_tokens);
    if (options_.depth > 0) test.result.test += fmt::format("@d{}", options_.depth);
    test.result.backend = engine_->backend().description();
    tests_.push_back(std::move(test));
  }

  /// Lets the model's own forward pass say what each test asks of the machine.
  Result<void> prepare_limits() {
    const CpuOptions cpu{.n_threads = engine_->backend().n_threads()};
    probe_ = ONDOL_TRY(LimitProbe::create(cpu));
    for (Test& test : tests_) {
      const auto counter = ONDOL_TRY(create_counting_backend(cpu, test.demand));
      Arena arena;
      Context context{*counter, arena};
      Sequences sequences(*engine_, options_.batch, [&](const Batch& batch) {
        arena.release({});
        engine_->model().forward(batch, engine_->cache(), context);
      });
      ONDOL_TRY(sequences.set_depth(options_.depth));
      test.demand = {};
      ONDOL_TRY((sequences.*test.run)(test.n_tokens));
      test.result.limit = name_of(test);
    }
    return {};
  }

  /// The tests, and after them what the machine reaches just then.
  Result<void> run_round(Sequences& sequences, bool counts) {
    for (Test& test : tests_) {
      ONDOL_TRY(sequences.set_depth(options_.depth));
      const auto start = Clock::now();
      ONDOL_TRY((sequences.*test.run)(counts ? test.n_tokens : test.warm_up_tokens));
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      if (!counts) continue;
      test.result.tokens_per_s.push_back(test.n_tokens * static_cast<double>(options_.batch) / seconds);
      const double used = test.reads_memory ? test.demand.bytes() : test.demand.all_operations();
      if (probe_) test.result.used_per_s.push_back(used / seconds);
    }
    for (Test& test : tests_) {
      if (!counts || !probe_) continue;
      test.result.limit_per_s.push_back(test.reads_memory ? probe_->read_bytes_per_s()
                                                          : probe_->operations_per_s(test.demand.main_arithmetic()));
    }
    return {};
  }

  const BenchOptions& options_;
  std::unique_ptr<Engine> engine_;
  std::vector<Test> tests_;
  std::optional<LimitProbe> probe_;
};

}  // namespace

Result<BenchReport> measure(const BenchOptions& options) {
  Measurement measurement(options);
  ONDOL_TRY(measurement.open());
  return measurement.run();
}

}  // namespace ondol::cli
