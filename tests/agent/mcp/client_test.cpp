// The client against servers that are slow, dead, or babble, and against good ones of both eras.
#include "agent/mcp/client.h"

#include <gtest/gtest.h>

#include "agent/mcp/client_tool.h"
#include "agent/mcp/configuration.h"

namespace ondol::mcp {
namespace {

using namespace std::chrono_literals;

ServerCommand peer(const std::string& kind) {
  return {"peer", {"python3", ONDOL_SOURCE_DIR "/tests/agent/mcp/peer.py", kind}, {}};
}

ClientOptions patience() {
  ClientOptions options;
  options.probe_time = 5s;
  options.call_time = 1500ms;
  return options;
}

Result<std::unique_ptr<Client>> connect(const std::string& kind, ClientHandlers handlers = {}) {
  return Client::connect(ONDOL_TRY(start_server(peer(kind))), patience(), std::move(handlers));
}

Result<std::string> echo(Client& client, const std::string& text) {
  return text_of_result(ONDOL_TRY(client.call_tool("echo", {{"text", text}})));
}

TEST(McpClient, TakesTheNewRevisionWhereTheServerHasIt) {
  const auto client = connect("modern");
  ASSERT_TRUE(client) << client.error().message();
  EXPECT_EQ((*client)->revision(), Revision::k2026_07_28);
  EXPECT_EQ(*echo(**client, "안녕"), "안녕");
}

TEST(McpClient, ShakesHandsWithOlderServers) {
  const auto client = connect("legacy");
  ASSERT_TRUE(client) << client.error().message();
  EXPECT_EQ((*client)->revision(), Revision::k2025_06_18);
  const auto tools = (*client)->list_tools();
  ASSERT_TRUE(tools);
  EXPECT_EQ(tools->size(), 1U);
  EXPECT_EQ(*echo(**client, "hello"), "hello");
}

TEST(McpClient, AnswersQuestionsAndFillsInDefaults) {
  ClientHandlers handlers;
  handlers.elicit = [](const json::object& params) -> Result<json::object> {
    EXPECT_EQ(string_or(params, "message", ""), "Which?");
    return json::object{{"action", "accept"}, {"content", json::object{{"which", "this"}}}};
  };
  const auto client = connect("asks", std::move(handlers));
  ASSERT_TRUE(client) << client.error().message();
  const auto said = echo(**client, "x");
  ASSERT_TRUE(said) << said.error().message();
  EXPECT_EQ(parse_json(*said)->at("content"), json::value({{"which", "this"}, {"n", 7}}));
}

TEST(McpClient, DoesNotWaitForAServerThatHangs) {
  const auto client = connect("hangs");
  ASSERT_TRUE(client) << client.error().message();
  const auto begun = std::chrono::steady_clock::now();
  const auto said = echo(**client, "x");
  ASSERT_FALSE(said);
  EXPECT_NE(said.error().message().find("no answer to 'tools/call' in time"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
}

TEST(McpClient, StopsWhenItIsTold) {
  const auto client = connect("hangs");
  ASSERT_TRUE(client) << client.error().message();
  const auto said = (*client)->call_tool("echo", {{"text", "x"}}, [] { return false; });
  ASSERT_FALSE(said);
  EXPECT_NE(said.error().message().find("stopped"), std::string::npos);
}

TEST(McpClient, SaysOfWhatAServerDied) {
  const auto client = connect("dies");
  ASSERT_TRUE(client) << client.error().message();
  const auto said = echo(**client, "x");
  ASSERT_FALSE(said);
  EXPECT_NE(said.error().message().find("exit status 3"), std::string::npos) << said.error().message();
  EXPECT_NE(said.error().message().find("the roof fell in"), std::string::npos) << said.error().message();
  EXPECT_FALSE(echo(**client, "x"));
}

TEST(McpClient, EndsABabblersTurn) {
  const auto client = connect("babbles");
  ASSERT_TRUE(client) << client.error().message();
  const auto said = echo(**client, "x");
  ASSERT_FALSE(said);
}

TEST(McpClient, PassesOverLinesThatAreNoMessages) {
  const auto client = connect("garbles");
  ASSERT_TRUE(client) << client.error().message();
  EXPECT_EQ(*echo(**client, "still here"), "still here");
}

TEST(McpClient, SaysThatThereIsNoSuchProgram) {
  const auto transport = start_server({"gone", {"ondol-no-such-program"}, {}});
  ASSERT_FALSE(transport);
  EXPECT_EQ(transport.error().message(), "gone: there is no program 'ondol-no-such-program' in PATH");
}

TEST(McpServers, AreReadFromTheUsualFile) {
  ::setenv("ONDOL_TEST_TOKEN", "secret", 1);
  const auto servers = read_servers(R"({"mcpServers": {
    "a": {"command": "npx", "args": ["x", "y"], "env": {"K": "v"}},
    "b": {"url": "https://example.org/mcp", "headers": {"Authorization": "Bearer ${ONDOL_TEST_TOKEN}"},
          "readOnlyTools": ["look"]},
    "c": {"command": "z", "disabled": true}}})");
  ASSERT_TRUE(servers) << servers.error().message();
  ASSERT_EQ(servers->size(), 2U);
  EXPECT_EQ((*servers)[0].command.arguments, (std::vector<std::string>{"npx", "x", "y"}));
  EXPECT_EQ((*servers)[0].command.environment, std::vector<std::string>{"K=v"});
  EXPECT_EQ((*servers)[1].url.headers, std::vector<std::string>{"Authorization: Bearer secret"});
  EXPECT_TRUE((*servers)[1].read_only_tools.contains("look"));
  for (const char* bad : {"{}", R"({"mcpServers": {"a": {}}})", R"({"mcpServers": {"a b": {"command": "x"}}})",
                          R"({"mcpServers": {"a": {"command": "x", "url": "http://y"}}})",
                          R"({"mcpServers": {"a": {"url": "http://y", "headers": {"A": "b\r\nc: d"}}}})"})
    EXPECT_FALSE(read_servers(bad)) << bad;
}

TEST(McpServers, BecomeToolsThatReachOut) {
  ConfiguredServer good{"My-Peer", peer("legacy"), {}, {}}, missing{"gone", {"gone", {"ondol-none"}, {}}, {}, {}};
  const ServerTools tools = ServerTools::connect({missing, good}, patience(), {});
  ASSERT_EQ(tools.failures().size(), 1U);
  ASSERT_EQ(tools.tools().size(), 1U);
  Tool& tool = *tools.tools()[0];
  EXPECT_EQ(tool.definition().name, "my_peer__echo");
  EXPECT_EQ(tool.effect({}), Effect::kReachesOut);
}

}  // namespace
}  // namespace ondol::mcp
