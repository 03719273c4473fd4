// Client: speaks with one MCP server, in the newest revision that both know: 2026-07-28, or after a handshake an older
// one. Answers what the server asks: questions to the person, texts of a model, folders.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/mcp/transport.h"

namespace ondol::mcp {

struct ClientOptions {
  std::string name = "ondol";
  std::string version;
  std::chrono::milliseconds probe_time{5000};      // for a server to say whether it knows 2026-07-28
  std::chrono::milliseconds connect_time{60'000};  // for a server to start
  std::chrono::milliseconds list_time{30'000};
  std::chrono::milliseconds call_time{600'000};
};

/// What the client can be asked; what is null it does not offer. Each returns the result as the protocol writes it.
/// Called from the thread that uses the client, or while that waits from another; never two at once.
struct ClientHandlers {
  std::function<Result<json::object>(const json::object& params)> elicit;
  std::function<Result<json::object>(const json::object& params)> sample;
  std::function<json::array()> roots;  // [{"uri", "name"}]
  std::function<void(const std::string& method, const json::object& params)> on_notification;
};

/// One thread at a time.
class Client {
 public:
  /// `goes_on` is asked while it waits; null: it does.
  static Result<std::unique_ptr<Client>> connect(std::unique_ptr<Transport> transport, ClientOptions options,
                                                 ClientHandlers handlers, const std::function<bool()>& goes_on = {});
  ~Client();

  Revision revision() const { return revision_; }
  const std::string& instructions() const { return instructions_; }
  const json::object& capabilities() const { return capabilities_; }  // of the server
  std::string server_name() const { return transport_->name(); }

  using GoesOn = std::function<bool()>;
  using OnProgress = std::function<void(double done, double total, const std::string& message)>;

  /// As the server lists them, of all pages. Tools whose schemas the protocol does not allow are left out. A server
  /// without the capability has none.
  Result<json::array> list_tools(const GoesOn& goes_on = {});
  Result<json::array> list_resources(const GoesOn& goes_on = {});
  Result<json::array> list_resource_templates(const GoesOn& goes_on = {});
  Result<json::array> list_prompts(const GoesOn& goes_on = {});

  /// Results as the protocol writes them. Tools are known from list_tools().
  Result<json::object> call_tool(const std::string& name, const json::object& arguments, const GoesOn& goes_on = {},
                                 const OnProgress& on_progress = {});
  Result<json::object> read_resource(const std::string& uri, const GoesOn& goes_on = {});
  Result<json::object> get_prompt(const std::string& name, const json::object& arguments, const GoesOn& goes_on = {});

  void close();

 private:
  Client(std::unique_ptr<Transport> transport, ClientOptions options, ClientHandlers handlers);

  Result<void> find_revision(const GoesOn& goes_on);
  Result<bool> discover(const GoesOn& goes_on, std::chrono::milliseconds time);
  Result<void> shake_hands(const GoesOn& goes_on);
  Result<json::array> list(const std::string& method, std::string_view member, std::string_view capability,
                           const GoesOn& goes_on);
  /// With as many rounds as the server asks something of the client.
  Result<json::object> ask(const std::string& method, json::object params, const GoesOn& goes_on,
                           const OnProgress& on_progress = {});
  Result<json::object> once(const std::string& method, json::object params, std::chrono::milliseconds time,
                            const GoesOn& goes_on, const OnProgress& on_progress = {});
  Result<Response> exchange(const std::string& method, json::object params, std::chrono::milliseconds time,
                            const GoesOn& goes_on, const OnProgress& on_progress);
  std::optional<json::object> take(const RpcMessage& message, const json::value& token, const OnProgress& on_progress);
  Result<json::object> answer(const std::string& method, const json::object& params);
  json::object client_capabilities() const;
  json::object identity() const;

  const std::unique_ptr<Transport> transport_;
  const ClientOptions options_;
  const ClientHandlers handlers_;
  Revision revision_ = kNewest;
  int64_t n_requests_ = 0;
  json::object capabilities_;
  std::string instructions_;
  std::map<std::string, std::vector<MirroredArgument>> mirrored_;  // by tool
};

}  // namespace ondol::mcp
