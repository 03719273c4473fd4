#include "train/data/conversation_spans.h"

#include <algorithm>

#include <fmt/format.h>

namespace ondol::train {
namespace {

// A noncharacter: no text has it, so that a template's words never run on into it.
constexpr const char* kMark = "\xEF\xB7\x90";
// Texts of all turns of a conversation are kept while it is marked.
constexpr size_t kMaxKeptBytes = size_t{1} << 28;

size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

/// `end`, or where the tag or bracket begins that is open there, if that is behind `begin`: two texts may share the "<"
/// of different tags.
size_t before_open_tag(std::string_view text, size_t end, size_t begin) {
  if (end <= begin) return end;
  const std::string_view part = text.substr(begin, end - begin);
  for (const std::string_view pair : {"<>", "[]"}) {
    const size_t open = part.rfind(pair[0]);
    if (open != std::string_view::npos && part.find(pair[1], open) == std::string_view::npos) return begin + open;
  }
  return end;
}

json::object plain_message(std::string_view role, std::string_view content) {
  json::object message;
  message["role"] = role;
  message["content"] = content;
  return message;
}

}  // namespace

class ConversationSpans::Renderer {
 public:
  Renderer(const ConversationSpans& spans, const json::array& messages, const json::array& tools,
           const json::object& variables)
      : spans_(spans), messages_(messages), context_(spans.variables_) {
    if (!tools.empty()) context_["tools"] = tools;
    for (const auto& [key, value] : variables) context_[key] = value;
  }

  /// The first `n` messages and perhaps one more.
  Result<std::string> render(size_t n, bool is_prompt, const json::object* more = nullptr) const {
    json::array list(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(n));
    if (more != nullptr) list.push_back(*more);
    json::object context = context_;
    context["messages"] = spans_.form_.fit(list);
    context["add_generation_prompt"] = is_prompt;
    return spans_.template_.render(context, spans_.now_).in("the chat template");
  }

  Result<Turn> turn(size_t message) const {
    Turn turn{ONDOL_TRY(render(message + 1, false)), 0};
    spans_.drop_prompt(turn.text);
    turn.begin = ONDOL_TRY(words_begin(message, turn.text));
    turn.text.resize(spans_.words_end(turn.text, turn.begin));
    return turn;
  }

 private:
  /// Where in `text`, which ends with the turn `message`, its words begin: mostly behind the prompt.
  Result<size_t> words_begin(size_t message, const std::string& text) const {
    const std::string prompt = ONDOL_TRY(render(message, true));
    if (text.starts_with(prompt)) return prompt.size();
    // The prompt opens more than this answer has. That is reasoning, mostly: then the one without it should fit.
    Renderer thoughtless = *this;
    for (const char* name : {"enable_thinking", "thinking"}) thoughtless.context_.emplace(name, false);
    const auto short_prompt = thoughtless.render(message, true);
    if (short_prompt && text.starts_with(*short_prompt)) return short_prompt->size();

    const json::object marked = plain_message("assistant", kMark);
    const std::string other = ONDOL_TRY(render(message, false, &marked));
    auto before = render(message, false);
    if (before) spans_.drop_prompt(*before);
    const size_t mark = other.find(kMark);
    if (before && prompt.starts_with(*before) && mark != std::string::npos) {
      // What all answers have in common with the prompt. It may be nothing where a turn goes on behind a tool's result.
      size_t begin = before_open_tag(prompt, common_prefix(prompt, other), before->size());
      const bool is_behind = begin > before->size() || (begin == before->size() && begin == mark);
      if (is_behind && common_prefix(text, other) >= begin) return begin;
      // Or the same header, behind messages that are written otherwise once there is an answer.
      const std::string header = prompt.substr(before->size());
      const size_t at = header.empty() ? std::string::npos : other.rfind(header, mark);
      begin = at == std::string::npos ? 0 : at + header.size();
      const bool is_in_turn = begin > common_prefix(*before, other) && begin <= mark;
      if (is_in_turn && common_prefix(text, other) >= begin) return begin;
    }
    return Error(
        fmt::format("message {}: expected the chat template to write it behind what it writes for an answer to the "
                    "messages before, got another text: with this template it cannot be learned; hint: "
                    "\"weight\": 0 for this message, or --train-on all",
                    message + 1));
  }

