#include <array>

#include <fmt/format.h>

#include "text/jinja/convert.h"
#include "text/jinja/format.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/methods.h"
#include "text/jinja/text_search.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

// Text of the kind that `self` is: methods of markup return markup.
Value like(const Value& self, std::string_view text) {
  return Value::text(std::string(text), self.is_markup());
}

void no_arguments(std::string_view name, const Arguments& arguments) {
  const Parameters parameters(name, arguments, {});
}

// -- case
// -------------------------------------------------------------------------------------------------------------------

template <std::string (*map)(std::string_view)>
Value mapped(Interpreter&, const Value& self, const Arguments& arguments) {
  no_arguments("str method", arguments);
  return like(self, map(self.str()));
}

// -- questions
// ----------------------------------------------------------------------------------------------------------------

// Whether `holds` for every character of a string that is not empty.
template <bool (*holds)(char32_t)>
Value every(Interpreter&, const Value& self, const Arguments& arguments) {
  no_arguments("str method", arguments);
  const std::u32string text = decode(self.str());
  return Value::boolean(!text.empty() && std::all_of(text.begin(), text.end(), holds));
}

Value is_printable_text(Interpreter&, const Value& self, const Arguments& arguments) {
  no_arguments("isprintable", arguments);
  const std::u32string text = decode(self.str());
  return Value::boolean(std::all_of(text.begin(), text.end(), is_printable));
}

Value is_ascii_text(Interpreter&, const Value& self, const Arguments& arguments) {
  no_arguments("isascii", arguments);
  return Value::boolean(self.text().is_ascii());
}

Value is_lower_method(Interpreter&, const Value& self, const Arguments& arguments) {
  no_arguments("islower", arguments);
  return Value::boolean(is_lower_text(self.str()));
}

Value is_upper_method(Interpreter&, const Value& self, const Arguments& arguments) {
  no_arguments("isupper", arguments);
  return Value::boolean(is_upper_text(self.str()));
}

Value is_title_text(Interpreter&, const Value& self, const Arguments& arguments) {
  no_arguments("istitle", arguments);
  bool in_word = false;
  bool any = false;
  for (const char32_t c : decode(self.str())) {
    const bool begins = is_upper(c) || is_title(c);
    if (begins ? in_word : is_lower(c) && !in_word) return Value::boolean(false);
    in_word = begins || is_lower(c);
    any = any || in_word;
  }
  return Value::boolean(any);
}

Value is_identifier(Interpreter&, const Value& self, const Arguments& arguments) {
  no_arguments("isidentifier", arguments);
  const std::u32string text = decode(self.str());
  return Value::boolean(!text.empty() && is_identifier_start(text[0]) &&
                        std::all_of(text.begin(), text.end(), is_identifier_part));
}

// -- strip
// ----------------------------------------------------------------------------------------------------------------------

CodePointTest characters(const Parameters& parameters) {
  if (!parameters.given(0)) return is_space;
  return [set = decode(parameters.text(0))](char32_t c) { return set.find(c) != std::u32string::npos; };
}

Value strip(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("strip", arguments, {""});
  const CodePointTest drop = characters(parameters);
  return like(self, strip_right(strip_left(self.str(), drop), drop));
}

Value lstrip(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("lstrip", arguments, {""});
  return like(self, strip_left(self.str(), characters(parameters)));
}

Value rstrip(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("rstrip", arguments, {""});
  return like(self, strip_right(self.str(), characters(parameters)));
}

Value removeprefix(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("removeprefix", arguments, {""}, 1);
  const std::string_view prefix = parameters.text(0);
  return like(self, self.str().starts_with(prefix) ? self.str().substr(prefix.size()) : self.str());
}

Value removesuffix(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("removesuffix", arguments, {""}, 1);
  const std::string_view suffix = parameters.text(0);
  return like(self,
              self.str().ends_with(suffix) ? self.str().substr(0, self.str().size() - suffix.size()) : self.str());
}

// -- split and join
// -----------------------------------------------------------------------------------------------------------------

Value texts_like(const Value& self, const std::vector<std::string_view>& parts) {
  std::vector<Value> items;
  for (const std::string_view part : parts) items.push_back(like(self, part));
  return Value::list(std::move(items));
}

Value split(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("split", arguments, {"sep", "maxsplit"});
  const int64_t limit = parameters.integer(1, -1);
  if (!parameters.given(0)) return texts_like(self, split_at_spaces(self.str(), limit));
  return texts_like(self, split_at(self.str(), parameters.text(0), limit));
}

Value rsplit(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("rsplit", arguments, {"sep", "maxsplit"});
  const int64_t limit = parameters.integer(1, -1);
  if (!parameters.given(0)) return texts_like(self, split_at_spaces_from_right(self.str(), limit));
  return texts_like(self, split_at_from_right(self.str(), parameters.text(0), limit));
}

