// Equality, order, hashes and containment, as Python has them.
#pragma once

#include "text/jinja/value.h"

namespace ondol::jinja {

bool equals(const Value& left, const Value& right);

/// left < right; a Failure for types that Python cannot order.
bool less(const Value& left, const Value& right);

enum class Comparison : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
bool compare(Comparison comparison, const Value& left, const Value& right);

/// item in container.
bool contains(const Value& container, const Value& item);

/// Equal values have equal hashes; lists and dicts have none, which is a Failure.
size_t hash_of(const Value& value);

}  // namespace ondol::jinja
