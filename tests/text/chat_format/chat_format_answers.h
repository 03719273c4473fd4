// Answers as tests of chat formats see them: what a parser makes of a text, however it was cut into pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/chat_format.h"

namespace ondol::chat_format_tests {

struct Call {
  std::string name;
  std::string id;
  std::string arguments;
  bool ended = false;
};

struct Answer {
  std::string reasoning;
  std::string content;
  std::vector<Call> calls;
  std::string problem;  // an order of deltas that must not be

  void add(const std::vector<AnswerDelta>& deltas) {
    for (const AnswerDelta& delta : deltas) add(delta);
  }

  void add(const AnswerDelta& delta) {
    using Kind = AnswerDelta::Kind;
    const bool is_call = delta.kind != Kind::kReasoning && delta.kind != Kind::kContent;
    if (!is_call) {
      if (delta.text.empty()) problem = "an empty piece";
      (delta.kind == Kind::kReasoning ? reasoning : content) += delta.text;
      return;
    }
    if (delta.kind == Kind::kCallBegin) {
      if (!calls.empty() && !calls.back().ended) problem = "a call within a call";
      if (static_cast<size_t>(delta.call) != calls.size()) problem = "a wrong index";
      calls.push_back({delta.text, delta.id, "", false});
      return;
    }
    if (calls.empty() || calls.back().ended || static_cast<size_t>(delta.call) + 1 != calls.size()) {
      problem = "a piece of no call";
      return;
    }
    calls.back().arguments += delta.text;
    if (delta.kind == Kind::kCallEnd) {
      calls.back().ended = true;
      if (calls.back().id.empty()) calls.back().id = delta.id;
    }
  }

  /// For comparing and for messages.
  std::string text() const {
    std::string out = "reasoning: " + reasoning + "\ncontent: " + content + "\n";
    for (const Call& call : calls) {
      out += "call: " + call.name + " " + call.id + " " + call.arguments + (call.ended ? "\n" : " (open)\n");
    }
    if (!problem.empty()) out += "problem: " + problem + "\n";
    return out;
  }
};

/// `next_size` says how long each piece is.
template <typename NextSize>
Answer parse_in_pieces(const ChatFormat& format, const AnswerDemand& demand, std::string_view prompt,
                       std::string_view text, NextSize next_size) {
  Answer answer;
  const auto parser = format.parser(demand, prompt);
  while (!text.empty()) {
    const size_t size = std::min<size_t>(std::max<size_t>(next_size(), 1), text.size());
    answer.add(parser->push(text.substr(0, size)));
    text.remove_prefix(size);
  }
  answer.add(parser->finish());
  return answer;
}

inline Answer parse_whole(const ChatFormat& format, const AnswerDemand& demand, std::string_view prompt,
                          std::string_view text) {
  return parse_in_pieces(format, demand, prompt, text, [&] { return text.size(); });
}

}  // namespace ondol::chat_format_tests
