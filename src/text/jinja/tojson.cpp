#include "text/jinja/tojson.h"

#include <cmath>

#include <fmt/format.h>

#include "text/jinja/compare.h"
#include "text/jinja/convert.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

std::string json_real(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return repr_real(value);
}

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  std::string take() { return out_.take(); }

  void write(const Value& value) {
    switch (value.kind()) {
      case Kind::kNone:
        out_.append("null");
        break;
      case Kind::kBool:
        out_.append(value.as_bool() ? "true" : "false");
        break;
      case Kind::kInt:
        out_.append(repr_integer(value.as_integer()));
        break;
      case Kind::kFloat:
        out_.append(json_real(value.as_real()));
        break;
      case Kind::kText:
        write_text(value.str());
        break;
      case Kind::kList:
      case Kind::kTuple:
        write_list(value.items());
        break;
      case Kind::kDict:
        write_dict(value.dict());
        break;
      default:
        throw Failure(fmt::format("Object of type {} is not JSON serializable", value.type_name()));
    }
  }

 private:
  void write_list(const std::vector<Value>& items) {
    if (items.empty()) {
      out_.append("[]");
      return;
    }
    open("[");
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) separate();
      write(items[i]);
    }
    close("]");
  }

  void write_dict(const Dict& dict) {
    if (dict.pairs.empty()) {
      out_.append("{}");
      return;
    }
    std::vector<const std::pair<Value, Value>*> pairs;
    for (const auto& pair : dict.pairs) pairs.push_back(&pair);
    if (style_.sort_keys) {
      std::stable_sort(pairs.begin(), pairs.end(), [](const auto* left, const auto* right) { return less(left->first, right->first); });
    }
    open("{");
    bool first = true;
    for (const auto* pair : pairs) {
      if (!first) separate();
      first = false;
      write_text(key_text(pair->first));
      out_.append(style_.key_separator);
      write(pair->second);
    }
    close("}");
  }

  static std::string key_text(const Value& key) {
    switch (key.kind()) {
      case Kind::kText:
        return std::string(key.str());
      case Kind::kNone:
        return "null";
      case Kind::kBool:
        return key.as_bool() ? "true" : "false";
      case Kind::kInt:
        return repr_integer(key.as_integer());
      case Kind::kFloat:
        return json_real(key.as_real());
      default:
        throw Failure(fmt::format("keys must be str, int, float, bool or None, not {}", key.type_name()));
    }
  }

  void open(std::string_view bracket) {
    out_.append(bracket);
    ++level_;
    new_line();
  }

  void separate() {
    out_.append(style_.item_separator);
    new_line();
  }

  void close(std::string_view bracket) {
    --level_;
    new_line();
    out_.append(bracket);
  }

  void new_line() {
    if (style_.indent) out_.append("\n").repeat(*style_.indent, level_);
  }

  void write_text(std::string_view text) {
    out_.append("\"");
    size_t plain = 0;  // from here on nothing was written yet
    for (size_t offset = 0; offset < text.size();) {
      const size_t begin = offset;
      const char32_t c = next_code_point(text, offset);
      const bool special = c < 0x20 || c == '"' || c == '\\' || (style_.ensure_ascii && c > 0x7E);
      if (!special) continue;
      out_.append(text.substr(plain, begin - plain)).append(escaped(c));
      plain = offset;
    }
    out_.append(text.substr(plain)).append("\"");
  }

  static std::string escaped(char32_t c) {
    static constexpr std::string_view kFrom = "\"\\\n\r\t\f\b";
    static constexpr std::string_view kTo = "\"\\nrtfb";
    const size_t simple = c < 0x80 ? kFrom.find(static_cast<char>(c)) : std::string_view::npos;
    if (simple != std::string_view::npos) return std::string("\\") + kTo[simple];
    const auto code = static_cast<uint32_t>(c);
    if (code < 0x10000) return fmt::format("\\u{:04x}", code);
    return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((code - 0x10000) >> 10), 0xDC00 + ((code - 0x10000) & 0x3FF));
  }

  const JsonStyle& style_;
  TextBuilder out_;
  size_t level_ = 0;
};

}  // namespace

std::string to_json(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.write(value);
  return writer.take();
}

}  // namespace ondol::jinja
