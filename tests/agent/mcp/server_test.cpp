// The server over lines, in both eras, and what it refuses.
#include "agent/mcp/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "agent/line_channel.h"
#include "agent/mcp/elicitation.h"
#include "agent/mcp/headers.h"
#include "agent/mcp/stdio_server.h"
#include "agent/schema_check.h"

namespace ondol::mcp {
namespace {

OfferedTool tool(const std::string& name, std::function<Reply(const json::object&, Call&)> run) {
  return {name, {{"name", name}, {"inputSchema", json::object{{"type", "object"}}}}, std::move(run)};
}

/// A server behind a pair of sockets.
class Lines {
 public:
  explicit Lines(std::shared_ptr<Catalog> catalog) : server_(std::move(catalog), {.version = "1", .page_size = 2}) {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    here_ = pair[0];
    there_ = pair[1];
    thread_ = std::thread([this] { serve_lines(server_, there_, there_, [] { return true; }); });
    writer_ = std::make_unique<LineWriter>(here_);
    reader_ = std::make_unique<LineReader>(here_, size_t{1} << 20);
  }
  ~Lines() {
    ::shutdown(here_, SHUT_WR);
    thread_.join();
    ::close(here_);
    ::close(there_);
  }

  void say(const std::string& text) { writer_->write(text); }
  json::value hear_value() {
    std::string line;
    if (reader_->next(line, 5000) != LineReader::Got::kLine) return json::object{{"silence", true}};
    return *parse_json(line);
  }
  json::object hear() { return hear_value().as_object(); }
  json::object ask(const std::string& text) {
    say(text);
    return hear();
  }
  json::object modern(int id, std::string_view method, json::object params, json::object capabilities = {}) {
    json::object meta;
    meta[kMetaRevision] = "2026-07-28";
    meta[kMetaClientCapabilities] = std::move(capabilities);
    params["_meta"] = std::move(meta);
    return ask(json_text(rpc_request(id, method, std::move(params))));
  }
  void shake_hands(const std::string& capabilities = "{}", const std::string& revision = "2025-11-25") {
    const json::object answer = ask(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":")" +
                                    revision + R"(","capabilities":)" + capabilities + "}}");
    EXPECT_EQ(answer.at("result").at("protocolVersion"), json::value(revision));
    say(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  }

 private:
  Server server_;
  int here_ = -1, there_ = -1;
  std::thread thread_;
  std::unique_ptr<LineWriter> writer_;
  std::unique_ptr<LineReader> reader_;
};

int code_of(const json::object& message) {
  const json::value* error = message.if_contains("error");
  return error == nullptr ? 0 : static_cast<int>(int_or(*error, "code", 0));
}

std::shared_ptr<Catalog> catalog_of(std::initializer_list<OfferedTool> tools) {
  auto catalog = std::make_shared<Catalog>();
  for (const OfferedTool& one : tools) catalog->add(one);
  return catalog;
}

Reply say_hello(const json::object&, Call&) {
  return text_result("hello");
}

Reply ask_name(const json::object&, Call& call) {
  const auto name = ask_for_text(call, "name", "Your name?");
  return name ? text_result("hello " + *name) : text_result(name.error().message(), true);
}

Reply wait_until_cancelled(const json::object&, Call& call) {
  while (call.goes_on()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return text_result("too late");
}

TEST(McpServer, AnswersRequestsThatStandForThemselves) {
  Lines lines(catalog_of({tool("hello", say_hello)}));
  const json::object found = lines.modern(1, "server/discover", {});
  EXPECT_EQ(found.at("result").at("supportedVersions"), json::value({"2026-07-28"}));
  const json::object said = lines.modern(2, "tools/call", {{"name", "hello"}});
  EXPECT_EQ(said.at("result").at("resultType"), "complete");
  EXPECT_EQ(said.at("result").at("content").at(0).at("text"), "hello");
  EXPECT_EQ(code_of(lines.modern(3, "ping", {})), kRpcMethodNotFound);
  EXPECT_EQ(code_of(lines.modern(4, "tools/call", {{"name", "none"}})), kRpcInvalidParams);
}

TEST(McpServer, RefusesWhatIsNoMessage) {
  Lines lines(catalog_of({}));
  EXPECT_EQ(code_of(lines.ask("{")), kRpcParseError);
  EXPECT_EQ(code_of(lines.ask("[]")), kRpcInvalidRequest);
  EXPECT_EQ(code_of(lines.ask(R"({"jsonrpc":"1.0","id":1,"method":"x"})")), kRpcInvalidRequest);
  EXPECT_EQ(code_of(lines.ask(R"({"jsonrpc":"2.0","id":1.5,"method":"x"})")), kRpcInvalidRequest);
  EXPECT_EQ(code_of(lines.ask(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})")), kRpcInvalidParams);
  const json::object other = lines.ask(
      R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"1900-01-01","io.modelcontextprotocol/clientCapabilities":{}}}})");
  EXPECT_EQ(code_of(other), kUnsupportedRevision);
  EXPECT_EQ(other.at("error").at("data").at("requested"), "1900-01-01");
}

