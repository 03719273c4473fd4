// Filters whose result is text.
#include <array>

#include <fmt/format.h>

#include "text/jinja/convert.h"
#include "text/jinja/filter_tables.h"
#include "text/jinja/format.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/text_search.h"
#include "text/jinja/tojson.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

void no_arguments(std::string_view name, const Arguments& arguments) {
  const Parameters parameters(name, arguments, {});
}

// The text of any value; markup stays markup.
Value soft_text(const Value& value) {
  return value.is_text() ? value : Value::text(to_text(value));
}

// For filters that call methods of str and so accept nothing else.
const Text& require_text(const char* filter, const Value& value) {
  if (value.is_text()) return value.text();
  require_defined(value);
  throw Failure(fmt::format("the filter '{}' needs a string, not {}", filter, value.type_name()));
}

template <std::string (*map)(std::string_view)>
Value mapped(Interpreter&, const Value& input, const Arguments& arguments) {
  no_arguments("filter", arguments);
  const Value text = soft_text(input);
  return Value::text(map(text.str()), text.is_markup());
}

Value string(Interpreter&, const Value& input, const Arguments& arguments) {
  no_arguments("string", arguments);
  return soft_text(input);
}

Value safe(Interpreter&, const Value& input, const Arguments& arguments) {
  no_arguments("safe", arguments);
  return Value::text(to_text(input), true);
}

Value escape(Interpreter&, const Value& input, const Arguments& arguments) {
  no_arguments("escape", arguments);
  return input.is_markup() ? input : Value::text(escape_html(to_text(input)), true);
}

Value forceescape(Interpreter&, const Value& input, const Arguments& arguments) {
  no_arguments("forceescape", arguments);
  return Value::text(escape_html(to_text(input)), true);
}

Value trim(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("trim", arguments, {"chars"});
  const Value text = soft_text(input);
  CodePointTest drop = is_space;
  if (parameters.given(0)) {
    drop = [set = decode(parameters.text(0))](char32_t c) { return set.find(c) != std::u32string::npos; };
  }
  return Value::text(std::string(strip_right(strip_left(text.str(), drop), drop)), text.is_markup());
}

Value replace(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("replace", arguments, {"old", "new", "count"}, 2);
  const int64_t limit = parameters.given(2) ? parameters.integer(2, -1) : -1;
  return Value::text(replace_text(to_text(input), to_text(parameters.at(0)), to_text(parameters.at(1)), limit));
}

Value center(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("center", arguments, {"width"});
  const Value text = soft_text(input);
  return Value::text(center_text(text.text(), parameters.integer(0, 80), " "), text.is_markup());
}

// Words begin behind white space and opening brackets and dashes.
std::string title_words(std::string_view text) {
  std::string result;
  bool begins = true;
  for (size_t offset = 0; offset < text.size();) {
    const size_t begin = offset;
    const char32_t c = next_code_point(text, offset);
    const bool separates = is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    if (separates) {
      result += text.substr(begin, offset - begin);
    } else if (begins) {
      result += to_upper(text.substr(begin, offset - begin));
    } else {
      result += to_lower(text.substr(begin, offset - begin));
    }
    begins = separates;
  }
  return result;
}

Value format(Interpreter&, const Value& input, const Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    throw Failure("the filter 'format' cannot take positional and keyword arguments at the same time");
  }
  if (arguments.named.empty()) return format_percent(soft_text(input), Value::tuple(arguments.positional));
  Dict::Pairs pairs;
  for (const auto& [name, value] : arguments.named) pairs.emplace_back(Value::text(name), value);
  return format_percent(soft_text(input), std::make_shared<Dict>(std::move(pairs)));
}

Value indent(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("indent", arguments, {"width", "first", "blank"});
  const Text& text = require_text("indent", input);
  std::string indention;
  if (parameters.has(0) && parameters.at(0).is_text()) {
    indention = parameters.text(0);
  } else {
    indention = TextBuilder().repeat(" ", static_cast<size_t>(std::max<int64_t>(0, parameters.integer(0, 4)))).take();
  }
  const bool blank = parameters.truth(2, false);
  TextBuilder out;
  if (parameters.truth(1, false)) out.append(indention);
  bool first = true;
  const std::string ended = text.bytes + "\n";  // so that an empty last line counts
  for (const std::string_view line : split_lines(ended, false)) {
    if (!first) out.append("\n").append(blank || !line.empty() ? indention : "");
    first = false;
    out.append(line);
  }
  return Value::text(out.take(), text.markup);
}

