#include "backend/machine.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace ondol {
namespace {

TEST(Machine, EveryInstructionSetHasItsProbes) {
  const auto machine = examine_machine({}, false);
  ASSERT_TRUE(machine);
  ASSERT_FALSE(machine->instruction_sets.empty());
  for (const std::string& name : machine->instruction_sets) {
    const auto report = examine_machine({.n_threads = 1, .instruction_set = name}, true);
    ASSERT_TRUE(report) << name;
    EXPECT_EQ(report->instruction_set, name);
    EXPECT_GT(report->read_bytes_per_s, 1e6) << name;
    EXPECT_GT(report->int8_operations_per_s, 1e6) << name;
    EXPECT_GT(report->fp32_operations_per_s, 1e6) << name;
  }
}

TEST(Machine, RefusesAnUnknownInstructionSet) {
  const auto report = examine_machine({.n_threads = 1, .instruction_set = "mmx"}, false);
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message().find("ref"), std::string::npos);
}

}  // namespace
}  // namespace ondol