TEST(McpServer, ListsInPages) {
  Lines lines(catalog_of({tool("a", say_hello), tool("b", say_hello), tool("c", say_hello)}));
  const json::object first = lines.modern(1, "tools/list", {});
  EXPECT_EQ(first.at("result").at("tools").as_array().size(), 2U);
  const json::object rest = lines.modern(2, "tools/list", {{"cursor", first.at("result").at("nextCursor")}});
  EXPECT_EQ(rest.at("result").at("tools").at(0).at("name"), "c");
  EXPECT_FALSE(rest.at("result").as_object().contains("nextCursor"));
  EXPECT_EQ(code_of(lines.modern(3, "tools/list", {{"cursor", "99"}})), kRpcInvalidParams);
}

TEST(McpServer, AsksByTheEndOfTheCallWithoutSessions) {
  Lines lines(catalog_of({tool("name", ask_name)}));
  const json::object able{{"elicitation", json::object()}};
  const json::object asked = lines.modern(1, "tools/call", {{"name", "name"}}, able);
  const json::value& result = asked.at("result");
  EXPECT_EQ(result.at("resultType"), "input_required");
  json::object again{
      {"name", "name"},
      {"requestState", result.at("requestState")},
      {"inputResponses", *parse_json(R"({"name": {"action": "accept", "content": {"answer": "Kim"}}})")}};
  const json::object said = lines.modern(2, "tools/call", again, able);
  EXPECT_EQ(said.at("result").at("content").at(0).at("text"), "hello Kim");
  // The state is for this request alone, and cannot be changed.
  json::object other = again;
  other["arguments"] = json::object{{"x", 1}};
  EXPECT_EQ(code_of(lines.modern(3, "tools/call", other, able)), kRpcInvalidParams);
  again["requestState"] = std::string(again["requestState"].as_string()) + "0";
  EXPECT_EQ(code_of(lines.modern(4, "tools/call", again, able)), kRpcInvalidParams);
  const json::object unable = lines.modern(5, "tools/call", {{"name", "name"}});
  EXPECT_EQ(code_of(unable), kMissingClientCapability);
}

TEST(McpServer, AsksInTheMiddleOfTheCallInSessions) {
  Lines lines(catalog_of({tool("name", ask_name)}));
  lines.shake_hands(R"({"elicitation": {}})");
  const json::object asked = lines.ask(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"name"}})");
  EXPECT_EQ(asked.at("method"), "elicitation/create");
  const json::object answer{{"action", "accept"}, {"content", json::object{{"answer", "Lee"}}}};
  const json::object said = lines.ask(json_text(rpc_result(asked.at("id"), answer)));
  EXPECT_EQ(said.at("result").at("content").at(0).at("text"), "hello Lee");
  EXPECT_FALSE(said.at("result").as_object().contains("resultType"));
}

TEST(McpServer, TakesBatchesOfTheRevisionThatHasThem) {
  Lines lines(catalog_of({tool("hello", say_hello)}));
  lines.shake_hands("{}", "2025-03-26");
  lines.say(R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/list"}])");
  const json::value answers = lines.hear_value();
  ASSERT_TRUE(answers.is_array()) << json_text(answers);
  EXPECT_EQ(answers.get_array().size(), 2U);
}

