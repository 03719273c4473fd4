#include "text/jinja/arguments.h"

#include <fmt/format.h>

namespace ondol::jinja {

const Value* Arguments::find(std::string_view name) const {
  for (const auto& [key, value] : named) {
    if (key == name) return &value;
  }
  return nullptr;
}

Parameters::Parameters(std::string_view function, const Arguments& arguments,
                       std::initializer_list<std::string_view> names, size_t n_required)
    : function_(function), values_(names.size(), nullptr) {
  if (arguments.positional.size() > names.size()) {
    throw Failure(fmt::format("{}() takes at most {} arguments ({} given)", function, names.size(), arguments.positional.size()));
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto* found = std::find(names.begin(), names.end(), name);
    if (found == names.end() || name.empty()) {
      throw Failure(fmt::format("{}() got an unexpected keyword argument '{}'", function, name));
    }
    const Value*& slot = values_[static_cast<size_t>(found - names.begin())];
    if (slot != nullptr) throw Failure(fmt::format("{}() got multiple values for argument '{}'", function, name));
    slot = &value;
  }
  for (size_t i = 0; i < n_required; ++i) {
    if (values_[i] == nullptr) throw Failure(fmt::format("{}() is missing its argument {}", function, i + 1));
  }
}

const Value& Parameters::at(size_t index) const {
  if (!has(index)) throw Failure(fmt::format("{}() is missing its argument {}", function_, index + 1));
  return *values_[index];
}

int64_t Parameters::integer(size_t index, int64_t fallback) const { return has(index) ? index_from(at(index)) : fallback; }

std::string_view Parameters::text(size_t index) const {
  const Value& value = at(index);
  if (!value.is_text()) {
    require_defined(value);
    throw Failure(fmt::format("{}() argument {} must be str, not {}", function_, index + 1, value.type_name()));
  }
  return value.str();
}

std::string_view Parameters::text_or(size_t index, std::string_view fallback) const {
  return has(index) ? text(index) : fallback;
}

int64_t index_from(const Value& value) {
  if (!value.is_integer()) {
    require_defined(value);
    throw Failure(fmt::format("'{}' object cannot be interpreted as an integer", value.type_name()));
  }
  const Integer number = value.as_integer();
  if (number > INT64_MAX || number < INT64_MIN) throw Failure("an integer is too large to be used as a size");
  return static_cast<int64_t>(number);
}

}  // namespace ondol::jinja
