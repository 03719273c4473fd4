// Catalog: what an MCP server offers at present: tools, prompts and shelves of resources. Servers list it, call what is
// in it, and tell their clients when it changes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/json_rpc.h"
#include "agent/mcp/call.h"
#include "base/json.h"

namespace ondol::mcp {

/// The result of a method as the protocol writes it, or an error of the protocol.
using Reply = std::variant<json::object, RpcError>;

/// Functions are called from several threads at once.
struct OfferedTool {
  std::string name;
  json::object listing;  // as in tools/list
  std::function<Reply(const json::object& arguments, Call& call)> run;
};

struct OfferedPrompt {
  std::string name;
  json::object listing;  // as in prompts/list
  std::function<Reply(const json::object& arguments, Call& call)> get;
  /// Values of an argument that begin as what was typed; null: none are known.
  std::function<std::vector<std::string>(std::string_view argument, std::string_view typed)> complete;
};

/// Resources that come from one place. Called from several threads at once.
class ResourceShelf {
 public:
  virtual ~ResourceShelf() = default;
  /// As in resources/list, in an order that stays.
  virtual json::array list() const = 0;
  /// As in resources/templates/list.
  virtual json::array templates() const { return {}; }
  /// As the result of resources/read; nothing where the URI is none of this shelf.
  virtual std::optional<Reply> read(const std::string& uri, Call& call) = 0;
  /// Values of a variable of one of its templates.
  virtual std::vector<std::string> complete(std::string_view uri_template, std::string_view variable,
                                            std::string_view typed) const {
    (void)uri_template, (void)variable, (void)typed;
    return {};
  }
};

/// What changed.
struct Change {
  enum class Kind { kTools, kPrompts, kResources, kResource } kind = Kind::kTools;
  std::string uri;  // of kResource: what it holds
};

/// All of it from any thread.
class Catalog {
 public:
  using Listener = std::function<void(const Change& change)>;

  /// Replaces one of the same name.
  void add(OfferedTool tool);
  void add(OfferedPrompt prompt);
  void add(std::shared_ptr<ResourceShelf> shelf);
  void remove_tool(const std::string& name);
  void remove_prompt(const std::string& name);

  /// In the order in which they were added.
  std::vector<std::shared_ptr<const OfferedTool>> tools() const;
  std::vector<std::shared_ptr<const OfferedPrompt>> prompts() const;
  std::vector<std::shared_ptr<ResourceShelf>> shelves() const;
  std::shared_ptr<const OfferedTool> find_tool(std::string_view name) const;
  std::shared_ptr<const OfferedPrompt> find_prompt(std::string_view name) const;

  /// Called from the thread that changes something. Until it is given up again.
  int listen(Listener listener);
  void stop_listening(int id);
  void tell(const Change& change);

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const OfferedTool>> tools_;
  std::vector<std::shared_ptr<const OfferedPrompt>> prompts_;
  std::vector<std::shared_ptr<ResourceShelf>> shelves_;
  std::mutex listeners_mutex_;  // held while they are called: who gives up is not called afterwards
  std::map<int, Listener> listeners_;
  int next_listener_ = 0;
};

/// {"content": [{"type": "text", "text": ...}]}
json::object text_result(std::string_view text, bool is_error = false);

}  // namespace ondol::mcp
