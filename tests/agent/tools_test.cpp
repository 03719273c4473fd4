// Each tool as the loop uses it: schema, effect, preview, result.
#include <stdlib.h>

#include <filesystem>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "agent/calculation.h"
#include "agent/printable_text.h"
#include "agent/sandbox.h"
#include "agent/tool_list.h"
#include "agent/tools/text_diff.h"
#include "agent/workspace.h"
#include "tests/agent/temporary_folder.h"
#include "tests/agent/web_server.h"

namespace ondol {
namespace {

/// For tools that run no programs.
class NoSandbox : public Sandbox {
 public:
  Kind kind() const override { return Kind::kBubblewrap; }
  std::string description() const override { return "none"; }
  Result<SandboxedRun> run(const SandboxedCommand& command, const std::function<bool()>&) override {
    last = command;
    if (!answer) return Error("no sandbox");
    return *answer;
  }
  SandboxedCommand last;
  std::optional<SandboxedRun> answer;
};

class ToolsTest : public testing::Test {
 protected:
  ToolsTest() {
    folder_.write("work/a.txt", "one\ntwo\nthree\n");
    folder_.write("work/sub/b.cpp", "int main() {}\n");
    folder_.write("work/.env", "KEY=1");
    folder_.write("work/.gitignore", "ignored\n*.log\n");
    folder_.write("work/ignored/c.txt", "three\n");
    folder_.write("work/x.log", "three\n");
    folder_.write("work/binary", std::string("a\0three", 7));
    workspace_.emplace(*Workspace::open(folder_ / "work"));
    needs_.notes_folder = folder_ / "notes";
    needs_.search_documents = [](std::string_view question, size_t n) -> Result<std::vector<Hit>> {
      if (question == "nothing") return std::vector<Hit>();
      Hit hit;
      hit.path = "/docs/heat.pdf";
      hit.page = 3;
      hit.text = "Floors are heated.";
      return std::vector<Hit>(n, hit);
    };
    make();
  }

  void make() {
    auto tools = make_tools(needs_);
    ASSERT_TRUE(tools) << tools.error().message();
    tools_ = std::move(*tools);
  }

  Tool* find(std::string_view name) {
    for (const auto& tool : tools_) {
      if (tool->definition().name == name) return tool.get();
    }
    return nullptr;
  }

  ToolContext context() { return {*workspace_, *used_sandbox_, {}, ask_}; }

  ToolResult call(std::string_view name, json::object arguments) {
    ToolContext its_context = context();
    auto result = find(name)->call(arguments, its_context);
    EXPECT_TRUE(result) << result.error().message();
    return result ? *result : ToolResult();
  }

  std::string preview(std::string_view name, json::object arguments) {
    ToolContext its_context = context();
    const auto text = find(name)->preview(arguments, its_context);
    return text ? *text : "error: " + text.error().message();
  }

