#include "text/chat_format/tagged_grammar.h"

#include "text/chat_format/arguments.h"
#include "text/chat_format/value_grammar.h"

namespace ondol::chat_format {
namespace {

using Part = GrammarBuilder::Part;

class TaggedGrammar {
 public:
  TaggedGrammar(const TaggedCallStyle& style, CallGrammar& context) : style_(style), builder_(context.builder) {}

  Result<Part> call(const ToolDefinition& tool, int number);

 private:
  Result<Part> parameter(const std::string& name, const json::value* schema, const json::value& root);
  Result<Part> free_parameter(const std::vector<std::string>& named);
  Result<Part> text(const json::value* schema);
  Result<Part> data(const json::value* schema, unsigned types, const json::value& root);
  // A parameter with the tag that says what kind of value it is.
  Part tagged(Part key, const std::string& after_key, Part value);
  Part wrapped_text(Part text);

  const TaggedCallStyle& style_;
  GrammarBuilder& builder_;
};

Part TaggedGrammar::tagged(Part key, const std::string& key_rest, Part value) {
  const std::string before = style_.value_on_own_line ? "\n" : "";
  const Part own_line = builder_.literal(before);
  return builder_.sequence({markup(builder_, style_.key_begin), key, markup(builder_, key_rest + style_.key_end),
                            markup(builder_, style_.after_key + style_.value_begin), own_line, value, own_line,
                            markup(builder_, style_.value_end), builder_.literal(style_.after_value)});
}

// A string as text, up to the marker that ends it.
Result<Part> TaggedGrammar::text(const json::value* schema) {
  std::vector<std::string> ends = {style_.value_end};
  if (style_.cdata) ends.emplace_back("<![CDATA[");
  if (schema == nullptr) return builder_.text_before(ends);
  const json::value* values = find_member(*schema, "enum");
  std::vector<Part> choices;
  if (values != nullptr && values->is_array()) {
    for (const json::value& value : values->get_array()) {
      if (value.is_string()) choices.push_back(builder_.literal(std::string_view(value.get_string())));
    }
  } else if (const json::value* value = find_member(*schema, "const"); value != nullptr && value->is_string()) {
    choices.push_back(builder_.literal(std::string_view(value->get_string())));
  } else if (const json::value* pattern = find_member(*schema, "pattern"); pattern != nullptr && pattern->is_string()) {
    std::string whole(pattern->get_string());
    if (whole.find('|') != std::string::npos)
      return builder_.text_before(ends);  // its anchors may belong to parts of it
    if (!whole.starts_with('^')) whole.insert(0, "[^<]*");
    if (!whole.ends_with('$')) whole += "[^<]*";
    return builder_.regex_but(whole, {}, ends).in("pattern");
  }
  return choices.empty() ? builder_.text_before(ends) : builder_.choice(std::move(choices));
}

// A value that is no string, as JSON.
Result<Part> TaggedGrammar::data(const json::value* schema, unsigned types, const json::value& root) {
  std::vector<Part> choices;
  const json::value any = json::object();
  if (schema == nullptr) schema = &any;
  JsonSchemaOptions options = tool_schema_options();
  options.never = {style_.value_end};
  const auto plain = plain_scalar(builder_, *schema);
  choices.push_back(plain ? *plain : ONDOL_TRY(builder_.json_schema(standalone_schema(*schema, root), options)));
  if (style_.python && (types & kBooleanType) != 0) {
    choices.push_back(builder_.literal("True"));
    choices.push_back(builder_.literal("False"));
  }
  if (style_.python && (types & kNullType) != 0) choices.push_back(builder_.literal("None"));
  return builder_.choice(std::move(choices));
}

Part TaggedGrammar::wrapped_text(Part text) {
  if (!style_.cdata) return text;
  const Part wrapped =
      builder_.sequence({builder_.literal("<![CDATA["), builder_.text_before({"]]>"}), builder_.literal("]]>")});
  return builder_.choice({text, wrapped});
}

Result<Part> TaggedGrammar::parameter(const std::string& name, const json::value* schema, const json::value& root) {
  const json::value* resolved = resolve_schema(schema, root);
  const unsigned types = schema_types(resolved, root);
  std::vector<Part> choices;
  if ((types & kStringType) != 0) {
    const std::string key = style_.write_key != nullptr ? style_.write_key(name, kStringType) : name;
    const Part text = ONDOL_TRY(this->text(types == kStringType ? resolved : nullptr));
    choices.push_back(tagged(builder_.literal(key), "", wrapped_text(text)));
  }
  // Text that is not told apart from other values covers them.
  const unsigned others = types & ~static_cast<unsigned>(kStringType);
  if (others != 0 && (choices.empty() || style_.write_key != nullptr)) {
    for (unsigned type = 1; type < kAnyType; type <<= 1) {
      if ((others & type) == 0) continue;
      const std::string key = style_.write_key != nullptr ? style_.write_key(name, type) : name;
      choices.push_back(tagged(builder_.literal(key), "", ONDOL_TRY(data(resolved, others, root))));
      if (style_.write_key == nullptr || style_.write_key(name, kNullType) == style_.write_key(name, kObjectType))
        break;
    }
  }
  return builder_.choice(std::move(choices));
}

Result<Part> TaggedGrammar::free_parameter(const std::vector<std::string>& named) {
  const Part key = ONDOL_TRY(builder_.regex_but("[a-zA-Z_][a-zA-Z0-9_.-]{0,63}", named, {}));
  if (style_.write_key == nullptr) return tagged(key, "", wrapped_text(ONDOL_TRY(text(nullptr))));
  const std::string rest = style_.write_key("", kStringType);
  return tagged(key, rest, ONDOL_TRY(text(nullptr)));
}

Result<Part> TaggedGrammar::call(const ToolDefinition& tool, int number) {
  const std::string name = style_.write_name != nullptr ? style_.write_name(tool.name, number) : tool.name;
  std::vector<Part> parts = {markup(builder_, style_.call_begin), builder_.literal(name),
                             markup(builder_, style_.name_end + style_.after_name)};
  const json::value* schema = resolve_schema(&tool.parameters, tool.parameters);
  std::vector<Member> members;
  std::vector<std::string> names;
  for (const auto& [property, required] : property_names(schema, false)) {
    auto part = parameter(property, property_schema(schema, property, tool.parameters), tool.parameters);
    if (!part) return part.error().in("parameter '" + property + "'");
    members.push_back({*part, required});
    names.push_back(property);
  }
  parts.push_back(members_in_any_order(builder_, members, ""));
  if (other_properties(schema).allowed) parts.push_back(builder_.repeat(ONDOL_TRY(free_parameter(names)), 0, -1));
  // DeepSeek's templates write an empty line where there are no parameters.
  parts.push_back(builder_.optional(builder_.literal("\n")));
  parts.push_back(markup(builder_, style_.call_end));
  return builder_.sequence(std::move(parts));
}

}  // namespace

Result<Part> tagged_grammar(const TaggedCallStyle& style, CallGrammar& context) {
  GrammarBuilder& builder = context.builder;
  TaggedGrammar grammar(style, context);
  const auto calls_at = [&](int number) -> Result<Part> {
    std::vector<Part> choices;
    for (const ToolDefinition* tool : context.tools) {
      auto call = grammar.call(*tool, number);
      if (!call) return call.error().in("tool '" + tool->name + "'");
      choices.push_back(*call);
    }
    return builder.sequence({builder.choice(std::move(choices)), builder.literal(style.after_call)});
  };
  Part calls = ONDOL_TRY(calls_at(1));
  const bool numbered = style.write_name != nullptr && style.write_name("", 1) != style.write_name("", 2);
  if (context.parallel && !numbered && !style.block_begin.empty()) {
    calls = builder.repeat(calls, 1, -1);
  } else if (context.parallel && numbered) {
    constexpr int kNumberedCalls = 4;  // their numbers are written, so that each is a part of its own
    Part more = builder.literal("");
    for (int number = kNumberedCalls; number >= 2; --number) {
      more = builder.optional(builder.sequence({ONDOL_TRY(calls_at(number)), more}));
    }
    calls = builder.sequence({calls, more});
  }
  if (style.block_begin.empty()) return calls;
  return builder.sequence(
      {markup(builder, style.block_begin + style.after_block_begin), calls, markup(builder, style.block_end)});
}

}  // namespace ondol::chat_format