TEST(McpServer, SaysNothingMoreOfWhatWasCancelled) {
  Lines lines(catalog_of({tool("wait", wait_until_cancelled), tool("hello", say_hello)}));
  lines.shake_hands();
  lines.say(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wait"}})");
  lines.say(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})");
  const json::object next = lines.ask(R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hello"}})");
  EXPECT_EQ(next.at("id"), 2);
}

TEST(McpServer, TellsListenersWhatTheyAskedFor) {
  const auto catalog = catalog_of({});
  Lines lines(catalog);
  const json::object agreed =
      lines.modern(7, "subscriptions/listen", {{"notifications", json::object{{"toolsListChanged", true}}}});
  EXPECT_EQ(agreed.at("method"), "notifications/subscriptions/acknowledged");
  catalog->tell({Change::Kind::kPrompts, {}});
  catalog->add(tool("new", say_hello));
  const json::object told = lines.hear();
  EXPECT_EQ(told.at("method"), "notifications/tools/list_changed");
  EXPECT_EQ(told.at("params").at("_meta").at(kMetaSubscription), 7);
}

TEST(McpHeaders, CarryAnyValue) {
  for (const std::string text : {"us-west1", "", " padded ", "Hello, 世界", "line1\nline2", "=?base64?literal?="}) {
    const std::string header = header_value(text);
    EXPECT_EQ(header.find_first_of("\r\n"), std::string::npos);
    EXPECT_EQ(read_header_value(header), text);
  }
  EXPECT_EQ(header_value("Hello, 世界"), "=?base64?SGVsbG8sIOS4lueVjA==?=");
  EXPECT_FALSE(read_header_value("=?base64?SGVsbG8?="));
  EXPECT_FALSE(read_header_value("\x01"));
}

TEST(McpHeaders, AreMarkedOnPlainPropertiesOnly) {
  const auto marks = [](const char* schema) { return mirrored_arguments(*parse_json(schema)); };
  const auto good = marks(R"({"properties": {"a": {"properties": {"b": {"type": "string", "x-mcp-header": "B"}}}}})");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->at(0).path, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(mirrored_text(good->at(0), parse_json(R"({"a": {"b": "x"}})")->as_object()), "x");
  for (const char* bad : {R"({"properties": {"a": {"type": "number", "x-mcp-header": "A"}}})",
                          R"({"properties": {"a": {"type": "string", "x-mcp-header": ""}}})",
                          R"({"properties": {"a": {"type": "string", "x-mcp-header": "A b"}}})",
                          R"({"items": {"properties": {"a": {"type": "string", "x-mcp-header": "A"}}}})",
                          R"({"properties": {"a": {"type": "string", "x-mcp-header": "A"},
                                             "b": {"type": "string", "x-mcp-header": "a"}}})"})
    EXPECT_FALSE(marks(bad)) << bad;
}

TEST(SchemaCheck, HoldsValuesToSchemas) {
  const auto fits = [](const char* schema, const char* value) {
    return check_against_schema(*parse_json(schema), *parse_json(value)).has_value();
  };
  EXPECT_TRUE(fits(R"({"type": "object", "required": ["a"]})", R"({"a": 1})"));
  EXPECT_FALSE(fits(R"({"type": "object", "required": ["a"]})", "{}"));
  EXPECT_FALSE(fits(R"({"properties": {"a": {"type": "integer"}}})", R"({"a": 1.5})"));
  EXPECT_FALSE(fits(R"({"properties": {}, "additionalProperties": false})", R"({"a": 1})"));
  EXPECT_TRUE(fits(R"({"$defs": {"x": {"enum": [1, "b"]}}, "$ref": "#/$defs/x"})", R"("b")"));
  EXPECT_FALSE(fits(R"({"$ref": "https://example.org/schema"})", "1"));
  EXPECT_FALSE(fits(R"({"$ref": "#"})", "1"));  // endless
  EXPECT_FALSE(fits(R"({"oneOf": [{"type": "number"}, {"minimum": 0}]})", "1"));
  EXPECT_TRUE(fits(R"({"if": {"type": "string"}, "then": {"minLength": 2}})", R"("가나")"));
  EXPECT_FALSE(fits(R"({"type": "array", "items": {"type": "string"}, "uniqueItems": true})", R"(["a", "a"])"));
}

}  // namespace
}  // namespace ondol::mcp
