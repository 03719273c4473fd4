#include "backend/cpu/dispatch.h"

#include <cstdlib>

#include "tests/backend/testing.h"

namespace ondol {
namespace {

/// Sets ONDOL_CPU for one test.
class OndolCpu {
 public:
  explicit OndolCpu(const char* value) {
    if (const char* before = std::getenv("ONDOL_CPU")) before_ = before;
    ::setenv("ONDOL_CPU", value, 1);
  }
  ~OndolCpu() {
    if (before_.empty()) {
      ::unsetenv("ONDOL_CPU");
    } else {
      ::setenv("ONDOL_CPU", before_.c_str(), 1);
    }
  }

 private:
  std::string before_;
};

TEST(Dispatch, ForcesEveryInstructionSetOfThisProcessor) {
  for (const std::string& isa : testing::instruction_sets()) {
    auto backend = create_cpu_backend({.n_threads = 1, .instruction_set = isa});
    ASSERT_TRUE(backend) << backend.error().message();
    EXPECT_EQ((*backend)->description(), "cpu (" + isa + ", 1 thread)");
    const OndolCpu variable(isa.c_str());
    auto by_variable = create_cpu_backend({.n_threads = 2});
    ASSERT_TRUE(by_variable);
    EXPECT_EQ((*by_variable)->description(), "cpu (" + isa + ", 2 threads)");
  }
}

TEST(Dispatch, AnOptionGoesBeforeTheVariable) {
  const OndolCpu variable("nonsense");
  EXPECT_TRUE(create_cpu_backend({.n_threads = 1, .instruction_set = "ref"}));
  auto failed = create_cpu_backend({.n_threads = 1});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(),
            "ONDOL_CPU: expected one of " + cpu::known_instruction_sets() + ", got 'nonsense'");
}

TEST(Dispatch, SaysWhatTheProcessorLacks) {
#if defined(__x86_64__)
  auto failed = cpu::select_kernels("avx512", cpu::kAvx2);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "instruction set: this processor lacks 'avx512'; the best it has is 'avx2'");
  auto on_old = cpu::select_kernels("avx2", 0);
  ASSERT_FALSE(on_old);
  EXPECT_EQ(on_old.error().message(), "instruction set: this processor lacks 'avx2'; the best it has is 'ref'");
#else
  auto failed = cpu::select_kernels("neon", 0);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "instruction set: this processor lacks 'neon'; the best it has is 'ref'");
#endif
}

#if defined(__x86_64__)
TEST(Dispatch, TakesTheBestAndShowsOnlyItsFeatures) {
  const OndolCpu variable("");
  const uint64_t all = cpu::kAvx2 | cpu::kAvx512 | cpu::kAvxVnni | cpu::kAvx512Bf16;
  EXPECT_STREQ(cpu::select_kernels("", all)->name, "avx512");
  EXPECT_EQ(cpu::select_kernels("", all)->features, all);
  EXPECT_STREQ(cpu::select_kernels("", all | cpu::kAmxBf16)->name, "amx");
  EXPECT_EQ(cpu::select_kernels("avx512", all | cpu::kAmxBf16)->features, all);
  EXPECT_STREQ(cpu::select_kernels("", cpu::kAvx2)->name, "avx2");
  EXPECT_STREQ(cpu::select_kernels("", 0)->name, "ref");
  EXPECT_EQ(cpu::select_kernels("avx2", all)->features, uint64_t{cpu::kAvx2 | cpu::kAvxVnni});
  EXPECT_EQ(cpu::select_kernels("ref", all)->features, 0u);
}
#endif

TEST(Dispatch, LeavesNoSlotEmpty) {
  for (const std::string& isa : testing::instruction_sets()) {
    const cpu::CpuKernels kernels = *cpu::select_kernels(isa, cpu::detect_features());
    EXPECT_NE(kernels.dot, nullptr);
    EXPECT_NE(kernels.add, nullptr);
    EXPECT_NE(kernels.add_scaled, nullptr);
    EXPECT_NE(kernels.scale, nullptr);
    EXPECT_NE(kernels.softcap, nullptr);
    EXPECT_NE(kernels.activate, nullptr);
    EXPECT_NE(kernels.gated_unit, nullptr);
    EXPECT_NE(kernels.softmax, nullptr);
    EXPECT_NE(kernels.sigmoid, nullptr);
    EXPECT_NE(kernels.rms_norm, nullptr);
    EXPECT_NE(kernels.layer_norm, nullptr);
    EXPECT_NE(kernels.rope_halves, nullptr);
    EXPECT_NE(kernels.rope_interleaved, nullptr);
    EXPECT_NE(kernels.rms_norm_gradient, nullptr);
    EXPECT_NE(kernels.silu_gate_gradient, nullptr);
    EXPECT_NE(kernels.to_bf16, nullptr);
    EXPECT_NE(kernels.from_bf16, nullptr);
    EXPECT_NE(kernels.kv_encode, nullptr);
    EXPECT_NE(kernels.attention, nullptr);
  }
}

}  // namespace
}  // namespace ondol
