#include "text/chat_format/arguments.h"

#include "text/chat_format/text_feed.h"

namespace ondol::chat_format {
namespace {

constexpr int kMaxReferences = 16;
constexpr int kMaxSchemas = 256;  // looked at to find out the types of one

unsigned type_of_name(std::string_view name) {
  if (name == "null") return kNullType;
  if (name == "boolean") return kBooleanType;
  if (name == "number" || name == "integer") return kNumberType;
  if (name == "string") return kStringType;
  if (name == "array") return kArrayType;
  if (name == "object") return kObjectType;
  return kAnyType;
}

unsigned type_of_value(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return kNullType;
    case json::kind::bool_:
      return kBooleanType;
    case json::kind::string:
      return kStringType;
    case json::kind::array:
      return kArrayType;
    case json::kind::object:
      return kObjectType;
    default:
      return kNumberType;
  }
}

unsigned types_within(const json::value* schema, const json::value& root, int& budget) {
  schema = resolve_schema(schema, root);
  if (schema == nullptr || !schema->is_object() || --budget < 0) return kAnyType;
  unsigned types = kAnyType;
  if (const json::value* type = find_member(*schema, "type")) {
    types = 0;
    if (type->is_string()) types = type_of_name(type->get_string());
    if (const json::array* names = type->if_array()) {
      for (const json::value& name : *names) types |= name.is_string() ? type_of_name(name.get_string()) : kAnyType;
    }
  }
  for (const char* keyword : {"anyOf", "oneOf"}) {
    const json::value* member = find_member(*schema, keyword);
    const json::array* choices = member == nullptr ? nullptr : member->if_array();
    if (choices == nullptr || choices->empty()) continue;
    unsigned any = 0;
    for (const json::value& choice : *choices) any |= types_within(&choice, root, budget);
    types &= any;
  }
  if (const json::value* values = find_member(*schema, "enum"); values != nullptr && values->is_array()) {
    unsigned any = 0;
    for (const json::value& value : values->get_array()) any |= type_of_value(value);
    types &= any;
  }
  if (const json::value* value = find_member(*schema, "const")) types &= type_of_value(*value);
  if (bool_or(*schema, "nullable", false)) types |= kNullType;
  return types == 0 ? kAnyType : types;
}

}  // namespace

size_t ArgumentsValue::push(std::string_view text, bool is_final, std::string& out) {
  size_t taken = 0;
  if (kind_ == Kind::kUnknown) {
    taken = options_.keywords ? 0 : skip_space(text);
    if (taken == text.size() && !options_.keywords) return taken;
    kind_ = options_.keywords || text[taken] == '{' ? Kind::kObject : Kind::kOther;
  }
  if (is_done_) return 0;
  if (kind_ == Kind::kObject) {
    taken += json_.push(text.substr(taken), is_final, out);
    is_done_ = json_.is_done();
    return taken;
  }
  taken += json_.push(text.substr(taken), is_final, other_);
  if (!json_.is_done()) return taken;
  is_done_ = true;
  const auto value = parse_json(other_);
  const json::string* inner = value ? value->if_string() : nullptr;
  if (inner == nullptr || inner->empty() || inner->at(skip_space(*inner) % inner->size()) != '{') {
    out += "{}";
    return taken;
  }
  LooseJson json(options_);
  json.push(*inner, true, out);
  json.close(out);
  return taken;
}

void ArgumentsValue::close(std::string& out) {
  if (is_done_) return;
  is_done_ = true;
  if (kind_ == Kind::kObject) {
    json_.close(out);
  } else {
    out += "{}";
  }
}

const json::value* resolve_schema(const json::value* schema, const json::value& root) {
  for (int i = 0; i < kMaxReferences && schema != nullptr; ++i) {
    const json::value* reference = find_member(*schema, "$ref");
    if (reference == nullptr || !reference->is_string()) return schema;
    const std::string_view target = reference->get_string();
    if (!target.starts_with('#')) return nullptr;
    boost::system::error_code code;
    schema = root.find_pointer(target.substr(1), code);
  }
  return nullptr;
}

