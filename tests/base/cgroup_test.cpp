#include "base/cgroup.h"

#include "tests/base/file_tree.h"

namespace ondol {
namespace {

class CgroupLimit : public FileTree {};

TEST_F(CgroupLimit, ReadsVersion2AndItsAncestors) {
  write("a/b/cpu.max", "max 100000");
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/a/b\n"), 0);
  write("a/cpu.max", "250000 100000");
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/a/b\n"), 3);
  write("a/b/cpu.max", "50000 100000");
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/a/b\n"), 1);
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/a\n"), 3);
}

TEST_F(CgroupLimit, ReadsTheRootInsideAContainer) {
  write("cpu.max", "200000 100000");
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/\n"), 2);
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/not/visible/here\n"), 2);
}

TEST_F(CgroupLimit, ReadsVersion1) {
  write("cpu/docker/x/cpu.cfs_quota_us", "400000");
  write("cpu/docker/x/cpu.cfs_period_us", "100000");
  EXPECT_EQ(cgroup_processor_limit(root_, "3:cpuset:/\n2:cpu,cpuacct:/docker/x\n"), 4);
  write("cpu/docker/x/cpu.cfs_quota_us", "-1");
  EXPECT_EQ(cgroup_processor_limit(root_, "2:cpu,cpuacct:/docker/x\n"), 0);
}

TEST_F(CgroupLimit, IgnoresWhatItCannotRead) {
  EXPECT_EQ(cgroup_processor_limit(root_, ""), 0);
  EXPECT_EQ(cgroup_processor_limit(root_, "nonsense\n::\n0:\n"), 0);
  write("cpu.max", "what is this");
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/\n"), 0);
}

}  // namespace
}  // namespace ondol
