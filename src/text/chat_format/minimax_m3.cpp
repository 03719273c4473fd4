// MiniMax M3: calls as nested elements, each of whose tags follows a token that occurs nowhere else. Lists hold
// <item>s; the tools' schemas tell texts from numbers, and empty lists from empty objects.
#include "text/chat_format/arguments.h"
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/value_grammar.h"

namespace ondol::chat_format {
namespace {

using Part = GrammarBuilder::Part;
using Step = CallReader::Step;

constexpr const char* kMark = "]<]minimax[>[";
constexpr size_t kMaxDepth = 64;
constexpr size_t kLongestTag = 512;

class ElementCallReader : public CallReader {
 public:
  explicit ElementCallReader(const AnswerDemand& demand) : demand_(demand) {}

  Step step(TextFeed& feed, CallWriter& calls) override;

 private:
  enum class Kind { kUnknown, kText, kObject, kArray };
  struct Element {
    std::string tag;
    const json::value* schema = nullptr;
    Kind kind = Kind::kUnknown;
    bool has_items = false;
    std::optional<ParameterValue> value;
  };

  void text(std::string_view text, std::string& out);
  Step tag(std::string_view tag, CallWriter& calls, std::string& out);
  void open(std::string_view tag, std::string& out);
  void close(std::string_view tag, std::string& out);
  void pop(std::string& out);
  Step no_call() const { return began_any_ ? Step::kDone : Step::kNoCall; }

