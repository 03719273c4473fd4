#include "text/chat_format/value_grammar.h"

#include <algorithm>

#include "text/chat_format/arguments.h"
#include "text/chat_format/loose_json.h"

namespace ondol::chat_format {
namespace {

using Part = GrammarBuilder::Part;

constexpr size_t kMostInAnyOrder = 5;
constexpr int kMaxDepth = 24;  // of schemas; what is deeper is free

}  // namespace

json::value standalone_schema(const json::value& schema, const json::value& root) {
  json::value copy = schema;
  if (!copy.is_object()) return copy;
  for (const char* definitions : {"$defs", "definitions"}) {
    const json::value* member = find_member(root, definitions);
    if (member != nullptr && &schema != &root) copy.get_object()[definitions] = *member;
  }
  return copy;
}

std::optional<Part> plain_scalar(GrammarBuilder& builder, const json::value& schema) {
  if (!schema.is_object()) return std::nullopt;
  for (const auto& member : schema.get_object()) {
    const std::string_view key = member.key();
    if (key != "type" && key != "description" && key != "title" && key != "default") return std::nullopt;
  }
  const std::string type = string_or(schema, "type", "");
  if (type == "null") return builder.literal("null");
  if (type == "boolean") return builder.choice({builder.literal("true"), builder.literal("false")});
  if (type != "integer" && type != "number") return std::nullopt;
  const auto number = builder.regex(
      type == "integer" ? "-?(0|[1-9][0-9]{0,30})" : "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?");
  ONDOL_CHECK(number.has_value());
  return *number;
}

std::vector<std::pair<std::string, bool>> property_names(const json::value* schema, bool sorted) {
  std::vector<std::pair<std::string, bool>> names;
  const json::value* properties = schema == nullptr ? nullptr : find_member(*schema, "properties");
  if (properties == nullptr || !properties->is_object()) return names;
  const json::value* required = find_member(*schema, "required");
  for (const auto& property : properties->get_object()) {
    bool is_required = false;
    if (required != nullptr && required->is_array()) {
      for (const json::value& name : required->get_array()) is_required = is_required || name == property.key();
    }
    names.emplace_back(property.key(), is_required);
  }
  const auto lower = [](std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
  };
  if (sorted) {
    std::stable_sort(names.begin(), names.end(),
                     [&](const auto& a, const auto& b) { return lower(a.first) < lower(b.first); });
  }
  return names;
}

OtherProperties other_properties(const json::value* schema) {
  if (schema == nullptr || !schema->is_object()) return {.allowed = true};
  const json::value* additional = find_member(*schema, "additionalProperties");
  if (additional == nullptr) return {.allowed = find_member(*schema, "properties") == nullptr};
  if (additional->is_bool()) return {.allowed = additional->get_bool()};
  return {.allowed = true, .schema = additional};
}

Part ordered_members(GrammarBuilder& builder, const std::vector<Member>& members, const std::string& comma) {
  // From the last: what may follow when something was written before, and when nothing was.
  Part after_some = builder.literal("");
  Part after_none = after_some;
  const Part separator = builder.literal(comma);
  for (size_t i = members.size(); i-- > 0;) {
    const Part with_comma = builder.sequence({separator, members[i].part, after_some});
    const Part without = builder.sequence({members[i].part, after_some});
    after_none = members[i].required ? without : builder.choice({without, after_none});
    after_some = members[i].required ? with_comma : builder.choice({with_comma, after_some});
  }
  return after_none;
}

Part members_in_any_order(GrammarBuilder& builder, const std::vector<Member>& members, const std::string& comma) {
  if (members.size() > kMostInAnyOrder) return ordered_members(builder, members, comma);
  const Part separator = builder.literal(comma);
  // What may follow when the members of a set were written, from the full set down.
  const size_t full = (size_t{1} << members.size()) - 1;
  std::vector<Part> after(full + 1);
  for (size_t written = full + 1; written-- > 0;) {
    std::vector<Part> choices;
    bool may_end = true;
    for (size_t i = 0; i < members.size(); ++i) {
      const size_t bit = size_t{1} << i;
      if ((written & bit) != 0) continue;
      may_end = may_end && !members[i].required;
      std::vector<Part> parts = {members[i].part, after[written | bit]};
      if (written != 0 && !comma.empty()) parts.insert(parts.begin(), separator);
      choices.push_back(builder.sequence(std::move(parts)));
    }
    if (may_end) choices.push_back(builder.literal(""));
    after[written] = builder.choice(std::move(choices));
  }
  return after[0];
}

Result<Part> ValueGrammar::value(const json::value* schema) {
  schema = resolve_schema(schema, root_);
  if (schema == nullptr || !schema->is_object() || depth_ >= kMaxDepth) return any();
  if (const json::value* constant_value = find_member(*schema, "const")) return constant(*constant_value);
  if (const json::value* values = find_member(*schema, "enum"); values != nullptr && values->is_array()) {
    std::vector<Part> choices;
    for (const json::value& each : values->get_array()) choices.push_back(constant(each));
    return choices.empty() ? any() : Result<Part>(builder_.choice(std::move(choices)));
  }
  ++depth_;
  std::vector<Part> choices;
  for (const char* keyword : {"anyOf", "oneOf"}) {
    const json::value* member = find_member(*schema, keyword);
    if (member == nullptr || !member->is_array()) continue;
    for (const json::value& each : member->get_array()) choices.push_back(ONDOL_TRY(value(&each)));
  }
  const unsigned types = schema_types(schema, root_);
  if (choices.empty() && types == kAnyType) choices.push_back(ONDOL_TRY(any()));
  const bool by_types = choices.empty();
  for (unsigned type = 1; by_types && type < kAnyType; type <<= 1) {
    if ((types & type) != 0) choices.push_back(ONDOL_TRY(of_type(*schema, type)));
  }
  --depth_;
  return builder_.choice(std::move(choices));
}

Result<Part> ValueGrammar::of_type(const json::value& schema, unsigned type) {
  switch (type) {
    case kNullType:
      return builder_.literal(style_.null_word);
    case kBooleanType:
      return builder_.choice({builder_.literal(style_.true_word), builder_.literal(style_.false_word)});
    case kStringType:
      return string();
    case kArrayType:
      return list(schema);
    case kObjectType: {
      const Part inside = ONDOL_TRY(members(&schema, style_.quoted_keys, style_.colon));
      return builder_.sequence({builder_.literal("{"), inside, builder_.literal("}")});
    }
    default:
      break;
  }
  json::value number = schema;
  const json::value* named = find_member(schema, "type");
  const bool is_integer = named != nullptr && named->is_string() && named->get_string() == "integer";
  number.get_object()["type"] = is_integer ? "integer" : "number";
  if (const auto plain = plain_scalar(builder_, number)) return *plain;
  return builder_.json_schema(standalone_schema(number, root_), tool_schema_options());
}

Result<Part> ValueGrammar::list(const json::value& schema) {
  const Part item = ONDOL_TRY(value(item_schema(&schema, root_)));
  const int least = static_cast<int>(std::clamp<int64_t>(int_or(schema, "minItems", 0), 0, 1000));
  const int most = static_cast<int>(std::clamp<int64_t>(int_or(schema, "maxItems", -1), -1, 1000));
  const Part more = builder_.sequence({builder_.literal(style_.comma), item});
  Part items =
      builder_.sequence({item, builder_.repeat(more, std::max(least - 1, 0), most < 0 ? -1 : std::max(most - 1, 0))});
  if (least == 0) items = builder_.optional(items);
  if (most == 0) items = builder_.literal("");
  return builder_.sequence({builder_.literal("["), items, builder_.literal("]")});
}

Result<Part> ValueGrammar::members(const json::value* schema, bool quoted_keys, const std::string& colon) {
  schema = resolve_schema(schema, root_);
  std::vector<Member> members;
  std::vector<std::string> names;
  for (const auto& [name, required] : property_names(schema, style_.sorted_keys)) {
    const Part key = builder_.literal((quoted_keys ? json_string(name) : name) + colon);
    const Part held = ONDOL_TRY(value(property_schema(schema, name, root_)));
    members.push_back({builder_.sequence({key, held}), required});
    names.push_back(quoted_keys ? json_string(name) : name);
  }
  const OtherProperties others = other_properties(schema);
  if (others.allowed) {
    const Part key = ONDOL_TRY(
        builder_.regex_but(quoted_keys ? "\"[^\"\\\\\\x00-\\x1f]{1,64}\"" : "[a-zA-Z_][a-zA-Z0-9_]{0,63}", names, {}));
    const Part held = ONDOL_TRY(value(others.schema));
    const Part member = builder_.sequence({key, builder_.literal(colon), held});
    const Part more = builder_.repeat(builder_.sequence({builder_.literal(style_.comma), member}), 0, -1);
    members.push_back({builder_.sequence({member, more}), false});
  }
  return style_.sorted_keys ? ordered_members(builder_, members, style_.comma)
                            : members_in_any_order(builder_, members, style_.comma);
}

Result<Part> ValueGrammar::string() {
  if (string_.id >= 0) return string_;
  if (style_.quote.size() > 1) {
    const Part quote = markup(builder_, style_.quote);
    string_ = builder_.sequence({quote, builder_.text_before({style_.quote}), quote});
  } else {
    string_ = ONDOL_TRY(builder_.json_schema({{"type", "string"}}));
  }
  return string_;
}

Part ValueGrammar::constant(const json::value& value) {
  if (value.is_string()) {
    const std::string_view text = value.get_string();
    if (style_.quote.size() == 1) return builder_.literal(json_string(text));
    return builder_.sequence({markup(builder_, style_.quote), builder_.literal(text), markup(builder_, style_.quote)});
  }
  if (value.is_bool()) return builder_.literal(value.get_bool() ? style_.true_word : style_.false_word);
  if (value.is_null()) return builder_.literal(style_.null_word);
  return builder_.literal(json::serialize(value));
}

// A value of any type.
Result<Part> ValueGrammar::any() {
  if (any_.id >= 0) return any_;
  any_ = builder_.forward();
  const Part comma = builder_.literal(style_.comma);
  const Part list =
      builder_.optional(builder_.sequence({any_, builder_.repeat(builder_.sequence({comma, any_}), 0, -1)}));
  const Part inside = ONDOL_TRY(members(nullptr, style_.quoted_keys, style_.colon));
  const Part text = ONDOL_TRY(string());
  const Part number = *plain_scalar(builder_, {{"type", "number"}});
  builder_.define(any_, builder_.choice({text, number, builder_.literal(style_.true_word),
                                         builder_.literal(style_.false_word), builder_.literal(style_.null_word),
                                         builder_.sequence({builder_.literal("["), list, builder_.literal("]")}),
                                         builder_.sequence({builder_.literal("{"), inside, builder_.literal("}")})}));
  return any_;
}

}  // namespace ondol::chat_format
