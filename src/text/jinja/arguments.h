// Arguments: what a template hands to a function, filter, test or method; Parameters: the same, matched to names.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/value.h"

namespace ondol::jinja {

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  const Value* find(std::string_view name) const;
};

/// Matches arguments to parameter names as Python does: too many, unknown, doubled or missing ones are a Failure.
/// A parameter named "" can only be given by position.
class Parameters {
 public:
  Parameters(std::string_view function, const Arguments& arguments, std::initializer_list<std::string_view> names,
             size_t n_required = 0);

  /// The argument, or nullptr if it was not given.
  const Value* find(size_t index) const { return values_[index]; }
  bool has(size_t index) const { return values_[index] != nullptr; }
  const Value& at(size_t index) const;
  Value or_default(size_t index, Value fallback) const { return has(index) ? at(index) : fallback; }

  // With a check of the type. None counts as absent only in the or_none forms.
  bool truth(size_t index, bool fallback) const { return has(index) ? at(index).truth() : fallback; }
  /// Bounded to int64; more is a Failure.
  int64_t integer(size_t index, int64_t fallback) const;
  std::string_view text(size_t index) const;
  std::string_view text_or(size_t index, std::string_view fallback) const;
  bool given(size_t index) const { return has(index) && !at(index).is_none(); }

 private:
  std::string_view function_;
  std::vector<const Value*> values_;
};

/// An int64 from a value that Python would accept as an index.
int64_t index_from(const Value& value);

}  // namespace ondol::jinja
