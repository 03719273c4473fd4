// JSON-RPC messages on any bytes, at both ends of MCP: each line of the input goes to a server that offers a tool, a
// prompt and a resource, and is what a client gets as an answer; then the smaller readers.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/acp/acp_server.h"
#include "agent/mcp/client.h"
#include "agent/mcp/client_tool.h"
#include "agent/mcp/configuration.h"
#include "agent/mcp/elicitation.h"
#include "agent/mcp/server.h"
#include "agent/schema_check.h"
#include "base/check.h"
#include "net/event_stream_reader.h"

namespace {

using namespace ondol;
using namespace ondol::mcp;

class Nowhere : public Outlet {
 public:
  void send(const json::object& message) override { (void)json_text(message); }
  void finish(const json::value& answer, int) override { (void)json_text(answer); }
  void drop() override {}
};

class Shelf : public ResourceShelf {
 public:
  json::array list() const override { return {json::object{{"uri", "a:b"}, {"name", "b"}}}; }
  std::optional<Reply> read(const std::string& uri, Call&) override {
    if (uri != "a:b") return std::nullopt;
    return json::object{{"contents", json::array()}};
  }
};

Reply ask(const json::object& arguments, Call& call) {
  call.progress(1, 2, "half");
  call.log(LogLevel::kError, "fuzz", json::value(arguments));
  if (!has_handshake(call.revision()))  // with a session it would wait for an answer
    (void)ask_for_text(call, "q", "Which?");
  return text_result("done");
}

Server& server() {
  static const auto catalog = [] {
    auto made = std::make_shared<Catalog>();
    const json::object schema{{"type", "object"}};
    made->add(OfferedTool{"t", {{"name", "t"}, {"inputSchema", schema}}, ask});
    made->add(OfferedPrompt{"p", {{"name", "p"}}, [](const json::object& a, Call& c) { return ask(a, c); }, {}});
    made->add(std::make_shared<Shelf>());
    return made;
  }();
  static Server one(catalog, {.version = "1", .n_threads = 1});
  return one;
}

/// Answers with the lines, in turn.
class Lines : public Transport {
 public:
  explicit Lines(std::vector<std::string> lines) : lines_(std::move(lines)) {}
  Result<Response> exchange(const json::object&, const std::vector<MirroredArgument>&, const Patience&,
                            const Listener& listener) override {
    while (next_ < lines_.size()) {
      auto read = read_rpc(lines_[next_++]);
      RpcMessage* message = std::get_if<RpcMessage>(&read);
      if (message == nullptr) continue;
      if (message->kind == RpcMessage::Kind::kResult || message->kind == RpcMessage::Kind::kError)
        return Response{std::move(*message)};
      if (const auto answer = listener(*message)) (void)json_text(*answer);
    }
    return Error("no more lines");
  }
  Result<void> notify(const json::object&) override { return {}; }
  void listen(Listener) override {}
  void set_revision(Revision) override {}
  bool needs_mirrored_arguments() const override { return false; }
  std::string name() const override { return "fuzz"; }
  void close() override {}

 private:
  const std::vector<std::string> lines_;
  size_t next_ = 0;
};

void serve(const std::vector<std::string>& lines) {
  std::shared_ptr<Session> session;
  for (const std::string& line : lines) {
    auto read = read_rpc(line);
    RpcMessage* message = std::get_if<RpcMessage>(&read);
    if (message == nullptr) {
      const auto& refusal = std::get<RpcRefusal>(read);
      (void)json_text(rpc_error(refusal.id, refusal.error));
      continue;
    }
    ONDOL_CHECK(message->kind != RpcMessage::Kind::kRequest || !message->id.is_null());
    const auto outlet = std::make_shared<Nowhere>();
    const bool is_request = message->kind == RpcMessage::Kind::kRequest;
    if (is_request && Server::is_stateless(*message)) {
      const Canceller cancel = server().answer(*message, outlet);
      if (message->method == "subscriptions/listen" && cancel) cancel();
    } else if (is_request && message->method == "initialize") {
      session = server().open_session(*message, *outlet);
    } else if (session != nullptr) {
      server().take(session, *message, outlet);
    }
  }
  while (server().n_running() > 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
}

void use(const std::vector<std::string>& lines) {
  ClientHandlers handlers;
  handlers.elicit = [](const json::object&) -> Result<json::object> { return json::object{{"action", "accept"}}; };
  auto client = Client::connect(std::make_unique<Lines>(lines), {}, std::move(handlers));
  if (!client) return;
  if (const auto tools = (*client)->list_tools())
    for (const json::value& tool : *tools) (void)tool_name_for("s", string_or(tool, "name", ""));
  if (const auto result = (*client)->call_tool("t", {})) (void)text_of_result(*result);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size() && lines.size() < 20;) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  serve(lines);
  use(lines);
  EventStreamReader whole(1000), pieces(1000);
  const size_t n_events = whole.push(text).size();
  size_t n_in_pieces = 0;
  for (const char c : text) n_in_pieces += pieces.push({&c, 1}).size();
  ONDOL_CHECK(n_events == n_in_pieces);
  (void)read_servers(text);
  (void)read_header_value(text);
  ONDOL_CHECK(read_header_value(header_value(text)) == text);
  for (const std::string& line : lines) {
    const auto value = parse_json(line);
    if (!value) continue;
    (void)mirrored_arguments(*value);
    (void)check_against_schema(*value, *value);
    (void)with_defaults(*value, {});
    if (value->is_array()) {
      (void)acp::prompt_text(value->get_array());
      (void)acp::read_servers(value->get_array());
    }
  }
  return 0;
}
