// Filters that run through a sequence. Those that are lazy in Jinja2 return generators, which matters to templates:
// a generator is true even if nothing comes out of it, has no length, and can be run through once.
#include <array>

#include <fmt/format.h>

#include "text/jinja/access.h"
#include "text/jinja/compare.h"
#include "text/jinja/convert.h"
#include "text/jinja/filter_tables.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

Value generator(const char* name, const Value& source, Next next) {
  return std::make_shared<Generator>(name, source, std::move(next));
}

Value without_case(const Value& value) {
  return value.is_text() ? Value::text(to_lower(value.str())) : value;
}

// Items together with what they are ordered by.
struct Keyed {
  std::vector<Value> keys;
  Value item;
};

// A single key is compared as it is, so that values without an order are refused even where they are equal; several
// are compared as Python compares lists.
bool keys_less(const std::vector<Value>& left, const std::vector<Value>& right, bool as_list) {
  if (!as_list) return less(left[0], right[0]);
  for (size_t i = 0; i < left.size(); ++i) {
    if (!equals(left[i], right[i])) return less(left[i], right[i]);
  }
  return false;
}

void sort_by_keys(Interpreter& interpreter, std::vector<Keyed>& items, bool reverse, bool as_list) {
  for (const Keyed& item : items) {
    for (const Value& key : item.keys) interpreter.work(16 + key.weight());
  }
  std::stable_sort(items.begin(), items.end(), [=](const Keyed& left, const Keyed& right) {
    return reverse ? keys_less(right.keys, left.keys, as_list) : keys_less(left.keys, right.keys, as_list);
  });
}

std::vector<Value> items_of(std::vector<Keyed> keyed) {
  std::vector<Value> items;
  for (Keyed& entry : keyed) items.push_back(std::move(entry.item));
  return items;
}

// The paths of sort(attribute="a,b.c").
std::vector<Value> paths_of(const Value& attribute) {
  if (!attribute.is_text()) return {attribute};
  std::vector<Value> paths;
  std::string_view rest = attribute.str();
  while (true) {
    const size_t comma = std::min(rest.find(','), rest.size());
    paths.push_back(Value::text(std::string(rest.substr(0, comma))));
    if (comma == rest.size()) return paths;
    rest.remove_prefix(comma + 1);
  }
}

