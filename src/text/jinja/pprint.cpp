// The pprint filter: Python's pprint.pformat, which breaks what is wider than 80 characters and sorts dicts.
#include "text/jinja/compare.h"
#include "text/jinja/convert.h"
#include "text/jinja/filter_tables.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

constexpr size_t kWidth = 80;

// Python orders keys of different types by the names of the types.
bool key_less(const Value& left, const Value& right) {
  const bool comparable = (left.is_number() && right.is_number()) || (left.is_text() && right.is_text());
  if (comparable) return less(left, right);
  return left.type_name() < right.type_name();
}

class PrettyPrinter {
 public:
  std::string take() { return out_.take(); }

  // `indent` is the column at which the value begins; `room` is what must stay free behind it.
  void write(const Value& value, size_t indent, size_t room) {
    const std::string flat = one_line(value);
    const bool fits = indent + room + count_code_points(flat) <= kWidth;
    if (fits || !(value.is_sequence() || value.is_dict() || value.is_text())) {
      out_.append(flat);
    } else if (value.is_dict()) {
      write_dict(value.dict(), indent, room);
    } else if (value.is_sequence()) {
      write_sequence(value, indent, room);
    } else {
      write_text(value.str(), indent, room);
    }
  }

 private:
  static std::vector<const std::pair<Value, Value>*> sorted(const Dict& dict) {
    std::vector<const std::pair<Value, Value>*> pairs;
    for (const auto& pair : dict.pairs) pairs.push_back(&pair);
    std::stable_sort(pairs.begin(), pairs.end(), [](const auto* left, const auto* right) { return key_less(left->first, right->first); });
    return pairs;
  }

  static std::string one_line(const Value& value) {
    TextBuilder text;
    if (value.is_dict()) {
      text.append("{");
      bool first = true;
      for (const auto* pair : sorted(value.dict())) {
        text.append(first ? "" : ", ").append(one_line(pair->first)).append(": ").append(one_line(pair->second));
        first = false;
      }
      return text.append("}").take();
    }
    if (!value.is_sequence()) return to_repr(value);
    const bool is_list = value.is(Kind::kList);
    text.append(is_list ? "[" : "(");
    for (size_t i = 0; i < value.items().size(); ++i) text.append(i > 0 ? ", " : "").append(one_line(value.items()[i]));
    return text.append(is_list ? "]" : value.items().size() == 1 ? ",)" : ")").take();
  }

  void new_line(size_t indent) { out_.append(",\n").repeat(" ", indent); }

  void write_dict(const Dict& dict, size_t indent, size_t room) {
    out_.append("{");
    const auto pairs = sorted(dict);
    for (size_t i = 0; i < pairs.size(); ++i) {
      if (i > 0) new_line(indent + 1);
      const std::string key = one_line(pairs[i]->first);
      out_.append(key).append(": ");
      write(pairs[i]->second, indent + 1 + count_code_points(key) + 2, i + 1 == pairs.size() ? room + 1 : 1);
    }
    out_.append("}");
  }

  void write_sequence(const Value& value, size_t indent, size_t room) {
    const bool is_list = value.is(Kind::kList);
    const std::string_view close = is_list ? "]" : value.items().size() == 1 ? ",)" : ")";
    out_.append(is_list ? "[" : "(");
    const size_t n = value.items().size();
    for (size_t i = 0; i < n; ++i) {
      if (i > 0) new_line(indent + 1);
      write(value.items()[i], indent + 1, i + 1 == n ? room + close.size() : 1);
    }
    out_.append(close);
  }

  // Words with the spaces behind them.
  static std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
      const auto not_space = [](char32_t c) { return !is_space(c); };
      const std::string_view rest = strip_left(strip_left(line, not_space), is_space);
      words.push_back(line.substr(0, line.size() - rest.size()));
      line = rest;
    }
    return words;
  }

  // A long string becomes several literals, broken behind lines and between words.
  void write_text(std::string_view text, size_t indent, size_t room) {
    const bool in_parentheses = indent == 0;
    if (in_parentheses) {
      ++indent;
      ++room;
    }
    std::vector<std::string> literals;
    const auto lines = split_lines(text, true);
    for (size_t i = 0; i < lines.size(); ++i) {
      const size_t end_room = i + 1 == lines.size() ? room : 0;
      const std::string whole = repr_text(lines[i]);
      if (count_code_points(whole) + indent + end_room <= kWidth) {
        literals.push_back(whole);
        continue;
      }
      std::string row;
      const auto words = words_of(lines[i]);
      for (size_t w = 0; w < words.size(); ++w) {
        const std::string longer = row + std::string(words[w]);
        const size_t free = w + 1 == words.size() ? end_room : 0;
        if (!row.empty() && count_code_points(repr_text(longer)) + indent + free > kWidth) {
          literals.push_back(repr_text(row));
          row = words[w];
        } else {
          row = longer;
        }
      }
      if (!row.empty()) literals.push_back(repr_text(row));
    }
    if (literals.size() == 1) {
      out_.append(literals[0]);
      return;
    }
    if (in_parentheses) out_.append("(");
    for (size_t i = 0; i < literals.size(); ++i) {
      if (i > 0) out_.append("\n").repeat(" ", indent);
      out_.append(literals[i]);
    }
    if (in_parentheses) out_.append(")");
  }

  TextBuilder out_;
};

}  // namespace

std::string pretty_print(const Value& value) {
  PrettyPrinter printer;
  printer.write(value, 0, 0);
  return printer.take();
}

}  // namespace ondol::jinja
