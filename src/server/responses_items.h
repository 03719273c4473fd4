// Items of OpenAI's Responses API: what a conversation is made of there. As clients send them, as they are kept, and as
// the messages of a chat (chat.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/fields.h"

namespace ondol::server {

/// One item, checked.
struct ResponseItem {
  enum class Kind {
    kMessage,
    kReasoning,
    kCall,
    kResult,
    kHosted,   // a call that this server answered, with what came of it
    kListing,  // mcp_list_tools
    kApprovalRequest,
    kApprovalAnswer,
  };

  Kind kind = Kind::kMessage;
  json::object value;        // as it is shown again; has an id
  std::string role;          // kMessage
  std::string text;          // of a message, reasoning or a result, also of what this server ran
  std::string call_id;       // kApprovalAnswer: of the request
  std::string name;          // kCall, kHosted, kApprovalRequest: as the model knows the tool
  json::value arguments;     // kCall, kHosted, kApprovalRequest: an object
  int round = 0;             // kHosted: those of different rounds are different messages
  bool is_foreign = false;   // the text is of programs and servers
  bool is_approved = false;  // kApprovalAnswer
  size_t bytes = 0;          // of the value as text
};
using ResponseItemPtr = std::shared_ptr<const ResponseItem>;
using ResponseItems = std::vector<ResponseItemPtr>;

/// A kept item by its id, or null.
using FindItem = std::function<ResponseItemPtr(std::string_view id)>;

/// The name by which a model knows a tool of a namespace.
std::string name_in_namespace(std::string_view space, std::string_view name);

/// `input`: a text, or an array of items. What the models here cannot take is refused by name.
ResponseItems read_response_input(const Fields& body, const FindItem& find);

/// An item that was made here.
ResponseItemPtr made_item(const json::object& value);

/// A call that was answered here, with what came of it, as the model is told.
ResponseItemPtr made_hosted(const json::object& value, const std::string& text, int round);

/// A request for approval by its id, or null; the last of these items counts.
ResponseItemPtr find_approval_request(const ResponseItems& items, std::string_view id);

/// The messages of a chat. What one answer consisted of (reasoning, text, calls) becomes one message again. `letters`
/// are those of the marks around strangers' words, which the instructions then explain; "": there are none, and nothing
/// is marked.
json::array messages_of_items(std::string_view instructions, const ResponseItems& items,
                              const std::string& letters = {});

}  // namespace ondol::server
