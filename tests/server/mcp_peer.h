// An MCP server over HTTP in this process, for tests of those who ask one. Its tools: echo, which says a text again,
// and fail, which does not.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "agent/mcp/server.h"
#include "server/mcp_http.h"
#include "test_client.h"

namespace ondol::server {

class McpPeer {
 public:
  McpPeer() {
    add("echo", true, [this](const json::object& arguments) {
      ++n_calls;
      return mcp::text_result("echo: " + string_or(arguments, "text", ""));
    });
    add("fail", false, [this](const json::object&) {
      ++n_calls;
      return mcp::text_result("it does not work", true);
    });
    add("recite", false, [this](const json::object&) { return mcp::text_result("the header was " + seen_header()); });
    std::vector<Route> routes = http_.routes();
    for (Route& route : routes) {
      route.handler = [this, inner = route.handler](std::shared_ptr<const Request> request, ResponderPtr responder) {
        {
          const std::lock_guard lock(mutex_);
          if (const auto value = request->header("authorization"); !value.empty()) header_ = value;
        }
        inner(std::move(request), std::move(responder));
      };
    }
    listening_ = std::make_unique<TestServer>(std::move(routes));
  }
  ~McpPeer() {
    server_.stop();
    listening_.reset();
  }

  std::string host() const { return fmt::format("127.0.0.1:{}", listening_->port()); }
  std::string url() const { return fmt::format("http://{}/mcp", host()); }
  std::string seen_header() const {
    const std::lock_guard lock(mutex_);
    return header_;
  }
  std::atomic<int> n_calls{0};

 private:
  template <typename Run>
  void add(const std::string& name, bool reads, Run run) {
    mcp::OfferedTool tool;
    tool.name = name;
    json::object text = {{"type", "string"}, {"enum", json::array{"one", "two"}}};
    json::object schema = {{"type", "object"}, {"required", json::array{"text"}}};
    schema["properties"] = json::object{{"text", std::move(text)}};
    schema["additionalProperties"] = false;
    tool.listing = {{"name", name}, {"description", "A tool named " + name}};
    tool.listing["inputSchema"] = std::move(schema);
    tool.listing["annotations"] = json::object{{"readOnlyHint", reads}};
    tool.run = [run](const json::object& arguments, mcp::Call&) -> mcp::Reply { return run(arguments); };
    catalog_->add(std::move(tool));
  }

  mutable std::mutex mutex_;
  std::string header_;
  const std::shared_ptr<mcp::Catalog> catalog_ = std::make_shared<mcp::Catalog>();
  mcp::Server server_{catalog_, {.name = "peer", .version = "1", .instructions = {}}};
  Workers workers_{2};
  McpHttp http_{server_, workers_};
  std::unique_ptr<TestServer> listening_;
};

}  // namespace ondol::server
