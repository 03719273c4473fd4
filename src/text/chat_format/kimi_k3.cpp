// Kimi K3: every part of the answer in tags of three special tokens; a parameter says its type.
#include <fmt/format.h>

#include <iterator>

#include "text/chat_format/arguments.h"
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/tagged_calls.h"

namespace ondol::chat_format {
namespace {

constexpr std::string_view kTypeNames[] = {"null",   "boolean", "number",
                                           "string", "array",   "object"};  // bits of JsonType

std::string unescaped(std::string_view text) {
  return replace_all(replace_all(text, "&quot;", "\""), "&amp;", "&");
}

std::string escaped(std::string_view text) {
  return replace_all(replace_all(text, "&", "&amp;"), "\"", "&quot;");
}

std::string read_name(std::string_view header) {
  return unescaped(header.substr(0, header.find('"')));
}

TaggedKey read_key(std::string_view header) {
  TaggedKey key{read_name(header)};
  for (size_t bit = 0; bit < std::size(kTypeNames); ++bit) {
    if (header.find(fmt::format("type=\"{}\"", kTypeNames[bit])) != std::string_view::npos) key.types = 1u << bit;
  }
  return key;
}

std::string write_name(std::string_view name, int call) {
  return fmt::format("{}\" index=\"{}\"", escaped(name), call);
}

std::string write_key(std::string_view key, unsigned types) {
  size_t bit = 0;
  while (bit + 1 < std::size(kTypeNames) && (types >> bit & 1) == 0) ++bit;
  return fmt::format("{}\" type=\"{}\"", escaped(key), kTypeNames[bit]);
}

}  // namespace

Dialect kimi_k3() {
  Dialect dialect;
  dialect.name = "kimi-k3";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "<|open|>") && contains(source, "open_tag('call'");
  };
  dialect.reasoning = {.open = "<|open|>think<|sep|>",
                       .close = "<|close|>think<|sep|>",
                       .after_close = "<|open|>response<|sep|>",
                       .anywhere = true};
  dialect.silent = {"<|open|>response<|sep|>", "<|close|>response<|sep|>", "<|close|>message<|sep|>", "<|end_of_msg|>"};
  dialect.calls = tagged_calls({.block_begin = "<|open|>tools<|sep|>",
                                .block_end = "<|close|>tools<|sep|>",
                                .call_begin = "<|open|>call tool=\"",
                                .name_end = "<|sep|>",
                                .call_end = "<|close|>call<|sep|>",
                                .key_begin = "<|open|>argument key=\"",
                                .key_end = "<|sep|>",
                                .value_end = "<|close|>argument<|sep|>",
                                .read_name = read_name,
                                .read_key = read_key,
                                .write_name = write_name,
                                .write_key = write_key});
  return dialect;
}

}  // namespace ondol::chat_format
