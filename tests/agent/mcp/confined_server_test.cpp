// MCP servers that run in the sandbox, and what their tools may do.
#include "agent/mcp/confined_server.h"

#include <filesystem>
#include <fstream>

#include <thread>

#include <gtest/gtest.h>

#include "agent/mcp/client_tool.h"
#include "agent/mcp/configuration.h"
#include "agent/workspace.h"
#include "tests/agent/mcp/stdio_peer.h"
#include "tests/agent/temporary_folder.h"

namespace ondol::mcp {
namespace {

class ConfinedServer : public testing::Test {
 protected:
  void SetUp() override {
    auto sandbox = Sandbox::open();
    if (!sandbox) GTEST_SKIP() << sandbox.error().message();
    sandbox_ = std::move(*sandbox);
    std::filesystem::create_directories(work() + "/.git");
    std::ofstream(work() + "/server.py") << kStdioPeer;
    std::ofstream(work() + "/.git/config") << "[core]";
    std::ofstream(folder_ / "outside") << "seen";
  }
  std::string work() { return folder_ / "work"; }

  ServerTools connect(const ServerCell& cell) {
    ConfiguredServer server;
    server.name = server.command.name = "peer";
    server.command.arguments = {"python3", "server.py"};
    server.command.environment = {"GIVEN=yes"};
    server.cell = cell;
    ClientOptions options;
    options.probe_time = std::chrono::milliseconds(10000);
    return ServerTools::connect({server}, options, {}, {sandbox_.get(), work()});
  }
  std::string evaluated(Tool& tool, const std::string& code) {
    Workspace workspace = Workspace::open(work()).value();
    ToolContext context{workspace, *sandbox_, {}, {}};
    const auto result = tool.call({{"code", code}}, context);
    return result ? result->text : result.error().message();
  }

  TestFolder folder_;
  std::unique_ptr<Sandbox> sandbox_;
};

TEST_F(ConfinedServer, SeesTheFolderAndNothingElse) {
  const ServerTools tools = connect({});
  ASSERT_EQ(tools.failures(), std::vector<std::string>());
  ASSERT_EQ(tools.tools().size(), 1U);
  Tool& tool = *tools.tools()[0];
  EXPECT_EQ(tool.effect({}), Effect::kReads) << "it cannot do more";
  EXPECT_EQ(evaluated(tool, "__import__('os').environ['GIVEN']"), "yes");
  EXPECT_EQ(evaluated(tool, "len(open('server.py').read()) > 0"), "True");
  EXPECT_TRUE(evaluated(tool, "open('" + (folder_ / "outside") + "').read()").starts_with("error:"));
  EXPECT_TRUE(evaluated(tool, "open('.git/config').read()").starts_with("error:"));
  EXPECT_TRUE(evaluated(tool, "open('new', 'w').write('x')").starts_with("error:"));
  EXPECT_TRUE(evaluated(tool, "__import__('socket').create_connection(('1.1.1.1', 53), 2)").starts_with("error:"));
}

TEST_F(ConfinedServer, WritesWhereItMay) {
  const ServerTools tools = connect({true, {}});
  ASSERT_EQ(tools.failures(), std::vector<std::string>());
  Tool& tool = *tools.tools().at(0);
  EXPECT_EQ(tool.effect({}), Effect::kChangesWorkspace);
  EXPECT_EQ(evaluated(tool, "open('new', 'w').write('x')"), "1");
  EXPECT_TRUE(std::filesystem::exists(work() + "/new"));
}

TEST_F(ConfinedServer, EndsWithItsClient) {
  const std::string mark = folder_ / "work/alive";
  {
    const ServerTools tools = connect({true, {}});
    ASSERT_EQ(tools.failures(), std::vector<std::string>());
    evaluated(*tools.tools().at(0),
              "__import__('subprocess').Popen(['sh', '-c', 'while sleep 0.1; do date > alive; done'])");
  }
  std::filesystem::remove(mark);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_FALSE(std::filesystem::exists(mark)) << "what it started has ended with it";
}

TEST_F(ConfinedServer, SaysWhatItDiedOf) {
  ConfiguredServer server;
  server.name = server.command.name = "peer";
  server.command.arguments = {"ondol-none"};
  server.cell = ServerCell();
  const ServerTools tools = ServerTools::connect({server}, {}, {}, {sandbox_.get(), work()});
  ASSERT_EQ(tools.failures().size(), 1U);
  EXPECT_NE(tools.failures()[0].find("cannot be started in the sandbox"), std::string::npos) << tools.failures()[0];
}

TEST(ConfinedServerWithoutSandbox, DoesNotStart) {
  ConfiguredServer server;
  server.name = "peer";
  server.command.arguments = {"true"};
  server.cell = ServerCell();
  const ServerTools tools = ServerTools::connect({server}, {}, {});
  ASSERT_EQ(tools.failures().size(), 1U);
  EXPECT_NE(tools.failures()[0].find("sandbox"), std::string::npos);
}

TEST(McpServers, OwnersAndStrangersWordsDiffer) {
  ::setenv("ONDOL_TEST_TOKEN", "secret", 1);
  const std::string text = R"({"mcpServers": {
    "a": {"command": "x", "args": ["${ONDOL_TEST_TOKEN}"], "readOnlyTools": ["t"], "trustAnnotations": true},
    "b": {"command": "x", "sandbox": {"write": true, "hosts": ["example.org"]}},
    "c": {"command": "x", "sandbox": false}}})";
  const auto own = read_servers(text).value();
  EXPECT_EQ(own[0].command.arguments[1], "secret");
  EXPECT_FALSE(own[0].cell);
  EXPECT_TRUE(own[0].trusts_annotations);
  EXPECT_TRUE(own[1].cell && own[1].cell->may_write && !own[1].cell->is_sealed());
  const auto strange = read_servers(text, ServerAuthor::kStranger).value();
  EXPECT_EQ(strange[0].command.arguments[1], "${ONDOL_TEST_TOKEN}") << "the environment is the owner's";
  EXPECT_TRUE(strange[0].cell && !strange[0].cell->may_write) << "confined unless it says otherwise";
  EXPECT_TRUE(strange[0].read_only_tools.empty());
  EXPECT_FALSE(strange[0].trusts_annotations);
  EXPECT_FALSE(strange[2].cell);
}

}  // namespace
}  // namespace ondol::mcp
