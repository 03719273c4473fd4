#include "backend/machine.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

#include "backend/cpu/dispatch.h"
#include "backend/cpu/probes.h"
#include "base/placement.h"

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kProbeSeconds = 0.15;
constexpr size_t kReadBytesPerThread = size_t{192} << 20;  // beyond any core's share of the caches
constexpr int kReadPasses = 3;

cpu::Probes probes_for(const cpu::CpuKernels& kernels) {
  cpu::Probes probes = cpu::ref::kProbes;
#if defined(__x86_64__)
  if (kernels.level == cpu::IsaLevel::kAvx2) {
    probes = cpu::avx2::kProbes;
    if ((kernels.features & cpu::kAvxVnni) != 0) probes.int8 = cpu::avx2::probe_vnni;
  }
  if (kernels.level >= cpu::IsaLevel::kAvx512) {
    probes = cpu::avx512::kProbes;
    if ((kernels.features & cpu::kAvx512Bf16) != 0) probes.bf16 = cpu::avx512::probe_bf16;
    if ((kernels.features & cpu::kAmxInt8) != 0) probes.int8 = cpu::avx512::probe_amx_int8;
    if ((kernels.features & cpu::kAmxBf16) != 0) probes.bf16 = cpu::avx512::probe_amx_bf16;
  }
#elif defined(__aarch64__)
  if (kernels.level == cpu::IsaLevel::kNeon) {
    probes = cpu::neon::kProbes;
    if ((kernels.features & cpu::kNeonI8mm) != 0) probes.int8 = cpu::neon::probe_i8mm;
  }
#else
  (void)kernels;
#endif
  return probes;
}

/// Runs work(thread) on n threads and returns the seconds until the last one ends.
double timed(int n_threads, const std::function<void(int)>& work) {
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 1; i < n_threads; ++i) threads.emplace_back(work, i);
  work(0);
  for (std::thread& thread : threads) thread.join();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

struct NamedFeature {
  uint64_t bit;
  const char* name;
};

constexpr NamedFeature kNames[] = {
    {cpu::kAvx2, "avx2"},
    {cpu::kAvxVnni, "avx-vnni"},
    {cpu::kAvx512, "avx512-vnni"},
    {cpu::kAvx512Bf16, "avx512-bf16"},
    {cpu::kAvx512Fp16, "avx512-fp16"},
    {cpu::kAvx512Vbmi, "avx512-vbmi"},
    {cpu::kAmxInt8, "amx-int8"},
    {cpu::kAmxBf16, "amx-bf16"},
    {cpu::kNeon, "neon-dotprod"},
    {cpu::kNeonI8mm, "neon-i8mm"},
    {cpu::kNeonBf16, "neon-bf16"},
};

std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> names;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(", ", begin), text.size());
    names.push_back(text.substr(begin, end - begin));
    begin = end + 2;
  }
  return names;
}

}  // namespace

struct LimitProbe::State {
  cpu::Probes probes;
  int n_threads = 0;
  std::vector<Buffer> buffers;        // one for each thread, made when first read
  int64_t rounds[kArithmetics] = {};  // of the last run that was long enough to trust

  double (*probe(Arithmetic arithmetic) const)(int64_t) {
    if (arithmetic == Arithmetic::kInt8) return probes.int8;
    return arithmetic == Arithmetic::kBf16 ? probes.bf16 : probes.fp32;
  }

  void fill_buffers() {
    for (int i = 0; i < n_threads; ++i) buffers.emplace_back(kReadBytesPerThread);
    timed(n_threads, [&](int i) { std::memset(buffers[static_cast<size_t>(i)].data(), i + 1, kReadBytesPerThread); });
  }
};

LimitProbe::LimitProbe(std::unique_ptr<State> state) : state_(std::move(state)) {}
LimitProbe::LimitProbe(LimitProbe&&) noexcept = default;
LimitProbe& LimitProbe::operator=(LimitProbe&&) noexcept = default;
LimitProbe::~LimitProbe() = default;

Result<LimitProbe> LimitProbe::create(const CpuOptions& options) {
  auto state = std::make_unique<State>();
  state->probes = probes_for(ONDOL_TRY(cpu::select_kernels(options.instruction_set, cpu::detect_features())));
  state->n_threads = options.n_threads > 0 ? options.n_threads : default_threads();
  return LimitProbe(std::move(state));
}

/// The best of a few passes: others' traffic only ever slows a pass down.
double LimitProbe::read_bytes_per_s() {
  if (state_->buffers.empty()) state_->fill_buffers();
  const cpu::Probes& probes = state_->probes;
  double best = 0;
  for (int pass = 0; pass < kReadPasses; ++pass) {
    const double seconds = timed(state_->n_threads, [&](int i) {
      const uint8_t* data = state_->buffers[static_cast<size_t>(i)].data();
      cpu::probe_sink = static_cast<float>(probes.read(data, kReadBytesPerThread) & 1);
    });
    best = std::max(best, static_cast<double>(kReadBytesPerThread) * state_->n_threads / seconds);
  }
  return best;
}

/// Rounds grow until a run is long enough to trust.
double LimitProbe::operations_per_s(Arithmetic arithmetic) {
  const auto probe = state_->probe(arithmetic);
  if (probe == nullptr) return 0;
  int64_t& known = state_->rounds[static_cast<size_t>(arithmetic)];
  for (int64_t rounds = known > 0 ? known : 100000;; rounds *= 4) {
    std::vector<double> operations(static_cast<size_t>(state_->n_threads), 0);
    const double seconds = timed(state_->n_threads, [&](int i) { operations[static_cast<size_t>(i)] = probe(rounds); });
    if (seconds < kProbeSeconds && rounds < (int64_t{1} << 40)) continue;
    known = rounds;
    double sum = 0;
    for (const double n : operations) sum += n;
    return sum / seconds;
  }
}

Result<MachineReport> examine_machine(const CpuOptions& options, bool measure) {
  const uint64_t features = cpu::detect_features();
  const cpu::CpuKernels kernels = ONDOL_TRY(cpu::select_kernels(options.instruction_set, features));
  MachineReport report;
  report.processor = processor_name();
  report.instruction_set = kernels.name;
  for (const NamedFeature& named : kNames) {
    if ((features & named.bit) != 0) report.extensions.emplace_back(named.name);
  }
  for (const std::string& name : split_names(cpu::known_instruction_sets())) {
    if (cpu::select_kernels(name, features)) report.instruction_sets.push_back(name);
  }
  report.processors = count_processors(this_topology());
  report.n_threads = options.n_threads > 0 ? options.n_threads : default_threads();
  if (!measure) return report;
  LimitProbe probe = ONDOL_TRY(LimitProbe::create(options));
  report.read_bytes_per_s = probe.read_bytes_per_s();
  report.int8_operations_per_s = probe.operations_per_s(Arithmetic::kInt8);
  report.bf16_operations_per_s = probe.operations_per_s(Arithmetic::kBf16);
  report.fp32_operations_per_s = probe.operations_per_s(Arithmetic::kFp32);
  return report;
}

}  // namespace ondol
