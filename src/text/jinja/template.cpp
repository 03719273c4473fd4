#include "text/jinja/template.h"

#include <fmt/format.h>

#include "text/jinja/interpreter.h"
#include "text/jinja/parser.h"

namespace ondol::jinja {
namespace {

Error error_from(const Failure& failure, Position fallback) {
  const Position position = failure.position.line > 0 ? failure.position : fallback;
  if (position.line == 0) return Error(failure.what());
  return Error(fmt::format("line {}, column {}: {}", position.line, position.column, failure.what()));
}

}  // namespace

Result<Template> Template::parse(std::string_view source) {
  try {
    return Template(std::make_shared<const ParsedTemplate>(parse_template(source)));
  } catch (const Failure& failure) {
    return error_from(failure, {});
  }
}

Result<Template::Output> Template::render(const json::object& context, int64_t now_unix_seconds, const Limits& limits) const {
  Interpreter interpreter(*parsed_, limits, now_unix_seconds);
  try {
    interpreter.run(context);
  } catch (const Failure& failure) {
    return error_from(failure, interpreter.position());
  }
  return Output{interpreter.take_output(), interpreter.take_generation_spans()};
}

}  // namespace ondol::jinja
