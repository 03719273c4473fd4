// Machine: what this computer is and what it reaches, measured. For `ondol doctor` and for shares in `ondol bench`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/topology.h"

namespace ondol {

struct MachineReport {
  std::string processor;                      // the kernel's name for it
  std::string instruction_set;                // the one that Ondol uses
  std::vector<std::string> extensions;        // what else was found: "vnni", "bf16", "amx-int8", ...
  std::vector<std::string> instruction_sets;  // those that could be forced
  ProcessorCounts processors;                 // that this process may use
  int n_threads = 0;
  double read_bytes_per_s = 0;       // all threads, from memory
  double int8_operations_per_s = 0;  // two operations for each multiply-add; 0 where there is no such instruction
  double bf16_operations_per_s = 0;
  double fp32_operations_per_s = 0;
};

/// Takes about a second for `measure`; without it the rates stay 0.
Result<MachineReport> examine_machine(const CpuOptions& options, bool measure);

/// The kinds of arithmetic whose rates are measured.
enum class Arithmetic { kInt8, kBf16, kFp32 };
constexpr int kArithmetics = 3;

/// Measures single limits, as often as one likes: so each round of a benchmark can have its own. Keeps the memory that
/// it reads, 192 MiB for each thread.
class LimitProbe {
 public:
  static Result<LimitProbe> create(const CpuOptions& options);
  LimitProbe(LimitProbe&&) noexcept;
  LimitProbe& operator=(LimitProbe&&) noexcept;
  ~LimitProbe();

  /// All threads, from memory. Takes about a tenth of a second.
  double read_bytes_per_s();
  /// All threads, two operations for each multiply-add; 0 where the instruction set lacks it. Takes 0.2 to 0.6 s.
  double operations_per_s(Arithmetic arithmetic);

 private:
  struct State;
  explicit LimitProbe(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ondol