Value sort(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Parameters parameters("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  const bool case_sensitive = parameters.truth(1, false);
  const std::vector<Value> paths = paths_of(parameters.or_default(2, Value()));
  std::vector<Keyed> keyed;
  for (Value& item : collect(input)) {
    Keyed entry;
    for (const Value& path : paths) {
      Value key = attribute_by_path(item, path);
      entry.keys.push_back(case_sensitive ? std::move(key) : without_case(key));
    }
    entry.item = std::move(item);
    keyed.push_back(std::move(entry));
  }
  sort_by_keys(interpreter, keyed, parameters.truth(0, false), true);
  return Value::list(items_of(std::move(keyed)));
}

Value dictsort(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Parameters parameters("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const std::string_view by = parameters.text_or(1, "key");
  if (by != "key" && by != "value") throw Failure("you can only sort by either \"key\" or \"value\"");
  require_defined(input);
  if (!input.is_dict()) throw Failure(fmt::format("'{}' object has no attribute 'items'", input.type_name()));
  std::vector<Keyed> keyed;
  for (const auto& [key, value] : input.dict().pairs) {
    const Value& wanted = by == "key" ? key : value;
    keyed.push_back({{parameters.truth(0, false) ? wanted : without_case(wanted)}, Value::tuple({key, value})});
  }
  sort_by_keys(interpreter, keyed, parameters.truth(2, false), false);
  return Value::list(items_of(std::move(keyed)));
}

Value groupby(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Parameters parameters("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  const Value fallback = parameters.or_default(1, Value());
  const bool case_sensitive = parameters.truth(2, false);
  const auto key_of = [&](const Value& item) {
    Value key = attribute_by_path(item, parameters.at(0));
    return key.is_undefined() && !fallback.is_none() ? fallback : key;
  };
  std::vector<Keyed> keyed;
  for (Value& item : collect(input)) {
    Value key = key_of(item);
    keyed.push_back({{case_sensitive ? key : without_case(key)}, std::move(item)});
  }
  sort_by_keys(interpreter, keyed, false, false);
  std::vector<Value> groups;
  for (size_t begin = 0; begin < keyed.size();) {
    std::vector<Value> members;
    size_t end = begin;
    while (end < keyed.size() && equals(keyed[end].keys[0], keyed[begin].keys[0])) members.push_back(keyed[end++].item);
    Value key = case_sensitive ? keyed[begin].keys[0] : key_of(keyed[begin].item);
    groups.push_back(std::make_shared<Sequence>(
        Kind::kTuple, std::vector<Value>{std::move(key), Value::list(std::move(members))}, true));
    begin = end;
  }
  return Value::list(std::move(groups));
}

Value unique(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Parameters parameters("unique", arguments, {"case_sensitive", "attribute"});
  const bool case_sensitive = parameters.truth(0, false);
  const Value path = parameters.or_default(1, Value());
  auto seen = std::make_shared<std::unordered_map<size_t, std::vector<Value>>>();
  return generator(
      "sync_do_unique", input, [&interpreter, next = iterate(input), case_sensitive, path, seen](Value& out) {
        while (next(out)) {
          interpreter.work(1 + out.weight());
          Value key = attribute_by_path(out, path);
          if (!case_sensitive) key = without_case(key);
          std::vector<Value>& same_hash = (*seen)[hash_of(key)];
          if (std::any_of(same_hash.begin(), same_hash.end(), [&](const Value& other) { return equals(other, key); }))
            continue;
          same_hash.push_back(std::move(key));
          return true;
        }
        return false;
      });
}

template <bool wants_max>
Value extreme(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Parameters parameters(wants_max ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  const bool case_sensitive = parameters.truth(0, false);
  const Value path = parameters.or_default(1, Value());
  const Next next = iterate(input);
  Value best, best_key;
  bool any = false;
  for (Value item; next(item); any = true) {
    Value key = attribute_by_path(item, path);
    if (!case_sensitive) key = without_case(key);
    interpreter.work(1 + key.weight());
    if (any && !(wants_max ? less(best_key, key) : less(key, best_key))) continue;
    best = std::move(item);
    best_key = std::move(key);
  }
  return any ? best : Value::undefined("No aggregated item, sequence was empty.");
}

// -- parts
// ------------------------------------------------------------------------------------------------------------------

Value first(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("first", arguments, {});
  Value item;
  return iterate(input)(item) ? item : Value::undefined("No first item, sequence was empty.");
}

Value last(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("last", arguments, {});
  if (!has_length(input)) throw Failure(fmt::format("'{}' object is not reversible", input.type_name()));
  if (input.is_sequence() && !input.items().empty()) return input.items().back();
  std::vector<Value> items = collect(input);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value length(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("length", arguments, {});
  return Value::integer(static_cast<int64_t>(length_of(input)));
}

Value list(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("list", arguments, {});
  return Value::list(collect(input));
}

Value items(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("items", arguments, {});
  if (input.is_undefined()) return generator("do_items", input, [](Value&) { return false; });
  if (!input.is_dict()) {
    return generator("do_items", input,
                     [](Value&) -> bool { throw Failure("Can only get item pairs from a mapping."); });
  }
  return generator("do_items", input, iterate(std::make_shared<DictView>(input, DictView::Part::kItems)));
}

Value reverse(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("reverse", arguments, {});
  if (input.is_text()) {
    std::u32string text = decode(input.str());
    std::reverse(text.begin(), text.end());
    return Value::text(encode(text), input.is_markup());
  }
  if (!is_iterable(input)) throw Failure("argument must be iterable");
  std::vector<Value> values = collect(input);
  std::reverse(values.begin(), values.end());
  const Value reversed = Value::list(std::move(values));
  if (input.is(Kind::kGenerator)) return reversed;
  auto result = std::make_shared<Generator>(input.type_name() + "_reverseiterator", reversed, iterate(reversed));
  result->is_iterator = true;
  return Value(result);
}

Value join(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Parameters parameters("join", arguments, {"d", "attribute"});
  const std::string separator = parameters.has(0) ? to_text(parameters.at(0)) : "";
  const Value path = parameters.or_default(1, Value());
  TextBuilder out;
  bool is_first = true;
  const Next next = iterate(input);
  for (Value item; next(item); is_first = false) {
    interpreter.work(1);
    if (!is_first) out.append(separator);
    out.append(to_text(attribute_by_path(item, path)));
  }
  return Value::text(out.take());
}

Value sum(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Parameters parameters("sum", arguments, {"attribute", "start"});
  const Value path = parameters.or_default(0, Value());
  Value total = parameters.or_default(1, Value::integer(0));
  if (total.is_text()) throw Failure("sum() can't sum strings [use ''.join(seq) instead]");
  const Next next = iterate(input);
  for (Value item; next(item);) {
    interpreter.work(1);
    total = interpreter.account(add(total, attribute_by_path(item, path)));
  }
  return total;
}

Value batch(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Parameters parameters("batch", arguments, {"linecount", "fill_with"}, 1);
  const int64_t size = parameters.integer(0, 1);
  const Value fill = parameters.or_default(1, Value());
  return generator("do_batch", input,
                   [&interpreter, next = iterate(input), size, fill, row = std::vector<Value>()](Value& out) mutable {
                     for (Value item; next(item);) {
                       interpreter.work(1);
                       std::vector<Value> full;
                       const bool is_full = static_cast<int64_t>(row.size()) == size;
                       if (is_full) full.swap(row);
                       row.push_back(std::move(item));
                       if (!is_full) continue;
                       out = interpreter.account(Value::list(std::move(full)));
                       return true;
                     }
                     if (row.empty()) return false;
                     if (!fill.is_none() && size > static_cast<int64_t>(kMaxWeight))
                       throw Failure("a batch is too large");
                     while (!fill.is_none() && static_cast<int64_t>(row.size()) < size) row.push_back(fill);
                     interpreter.work(row.size());
                     out = interpreter.account(Value::list(std::exchange(row, {})));
                     return true;
                   });
}

Value slice(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Parameters parameters("slice", arguments, {"slices", "fill_with"}, 1);
  const int64_t n_slices = parameters.integer(0, 1);
  const Value fill = parameters.or_default(1, Value());
  if (n_slices == 0) throw Failure("integer division or modulo by zero");
  const Value all = Value::list(collect(input));
  return generator("sync_do_slice", all,
                   [&interpreter, all, n_slices, fill, number = int64_t{0}, start = size_t{0}](Value& out) mutable {
                     if (number >= n_slices) return false;
                     const auto length = static_cast<int64_t>(all.items().size());
                     const bool has_extra = number < length % n_slices;
                     const auto size = static_cast<size_t>(length / n_slices + (has_extra ? 1 : 0));
                     const auto begin = all.items().begin() + static_cast<std::ptrdiff_t>(start);
                     std::vector<Value> part(begin, begin + static_cast<std::ptrdiff_t>(size));
                     if (!fill.is_none() && !has_extra) part.push_back(fill);
                     start += size;
                     ++number;
                     interpreter.work(1 + part.size());
                     out = interpreter.account(Value::list(std::move(part)));
                     return true;
                   });
}

// -- map and select
// -----------------------------------------------------------------------------------------------------------

Arguments behind(const Arguments& arguments, size_t n) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(), rest.positional.begin() + static_cast<std::ptrdiff_t>(n));
  return rest;
}

Value map_attribute(const Value& input, const Arguments& arguments, Interpreter& interpreter) {
  const Parameters parameters("map", arguments, {"attribute", "default"}, 1);
  const Value path = parameters.at(0);
  const Value fallback = parameters.or_default(1, Value());
  return generator("sync_do_map", input, [&interpreter, next = iterate(input), path, fallback](Value& out) {
    Value item;
    if (!next(item)) return false;
    interpreter.work(1);
    out = attribute_by_path(item, path);
    if (out.is_undefined() && !fallback.is_none()) out = fallback;
    return true;
  });
}

Value map(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  if (!input.truth()) return generator("sync_do_map", input, [](Value&) { return false; });
  if (arguments.positional.empty() && arguments.find("attribute") != nullptr)
    return map_attribute(input, arguments, interpreter);
  return generator("sync_do_map", input, [&interpreter, next = iterate(input), arguments](Value& out) {
    if (arguments.positional.empty()) throw Failure("map requires a filter argument");
    Value item;
    if (!next(item)) return false;
    out = interpreter.call_filter(arguments.positional[0], item, behind(arguments, 1));
    return true;
  });
}

// select and reject, by the item or by an attribute of it.
template <bool wanted, bool by_attribute>
Value choose(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  if (!input.truth()) return generator("select_or_reject", input, [](Value&) { return false; });
  return generator("select_or_reject", input, [&interpreter, next = iterate(input), arguments](Value& out) {
    constexpr size_t kTestAt = by_attribute ? 1 : 0;
    if (arguments.positional.size() < kTestAt) throw Failure("missing parameter for attribute name");
    while (next(out)) {
      interpreter.work(1);
      const Value subject = by_attribute ? attribute_by_path(out, arguments.positional[0]) : out;
      const bool holds =
          arguments.positional.size() > kTestAt
              ? interpreter.call_test(arguments.positional[kTestAt], subject, behind(arguments, kTestAt + 1))
              : subject.truth();
      if (holds == wanted) return true;
    }
    return false;
  });
}

constexpr Filter kSequenceFilters[] = {
    {"batch", batch},
    {"count", length},
    {"dictsort", dictsort},
    {"first", first},
    {"groupby", groupby},
    {"items", items},
    {"join", join},
    {"last", last},
    {"length", length},
    {"list", list},
    {"map", map},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"reject", choose<false, false>},
    {"rejectattr", choose<false, true>},
    {"reverse", reverse},
    {"select", choose<true, false>},
    {"selectattr", choose<true, true>},
    {"slice", slice},
    {"sort", sort},
    {"sum", sum},
    {"unique", unique},
};

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 18 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

Value attribute_by_path(const Value& item, const Value& path) {
  if (path.is_none()) return item;
  if (!path.is_text()) return item_of(item, path);
  Value value = item;
  std::string_view rest = path.str();
  while (true) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    const std::string part(rest.substr(0, dot));
    value = item_of(value, is_number(part) ? Value::integer(std::stoll(part)) : Value::text(part));
    if (dot == rest.size()) return value;
    rest.remove_prefix(dot + 1);
  }
}

std::span<const Filter> sequence_filters() {
  return kSequenceFilters;
}

}  // namespace ondol::jinja
