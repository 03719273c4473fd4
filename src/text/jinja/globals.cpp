#include "text/jinja/globals.h"

#include <array>

#include <fmt/format.h>

#include "text/jinja/convert.h"
#include "text/jinja/interpreter.h"

namespace ondol::jinja {
namespace {

Value range(Interpreter&, const Arguments& arguments) {
  const Parameters parameters("range", arguments, {"", "", ""}, 1);
  const int64_t first = parameters.integer(0, 0);
  if (!parameters.has(1)) return std::make_shared<Range>(0, first, 1);
  return std::make_shared<Range>(first, parameters.integer(1, 0), parameters.integer(2, 1));
}

// What dict() and namespace() accept: a mapping or pairs, and keywords.
Dict::Pairs pairs_from(const Arguments& arguments) {
  if (arguments.positional.size() > 1) throw Failure(fmt::format("dict expected at most 1 argument, got {}", arguments.positional.size()));
  Dict::Pairs pairs;
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (source.is_dict()) {
      pairs = source.dict().pairs;
    } else {
      for (const Value& item : collect(source)) {
        std::vector<Value> pair = collect(item);
        if (pair.size() != 2) throw Failure("dictionary update sequence elements must have length 2");
        pairs.emplace_back(std::move(pair[0]), std::move(pair[1]));
      }
    }
  }
  for (const auto& [name, value] : arguments.named) pairs.emplace_back(Value::text(name), value);
  return pairs;
}

Value dict(Interpreter&, const Arguments& arguments) { return std::make_shared<Dict>(pairs_from(arguments)); }

Value make_namespace(Interpreter& interpreter, const Arguments& arguments) {
  const Dict attributes(pairs_from(arguments));
  const std::shared_ptr<Namespace> result = interpreter.make_namespace();
  for (const auto& [name, value] : attributes.pairs) {
    if (name.is_text()) result->set(std::string(name.str()), value);
  }
  return Value(result);
}

Value raise_exception(Interpreter&, const Arguments& arguments) {
  const Parameters parameters("raise_exception", arguments, {"message"}, 1);
  throw Failure(to_text(parameters.at(0)));
}

Value strftime_now(Interpreter& interpreter, const Arguments& arguments) {
  const Parameters parameters("strftime_now", arguments, {"format"}, 1);
  return Value::text(format_time(parameters.text(0), interpreter.now_unix_seconds()));
}

struct Cycler : Object {
  explicit Cycler(const Value& values) : Object(Kind::kOther, values.depth() + 1, 1), items(values.items()) {}
  std::string type_name() const override { return "Cycler"; }
  bool attribute(const std::string& name, Value& result) const override {
    if (name == "current") return result = items[position], true;
    if (name != "next" && name != "reset") return false;
    auto self = std::static_pointer_cast<Cycler>(std::const_pointer_cast<Object>(shared_from_this()));
    const bool advances = name == "next";
    result = std::make_shared<Function>(name, "method", Value(self), [self, advances](Interpreter&, const Arguments& arguments) {
      const Parameters parameters("next", arguments, {});
      const Value current = advances ? self->items[self->position] : Value();
      self->position = advances ? (self->position + 1) % self->items.size() : 0;
      return current;
    });
    return true;
  }

  const std::vector<Value> items;
  size_t position = 0;
};

Value cycler(Interpreter&, const Arguments& arguments) {
  if (arguments.positional.empty()) throw Failure("at least one item has to be provided");
  return std::make_shared<Cycler>(Value::tuple(arguments.positional));
}

struct Joiner : Object {
  explicit Joiner(Value separator) : Object(Kind::kOther, separator.depth() + 1, 1), separator(std::move(separator)) {}
  std::string type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  Value call(Interpreter&, const Arguments& arguments) override {
    const Parameters parameters("joiner", arguments, {});
    if (used) return separator;
    used = true;
    return Value::text("");
  }

  const Value separator;
  bool used = false;
};

Value joiner(Interpreter&, const Arguments& arguments) {
  const Parameters parameters("joiner", arguments, {"sep"});
  return std::make_shared<Joiner>(parameters.or_default(0, Value::text(", ")));
}

constexpr Global kGlobals[] = {
    {"cycler", cycler},
    {"dict", dict},
    {"joiner", joiner},
    {"namespace", make_namespace},
    {"raise_exception", raise_exception},
    {"range", range},
    {"strftime_now", strftime_now},
};

}  // namespace

std::span<const Global> globals() { return kGlobals; }

Value make_global(const Global& global) {
  return std::make_shared<Function>(std::string(global.name), "function", Value(), global.function);
}

}  // namespace ondol::jinja
