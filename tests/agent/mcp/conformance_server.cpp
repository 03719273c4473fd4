// An MCP server whose tools, prompts and resources are those that the protocol's conformance suite asks for. The
// server itself is Ondol's: the same code answers as in `ondol serve`. Prints its URL, and serves until it is killed.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "agent/mcp/server.h"
#include "server/mcp_http.h"
#include "server/server.h"
#include "tests/agent/mcp/conformance_asking_tools.h"
#include "tests/agent/mcp/conformance_samples.h"

namespace {

using namespace ondol;
using namespace ondol::mcp;

void pause(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

json::object content_result(json::array content) {
  return {{"content", std::move(content)}};
}

json::object text_item(std::string_view text) {
  return {{"type", "text"}, {"text", text}};
}

json::object resource_item(std::string_view uri, std::string_view type, std::string_view text) {
  return {{"type", "resource"}, {"resource", json::object{{"uri", uri}, {"mimeType", type}, {"text", text}}}};
}

void add_content_tools(Catalog& catalog) {
  const auto add = [&](const char* name, json::array content) {
    catalog.add(plain_tool(name, [content](const json::object&, Call&) -> Reply { return content_result(content); }));
  };
  const json::object image{{"type", "image"}, {"data", kPng}, {"mimeType", "image/png"}};
  add("test_simple_text", {text_item("This is a simple text response for testing.")});
  add("test_image_content", {image});
  add("test_audio_content", {json::object{{"type", "audio"}, {"data", kWav}, {"mimeType", "audio/wav"}}});
  add("test_embedded_resource",
      {resource_item("test://embedded-resource", "text/plain", "This is an embedded resource content.")});
  add("test_multiple_content_types",
      {text_item("Multiple content types test:"), image,
       resource_item("test://mixed-content-resource", "application/json", R"({"test":"data","value":123})")});
  catalog.add(plain_tool("test_error_handling", [](const json::object&, Call&) -> Reply {
    return text_result("This tool intentionally returns an error for testing", true);
  }));
}

Reply run_with_logs(const json::object&, Call& call) {
  call.log(LogLevel::kInfo, "test", "Tool execution started");
  pause(50);
  call.log(LogLevel::kInfo, "test", "Tool processing data");
  pause(50);
  call.log(LogLevel::kInfo, "test", "Tool execution completed");
  return text_result("logged");
}

Reply run_with_progress(const json::object&, Call& call) {
  for (const double done : {0, 50, 100}) {
    call.progress(done, 100);
    pause(50);
  }
  return text_result("progressed");
}

Reply run_without_connection(const json::object&, Call& call) {
  call.release_connection();
  pause(300);
  return text_result("the client came back");
}

void add_acting_tools(Catalog& catalog) {
  catalog.add(plain_tool("test_tool_with_logging", run_with_logs));
  catalog.add(plain_tool("test_logging_tool", run_with_logs));
  catalog.add(plain_tool("test_tool_with_progress", run_with_progress));
  catalog.add(plain_tool("test_reconnection", run_without_connection));
  catalog.add(plain_tool("test_trigger_tool_change", [&catalog](const json::object&, Call&) -> Reply {
    catalog.add(plain_tool("test_passing_tool", [](const json::object&, Call&) -> Reply { return text_result(""); }));
    catalog.remove_tool("test_passing_tool");
    return text_result("changed");
  }));
  catalog.add(plain_tool("test_trigger_prompt_change", [&catalog](const json::object&, Call&) -> Reply {
    catalog.add(OfferedPrompt{"test_passing_prompt", {{"name", "test_passing_prompt"}}, {}, {}});
    catalog.remove_prompt("test_passing_prompt");
    return text_result("changed");
  }));
  OfferedTool marked = plain_tool("test_x_mcp_header", [](const json::object& arguments, Call&) -> Reply {
    return text_result(string_or(arguments, "region", ""));
  });
  marked.listing["inputSchema"] = json::object{
      {"type", "object"},
      {"properties", json::object{{"region", json::object{{"type", "string"}, {"x-mcp-header", "Region"}}},
                                  {"count", json::object{{"type", "integer"}, {"x-mcp-header", "Count"}}}}}};
  catalog.add(std::move(marked));
  OfferedTool schema =
      plain_tool("json_schema_2020_12_tool", [](const json::object&, Call&) -> Reply { return text_result("ok"); });
  schema.listing["inputSchema"] = schema_sample();
  catalog.add(std::move(schema));
}

Reply messages(std::initializer_list<json::value> contents) {
  json::array all;
  for (const json::value& content : contents) all.push_back(json::object{{"role", "user"}, {"content", content}});
  return json::object{{"messages", std::move(all)}};
}

void add_prompts(Catalog& catalog) {
  using Get = std::function<Reply(const json::object&, Call&)>;
  const auto add = [&](const char* name, std::vector<const char*> arguments, Get get) {
    json::object listing{{"name", name}, {"description", fmt::format("The suite's {}", name)}};
    json::array known;
    for (const char* argument : arguments)
      known.push_back(json::object{{"name", argument}, {"description", "A text"}, {"required", true}});
    if (!known.empty()) listing["arguments"] = std::move(known);
    const auto complete = [](std::string_view, std::string_view typed) {
      std::vector<std::string> values;
      for (const std::string_view value : {"paris", "park", "party"})
        if (value.starts_with(typed)) values.emplace_back(value);
      return values;
    };
    catalog.add(OfferedPrompt{name, std::move(listing), std::move(get), complete});
  };
  add("test_simple_prompt", {},
      [](const json::object&, Call&) { return messages({text_item("This is a simple prompt for testing.")}); });
  add("test_prompt_with_arguments", {"arg1", "arg2"}, [](const json::object& given, Call&) {
    return messages({text_item(fmt::format("Prompt with arguments: arg1='{}', arg2='{}'", string_or(given, "arg1", ""),
                                           string_or(given, "arg2", "")))});
  });
  add("test_prompt_with_embedded_resource", {"resourceUri"}, [](const json::object& given, Call&) {
    return messages(
        {resource_item(string_or(given, "resourceUri", ""), "text/plain", "Embedded resource content for testing."),
         text_item("Please process the embedded resource above.")});
  });
  add("test_prompt_with_image", {}, [](const json::object&, Call&) {
    return messages({json::object{{"type", "image"}, {"data", kPng}, {"mimeType", "image/png"}},
                     text_item("Please analyze the image above.")});
  });
  add("test_input_required_result_prompt", {}, [](const json::object&, Call& call) -> Reply {
    const auto answer = call.ask("user_context", "elicitation/create",
                                 form_of("What context should the prompt use?", "context", "string"));
    if (!answer) return RpcError{kRpcInternalError, answer.error().message()};
    return messages({text_item(string_or(answer->at("content"), "context", ""))});
  });
}

class SampleShelf : public ResourceShelf {
 public:
  json::array list() const override {
    return {listing("test://static-text", "text/plain"), listing("test://static-binary", "image/png"),
            listing("test://watched-resource", "text/plain")};
  }
  json::array templates() const override {
    return {json::object{{"uriTemplate", "test://template/{id}/data"},
                         {"name", "template"},
                         {"description", "A resource of a template"},
                         {"mimeType", "application/json"}}};
  }
  std::optional<Reply> read(const std::string& uri, Call&) override {
    constexpr std::string_view kBefore = "test://template/", kBehind = "/data";
    if (uri == "test://static-text") return text(uri, "text/plain", "This is the content of the static text resource.");
    if (uri == "test://watched-resource") return text(uri, "text/plain", "watched");
    if (uri == "test://static-binary") return contents({{"uri", uri}, {"mimeType", "image/png"}, {"blob", kPng}});
    if (!uri.starts_with(kBefore) || !uri.ends_with(kBehind) || uri.size() <= kBefore.size() + kBehind.size())
      return std::nullopt;
    const std::string id = uri.substr(kBefore.size(), uri.size() - kBefore.size() - kBehind.size());
    return text(uri, "application/json",
                json_text(json::object{{"id", id}, {"templateTest", true}, {"data", "Data for ID: " + id}}));
  }

 private:
  static json::object listing(const char* uri, const char* type) {
    return {{"uri", uri}, {"name", uri}, {"description", "A resource of the suite"}, {"mimeType", type}};
  }
  static Reply contents(json::object one) { return json::object{{"contents", json::array{std::move(one)}}}; }
  static Reply text(const std::string& uri, const char* type, const std::string& text) {
    return contents({{"uri", uri}, {"mimeType", type}, {"text", text}});
  }
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto catalog = std::make_shared<Catalog>();
  add_content_tools(*catalog);
  add_acting_tools(*catalog);
  add_asking_tools(*catalog);
  add_prompts(*catalog);
  catalog->add(std::make_shared<SampleShelf>());
  ondol::server::Workers workers(2);
  Server protocol(catalog, {.name = "ondol-conformance", .version = "1", .instructions = "For the suite."});
  ondol::server::McpHttp http(protocol, workers);
  ondol::server::ServerOptions options;
  options.port = argc > 1 ? std::atoi(argv[1]) : 0;
  auto server = ondol::server::Server::create(options, http.routes());
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message().c_str());
    return 1;
  }
  std::printf("%s/mcp\n", (*server)->url().c_str());
  std::fflush(stdout);
  (*server)->run();
}
