#include "server/responses_prompt.h"

#include <algorithm>

namespace ondol::server {
namespace {

// Left free for the answer where the request does not say how long that may be.
constexpr int64_t kUsualAnswer = 1024;

bool is_users(const ResponseItem& item) {
  return item.kind == ResponseItem::Kind::kMessage && item.role == "user";
}

bool is_instruction(const ResponseItem& item) {
  return item.kind == ResponseItem::Kind::kMessage && (item.role == "system" || item.role == "developer");
}

}  // namespace

ResponseItems items_from(const ResponseItems& items, size_t cut) {
  ResponseItems rest;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i >= cut || is_instruction(*items[i])) rest.push_back(items[i]);
  }
  return rest;
}

ResponseItems newest_items(const ResponseItems& items, const std::function<bool(const ResponseItems&)>& fits) {
  if (fits(items)) return items;
  std::vector<size_t> cuts;
  for (size_t i = 1; i < items.size(); ++i) {
    if (is_users(*items[i])) cuts.push_back(i);
  }
  if (cuts.empty()) return items;
  size_t low = 0;
  size_t high = cuts.size() - 1;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (fits(items_from(items, cuts[middle]))) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return items_from(items, cuts[low]);
}

std::optional<HttpError> prepare_response(const LoadedModel& model, ChatRequest chat, const ResponseWords& words,
                                          const ResponseItems& items, bool truncates, AnswerJob& job,
                                          size_t& n_dropped) {
  n_dropped = 0;
  if (!truncates) {
    chat.messages = messages_of_items(words.instructions, items, words.letters);
    return prepare_chat(model, chat, job);
  }
  const int64_t context = model.engine().context_length();
  const int64_t answer = std::min(chat.max_tokens > 0 ? int64_t{chat.max_tokens} : kUsualAnswer, context / 4);
  const auto fits = [&](const ResponseItems& some) {
    ChatPrompt prompt;
    chat.messages = messages_of_items(words.instructions, some, words.letters);
    // What a template refuses is told when it is rendered for good.
    if (make_chat_prompt(model, chat, prompt)) return true;
    return static_cast<int64_t>(prompt.tokens.size()) + answer <= context;
  };
  const ResponseItems rest = newest_items(items, fits);
  n_dropped = items.size() - rest.size();
  chat.messages = messages_of_items(words.instructions, rest, words.letters);
  return prepare_chat(model, chat, job);
}

}  // namespace ondol::server