Value splitlines(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("splitlines", arguments, {"keepends"});
  return texts_like(self, split_lines(self.str(), parameters.truth(0, false)));
}

Value partition(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("partition", arguments, {""}, 1);
  const std::string_view separator = parameters.text(0);
  if (separator.empty()) throw Failure("empty separator");
  const size_t at = self.str().find(separator);
  if (at == std::string_view::npos) return Value::tuple({self, like(self, ""), like(self, "")});
  return Value::tuple({like(self, self.str().substr(0, at)), like(self, separator),
                       like(self, self.str().substr(at + separator.size()))});
}

Value rpartition(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("rpartition", arguments, {""}, 1);
  const std::string_view separator = parameters.text(0);
  if (separator.empty()) throw Failure("empty separator");
  const size_t at = self.str().rfind(separator);
  if (at == std::string_view::npos) return Value::tuple({like(self, ""), like(self, ""), self});
  return Value::tuple({like(self, self.str().substr(0, at)), like(self, separator),
                       like(self, self.str().substr(at + separator.size()))});
}

Value join(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters("join", arguments, {""}, 1);
  TextBuilder out;
  size_t index = 0;
  const Next next = iterate(parameters.at(0));
  for (Value item; next(item); ++index) {
    interpreter.work(1);
    if (!item.is_text() && !self.is_markup()) {
      throw Failure(fmt::format("sequence item {}: expected str instance, {} found", index, item.type_name()));
    }
    if (index > 0) out.append(self.str());
    const std::string text = to_text(item);
    out.append(self.is_markup() && !item.is_markup() ? escape_html(text) : text);
  }
  return like(self, out.take());
}

// -- search
// -------------------------------------------------------------------------------------------------------------------------

// The part of `self` that the optional arguments start and end, at `first` and behind it, delimit; in bytes.
// Returns false if the part lies outside: then nothing is found, not even the empty string.
bool part_of(const Value& self, const Parameters& parameters, size_t first, size_t& begin, size_t& end) {
  const auto size = static_cast<int64_t>(self.text().n_code_points);
  const auto place = [&](size_t index, int64_t fallback) {
    int64_t at = parameters.given(index) ? index_from(parameters.at(index)) : fallback;
    if (at < 0) at = std::max<int64_t>(0, at + size);
    return at;
  };
  const int64_t from = place(first, 0);
  const int64_t to = std::min(place(first + 1, size), size);
  if (from > to) return false;
  begin = byte_offset(self.str(), static_cast<size_t>(from));
  end = byte_offset(self.str(), static_cast<size_t>(to));
  return true;
}

template <bool from_right>
Value search(const Value& self, const Parameters& parameters) {
  const std::string_view needle = parameters.text(0);
  size_t begin = 0;
  size_t end = 0;
  if (!part_of(self, parameters, 1, begin, end)) return Value::integer(-1);
  const std::string_view part = self.str().substr(begin, end - begin);
  const size_t at = from_right ? part.rfind(needle) : part.find(needle);
  if (at == std::string_view::npos) return Value::integer(-1);
  return Value::integer(static_cast<int64_t>(count_code_points(self.str().substr(0, begin + at))));
}

template <bool from_right>
Value find(Interpreter&, const Value& self, const Arguments& arguments) {
  return search<from_right>(self, Parameters("find", arguments, {"", "", ""}, 1));
}

template <bool from_right>
Value index(Interpreter&, const Value& self, const Arguments& arguments) {
  const Value at = search<from_right>(self, Parameters("index", arguments, {"", "", ""}, 1));
  if (at.as_integer() < 0) throw Failure("substring not found");
  return at;
}

Value count(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("count", arguments, {"", "", ""}, 1);
  size_t begin = 0;
  size_t end = 0;
  if (!part_of(self, parameters, 1, begin, end)) return Value::integer(0);
  return Value::integer(static_cast<int64_t>(count_text(self.str().substr(begin, end - begin), parameters.text(0))));
}

template <bool at_end>
Value starts_or_ends(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters(at_end ? "endswith" : "startswith", arguments, {"", "", ""}, 1);
  const Value& wanted = parameters.at(0);
  if (!wanted.is_text() && !wanted.is(Kind::kTuple)) {
    require_defined(wanted);
    throw Failure(fmt::format("{} first arg must be str or a tuple of str, not {}", at_end ? "endswith" : "startswith",
                              wanted.type_name()));
  }
  size_t begin = 0;
  size_t end = 0;
  if (!part_of(self, parameters, 1, begin, end)) return Value::boolean(false);
  const std::string_view part = self.str().substr(begin, end - begin);
  const auto holds = [&](const Value& affix) {
    if (!affix.is_text())
      throw Failure(fmt::format("tuple for startswith must only contain str, not {}", affix.type_name()));
    return at_end ? part.ends_with(affix.str()) : part.starts_with(affix.str());
  };
  if (wanted.is_text()) return Value::boolean(holds(wanted));
  return Value::boolean(std::any_of(wanted.items().begin(), wanted.items().end(), holds));
}