  TestFolder folder_;
  ToolNeeds needs_;
  NoSandbox no_sandbox_;
  Sandbox* used_sandbox_ = &no_sandbox_;
  std::function<Result<std::string>(std::string_view)> ask_;
  std::optional<Workspace> workspace_;
  std::vector<std::unique_ptr<Tool>> tools_;
};

TEST_F(ToolsTest, NamesAreUniqueAndSchemasShort) {
  needs_.host_names = {"localhost:1883"};
  needs_.mqtt_broker = "localhost";
  make();
  std::set<std::string> names;
  for (const auto& tool : tools_) {
    const ToolDefinition& definition = tool->definition();
    EXPECT_TRUE(names.insert(definition.name).second);
    EXPECT_EQ(definition.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos);
    EXPECT_LT(definition.description.size() + json_text(definition.parameters).size(), 420u) << definition.name;
    EXPECT_EQ(string_or(definition.parameters, "type", ""), "object");
  }
  EXPECT_GE(names.size(), 13u);
}

TEST_F(ToolsTest, EffectsAreAsTheyAre) {
  const auto effect = [&](std::string_view name, json::object arguments = {}) { return find(name)->effect(arguments); };
  for (const char* name : {"calculator", "clock", "ask_user"}) EXPECT_EQ(effect(name), Effect::kNone);
  for (const char* name : {"read_file", "list_files", "search_files", "search_documents"})
    EXPECT_EQ(effect(name), Effect::kReads);
  for (const char* name : {"write_file", "edit_file", "run_shell", "run_python"})
    EXPECT_EQ(effect(name), Effect::kChangesWorkspace);
  EXPECT_EQ(effect("notes", {{"action", "list"}}), Effect::kReads);
  EXPECT_EQ(effect("notes", {{"action", "add"}}), Effect::kChangesWorkspace);
  EXPECT_EQ(effect("run_shell", {{"network", true}}), Effect::kChangesWorkspace);  // there is none
  EXPECT_EQ(find("fetch_url"), nullptr);
  EXPECT_EQ(find("mqtt_publish"), nullptr);
  needs_.host_names = {"example.org"};
  needs_.proxy_socket = "/proxy";
  make();
  EXPECT_EQ(effect("run_shell", {{"network", true}}), Effect::kReachesOut);
  EXPECT_EQ(effect("run_python", {{"network", false}}), Effect::kChangesWorkspace);
  EXPECT_EQ(find("run_shell")->hosts({{"network", true}}), needs_.host_names);
  EXPECT_EQ(effect("fetch_url"), Effect::kReachesOut);
  needs_.host_names = {"not a host"};
  EXPECT_FALSE(make_tools(needs_));
}

TEST_F(ToolsTest, ReadFile) {
  const ToolResult whole = call("read_file", {{"path", "a.txt"}});
  EXPECT_EQ(whole.text, "one\ntwo\nthree\n");
  EXPECT_TRUE(whole.is_untrusted);
  EXPECT_EQ(call("read_file", {{"path", "a.txt"}, {"first_line", 2}, {"last_line", 2}}).text, "two\n");
  EXPECT_TRUE(call("read_file", {{"path", "a.txt"}, {"first_line", 9}}).is_error);
  for (const char* path : {"none", "../secret", ".env", "sub", "binary", "/etc/passwd"})
    EXPECT_TRUE(call("read_file", {{"path", path}}).is_error) << path;
}

TEST_F(ToolsTest, WriteFileShowsWhatChanges) {
  EXPECT_EQ(preview("write_file", {{"path", "a.txt"}, {"content", "one\n2\nthree\n"}}),
            "--- a.txt\n+++ a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
  EXPECT_EQ(folder_.read("work/a.txt"), "one\ntwo\nthree\n");
  EXPECT_FALSE(call("write_file", {{"path", "new/d.txt"}, {"content", "x"}}).is_error);
  EXPECT_EQ(folder_.read("work/new/d.txt"), "x");
  EXPECT_TRUE(call("write_file", {{"path", "../out"}, {"content", "x"}}).is_error);
  EXPECT_TRUE(call("write_file", {{"path", ".env"}, {"content", "x"}}).is_error);
  EXPECT_TRUE(preview("write_file", {{"path", "../out"}, {"content", "x"}}).starts_with("error: "));
}

TEST_F(ToolsTest, EditFileNeedsOnePlace) {
  EXPECT_EQ(preview("edit_file", {{"path", "a.txt"}, {"old_text", "two"}, {"new_text", "2"}}),
            "--- a.txt\n+++ a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
  EXPECT_FALSE(call("edit_file", {{"path", "a.txt"}, {"old_text", "two"}, {"new_text", "2"}}).is_error);
  EXPECT_EQ(folder_.read("work/a.txt"), "one\n2\nthree\n");
  for (const char* old_text : {"e", "none", ""}) {
    EXPECT_TRUE(call("edit_file", {{"path", "a.txt"}, {"old_text", old_text}, {"new_text", "x"}}).is_error);
    EXPECT_TRUE(
        preview("edit_file", {{"path", "a.txt"}, {"old_text", old_text}, {"new_text", "x"}}).starts_with("error"));
  }
  EXPECT_EQ(folder_.read("work/a.txt"), "one\n2\nthree\n");
}

TEST_F(ToolsTest, ListAndSearchLeaveOutWhatIsIgnoredOrHidden) {
  const std::string list = call("list_files", {{"recursive", true}}).text;
  EXPECT_NE(list.find("sub/b.cpp (14 bytes)"), std::string::npos) << list;
  for (const char* name : {".env", "ignored", "x.log"}) EXPECT_EQ(list.find(name), list.npos) << list;
  EXPECT_EQ(call("list_files", {}).text.find("b.cpp"), std::string::npos);
  EXPECT_EQ(call("search_files", {{"pattern", "thr.e"}}).text, "a.txt:3: three\n");
  EXPECT_EQ(call("search_files", {{"pattern", "KEY"}}).text, "(no matches)");
  EXPECT_EQ(call("search_files", {{"pattern", "main"}, {"path", "sub/b.cpp"}}).text, "sub/b.cpp:1: int main() {}\n");
  EXPECT_TRUE(call("search_files", {{"pattern", "("}}).is_error);
  EXPECT_TRUE(call("list_files", {{"path", ".."}}).is_error);
}

TEST_F(ToolsTest, ProgramsRunInTheSandboxWithProtectedFilesHidden) {
  no_sandbox_.answer.emplace();
  no_sandbox_.answer->exit_status = 3;
  no_sandbox_.answer->output =
      "a\x1B]0;title\x07"
      "b\xFF\r\n";
  const ToolResult result = call("run_shell", {{"command", "ls"}, {"network", true}});
  EXPECT_EQ(result.text, "a]0;titleb\xEF\xBF\xBD\n[exit status 3]");
  EXPECT_TRUE(result.is_error && result.is_untrusted);
  EXPECT_EQ(no_sandbox_.last.workspace, workspace_->root());
  EXPECT_EQ(no_sandbox_.last.hidden, (std::vector<std::string>{".env", ".git"}));
  EXPECT_EQ(no_sandbox_.last.proxy_socket, "");
  call("run_python", {{"code", "print(1)"}});
  EXPECT_EQ(no_sandbox_.last.arguments, (std::vector<std::string>{"python3", "-"}));
  EXPECT_EQ(no_sandbox_.last.input, "print(1)");
  no_sandbox_.answer->timed_out = true;
  EXPECT_NE(call("run_shell", {{"command", "ls"}}).text.find("60 seconds"), std::string::npos);
  EXPECT_EQ(preview("run_shell", {{"command", "ls\x1B[2J"}}), "run with bash:\nls[2J");
  EXPECT_TRUE(preview("run_shell", {{"command", " "}}).starts_with("error"));
  no_sandbox_.answer.reset();
  ToolContext its_context = context();
  EXPECT_FALSE(find("run_shell")->call({{"command", "ls"}}, its_context));  // never without one
}

TEST_F(ToolsTest, ProgramsForReal) {
  auto sandbox = Sandbox::open();
  if (!sandbox) GTEST_SKIP() << sandbox.error().message();
  used_sandbox_ = sandbox->get();
  EXPECT_EQ(call("run_shell", {{"command", "cat a.txt | tail -1"}}).text, "three\n");
  EXPECT_EQ(call("run_python", {{"code", "print(6 * 7)"}}).text, "42\n");
  const ToolResult hidden = call("run_shell", {{"command", "cat .env .git/config"}});
  EXPECT_EQ(hidden.text.find("KEY"), std::string::npos) << hidden.text;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "work/.git"));  // the guard is gone
}

TEST_F(ToolsTest, SearchDocuments) {
  const ToolResult result = call("search_documents", {{"query", "heat"}, {"count", 2}});
  EXPECT_NE(result.text.find("[2] /docs/heat.pdf, page 3\nFloors are heated."), std::string::npos) << result.text;
  EXPECT_TRUE(result.is_untrusted);
  EXPECT_EQ(result.structured.as_array().size(), 2u);
  EXPECT_EQ(call("search_documents", {{"query", "nothing"}}).text, "(nothing was found)");
}

TEST_F(ToolsTest, NotesOutliveTheTool) {
  EXPECT_EQ(call("notes", {{"action", "list"}}).text, "(no notes)");
  call("notes", {{"action", "add"}, {"text", "The tests are in tests/."}});
  call("notes", {{"action", "add"}, {"text", "둘째"}});
  make();
  EXPECT_EQ(call("notes", {{"action", "list"}}).text, "1. The tests are in tests/.\n2. 둘째\n");
  EXPECT_TRUE(call("notes", {{"action", "remove"}, {"number", 3}}).is_error);
  call("notes", {{"action", "remove"}, {"number", 1}});
  EXPECT_EQ(call("notes", {{"action", "list"}}).text, "1. 둘째\n");
  EXPECT_TRUE(call("notes", {{"action", "add"}, {"text", ""}}).is_error);
  std::filesystem::create_directories(folder_ / "other");
  workspace_.emplace(*Workspace::open(folder_ / "other"));
  EXPECT_EQ(call("notes", {{"action", "list"}}).text, "(no notes)");
}

TEST_F(ToolsTest, ClockIsFixedByTheEnvironment) {
  ::setenv("ONDOL_NOW", "2026-01-15T09:30:00Z", 1);
  EXPECT_NE(call("clock", {}).text.find("2026-01-15T09:30:00Z"), std::string::npos);
  ::unsetenv("ONDOL_NOW");
}

TEST_F(ToolsTest, AskUser) {
  EXPECT_TRUE(call("ask_user", {{"question", "Which?"}}).is_error);
  ask_ = [](std::string_view question) -> Result<std::string> { return "to " + std::string(question); };
  const ToolResult answer = call("ask_user", {{"question", "Which?"}});
  EXPECT_EQ(answer.text, "to Which?");
  EXPECT_FALSE(answer.is_untrusted);
}

TEST_F(ToolsTest, FetchUrl) {
  TestWebServer server([](const std::string& request) {
    if (request.starts_with("GET /away")) {
      return std::string("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nConnection: close\r\n\r\n");
    }
    if (request.starts_with("GET /near"))
      return std::string("HTTP/1.1 302 Found\r\nLocation: page\r\nConnection: close\r\n\r\n");
    if (request.starts_with("GET /html")) return TestWebServer::page("<p>x", "text/html");
    return TestWebServer::page("warm \x1B[2Jfloors");
  });
  const std::string place = "localhost:" + std::to_string(server.port()), base = "http://" + place;
  needs_.host_names = {place, "localhost"};
  make();
  EXPECT_EQ(find("fetch_url")->hosts({{"url", base + "/x"}}), std::vector<std::string>{place});
  const ToolResult page = call("fetch_url", {{"url", base + "/page"}});
  EXPECT_EQ(page.text, "warm [2Jfloors");
  EXPECT_TRUE(page.is_untrusted);
  EXPECT_EQ(call("fetch_url", {{"url", base + "/near"}}).text, "warm [2Jfloors");
  EXPECT_NE(call("fetch_url", {{"url", base + "/away"}}).text.find("169.254.169.254: is not among"), std::string::npos);
  EXPECT_TRUE(call("fetch_url", {{"url", base + "/html"}}).is_error);  // without a reader of pages
  EXPECT_NE(call("fetch_url", {{"url", "http://localhost/"}}).text.find("not public"), std::string::npos);
  for (const std::string url : {"file:///etc/passwd", "http://user@localhost/", "gopher://localhost",
                                "http://127.0.0.1/", "nonsense", "http://evil.org/"}) {
    EXPECT_TRUE(call("fetch_url", {{"url", url}}).is_error) << url;
    EXPECT_TRUE(preview("fetch_url", {{"url", url}}).starts_with("error")) << url;
  }
}

TEST(CalculationTest, IsExact) {
  const std::pair<const char*, const char*> cases[] = {
      {"1 + 2 * 3", "7"},
      {"0.1 + 0.2", "0.3"},
      {"2^100", "1267650600228229401496703205376"},
      {"(1 + 2) * -3", "-9"},
      {"2 ** 3 ** 2", "512"},
      {"-2 ^ 2", "-4"},
      {"7 / 2", "3.5"},
      {"1 / 3", "1/3 = 0.333333333333333..."},
      {"7 % 3", "1"},
      {"-7 % 3", "2"},
      {"sqrt(16)", "4"},
      {"sqrt(2)", "about 1.4142135623731"},
      {"round(2.5)", "3"},
      {"floor(-1.5)", "-2"},
      {"ceil(1.2)", "2"},
      {"min(3, 1/2, 2)", "0.5"},
      {"max(1, 2)", "2"},
      {"abs(-3)", "3"},
      {"1.5e3", "1500"},
      {"1_000_000 * 3", "3000000"},
      {"2^-2", "0.25"},
      {"19.99 * 3", "59.97"},
      {"0.5^3", "0.125"},
      {"1000000007 * 998244353", "998244359987710471"},
  };
  for (const auto& [expression, expected] : cases) {
    const auto value = calculate(expression);
    ASSERT_TRUE(value) << expression << ": " << value.error().message();
    EXPECT_EQ(*value, expected) << expression;
  }
}

TEST(CalculationTest, RefusesTheRest) {
  for (const std::string expression : {"", "1 +", "(1", "1)", "2 3", "1/0", "1%0", "9^9^9", "x", "system(1)", "1..2",
                                       "e5(", "ln(0)", "sqrt(-1)", "1e99999", "0^-1", "sqrt()", "1; 2", "0x10"})
    EXPECT_FALSE(calculate(expression)) << expression;
  EXPECT_FALSE(calculate(std::string(500, '(')));
  EXPECT_FALSE(calculate(std::string(999, '-') + "1"));
  EXPECT_FALSE(calculate(std::string(2000, '1')));
}

TEST(TextDiffTest, Table) {
  EXPECT_EQ(unified_diff("f", "a\n", "a\n"), "");
  EXPECT_EQ(unified_diff("f", "", "a\n"), "--- f\n+++ f\n@@ -0,0 +1 @@\n+a\n");
  EXPECT_EQ(unified_diff("f", "a", "a\nb"),
            "--- f\n+++ f\n@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n\\ No newline at end of file\n");
}

TEST(PrintableTest, NoControlCharacters) {
  EXPECT_EQ(printable_text("a\x1B[31mb\x07\tc\r\nd\re\xC2\x9B"
                           "2J한글"),
            "a[31mb\tc\nd\ne2J한글");
}

}  // namespace
}  // namespace ondol