unsigned schema_types(const json::value* schema, const json::value& root) {
  int budget = kMaxSchemas;
  return types_within(schema, root, budget);
}

const json::value* property_schema(const json::value* schema, std::string_view name, const json::value& root) {
  schema = resolve_schema(schema, root);
  if (schema == nullptr) return nullptr;
  const json::value* properties = find_member(*schema, "properties");
  const json::value* property = properties == nullptr ? nullptr : find_member(*properties, name);
  if (property == nullptr) property = find_member(*schema, "additionalProperties");
  return property != nullptr && property->is_object() ? property : nullptr;
}

const json::value* item_schema(const json::value* schema, const json::value& root) {
  schema = resolve_schema(schema, root);
  return schema == nullptr ? nullptr : find_member(*schema, "items");
}

const ToolDefinition* find_tool(const AnswerDemand& demand, std::string_view name) {
  for (const ToolDefinition& tool : demand.tools) {
    if (tool.name == name) return &tool;
  }
  return nullptr;
}

void ParameterValue::push(std::string_view text, std::string& out) {
  if (text.empty()) return;
  if (!began_) {
    began_ = true;
    if (on_own_line_ && text[0] == '\n') text.remove_prefix(1);
  }
  switch (mode_) {
    case Mode::kString:
      return push_string(text, out);
    case Mode::kContainer: {
      held_ += text;
      held_.erase(0, json_.push(held_, false, out));
      if (json_.is_done()) held_.clear();  // what follows the value is no part of it
      return;
    }
    case Mode::kHeld:
      held_ += text;
      return;
    case Mode::kUndecided:
      held_ += text;
      decide(false, out);
  }
}

// Chooses how to read the value once its beginning shows it.
void ParameterValue::decide(bool is_complete, std::string& out) {
  const size_t space = skip_space(held_);
  const std::string_view trimmed = std::string_view(held_).substr(space);
  if (types_ == kStringType || (types_ == (kStringType | kNullType) && (trimmed.size() > 6 || space > 2))) {
    mode_ = Mode::kString;
    out += '"';
    const std::string text = std::move(held_);
    held_.clear();
    push_string(text, out);
  } else if ((types_ & kStringType) != 0) {
    if (types_ != (kStringType | kNullType) || is_complete) mode_ = Mode::kHeld;
  } else if (!trimmed.empty()) {
    mode_ = trimmed[0] == '{' || trimmed[0] == '[' || trimmed[0] == '(' ? Mode::kContainer : Mode::kHeld;
    if (mode_ == Mode::kContainer) held_.erase(0, json_.push(held_, false, out));
  } else if (is_complete) {
    mode_ = Mode::kHeld;
  }
}

// The last line break may be the marker's.
void ParameterValue::push_string(std::string_view text, std::string& out) {
  if (text.empty()) return;
  append_escaped(held_, out);
  held_.clear();
  if (on_own_line_ && text.back() == '\n') {
    held_.assign(1, '\n');
    text.remove_suffix(1);
  }
  append_escaped(text, out);
}

void ParameterValue::end(std::string& out) {
  if (mode_ == Mode::kUndecided) decide(true, out);
  if (mode_ == Mode::kString) {
    out += '"';
  } else if (mode_ == Mode::kContainer) {
    json_.push(held_, true, out);
    json_.close(out);
  } else {
    if (on_own_line_ && held_.ends_with('\n')) held_.pop_back();
    if ((types_ & kStringType) == 0) {
      out += loose_scalar(held_);
      return;
    }
    // A string, unless the text is a value of another type that is allowed.
    const std::string as_value = loose_scalar(held_);
    const auto value = parse_json(as_value);
    const bool is_other = value && !value->is_string() && skip_space(held_) < held_.size();
    out += is_other && (types_ & type_of_value(*value)) != 0 ? as_value : json_string(held_);
  }
}

}  // namespace ondol::chat_format
