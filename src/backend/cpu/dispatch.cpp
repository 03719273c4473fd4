#include "backend/cpu/dispatch.h"

#include <cstdlib>
#include <span>

#include <fmt/format.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace ondol::cpu {
namespace {

#if defined(__x86_64__)
constexpr const CpuKernels* kTables[] = {&ref::kKernels, &avx2::kKernels, &avx512::kKernels, &avx512::kKernelsWithAmx};
#elif defined(__aarch64__)
constexpr const CpuKernels* kTables[] = {&ref::kKernels, &neon::kKernels};
#else
constexpr const CpuKernels* kTables[] = {&ref::kKernels};
#endif

#if defined(__x86_64__)
bool bit(uint32_t word, int i) {
  return (word >> i & 1u) != 0;
}

uint64_t enabled_state() {
  uint32_t low;
  uint32_t high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

/// Linux hands out the 8 KiB of tile registers only to processes that ask.
bool may_use_tiles() {
  constexpr long kRequestPermission = 0x1023;
  constexpr long kTileData = 18;
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

uint64_t features_of_leaf7(uint64_t state) {
  constexpr uint64_t kAvx512State = 0xe6;
  constexpr uint64_t kTileState = 0x60000;
  uint32_t max_subleaf = 0;
  uint32_t b = 0;
  uint32_t c = 0;
  uint32_t d = 0;
  uint32_t a1 = 0;
  if (!__get_cpuid_count(7, 0, &max_subleaf, &b, &c, &d)) return 0;
  if (max_subleaf >= 1) {
    uint32_t ignored[3];
    __get_cpuid_count(7, 1, &a1, &ignored[0], &ignored[1], &ignored[2]);
  }
  uint64_t found = 0;
  if (bit(b, 5)) found |= kAvx2;
  if (bit(a1, 4)) found |= kAvxVnni;
  const bool avx512 = bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31) && bit(c, 11);
  if (avx512 && (state & kAvx512State) == kAvx512State) {
    found |= kAvx512;
    if (bit(a1, 5)) found |= kAvx512Bf16;
    if (bit(d, 23)) found |= kAvx512Fp16;
    if (bit(c, 1)) found |= kAvx512Vbmi;
    if (bit(d, 24) && (state & kTileState) == kTileState && may_use_tiles()) {
      if (bit(d, 25)) found |= kAmxInt8;
      if (bit(d, 22)) found |= kAmxBf16;
    }
  }
  return found;
}

uint64_t detect() {
  constexpr uint64_t kAvxState = 0x6;
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
  uint32_t d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  const bool fma = bit(c, 12);
  const bool xsave_enabled = bit(c, 27);
  const bool f16c = bit(c, 29);
  if (!xsave_enabled || !fma || !f16c) return 0;
  const uint64_t state = enabled_state();
  if ((state & kAvxState) != kAvxState) return 0;
  const uint64_t found = features_of_leaf7(state);
  return (found & kAvx2) != 0 ? found : 0;
}
#elif defined(__aarch64__)
uint64_t detect() {
  const uint64_t caps = ::getauxval(AT_HWCAP);
  const uint64_t caps2 = ::getauxval(AT_HWCAP2);
  if ((caps & HWCAP_ASIMDDP) == 0 || (caps & HWCAP_ASIMDHP) == 0) return 0;
  uint64_t found = kNeon;
  if ((caps2 & HWCAP2_I8MM) != 0) found |= kNeonI8mm;
  if ((caps2 & HWCAP2_BF16) != 0) found |= kNeonBf16;
  return found;
}
#else
uint64_t detect() {
  return 0;
}
#endif

/// What may be used under a table: everything that does not belong to a higher one.
uint64_t visible_features(IsaLevel level, uint64_t features) {
  switch (level) {
    case IsaLevel::kRef:
      return 0;
    case IsaLevel::kAvx2:
      return features & (kAvx2 | kAvxVnni);
    case IsaLevel::kAvx512:
      return features & ~static_cast<uint64_t>(kAmxInt8 | kAmxBf16);
    case IsaLevel::kAmx:
    case IsaLevel::kNeon:
      return features;
  }
  return 0;
}

/// Fills `slot` of the table under construction where `table` has an entry.
template <typename Slot>
void take(Slot& slot, Slot entry) {
  if (entry != nullptr) slot = entry;
}

void overlay(CpuKernels& result, const CpuKernels& table) {
  result.name = table.name;
  result.level = table.level;
  take(result.dot, table.dot);
  take(result.add, table.add);
  take(result.add_scaled, table.add_scaled);
  take(result.scale, table.scale);
  take(result.softcap, table.softcap);
  take(result.activate, table.activate);
  take(result.gated_unit, table.gated_unit);
  take(result.softmax, table.softmax);
  take(result.sigmoid, table.sigmoid);
  take(result.rms_norm, table.rms_norm);
  take(result.layer_norm, table.layer_norm);
  take(result.rope_halves, table.rope_halves);
  take(result.rope_interleaved, table.rope_interleaved);
  take(result.rms_norm_gradient, table.rms_norm_gradient);
  take(result.silu_gate_gradient, table.silu_gate_gradient);
  take(result.to_bf16, table.to_bf16);
  take(result.from_bf16, table.from_bf16);
  take(result.hadamard, table.hadamard);
  take(result.kv_encode, table.kv_encode);
  take(result.attention, table.attention);
}

CpuKernels kernels_up_to(size_t last, uint64_t features) {
  CpuKernels result = *kTables[0];
  for (size_t i = 1; i <= last; ++i) overlay(result, *kTables[i]);
  result.features = visible_features(result.level, features);
  return result;
}

}  // namespace

uint64_t detect_features() {
  static const uint64_t features = detect();
  return features;
}

std::string known_instruction_sets() {
  std::string names;
  for (const CpuKernels* table : kTables) names += fmt::format("{}{}", names.empty() ? "" : ", ", table->name);
  return names;
}

Result<CpuKernels> select_kernels(const std::string& instruction_set, uint64_t features) {
  std::string wanted = instruction_set;
  std::string where = "instruction set";
  if (wanted.empty()) {
    if (const char* variable = std::getenv("ONDOL_CPU")) wanted = variable;
    where = "ONDOL_CPU";
  }
  size_t best = 0;
  for (size_t i = 0; i < std::size(kTables); ++i) {
    const bool supported = (kTables[i]->features & ~features) == 0;
    if (wanted == kTables[i]->name) {
      if (supported) return kernels_up_to(i, features);
      return Error(
          fmt::format("{}: this processor lacks '{}'; the best it has is '{}'", where, wanted, kTables[best]->name));
    }
    if (supported) best = i;
  }
  if (!wanted.empty()) {
    return Error(fmt::format("{}: expected one of {}, got '{}'", where, known_instruction_sets(), wanted));
  }
  return kernels_up_to(best, features);
}

}  // namespace ondol::cpu