  const AnswerDemand& demand_;
  MarkerSet mark_{{kMark}};
  MarkerSet tag_end_{{">"}};
  bool in_tag_ = false;
  std::string tag_;
  bool began_any_ = false;
  json::value no_schema_;
  const json::value* root_ = &no_schema_;
  std::vector<Element> open_;  // of the call; the first are its arguments
};

Step ElementCallReader::step(TextFeed& feed, CallWriter& calls) {
  std::string out;
  Step result = Step::kAgain;
  if (in_tag_) {
    const auto found = feed.take_before(tag_end_, tag_);
    if (found.marker < 0 && tag_.size() < kLongestTag) return Step::kNeedText;
    if (found.marker < 0) return no_call();
    feed.take(found.length);
    in_tag_ = false;
    result = tag(tag_, calls, out);
    tag_.clear();
  } else {
    std::string piece;
    const auto found = feed.take_before(mark_, piece);
    text(piece, out);
    if (found.marker < 0) {
      result = Step::kNeedText;
    } else {
      feed.take(found.length);
      in_tag_ = true;
    }
  }
  if (calls.is_open()) calls.arguments(out);
  return result;
}

void ElementCallReader::text(std::string_view text, std::string& out) {
  if (text.empty() || open_.size() < 2) return;
  Element& element = open_.back();
  if (element.kind == Kind::kUnknown) {
    element.kind = Kind::kText;
    element.value.emplace(schema_types(element.schema, *root_), false);
  }
  if (element.kind == Kind::kText) element.value->push(text, out);
}

// `tag`: from after the mark to before the closing bracket.
Step ElementCallReader::tag(std::string_view tag, CallWriter& calls, std::string& out) {
  if (tag == "<tool_call" && open_.empty()) return Step::kAgain;
  constexpr std::string_view kInvoke = "<invoke name=\"";
  const bool ends = tag == "</invoke" || tag == "</tool_call" || tag.starts_with(kInvoke);
  if (ends && !open_.empty()) {
    while (!open_.empty()) pop(out);
    calls.arguments(out);
    out.clear();
    calls.end();
  }
  if (tag == "</tool_call") return began_any_ ? Step::kDone : Step::kNoCall;
  if (tag.starts_with(kInvoke)) {
    tag.remove_prefix(kInvoke.size());
    const std::string name(tag.substr(0, tag.find('"')));
    if (!is_tool_name(name)) return no_call();
    calls.begin(name);
    began_any_ = true;
    const ToolDefinition* tool = find_tool(demand_, name);
    root_ = tool == nullptr ? &no_schema_ : &tool->parameters;
    open_.push_back({name, root_, Kind::kObject, false, {}});
    out += "{";
  } else if (open_.empty()) {
    return tag == "</invoke" && began_any_ ? Step::kAgain : no_call();
  } else if (tag.starts_with("</")) {
    close(tag.substr(2), out);
  } else if (tag.starts_with("<") && tag.size() > 1) {
    open(tag.substr(1), out);
  }
  return Step::kAgain;
}

void ElementCallReader::open(std::string_view tag, std::string& out) {
  Element& parent = open_.back();
  if (open_.size() >= kMaxDepth || parent.kind == Kind::kText) return;
  if (parent.kind == Kind::kUnknown) {
    const unsigned types = schema_types(parent.schema, *root_);
    const bool is_array =
        tag == "item" && (types & kArrayType) != 0 && property_schema(parent.schema, tag, *root_) == nullptr;
    parent.kind = is_array ? Kind::kArray : Kind::kObject;
    out += is_array ? "[" : "{";
  }
  if (parent.has_items) out += ", ";
  parent.has_items = true;
  const bool in_array = parent.kind == Kind::kArray;
  if (!in_array) out += json_string(tag) + ": ";
  const json::value* schema =
      in_array ? item_schema(parent.schema, *root_) : property_schema(parent.schema, tag, *root_);
  open_.push_back({std::string(tag), schema, Kind::kUnknown, false, {}});
}

void ElementCallReader::close(std::string_view tag, std::string& out) {
  size_t depth = open_.size();
  while (depth > 1 && open_[depth - 1].tag != tag) --depth;
  if (depth <= 1) depth = open_.size();  // a name that is not quite that of the innermost
  if (depth <= 1) return;
  while (open_.size() >= depth) pop(out);
}

void ElementCallReader::pop(std::string& out) {
  Element& element = open_.back();
  switch (element.kind) {
    case Kind::kObject:
      out += "}";
      break;
    case Kind::kArray:
      out += "]";
      break;
    case Kind::kText:
      element.value->end(out);
      break;
    case Kind::kUnknown: {
      const unsigned types = schema_types(element.schema, *root_);
      out += (types & kStringType) != 0   ? "\"\""
             : (types & kObjectType) != 0 ? "{}"
             : (types & kArrayType) != 0  ? "[]"
                                          : "null";
    }
  }
  open_.pop_back();
}

// The grammar of elements. The closing tag of a name that is free may differ from the opening one, but is none that
// would close an element around it.
class ElementGrammar {
 public:
  ElementGrammar(CallGrammar& context, const json::value& root) : builder_(context.builder), root_(root) {}

  Result<Part> children(const json::value* schema, int depth) {
    std::vector<Part> parts;
    std::vector<std::string> names;
    for (const auto& [name, required] : property_names(schema, false)) {
      const Part child = ONDOL_TRY(named(name, property_schema(schema, name, root_), depth));
      parts.push_back(required ? child : builder_.optional(child));
      names.push_back(name);
    }
    const OtherProperties others = other_properties(schema);
    if (others.allowed) {
      const Part held = others.schema == nullptr ? text() : ONDOL_TRY(value(others.schema, std::min(depth, 1)));
      parts.push_back(builder_.repeat(ONDOL_TRY(free(held, names)), 0, -1));
    }
    return parts.empty() ? builder_.literal("") : builder_.sequence(std::move(parts));
  }

 private:
  Part text() { return builder_.text_before({kMark}); }

  Part element(Part open, Part inside, Part close) {
    const Part mark = builder_.special(kMark);
    return builder_.sequence({mark, builder_.literal("<"), open, builder_.literal(">"), inside, mark,
                              builder_.literal("</"), close, builder_.literal(">")});
  }

