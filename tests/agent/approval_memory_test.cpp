#include "agent/approval_memory.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/agent/temporary_folder.h"

namespace ondol {
namespace {

TEST(ApprovalMemory, PatternsAreNarrow) {
  EXPECT_EQ(approval_of("run_shell", {{"command", "ls -l"}}, {}).pattern, R"(exactly:{"command":"ls -l"})");
  EXPECT_EQ(approval_of("fetch_url", {{"url", "https://example.org/a"}}, {"example.org"}).pattern, "host:example.org");
  // A command that may reach a host is that command, and not every command that may.
  EXPECT_EQ(approval_of("run_shell", {{"command", "curl x"}, {"network", true}}, {"example.org"}).pattern,
            R"(exactly:{"command":"curl x","network":true})");
  EXPECT_EQ(approval_of("write_file", {{"path", "./a/../b.txt"}, {"content", "x"}}, {}).pattern, "path:b.txt");
  // A tool of another program that takes a path too: nothing is known of what else its arguments mean.
  EXPECT_EQ(approval_of("remove_tree", {{"path", "a"}, {"force", true}}, {}).pattern,
            R"(exactly:{"force":true,"path":"a"})");
  EXPECT_EQ(approval_of("x", {{"b", 1}, {"a", 2}}, {}), approval_of("x", {{"a", 2}, {"b", 1}}, {}));
  EXPECT_NE(approval_of("x", {{"a", 1}}, {}), approval_of("y", {{"a", 1}}, {}));
  EXPECT_EQ(approval_of("x", {}, {}).pattern, "exactly:{}");
}

TEST(ApprovalMemory, IsKeptForEachWorkspace) {
  const TestFolder scratch;
  const RememberedApproval approval{"run_shell", "exactly:{\"command\":\"ls\"}"};
  {
    auto memory = ApprovalMemory::open(scratch.path(), "/one").value();
    EXPECT_FALSE(memory.has(approval));
    ASSERT_TRUE(memory.add(approval));
    ASSERT_TRUE(memory.add(approval));
    EXPECT_EQ(memory.all().size(), 1u);
  }
  const auto again = ApprovalMemory::open(scratch.path(), "/one").value();
  EXPECT_TRUE(again.has(approval));
  EXPECT_FALSE(again.has({"run_python", approval.pattern}));
  EXPECT_FALSE(ApprovalMemory::open(scratch.path(), "/two").value().has(approval));
  const auto permissions = std::filesystem::status(again.path()).permissions();
  EXPECT_EQ(permissions & std::filesystem::perms::all, std::filesystem::perms(0600));
}

TEST(ApprovalMemory, ADamagedFileIsAnError) {
  const TestFolder scratch;
  const std::string path = ApprovalMemory::open(scratch.path(), "/one").value().path();
  for (const char* text : {"", "{", "[]", R"({"workspace": "/two", "approvals": []})", R"({"workspace": "/one"})",
                           R"({"workspace": "/one", "approvals": [{"tool": "run_shell"}]})",
                           R"({"workspace": "/one", "approvals": [{"tool": "run_shell", "pattern": ""}]})"}) {
    scratch.write(std::filesystem::path(path).filename().string(), text);
    const auto memory = ApprovalMemory::open(scratch.path(), "/one");
    ASSERT_FALSE(memory) << text;
    EXPECT_NE(memory.error().message().find(path), std::string::npos);
  }
}

}  // namespace
}  // namespace ondol