// -- replace and layout
// ---------------------------------------------------------------------------------------------------------------

Value replace(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("replace", arguments, {"", "", ""}, 2);
  std::string replacement(parameters.text(1));
  if (self.is_markup() && !parameters.at(1).is_markup()) replacement = escape_html(replacement);
  return like(self, replace_text(self.str(), parameters.text(0), replacement, parameters.integer(2, -1)));
}

std::string fill_of(const Parameters& parameters) {
  const std::string fill(parameters.text_or(1, " "));
  if (count_code_points(fill) != 1) throw Failure("the fill character must be exactly one character long");
  return fill;
}

enum class Side { kLeft, kRight, kBoth };

template <Side side>
Value justify(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("just", arguments, {"", ""}, 1);
  const std::string fill = fill_of(parameters);
  return like(self, side == Side::kBoth ? center_text(self.text(), parameters.integer(0, 0), fill)
                                        : pad_text(self.text(), parameters.integer(0, 0), fill, side == Side::kLeft));
}

Value zfill(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("zfill", arguments, {""}, 1);
  const auto size = static_cast<int64_t>(self.text().n_code_points);
  const int64_t n = parameters.integer(0, 0) - size;
  if (n <= 0) return self;
  const bool sign = self.str().starts_with('-') || self.str().starts_with('+');
  TextBuilder out;
  out.append(self.str().substr(0, sign ? 1 : 0))
      .repeat("0", static_cast<size_t>(n))
      .append(self.str().substr(sign ? 1 : 0));
  return like(self, out.take());
}

Value expandtabs(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("expandtabs", arguments, {"tabsize"});
  const int64_t size = parameters.integer(0, 8);
  TextBuilder out;
  int64_t column = 0;
  for (size_t offset = 0; offset < self.str().size();) {
    const size_t begin = offset;
    const char32_t c = next_code_point(self.str(), offset);
    if (c == '\t') {
      const int64_t n = size > 0 ? size - column % size : 0;
      out.repeat(" ", static_cast<size_t>(n));
      column += n;
    } else {
      out.append(self.str().substr(begin, offset - begin));
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
  }
  return like(self, out.take());
}

Value format(Interpreter&, const Value& self, const Arguments& arguments) {
  return format_braces(self, arguments);
}

Value format_map(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("format_map", arguments, {""}, 1);
  if (!parameters.at(0).is_dict()) throw Failure("format_map() argument must be a mapping");
  Arguments named;
  for (const auto& [key, value] : parameters.at(0).dict().pairs) {
    if (key.is_text()) named.named.emplace_back(std::string(key.str()), value);
  }
  return format_braces(self, named);
}

constexpr Method kStringMethods[] = {
    {"capitalize", mapped<capitalize>},
    {"casefold", mapped<to_fold>},
    {"center", justify<Side::kBoth>},
    {"count", count},
    {"endswith", starts_or_ends<true>},
    {"expandtabs", expandtabs},
    {"find", find<false>},
    {"format", format},
    {"format_map", format_map},
    {"index", index<false>},
    {"isalnum", every<is_alnum>},
    {"isalpha", every<is_alpha>},
    {"isascii", is_ascii_text},
    {"isdecimal", every<is_decimal>},
    {"isdigit", every<is_digit>},
    {"isidentifier", is_identifier},
    {"islower", is_lower_method},
    {"isnumeric", every<is_numeric>},
    {"isprintable", is_printable_text},
    {"isspace", every<is_space>},
    {"istitle", is_title_text},
    {"isupper", is_upper_method},
    {"join", join},
    {"ljust", justify<Side::kLeft>},
    {"lower", mapped<to_lower>},
    {"lstrip", lstrip},
    {"partition", partition},
    {"removeprefix", removeprefix},
    {"removesuffix", removesuffix},
    {"replace", replace},
    {"rfind", find<true>},
    {"rindex", index<true>},
    {"rjust", justify<Side::kRight>},
    {"rpartition", rpartition},
    {"rsplit", rsplit},
    {"rstrip", rstrip},
    {"split", split},
    {"splitlines", splitlines},
    {"startswith", starts_or_ends<false>},
    {"strip", strip},
    {"swapcase", mapped<swap_case>},
    {"title", mapped<to_title>},
    {"upper", mapped<to_upper>},
    {"zfill", zfill},
};

}  // namespace

MethodFunction find_string_method(std::string_view name) {
  const auto* found =
      std::lower_bound(std::begin(kStringMethods), std::end(kStringMethods), name,
                       [](const Method& method, std::string_view wanted) { return method.name < wanted; });
  return found != std::end(kStringMethods) && found->name == name ? found->function : nullptr;
}

}  // namespace ondol::jinja
