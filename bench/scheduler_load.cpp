// Many texts at once through the scheduler: tokens per second and the time to the first token.
//
//   scheduler_load MODEL.gguf [TEXTS] [TOKENS] [AT_ONCE]      (AT_ONCE 1: one text after another, to compare)
//
// Two loads: prompts of mixed lengths (32 to 1024 tokens) without anything in common, and prompts of a shared beginning
// (2000 tokens) with a short end, with the prefix cache and with beginnings made different so that it finds nothing.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "runtime/scheduler.h"

namespace {

using namespace ondol;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Timer final : public GenerationSink {
 public:
  bool on_token(const TokenEvent&) override {
    if (first_token < 0) first_token = seconds_since(start_);
    return true;
  }
  void on_end(const GenerationEnd& got) override {
    end = got;
    last_token = seconds_since(start_);
  }
  double first_token = -1;
  double last_token = 0;
  GenerationEnd end;

 private:
  Clock::time_point start_ = Clock::now();
};

using Prompts = std::vector<std::vector<TokenId>>;

std::vector<TokenId> random_tokens(uint64_t seed, size_t n, int64_t vocabulary_size) {
  Random random(seed);
  std::vector<TokenId> tokens(n);
  for (TokenId& token : tokens) token = static_cast<TokenId>(random.next() % static_cast<uint64_t>(vocabulary_size));
  return tokens;
}

void measure(const char* name, const std::string& model, const Prompts& prompts, int n_tokens, int n_at_once) {
  EngineOptions options;
  for (const auto& prompt : prompts) {
    options.context.length += static_cast<int64_t>(prompt.size()) + n_tokens + 2 * kPageTokens;
  }
  auto engine = Engine::open(model, options);
  if (!engine) {
    std::fprintf(stderr, "%s\n", engine.error().message().c_str());
    std::exit(1);
  }
  const auto scheduler = Scheduler::start(std::move(engine).value(), {.max_running = n_at_once});
  std::vector<std::shared_ptr<Timer>> timers;
  const auto start = Clock::now();
  for (const auto& prompt : prompts) {
    GenerationRequest request;
    request.prompt = prompt;
    request.max_tokens = n_tokens;
    request.ignore_end = true;
    timers.push_back(std::make_shared<Timer>());
    if (!scheduler->submit(std::move(request), timers.back())) std::exit(1);
  }
  scheduler->drain(1e6);
  const double seconds = seconds_since(start);
  const SchedulerStats stats = scheduler->stats();
  std::vector<double> first;
  for (const auto& timer : timers) first.push_back(timer->first_token);
  std::sort(first.begin(), first.end());
  std::printf(
      "%-28s %6.1f s, %6.1f tokens/s read and written, %5.1f written; first token: median %.1f s, last %.1f s; "
      "%llu passes, %llu rows, %llu prompt tokens known, %llu texts made room\n",
      name, seconds, static_cast<double>(stats.n_prompt_tokens + stats.n_generated_tokens) / seconds,
      static_cast<double>(stats.n_generated_tokens) / seconds, first[first.size() / 2], first.back(),
      static_cast<unsigned long long>(stats.n_passes), static_cast<unsigned long long>(stats.n_rows),
      static_cast<unsigned long long>(stats.n_cached_tokens), static_cast<unsigned long long>(stats.n_preempted));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: scheduler_load MODEL.gguf [TEXTS] [TOKENS] [AT_ONCE]\n");
    return 2;
  }
  const std::string model = argv[1];
  const int n_texts = argc > 2 ? std::atoi(argv[2]) : 16;
  const int n_tokens = argc > 3 ? std::atoi(argv[3]) : 64;
  const int n_at_once = argc > 4 ? std::atoi(argv[4]) : 16;
  constexpr int64_t kIds = 1000;
  Prompts mixed, shared, different;
  const auto start = random_tokens(1, 2000, kIds);
  for (int i = 0; i < n_texts; ++i) {
    const auto seed = static_cast<uint64_t>(100 + i);
    mixed.push_back(random_tokens(seed, static_cast<size_t>(32 << (i * 7 % 6)), kIds));
    const auto end = random_tokens(seed, 30, kIds);
    shared.push_back(start);
    shared.back().insert(shared.back().end(), end.begin(), end.end());
    different.push_back(shared.back());
    different.back()[0] = static_cast<TokenId>(i);
  }
  measure("mixed prompts", model, mixed, n_tokens, n_at_once);
  measure("a shared beginning", model, shared, n_tokens, n_at_once);
  different.resize(different.size() / 4);
  measure("a quarter, nothing shared", model, different, n_tokens, n_at_once);
  return 0;
}