Value truncate(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("truncate", arguments, {"length", "killwords", "end", "leeway"});
  const int64_t length = parameters.integer(0, 255);
  const std::string_view end = parameters.text_or(2, "...");
  const int64_t leeway = parameters.given(3) ? parameters.integer(3, 5) : 5;
  const auto end_size = static_cast<int64_t>(count_code_points(end));
  if (length < end_size) throw Failure(fmt::format("expected length >= {}, got {}", end_size, length));
  if (leeway < 0) throw Failure(fmt::format("expected leeway >= 0, got {}", leeway));
  const auto size = static_cast<int64_t>(length_of(input));
  if (size <= length || size - length <= leeway) return input;
  const Text& text = require_text("truncate", input);
  std::string_view kept =
      std::string_view(text.bytes).substr(0, byte_offset(text.bytes, static_cast<size_t>(length - end_size)));
  if (!parameters.truth(1, false)) kept = kept.substr(0, std::min(kept.rfind(' '), kept.size()));
  return Value::text(TextBuilder().append(kept).append(end).take(), text.markup);
}

Value wordcount(Interpreter&, const Value& input, const Arguments& arguments) {
  no_arguments("wordcount", arguments);
  int64_t count = 0;
  bool in_word = false;
  for (const char32_t c : decode(to_text(input))) {
    count += is_word(c) && !in_word;
    in_word = is_word(c);
  }
  return Value::integer(count);
}

Value wordwrap(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("wordwrap", arguments, {"width", "break_long_words", "wrapstring", "break_on_hyphens"});
  const int64_t width = parameters.integer(0, 79);
  if (width <= 0) throw Failure(fmt::format("invalid width {} (must be > 0)", width));
  const std::string_view separator = parameters.given(2) ? parameters.text(2) : "\n";
  TextBuilder out;
  bool first = true;
  for (const std::string_view line : split_lines(require_text("wordwrap", input).bytes, false)) {
    if (!first) out.append(separator);
    first = false;
    out.append(wrap_words(line, width, parameters.truth(1, true), parameters.truth(3, true), separator));
  }
  return Value::text(out.take());
}

// -- HTML and URLs
// --------------------------------------------------------------------------------------------------------

std::string without(std::string text, std::string_view begin, std::string_view end) {
  std::string result;
  size_t done = 0;
  while (true) {
    const size_t start = text.find(begin, done);
    const size_t stop = start == std::string::npos ? start : text.find(end, start);
    if (stop == std::string::npos) return result + text.substr(done);
    result += text.substr(done, start - done);
    done = stop + end.size();
  }
}

// The entities that people write; others stay as they are.
std::string unescape_html(std::string_view text) {
  static constexpr std::pair<std::string_view, char32_t> kNamed[] = {
      {"amp", '&'},   {"lt", '<'},    {"gt", '>'},        {"quot", '"'},     {"apos", '\''},
      {"nbsp", 0xA0}, {"copy", 0xA9}, {"hellip", 0x2026}, {"mdash", 0x2014}, {"ndash", 0x2013}};
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const size_t end = text[i] == '&' ? text.find(';', i) : std::string_view::npos;
    char32_t c = 0;
    if (end != std::string_view::npos && end - i < 12) {
      const std::string_view name = text.substr(i + 1, end - i - 1);
      for (const auto& [known, character] : kNamed) c = known == name ? character : c;
      const bool is_hex = name.starts_with("#x") || name.starts_with("#X");
      if (name.starts_with('#')) {
        const auto code = parse_integer(name.substr(is_hex ? 2 : 1), is_hex ? 16 : 10);
        if (code && *code > 0 && *code <= 0x10FFFF && (*code < 0xD800 || *code > 0xDFFF))
          c = static_cast<char32_t>(*code);
      }
    }
    if (c == 0) {
      result += text[i++];
    } else {
      append_code_point(result, c);
      i = end + 1;
    }
  }
  return result;
}