  const ConversationSpans& spans_;
  const json::array& messages_;
  json::object context_;
};

ConversationSpans::ConversationSpans(ChatTemplate chat_template, const Tokenizer& tokenizer, int64_t now_unix_seconds)
    : template_(std::move(chat_template)), now_(now_unix_seconds) {
  if (tokenizer.bos() != kNoToken) variables_["bos_token"] = tokenizer.token_text(tokenizer.bos());
  if (tokenizer.eos() != kNoToken) variables_["eos_token"] = tokenizer.token_text(tokenizer.eos());
  form_ = MessageForm::of(template_, variables_);
  for (TokenId id = 0; id < tokenizer.vocabulary_size(); ++id) {
    if (tokenizer.ends_generation(id) && !tokenizer.token_text(id).empty())
      ends_.emplace_back(tokenizer.token_text(id));
  }
  json::array talk;
  talk.push_back(plain_message("user", "a"));
  talk.push_back(plain_message("assistant", kMark));
  talk.push_back(plain_message("user", "b"));
  const Renderer probe(*this, talk, {}, {});
  const auto text = probe.render(3, false);
  const size_t at = text ? text->find(kMark) : std::string::npos;
  if (at != std::string::npos) turn_end_ = text->substr(at + std::string_view(kMark).size());
  const auto prompt = probe.render(1, true), question = probe.render(1, false), answer = probe.render(2, false);
  if (prompt && question && answer && *prompt == *question) {
    const auto ends = std::mismatch(prompt->rbegin(), prompt->rend(), answer->rbegin(), answer->rend());
    constant_end_ = std::string(ends.first.base(), prompt->end());
  }
}

void ConversationSpans::drop_prompt(std::string& text) const {
  if (constant_end_.empty() || !text.ends_with(constant_end_)) return;
  size_t size = text.size() - constant_end_.size();
  for (const std::string& end : ends_) {
    if (!constant_end_.starts_with(end)) continue;
    size += end.size();
    break;
  }
  text.resize(size);
}

size_t ConversationSpans::words_end(std::string_view text, size_t begin) const {
  size_t end = text.size();
  for (size_t at = end; true;) {
    while (at > begin && std::string_view(" \t\r\n").find(text[at - 1]) != std::string_view::npos) --at;
    const std::string_view words = text.substr(begin, at - begin);
    const auto found =
        std::find_if(ends_.begin(), ends_.end(), [&](const std::string& e) { return words.ends_with(e); });
    if (found == ends_.end()) return end;
    end = at;
    at -= found->size();
  }
}

Result<std::vector<MarkedText>> ConversationSpans::mark(const Exchange& exchange, const json::object& variables,
                                                        TrainOn train_on) const {
  const auto calls = [](const json::value& message) { return find_member(message, "tool_calls") != nullptr; };
  const bool has_calls = std::any_of(exchange.messages.begin(), exchange.messages.end(), calls);
  if ((!exchange.tools.empty() && !form_.has_tools) || (has_calls && !form_.has_calls)) {
    return Error(
        fmt::format("'{}': expected none, as the model's chat template does not write them; hint: a model that "
                    "calls tools, or --template-file",
                    form_.has_tools ? "tool_calls" : "tools"));
  }
  const Renderer renderer(*this, exchange.messages, exchange.tools, variables);
  std::vector<MarkedText> texts;
  if (train_on == TrainOn::kAll) {
    std::string text = ONDOL_TRY(renderer.render(exchange.messages.size(), false));
    const size_t size = text.size();
    texts.push_back({std::move(text), {{0, size}}});
    return texts;
  }
  std::vector<Turn> turns;
  size_t kept_bytes = 0;
  for (size_t i = exchange.messages.size(); i-- > 0;) {
    if (!exchange.is_answer[i]) continue;
    turns.push_back(ONDOL_TRY(renderer.turn(i)));
    kept_bytes += turns.back().text.size();
    if (kept_bytes > kMaxKeptBytes) return Error("expected a conversation of fewer and shorter turns; hint: cut it");
    if (train_on == TrainOn::kLast) break;
  }
  // The last turn's text teaches all earlier ones that it shows unchanged; what it changes needs another text.
  while (!turns.empty()) {
    MarkedText marked{turns.front().text, {}};
    std::vector<Turn> others;
    size_t limit = marked.text.size();
    for (Turn& turn : turns) {
      if (marked.text.starts_with(turn.text) && turn.begin < limit) {
        marked.targets.emplace_back(turn.begin, std::min(turn.text.size(), limit));
        limit = turn.begin;
      } else {
        others.push_back(std::move(turn));
      }
    }
    std::reverse(marked.targets.begin(), marked.targets.end());
    if (marked.targets.empty()) others.erase(others.begin());  // a turn without words
    turns = std::move(others);
    if (!marked.targets.empty()) texts.push_back(std::move(marked));
  }
  return texts;
}

}  // namespace ondol::train
