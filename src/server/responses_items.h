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
  enum class Kind { kMessage, kReasoning, kCall, kResult, kSearch };

  Kind kind = Kind::kMessage;
  json::object value;  // as it is shown again; has an id
  std::string role;    // kMessage
  std::string text;    // of a message, reasoning or a result, also of a search
  std::string call_id;
  std::string name;       // kCall, kSearch: as the model knows the tool
  json::value arguments;  // kCall, kSearch: an object
  int round = 0;          // kSearch: those of different rounds are different messages
  size_t bytes = 0;       // of the value as text
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

/// A search that was made here, with what was found, as the model is told.
ResponseItemPtr made_search(const json::object& value, const std::string& text, int round);

/// The messages of a chat. What one answer consisted of (reasoning, text, calls) becomes one message again.
json::array messages_of_items(std::string_view instructions, const ResponseItems& items);

}  // namespace ondol::server