  Result<Part> named(const std::string& name, const json::value* schema, int depth) {
    around_.push_back(name);
    auto held = value(schema, depth);
    around_.pop_back();
    const Part tag = builder_.literal(name);
    return element(tag, ONDOL_TRY(std::move(held)), tag);
  }

  Result<Part> free(Part inside, const std::vector<std::string>& taken) {
    constexpr std::string_view kName = "[a-zA-Z_][a-zA-Z0-9_.-]{0,63}";
    return element(ONDOL_TRY(builder_.regex_but(kName, taken, {})), inside,
                   ONDOL_TRY(builder_.regex_but(kName, around_, {})));
  }

  Result<Part> value(const json::value* schema, int depth) {
    schema = resolve_schema(schema, root_);
    if (schema == nullptr || !schema->is_object() || depth == 0) return any();
    if (const json::value* values = find_member(*schema, "enum"); values != nullptr && values->is_array()) {
      std::vector<Part> choices;
      for (const json::value& each : values->get_array()) {
        choices.push_back(builder_.literal(each.is_string() ? std::string(each.get_string()) : json::serialize(each)));
      }
      if (!choices.empty()) return builder_.choice(std::move(choices));
    }
    const unsigned types = schema_types(schema, root_);
    if (types == kObjectType) return children(schema, depth - 1);
    if (types == kArrayType) {
      return builder_.repeat(ONDOL_TRY(named("item", item_schema(schema, root_), depth - 1)), 0, -1);
    }
    if (types == kStringType) return text();
    if ((types & (kStringType | kObjectType | kArrayType)) != 0) return any();
    if (const auto plain = plain_scalar(builder_, *schema)) return *plain;
    return builder_.json_schema(standalone_schema(*schema, root_), tool_schema_options());
  }

  Result<Part> any() { return builder_.choice({text(), builder_.repeat(ONDOL_TRY(free(text(), {})), 1, -1)}); }

  GrammarBuilder& builder_;
  const json::value& root_;
  std::vector<std::string> around_ = {"invoke", "tool_call"};  // names that closing tags would close
};

class ElementCalls : public CallSyntax {
 public:
  std::vector<std::string> openers(const AnswerDemand&) const override { return {std::string(kMark) + "<tool_call>"}; }

  std::unique_ptr<CallReader> reader(const AnswerDemand& demand) const override {
    return std::make_unique<ElementCallReader>(demand);
  }

  Result<Part> grammar(CallGrammar& context) const override {
    GrammarBuilder& builder = context.builder;
    const Part mark = builder.special(kMark);
    std::vector<Part> choices;
    for (const ToolDefinition* tool : context.tools) {
      ElementGrammar elements(context, tool->parameters);
      const json::value any_object = json::object();
      const json::value* schema = resolve_schema(&tool->parameters, tool->parameters);
      auto inside =
          elements.children(schema != nullptr && schema->is_object() ? schema : &any_object, kMaxGrammarDepth);
      if (!inside) return inside.error().in("tool '" + tool->name + "'");
      choices.push_back(builder.sequence({mark, builder.literal("<invoke name=\"" + tool->name + "\">"), *inside, mark,
                                          builder.literal("</invoke>\n")}));
    }
    const Part calls = builder.repeat(builder.choice(std::move(choices)), 1, context.parallel ? -1 : 1);
    return builder.sequence({mark, builder.literal("<tool_call>\n"), calls, mark, builder.literal("</tool_call>")});
  }

 private:
  static constexpr int kMaxGrammarDepth = 16;
};

}  // namespace

Dialect minimax_m3() {
  Dialect dialect;
  dialect.name = "minimax-m3";
  dialect.recognises = [](std::string_view source) { return contains(source, kMark); };
  dialect.reasoning = {.open = "<mm:think>", .close = "</mm:think>"};
  dialect.calls = std::make_shared<ElementCalls>();
  return dialect;
}

}  // namespace ondol::chat_format
