// Bodies of chat requests in each API's form (the first byte chooses; 'o' OpenAI, 'a' Anthropic, 'c' Ollama's chat,
// 'g' its generate): reading them ends with a request or an error that is text, and what is accepted becomes grammars,
// or is refused by name.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/anthropic.h"
#include "server/ollama.h"
#include "server/openai.h"
#include "text/chat_format.h"
#include "text/unicode.h"

namespace {

using namespace ondol::server;

const Services& services() {
  static Services* const made = [] {
    PoolOptions options;
    options.store = {"/nonexistent", "/nonexistent", "/nonexistent"};
    return new Services(ModelPool::create(options).value(), 1);
  }();
  return *made;
}

void check_grammars(const ChatRequest& chat) {
  ondol::AnswerDemand demand;
  demand.tools = chat.tools;
  demand.tool_choice = chat.tool_choice;
  demand.tool_name = chat.tool_name;
  demand.parallel_calls = chat.parallel_calls;
  const auto content = content_grammar(chat.content);
  if (!content) {
    ONDOL_CHECK(ondol::is_valid_utf8(content.error().message()));
    return;
  }
  demand.content = *content;
  for (const char* source : {"<tool_call>", "<function= <parameter="}) {
    const auto grammar = ondol::ChatFormat::of_template(source)->grammar(demand, "");
    if (!grammar) ONDOL_CHECK(ondol::is_valid_utf8(grammar.error().message()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto body = ondol::parse_json({reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!body || !body->is_object()) return 0;
  RequestFault fault;
  const Fields fields(body->get_object(), fault);
  ChatRequest chat;
  switch (data[0]) {
    case 'a':
      chat = read_anthropic_chat(fields, true).chat;
      break;
    case 'c':
      chat = read_ollama_chat(services(), fields).chat;
      break;
    case 'g':
      chat = read_ollama_generate(services(), fields).chat;
      break;
    default:
      chat = read_openai_chat(fields).chat;
  }
  if (fault) {
    ONDOL_CHECK(ondol::is_valid_utf8(fault.error().message));
    return 0;
  }
  check_grammars(chat);
  return 0;
}