Value striptags(Interpreter&, const Value& input, const Arguments& arguments) {
  no_arguments("striptags", arguments);
  const std::string bare = without(without(to_text(input), "<!--", "-->"), "<", ">");
  return Value::text(unescape_html(fmt::format("{}", fmt::join(split_words(bare), " "))));
}

std::string quote_url(std::string_view text, bool for_query) {
  TextBuilder out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (byte < 0x80 && is_alnum(byte)) || c == '_' || c == '.' || c == '-' || c == '~' || (c == '/' && !for_query);
    if (plain) {
      out.append(std::string_view(&c, 1));
    } else {
      out.append(c == ' ' && for_query ? "+" : fmt::format("%{:02X}", byte));
    }
  }
  return out.take();
}

Value urlencode(Interpreter&, const Value& input, const Arguments& arguments) {
  no_arguments("urlencode", arguments);
  if (input.is_text() || !is_iterable(input)) return Value::text(quote_url(to_text(input), false));
  const Value pairs = input.is_dict() ? Value(std::make_shared<DictView>(input, DictView::Part::kItems)) : input;
  TextBuilder out;
  const Next next = iterate(pairs);
  for (Value item; next(item);) {
    const std::vector<Value> pair = collect(item);
    if (pair.size() != 2) throw Failure("the filter 'urlencode' needs pairs");
    if (!out.text().empty()) out.append("&");
    out.append(quote_url(to_text(pair[0]), true)).append("=").append(quote_url(to_text(pair[1]), true));
  }
  return Value::text(out.take());
}

Value xmlattr(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("xmlattr", arguments, {"autospace"});
  require_defined(input);
  if (!input.is_dict()) throw Failure(fmt::format("the filter 'xmlattr' needs a mapping, not {}", input.type_name()));
  TextBuilder out;
  for (const auto& [key, value] : input.dict().pairs) {
    if (value.is_none() || value.is_undefined()) continue;
    if (!key.is_text() || key.str().find_first_of(" \t\n\r\f\v/>=") != std::string_view::npos) {
      throw Failure(fmt::format("invalid character in attribute name: {}", to_repr(key)));
    }
    if (!out.text().empty() || parameters.truth(0, true)) out.append(" ");
    const std::string text = value.is_markup() ? std::string(value.str()) : escape_html(to_text(value));
    out.append(escape_html(key.str())).append("=\"").append(text).append("\"");
  }
  return Value::text(out.take());
}

// -- data
// -------------------------------------------------------------------------------------------------------------------

// The signature that transformers gives it; there is no escaping for HTML.
Value tojson(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ensure_ascii = parameters.truth(0, false);
  style.sort_keys = parameters.truth(3, false);
  if (parameters.given(1)) {
    const Value& indent = parameters.at(1);
    style.indent =
        indent.is_text()
            ? std::string(indent.str())
            : TextBuilder().repeat(" ", static_cast<size_t>(std::max<int64_t>(0, index_from(indent)))).take();
    style.item_separator = ",";
  }
  if (parameters.given(2)) {
    const std::vector<Value> separators = collect(parameters.at(2));
    if (separators.size() != 2 || !separators[0].is_text() || !separators[1].is_text())
      throw Failure("tojson() needs a pair of separators");
    style.item_separator = separators[0].str();
    style.key_separator = separators[1].str();
  }
  return Value::text(to_json(input, style));
}

Value pprint(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  no_arguments("pprint", arguments);
  interpreter.work(input.weight() * input.depth());
  return Value::text(pretty_print(input));
}

constexpr Filter kTextFilters[] = {
    {"capitalize", mapped<capitalize>},
    {"center", center},
    {"e", escape},
    {"escape", escape},
    {"forceescape", forceescape},
    {"format", format},
    {"indent", indent},
    {"lower", mapped<to_lower>},
    {"pprint", pprint},
    {"replace", replace},
    {"safe", safe},
    {"string", string},
    {"striptags", striptags},
    {"title", mapped<title_words>},
    {"tojson", tojson},
    {"trim", trim},
    {"truncate", truncate},
    {"upper", mapped<to_upper>},
    {"urlencode", urlencode},
    {"wordcount", wordcount},
    {"wordwrap", wordwrap},
    {"xmlattr", xmlattr},
};

}  // namespace

std::span<const Filter> text_filters() {
  return kTextFilters;
}

}  // namespace ondol::jinja
