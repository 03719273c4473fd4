// AttributeFilter: which files a search is about, by their attributes, as OpenAI writes it: {"type": "eq", "key",
// "value"}, also with ne, gt, gte, lt, lte, in and nin, and {"type": "and" or "or", "filters": [...]}.
#pragma once

#include <string>
#include <vector>

#include "server/fields.h"

namespace ondol::server {

class AttributeFilter {
 public:
  /// Faults are those of `fields`: unknown types, values of other kinds, and more than is sensible.
  static AttributeFilter read(const Fields& fields);

  /// A file without the attribute passes ne and nin alone; of other types than the value's, too.
  bool passes(const json::object& attributes) const;

 private:
  enum class Type { kEq, kNe, kGt, kGte, kLt, kLte, kIn, kNin, kAnd, kOr };
  static AttributeFilter read(const Fields& fields, int depth);
  bool compares(const json::value& attribute) const;

  Type type_ = Type::kAnd;
  std::string key_;
  std::vector<json::value> values_;  // one, but of in and nin
  std::vector<AttributeFilter> parts_;
};

}  // namespace ondol::server
