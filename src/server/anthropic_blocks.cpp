#include "server/anthropic_blocks.h"

#include <openssl/evp.h>

#include "base/base64.h"
#include "server/chat_messages.h"

namespace ondol::server {
namespace {

/// Clients send it back with the thinking and do not look into it; here it proves nothing and nobody asks.
std::string signature_of(const std::string& thinking) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  EVP_Digest(thinking.data(), thinking.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(),
             nullptr);
  digest.resize(size);
  return base64(digest);
}

std::string tool_id(const std::string& id) {
  constexpr std::string_view kOwn = "call_";
  return "toolu_" + (id.starts_with(kOwn) ? id.substr(kOwn.size()) : id);
}

void append_member(json::object& object, std::string_view key, const json::value& more) {
  json::string& text = object[key].as_string();
  text.append(more.as_string());
}

}  // namespace

void AnthropicBlocks::open(Open kind, json::object block, std::vector<Step>& steps) {
  close(steps);
  open_ = kind;
  steps.push_back({Step::Kind::kStart, n_blocks_++, std::move(block)});
}

void AnthropicBlocks::close(std::vector<Step>& steps) {
  held_.clear();
  if (open_ == Open::kNone) return;
  if (open_ == Open::kThinking) {
    steps.push_back(
        {Step::Kind::kDelta, n_blocks_ - 1, {{"type", "signature_delta"}, {"signature", signature_of(thinking_)}}});
    thinking_.clear();
  }
  open_ = Open::kNone;
  steps.push_back({Step::Kind::kStop, n_blocks_ - 1, {}});
}

void AnthropicBlocks::push_text(const std::string& text, std::vector<Step>& steps) {
  if (open_ != Open::kText) {
    held_ += text;
    if (held_.find_first_not_of(" \t\r\n") == std::string::npos) return;
    const std::string begin = std::exchange(held_, {});
    open(Open::kText, {{"type", "text"}, {"text", ""}}, steps);
    steps.push_back({Step::Kind::kDelta, n_blocks_ - 1, {{"type", "text_delta"}, {"text", begin}}});
    return;
  }
  steps.push_back({Step::Kind::kDelta, n_blocks_ - 1, {{"type", "text_delta"}, {"text", text}}});
}

std::vector<AnthropicBlocks::Step> AnthropicBlocks::push(const AnswerDelta& delta) {
  using Kind = AnswerDelta::Kind;
  std::vector<Step> steps;
  if (delta.text.empty() && (delta.kind == Kind::kReasoning || delta.kind == Kind::kContent)) return steps;
  switch (delta.kind) {
    case Kind::kReasoning:
      if (open_ != Open::kThinking) {
        open(Open::kThinking, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}, steps);
      }
      thinking_ += delta.text;
      steps.push_back({Step::Kind::kDelta, n_blocks_ - 1, {{"type", "thinking_delta"}, {"thinking", delta.text}}});
      break;
    case Kind::kContent:
      push_text(delta.text, steps);
      break;
    case Kind::kCallBegin:
      open(Open::kTool,
           {{"type", "tool_use"}, {"id", tool_id(delta.id)}, {"name", delta.text}, {"input", json::object()}}, steps);
      break;
    case Kind::kCallArguments:
      if (open_ != Open::kTool) break;
      steps.push_back(
          {Step::Kind::kDelta, n_blocks_ - 1, {{"type", "input_json_delta"}, {"partial_json", delta.text}}});
      break;
    case Kind::kCallEnd:
      if (open_ == Open::kTool) close(steps);
      break;
  }
  return steps;
}

std::vector<AnthropicBlocks::Step> AnthropicBlocks::finish() {
  std::vector<Step> steps;
  close(steps);
  return steps;
}

void AnthropicContent::apply(std::vector<AnthropicBlocks::Step> steps) {
  using Kind = AnthropicBlocks::Step::Kind;
  for (AnthropicBlocks::Step& step : steps) {
    if (step.kind == Kind::kStart) {
      blocks_.push_back(std::move(step.what));
      arguments_.clear();
      continue;
    }
    json::object& block = blocks_.back().as_object();
    if (step.kind == Kind::kStop) {
      if (block["type"].as_string() != "tool_use") continue;
      const auto input = parse_json(arguments_);
      if (input) {
        block["input"] = call_arguments(*input);
      } else {
        blocks_.pop_back();  // the answer was cut off; half a call is none
      }
      continue;
    }
    for (const char* member : {"text", "thinking", "signature"}) {
      if (const json::value* more = step.what.if_contains(member)) append_member(block, member, *more);
    }
    if (const json::value* more = step.what.if_contains("partial_json")) arguments_ += more->as_string();
  }
}

}  // namespace ondol::server
