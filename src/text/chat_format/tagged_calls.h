// Calls written as tags: a name, then parameters of which each has a key and its value as text.
#pragma once

#include <memory>
#include <string>

#include "text/chat_format/dialect.h"

namespace ondol::chat_format {

/// A key's tag may tell the value's type, as a set of JsonType; 0: it does not.
struct TaggedKey {
  std::string name;
  unsigned types = 0;
};

struct TaggedCallStyle {
  std::string block_begin = "";  // around calls, where it stands
  std::string block_end = "";
  std::string call_begin;     // the name's header follows it,
  std::string name_end = "";  // which this ends; empty: a line break, a key or the call's end does
  std::string call_end;
  std::string key_begin;  // the key's header follows it,
  std::string key_end;    // which this ends
  std::string value_begin = "";
  std::string value_end;
  bool value_on_own_line = false;
  bool cdata = false;   // a value may stand between <![CDATA[ and ]]>
  bool python = false;  // templates write true, false and null as Python does
  // Line breaks as templates write them.
  std::string after_block_begin = "";
  std::string after_name = "";
  std::string after_key = "";
  std::string after_value = "";
  std::string after_call = "";
  /// Reads a header; null: it is the name, or the key.
  std::string (*read_name)(std::string_view header) = nullptr;
  TaggedKey (*read_key)(std::string_view header) = nullptr;
  /// And writes one. `types`: of the value, all strings or none.
  std::string (*write_name)(std::string_view name, int call) = nullptr;
  std::string (*write_key)(std::string_view key, unsigned types) = nullptr;
};

std::shared_ptr<const CallSyntax> tagged_calls(TaggedCallStyle style);

/// The text with each `from` replaced.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

}  // namespace ondol::chat_format
