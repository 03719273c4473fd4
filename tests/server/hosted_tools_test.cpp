// Tools of the Responses API that the server runs itself: code_interpreter and mcp.
#include <gtest/gtest.h>

#include "mcp_peer.h"
#include "server/code_interpreter.h"
#include "server/remote_tools.h"
#include "server/responses_items.h"
#include "tests/runtime/adapter_sample.h"
#include "upload_sample.h"

namespace ondol::server {
namespace {

using End = HostedResult::End;

std::vector<std::string> types_of(const json::value& response) {
  std::vector<std::string> types;
  for (const json::value& item : response.at("output").as_array()) types.push_back(string_or(item, "type", ""));
  return types;
}

std::vector<std::string> event_types(const std::vector<json::value>& events) {
  std::vector<std::string> types;
  int64_t n = 0;
  for (const json::value& event : events) {
    EXPECT_EQ(event.at("sequence_number"), n++);
    const std::string type = string_or(event, "type", "").substr(std::string_view("response.").size());
    if (types.empty() || types.back() != type) types.push_back(type);
  }
  return types;
}

bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// Containers and programs.

TEST(CodeContainers, AreOnesOwnAndExpire) {
  CodeContainerLimits limits;
  limits.idle = std::chrono::milliseconds(50);
  CodeContainers containers(limits);
  CodeContainerPtr one = containers.make("ann").value();
  const std::string id = one->id, path = one->place.path();
  EXPECT_EQ(containers.find(id, "ann"), one);
  EXPECT_EQ(containers.find(id, "bob"), nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(containers.remove_idle()) << "it is in use";
  one.reset();
  EXPECT_TRUE(containers.remove_idle()) << "it was in use until now";
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(containers.remove_idle());
  EXPECT_EQ(containers.find(id, "ann"), nullptr);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(CodeContainers, TheLongestUnusedMakesRoom) {
  CodeContainerLimits limits;
  limits.n_containers = 2;
  CodeContainers containers(limits);
  const std::string first = containers.make("").value()->id;
  const CodeContainerPtr second = containers.make("").value();
  EXPECT_TRUE(containers.find(first, ""));
  const CodeContainerPtr third = containers.make("").value();
  EXPECT_FALSE(containers.find(first, "")) << "nobody used it";
  EXPECT_FALSE(containers.make("").has_value()) << "both are in use";
}

class Programs : public testing::Test {
 protected:
  void SetUp() override {
    CodeContainerLimits limits;
    limits.bytes = uint64_t{8} << 20;
    limits.program_seconds = 20;
    ASSERT_TRUE(hosted_.offer({.runs_code = true, .mcp_hosts = {}, .containers = limits, .sandbox = {}}));
    if (const auto sandbox = hosted_.sandbox(); !sandbox) GTEST_SKIP() << sandbox.error().message();
    container_ = hosted_.containers().make("").value();
  }
  HostedResult run(const std::string& code, const std::function<bool()>& goes_on = {}) {
    return run_code(hosted_, *container_, code, goes_on);
  }

  HostedTools hosted_;
  CodeContainerPtr container_;
};

TEST_F(Programs, LeaveFilesAndNothingElse) {
  HostedResult result = run("x = 6 * 7\nprint(x)\nopen('kept.txt', 'w').write('here')");
  EXPECT_EQ(result.text, "42\n");
  EXPECT_EQ(member(result.shown, "/outputs/0/type"), "logs");
  EXPECT_EQ(member(result.shown, "/outputs/0/logs"), "42\n");
  EXPECT_EQ(run("print(open('kept.txt').read())").text, "here\n");
  EXPECT_NE(run("print(x)").text.find("NameError"), std::string::npos);
  const std::string other = hosted_.containers().make("").value()->place.path();
  EXPECT_NE(run("import os; print(os.listdir('" + other + "'))").text.find("Error"), std::string::npos);
}

TEST_F(Programs, HaveNoNetworkAndLittleRoom) {
  EXPECT_NE(run("import socket; socket.create_connection(('1.1.1.1', 53), 2)").text.find("Error"), std::string::npos);
  const HostedResult large = run("f = open('x', 'wb')\nfor i in range(64): f.write(b'x' * (1 << 20)); f.flush()");
  EXPECT_NE(large.text.find("wrote more than"), std::string::npos) << large.text.substr(0, 300);
  run("open('x', 'wb').write(b'x' * (15 << 19))");
  const HostedResult full = run("print(1)");
  EXPECT_EQ(full.end, End::kFailed);
  EXPECT_NE(full.text.find("full"), std::string::npos) << full.text;
}

TEST_F(Programs, AreStopped) {
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + std::chrono::milliseconds(500);
  const HostedResult result =
      run("import time; time.sleep(15)", [&] { return std::chrono::steady_clock::now() < end; });
  EXPECT_EQ(result.end, End::kIncomplete);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

// With a model.

class HostedToolsApi : public testing::Test {
 protected:
  explicit HostedToolsApi(
      const HostedToolOptions& options = {.runs_code = true, .mcp_hosts = {}, .containers = {}, .sandbox = {}})
      : folder_("hosted-tools"), server_(ApiServer::sample_options(), folder_ / "data", [&](Services& services) {
          EXPECT_TRUE(services.hosted.offer(options));
        }) {}
  ApiClient client() const { return server_.client(); }
  static json::object asking(json::value tool) {
    json::object body = {{"input", "Go on."}, {"temperature", 0}, {"max_output_tokens", 600}};
    body["tools"] = json::array{std::move(tool)};
    // What the sample model makes of it is not known, but that it ends.
    json::object schema;
    schema["const"] = "The end.";
    json::object format = {{"type", "json_schema"}, {"name", "x"}};
    format["schema"] = std::move(schema);
    body["text"] = json::object{{"format", std::move(format)}};
    return body;
  }
  json::value made(const json::object& body) const {
    const ApiAnswer answer = client().post("/v1/responses", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.document();
  }
  std::string error_of(const json::object& body, int status) const {
    const ApiAnswer answer = client().post("/v1/responses", body);
    EXPECT_EQ(answer.status, status) << answer.body;
    return string_or(member(answer.document(), "/error"), "message", "");
  }

  TestFolder folder_;
  ApiServer server_;
};

class CodeApi : public HostedToolsApi {
 protected:
  void SetUp() override {
    if (const auto sandbox = server_.services().hosted.sandbox(); !sandbox) GTEST_SKIP() << sandbox.error().message();
  }
  static json::object code_tool(json::value container = json::object{{"type", "auto"}}) {
    return {{"type", "code_interpreter"}, {"container", std::move(container)}};
  }
  /// A conversation in which a program has run, as a client sends it back.
  static json::array told(std::string_view container) {
    json::object call = {{"type", "code_interpreter_call"}, {"id", "ci_1"}, {"code", "print(1)"}};
    call["container_id"] = container;
    call["outputs"] = json::array{json::object{{"type", "logs"}, {"logs", "1\n"}}};
    return {json::object{{"role", "user"}, {"content", "Print."}}, std::move(call),
            json::object{{"role", "user"}, {"content", "Again."}}};
  }
};

TEST_F(CodeApi, RunsWhatTheModelWrites) {
  json::object body = asking(code_tool());
  body["tool_choice"] = json::object{{"type", "code_interpreter"}};
  body["max_tool_calls"] = 1;
  body["include"] = json::array{"code_interpreter_call.outputs"};
  body["stream"] = true;
  // The quotation mark: the shortest program that there is.
  body["logit_bias"] = json::object{{"4", 100}};
  const ApiAnswer answer = client().post("/v1/responses", body);
  const auto events = answer.events();
  const std::vector<std::string> types = event_types(events);
  const std::vector<std::string> expected = {"created",
                                             "in_progress",
                                             "output_item.added",
                                             "code_interpreter_call.in_progress",
                                             "code_interpreter_call_code.delta",
                                             "code_interpreter_call_code.done",
                                             "code_interpreter_call.interpreting",
                                             "code_interpreter_call.completed",
                                             "output_item.done",
                                             "output_item.added"};
  ASSERT_GE(types.size(), expected.size()) << answer.body;
  EXPECT_EQ(std::vector<std::string>(types.begin(), types.begin() + static_cast<ptrdiff_t>(expected.size())), expected);
  const json::value response = events.back().at("response");
  ASSERT_EQ(types_of(response), (std::vector<std::string>{"code_interpreter_call", "message"})) << response;
  EXPECT_TRUE(std::string_view(member(response, "/output/0/container_id").as_string()).starts_with("cntr_"));
  EXPECT_EQ(member(response, "/output/0/status"), "completed");
  EXPECT_EQ(member(response, "/output/0/outputs/0/logs"), "(no output)") << response;
  EXPECT_EQ(member(response, "/output/1/content/0/text"), "\"The end.\"");
  body["stream"] = false;
  body.erase("include");
  EXPECT_EQ(member(made(body), "/output/0/outputs"), nullptr) << "nobody asked for them";
}

TEST_F(CodeApi, HalfAProgramIsNotRun) {
  json::object body = asking(code_tool());
  body["tool_choice"] = json::object{{"type", "code_interpreter"}};
  body["max_output_tokens"] = 200;
  body["include"] = json::array{"code_interpreter_call.outputs"};
  const json::value response = made(body);
  EXPECT_EQ(member(response, "/status"), "incomplete");
  EXPECT_EQ(member(response, "/output/0/status"), "incomplete") << response;
  EXPECT_EQ(member(response, "/output/0/outputs"), nullptr);
}

TEST_F(CodeApi, GoesOnInTheSameContainer) {
  CodeContainers& containers = server_.services().hosted.containers();
  const std::string id = containers.make("").value()->id;
  json::object body = asking(code_tool());
  body["input"] = told(id);
  body["tool_choice"] = json::object{{"type", "code_interpreter"}};
  const auto container_of = [&] { return string_or(member(made(body), "/output/0"), "container_id", ""); };
  EXPECT_EQ(container_of(), id) << "the conversation's own";
  body["input"] = told("cntr_gone");
  EXPECT_NE(container_of(), "cntr_gone");
  body["tools"] = json::array{code_tool(json::string(id))};
  EXPECT_EQ(container_of(), id);
  body["tools"] = json::array{code_tool(json::value("cntr_gone"))};
  EXPECT_NE(error_of(body, 404).find("cntr_gone"), std::string::npos);
}

TEST_F(CodeApi, PutsFilesThere) {
  const std::string file =
      string_or(upload(client(), "../.table.csv", "a,b\n1,2\n", "assistants").document(), "id", "");
  CodeContainers& containers = server_.services().hosted.containers();
  const CodeContainerPtr container = containers.make("").value();
  CodeTool tool;
  tool.files = {file};
  HostedTools& hosted = server_.services().hosted;
  const ReadyContainer ready = ready_container(hosted, server_.services().files, tool, {container->id}, "");
  ASSERT_FALSE(ready.error) << ready.error->message;
  EXPECT_EQ(ready.container, container);
  EXPECT_NE(run_code(hosted, *container, "import os; print(os.listdir('.'))", {}).text.find("table.csv"),
            std::string::npos);
  // A link that a program left leads nowhere.
  run_code(hosted, *container, "import os; os.remove('table.csv'); os.symlink('/etc/hosts', 'table.csv')", {});
  container->files.clear();
  EXPECT_TRUE(ready_container(hosted, server_.services().files, tool, {container->id}, "").error);
  tool.files = {"file-none"};
  EXPECT_EQ(ready_container(hosted, server_.services().files, tool, {}, "").error->status, 404);
}

TEST_F(CodeApi, WhatProgramsSaidIsMarked) {
  json::object body = {{"input", told("cntr_gone")}};
  const auto n_tokens = [&] {
    return member(client().post("/v1/responses/input_tokens", body).document(), "/input_tokens").as_int64();
  };
  const ResponseItems items = [&] {
    RequestFault fault;
    return read_response_input(Fields(body, fault), {});
  }();
  const json::value messages = messages_of_items("", items, "qwerty");
  EXPECT_NE(string_or(messages.at(0), "content", "").find("<<<data LETTERS>>>"), std::string::npos) << messages;
  EXPECT_NE(string_or(messages.at(1), "content", "").find("qwerty"), std::string::npos) << "the letters";
  EXPECT_EQ(member(messages, "/4/content"), "Again.") << "they are told once";
  EXPECT_EQ(member(messages, "/3/content"), "<<<data qwerty>>>\n1\n<<<end of data qwerty>>>") << messages;
  EXPECT_EQ(member(messages, "/2/tool_calls/0/function/name"), "code_interpreter");
  EXPECT_GT(n_tokens(), 60) << "with the words about strangers";
}

class NothingHosted : public HostedToolsApi {
 protected:
  NothingHosted() : HostedToolsApi(HostedToolOptions()) {}
};

TEST_F(NothingHosted, SaysHowToAllowIt) {
  EXPECT_NE(error_of(asking(json::object{{"type", "code_interpreter"}, {"container", {{"type", "auto"}}}}), 400)
                .find("--code-interpreter"),
            std::string::npos);
  EXPECT_NE(error_of(asking(json::object{{"type", "mcp"}, {"server_label", "x"}, {"server_url", "http://a/"}}), 400)
                .find("--mcp-host"),
            std::string::npos);
}

class NoSandbox : public HostedToolsApi {
 protected:
  NoSandbox() : HostedToolsApi({.runs_code = true, .mcp_hosts = {}, .containers = {}, .sandbox = "a wall"}) {}
};

TEST_F(NoSandbox, RunsNothing) {
  const json::object tool = {{"type", "code_interpreter"}, {"container", {{"type", "auto"}}}};
  EXPECT_NE(error_of(asking(tool), 503).find("sandbox"), std::string::npos);
}

// MCP servers.

struct PeerFirst {
  McpPeer peer;
};

class RemoteApi : private PeerFirst, public HostedToolsApi {
 protected:
  RemoteApi()
      : HostedToolsApi({.runs_code = false, .mcp_hosts = {PeerFirst::peer.host()}, .containers = {}, .sandbox = {}}),
        peer_(PeerFirst::peer) {}
  json::object tool(json::value approval = "never") const {
    json::object tool = {{"type", "mcp"}, {"server_label", "peer"}, {"server_url", peer_.url()}};
    tool["require_approval"] = std::move(approval);
    tool["allowed_tools"] = json::array{"echo"};
    return tool;
  }
  json::object forced(json::object tool) const {
    json::object body = asking(std::move(tool));
    body["tool_choice"] = json::object{{"type", "mcp"}, {"server_label", "peer"}, {"name", "echo"}};
    body["max_tool_calls"] = 1;
    return body;
  }

  McpPeer& peer_;
};

TEST_F(RemoteApi, ListsAndCalls) {
  json::object body = forced(tool());
  body["stream"] = true;
  const ApiAnswer answer = client().post("/v1/responses", body);
  const auto events = answer.events();
  const std::vector<std::string> expected = {"created",
                                             "in_progress",
                                             "output_item.added",
                                             "mcp_list_tools.in_progress",
                                             "mcp_list_tools.completed",
                                             "output_item.done",
                                             "output_item.added",
                                             "mcp_call.in_progress",
                                             "mcp_call_arguments.delta",
                                             "mcp_call_arguments.done",
                                             "mcp_call.completed",
                                             "output_item.done",
                                             "output_item.added",
                                             "content_part.added"};
  const std::vector<std::string> types = event_types(events);
  ASSERT_GE(types.size(), expected.size()) << answer.body;
  EXPECT_EQ(std::vector<std::string>(types.begin(), types.begin() + static_cast<ptrdiff_t>(expected.size())), expected);
  EXPECT_EQ(types.back(), "completed");
  const json::value response = events.back().at("response");
  EXPECT_EQ(types_of(response), (std::vector<std::string>{"mcp_list_tools", "mcp_call", "message"}));
  EXPECT_EQ(member(response, "/output/0/tools").as_array().size(), 1u) << "what is allowed";
  EXPECT_EQ(member(response, "/output/0/tools/0/name"), "echo");
  EXPECT_EQ(member(response, "/output/0/tools/0/annotations/readOnlyHint"), true);
  EXPECT_EQ(member(response, "/output/1/name"), "echo");
  EXPECT_EQ(member(response, "/output/1/server_label"), "peer");
  EXPECT_EQ(member(response, "/output/1/status"), "completed");
  const auto arguments = parse_json(member(response, "/output/1/arguments").as_string()).value();
  EXPECT_EQ(member(response, "/output/1/output"), json::value("echo: " + string_or(arguments, "text", "?")));
  EXPECT_EQ(peer_.n_calls, 1);
  // Who goes on need not ask what there is.
  json::object next = forced(tool());
  next["previous_response_id"] = response.at("id");
  EXPECT_EQ(types_of(made(next)), (std::vector<std::string>{"mcp_call", "message"}));
}

TEST_F(RemoteApi, AsksBeforeItCalls) {
  json::object once = tool("always");
  once.erase("require_approval");
  const json::value asked = made(forced(once));
  ASSERT_EQ(types_of(asked), (std::vector<std::string>{"mcp_list_tools", "mcp_approval_request"})) << asked;
  EXPECT_EQ(member(asked, "/status"), "completed");
  EXPECT_EQ(peer_.n_calls, 0) << "nobody has approved it";
  const std::string id(member(asked, "/output/1/id").as_string());
  const auto answered = [&](bool approve) {
    json::object next = asking(tool("always"));
    next["tool_choice"] = "none";
    next["previous_response_id"] = asked.at("id");
    next["input"] =
        json::array{json::object{{"type", "mcp_approval_response"}, {"approval_request_id", id}, {"approve", approve}}};
    return next;
  };
  const json::value refused = made(answered(false));
  EXPECT_EQ(types_of(refused), std::vector<std::string>{"message"});
  EXPECT_EQ(peer_.n_calls, 0);
  const json::value approved = made(answered(true));
  ASSERT_EQ(types_of(approved), (std::vector<std::string>{"mcp_call", "message"})) << approved;
  EXPECT_EQ(member(approved, "/output/0/approval_request_id"), json::value(id));
  EXPECT_EQ(member(approved, "/output/0/arguments"), member(asked, "/output/1/arguments"));
  EXPECT_EQ(peer_.n_calls, 1);
  // Once is once, and what nobody asked is not answered.
  json::object again = answered(true);
  again["previous_response_id"] = approved.at("id");
  EXPECT_EQ(types_of(made(again)), std::vector<std::string>{"message"});
  EXPECT_EQ(peer_.n_calls, 1);
  again["input"] = json::array{
      json::object{{"type", "mcp_approval_response"}, {"approval_request_id", "mcpr_no"}, {"approve", true}}};
  EXPECT_NE(error_of(again, 400).find("mcpr_no"), std::string::npos);
  again = answered(true);
  again["tools"] = json::array{openai_weather_tool()["function"]};
  again["tools"].as_array()[0].as_object()["type"] = "function";
  EXPECT_NE(error_of(again, 400).find("'peer'"), std::string::npos);
}

TEST_F(RemoteApi, TakesTheConversationFromTheClient) {
  const json::value asked = made(forced(tool("always")));
  json::array input = {json::object{{"role", "user"}, {"content", "Go on."}}};
  for (const json::value& item : asked.at("output").as_array()) input.push_back(item);
  json::object approval = {{"type", "mcp_approval_response"}, {"approve", true}};
  approval["approval_request_id"] = member(asked, "/output/1/id");
  input.push_back(approval);
  json::object body = asking(tool("always"));
  body["tool_choice"] = "none";
  body["store"] = false;
  body["input"] = input;
  const json::value response = made(body);
  ASSERT_EQ(types_of(response), (std::vector<std::string>{"mcp_call", "message"})) << response;
  EXPECT_EQ(peer_.n_calls, 1);
}

TEST_F(RemoteApi, ToldApprovalByToolAndByReading) {
  json::object never;
  never["never"] = json::object{{"read_only", true}};
  EXPECT_EQ(types_of(made(forced(tool(never)))).at(1), "mcp_call") << "echo says that it only reads";
  json::object always;
  always["always"] = json::object{{"tool_names", json::array{"echo"}}};
  EXPECT_EQ(types_of(made(forced(tool(always)))).at(1), "mcp_approval_request");
}

TEST_F(RemoteApi, KeepsNoSecrets) {
  const std::string secret = "tell-nobody-of-this-one";
  json::object with = tool();
  with["authorization"] = secret;
  with["allowed_tools"] = json::array{"recite"};
  with["server_url"] = peer_.url() + "?key=hidden-in-the-address";
  json::object body = forced(with);
  body["tool_choice"] = json::object{{"type", "mcp"}, {"server_label", "peer"}};
  const ApiAnswer answer = client().post("/v1/responses", body);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(peer_.seen_header(), "Bearer " + secret) << "the server was told";
  EXPECT_NE(answer.body.find("the header was"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find(secret), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("hidden-in-the-address"), std::string::npos) << answer.body;
  const std::string id = string_or(answer.document(), "id", "");
  EXPECT_EQ(client().get("/v1/responses/" + id).body.find(secret), std::string::npos);
}

TEST_F(RemoteApi, FailuresAreToldToTheModel) {
  json::object failing = tool();
  failing["allowed_tools"] = json::array{"fail"};
  json::object body = forced(failing);
  body["tool_choice"] = json::object{{"type", "mcp"}, {"server_label", "peer"}, {"name", "fail"}};
  const json::value response = made(body);
  ASSERT_EQ(types_of(response), (std::vector<std::string>{"mcp_list_tools", "mcp_call", "message"})) << response;
  EXPECT_EQ(member(response, "/output/1/status"), "failed");
  EXPECT_EQ(member(response, "/output/1/error/type"), "mcp_tool_execution_error");
  EXPECT_EQ(member(response, "/output/1/error/content/0/text"), "it does not work");
  EXPECT_EQ(member(response, "/output/1/output"), nullptr);
}

TEST_F(RemoteApi, OnlyHostsThatTheOwnerNamed) {
  json::object body = forced(tool());
  const auto at = [&](const std::string& url) {
    body["tools"].as_array()[0].as_object()["server_url"] = url;
    return body;
  };
  EXPECT_NE(error_of(at("http://127.0.0.1:1/mcp"), 403).find("--mcp-host"), std::string::npos);
  EXPECT_NE(error_of(at("http://example.org/"), 403).find("example.org"), std::string::npos);
  error_of(at("file:///etc/passwd"), 400);
  error_of(at("http://user:word@" + peer_.host() + "/mcp"), 400);
  for (const char* name : {"Host", "Transfer-Encoding", "Mcp-Session-Id", "a b"}) {
    json::object headers;
    headers[name] = "elsewhere.example";
    json::object leading = tool();
    leading["headers"] = std::move(headers);
    error_of(forced(leading), 400);
  }
  json::object nothing = forced(tool());
  nothing["tool_choice"] = json::object{{"type", "mcp"}, {"server_label", "peer"}, {"name", "none"}};
  EXPECT_NE(error_of(nothing, 400).find("peer__none"), std::string::npos);
  EXPECT_EQ(peer_.n_calls, 0);
}

TEST(RemoteServers, AnAllowedNameMustBePublic) {
  const HostList hosts = HostList::parse({"localhost"}).value();
  RemoteServer server;
  server.label = "x";
  server.url = "http://localhost:80/mcp";
  EXPECT_FALSE(check_remote_server(hosts, server));
  RemoteServers servers({server}, hosts);
  const auto listed = servers.list("x", {});
  ASSERT_FALSE(listed);
  EXPECT_NE(listed.error().message().find("may not be reached"), std::string::npos) << listed.error().message();
}

class DeadPeer : public HostedToolsApi {
 protected:
  DeadPeer() : HostedToolsApi({.runs_code = false, .mcp_hosts = {"127.0.0.1:9"}, .containers = {}, .sandbox = {}}) {}
};

TEST_F(DeadPeer, IsAFailedDependency) {
  const json::object tool = {{"type", "mcp"}, {"server_label", "dead"}, {"server_url", "http://127.0.0.1:9/mcp"}};
  json::object body = asking(tool);
  EXPECT_NE(error_of(body, 424).find("'dead'"), std::string::npos);
  body["stream"] = true;
  const auto types = event_types(client().post("/v1/responses", body).events());
  EXPECT_TRUE(has(types, "mcp_list_tools.failed"));
  EXPECT_EQ(types.back(), "failed");
}

}  // namespace
}  // namespace ondol::server
