#include "base/topology.h"

#include "tests/base/file_tree.h"

namespace ondol {
namespace {

class Topology : public FileTree {
 protected:
  void write_processor(int id, const std::string& file, const std::string& text) {
    write("devices/system/cpu/cpu" + std::to_string(id) + "/" + file, text);
  }

  std::vector<Processor> read(int n) const {
    std::vector<int> ids;
    for (int id = 0; id < n; ++id) ids.push_back(id);
    return read_topology(root_, ids);
  }
};

TEST_F(Topology, WithoutFilesEveryProcessorIsAFastCore) {
  const auto processors = read(3);
  ASSERT_EQ(processors.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(processors[static_cast<size_t>(i)].id, i);
    EXPECT_EQ(processors[static_cast<size_t>(i)].core, i);
    EXPECT_EQ(processors[static_cast<size_t>(i)].node, 0);
    EXPECT_EQ(processors[static_cast<size_t>(i)].speed, 1);
  }
}

/// Two fast cores of two hyperthreads each, four efficiency cores; the fast ones are rated a little differently.
TEST_F(Topology, FindsHyperthreadsAndEfficiencyCoresOfADesktop) {
  for (int id = 0; id < 4; ++id) {
    write_processor(id, "topology/core_cpus_list", id < 2 ? "0-1" : "2,3");
    write_processor(id, "acpi_cppc/highest_perf", id < 2 ? "64" : "61");
  }
  for (int id = 4; id < 8; ++id) {
    write_processor(id, "topology/core_cpus_list", std::to_string(id));
    write_processor(id, "acpi_cppc/highest_perf", "40");
  }
  const auto processors = read(8);
  EXPECT_EQ(processors[1].core, 0);
  EXPECT_EQ(processors[3].core, 2);
  EXPECT_EQ(processors[3].speed, 1);
  EXPECT_EQ(processors[5].core, 5);
  EXPECT_DOUBLE_EQ(processors[5].speed, 40.0 / 64);
  const ProcessorCounts counts = count_processors(processors);
  EXPECT_EQ(counts.processors, 8);
  EXPECT_EQ(counts.cores, 6);
  EXPECT_EQ(counts.efficiency_cores, 4);
  EXPECT_EQ(counts.nodes, 1);
}

TEST_F(Topology, CapacityCountsBeforeFrequency) {
  for (int id = 0; id < 2; ++id) {
    write_processor(id, "cpu_capacity", id == 0 ? "250" : "1024");
    write_processor(id, "cpufreq/cpuinfo_max_freq", "2000000");
  }
  const auto processors = read(2);
  EXPECT_DOUBLE_EQ(processors[0].speed, 250.0 / 1024);
  EXPECT_EQ(processors[1].speed, 1);
}

TEST_F(Topology, AFileThatOneProcessorLacksSaysNothing) {
  write_processor(0, "cpu_capacity", "250");
  for (int id = 0; id < 2; ++id) write_processor(id, "cpufreq/cpuinfo_max_freq", id == 0 ? "1000000" : "2000000");
  EXPECT_DOUBLE_EQ(read(2)[0].speed, 0.5);
}

TEST_F(Topology, EfficiencyCoresWithoutSpeedsCountHalf) {
  write("devices/cpu_core/cpus", "0-1");
  write("devices/cpu_atom/cpus", "2-3");
  auto processors = read(4);
  EXPECT_EQ(processors[1].speed, 1);
  EXPECT_EQ(processors[2].speed, 0.5);
  write("devices/cpu_atom/cpus", "0-3");  // all alike
  processors = read(4);
  EXPECT_EQ(processors[2].speed, 1);
}

TEST_F(Topology, FindsNodesAlsoOfProcessorsThatAreFewOfMany) {
  write("devices/system/node/node0/cpulist", "0-3,8-11");
  write("devices/system/node/node2/cpulist", "4-7,12-15");
  write("devices/system/node/possible", "0-2");
  const std::vector<int> ids = {2, 5, 11, 14};
  const auto processors = read_topology(root_, ids);
  EXPECT_EQ(processors[0].node, 0);
  EXPECT_EQ(processors[1].node, 2);
  EXPECT_EQ(processors[2].node, 0);
  EXPECT_EQ(processors[3].node, 2);
  EXPECT_EQ(count_processors(processors).nodes, 2);
}

TEST_F(Topology, IgnoresWhatItCannotRead) {
  for (const char* text : {"", "what", "-5", "0-", "1-0", "0-99999999999999", "0;1", "9999999"}) {
    write_processor(0, "topology/core_cpus_list", text);
    write_processor(0, "cpu_capacity", text);
    write("devices/system/node/node0/cpulist", text);
    write("devices/system/node/nodeX/cpulist", text);
    write("devices/cpu_atom/cpus", text);
    const auto processors = read(1);
    EXPECT_EQ(processors[0].core, 0) << text;
    EXPECT_EQ(processors[0].node, 0) << text;
    EXPECT_EQ(processors[0].speed, 1) << text;
  }
  EXPECT_TRUE(read_topology(root_, {}).empty());
}

TEST(ThisTopology, IsWhereThisThreadMayRun) {
  const std::vector<int> allowed = allowed_processors();
  ASSERT_FALSE(allowed.empty());
  ASSERT_EQ(this_topology().size(), allowed.size());
  for (size_t i = 0; i < allowed.size(); ++i) EXPECT_EQ(this_topology()[i].id, allowed[i]);
  EXPECT_GE(count_processors(this_topology()).cores, 1);
}

}  // namespace
}  // namespace ondol
