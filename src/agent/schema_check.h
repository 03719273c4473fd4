// Whether a value is valid under a JSON Schema (2020-12, and draft 7 as far as they agree): for arguments and answers
// that come from other programs. What models of ours write is held to schemas by grammars instead.
#pragma once

#include "base/json.h"
#include "base/result.h"

namespace ondol {

/// Error: where in the value, what was expected, what was found. Unknown keywords and formats are passed over, as the
/// specification says. References are followed inside of the schema only, never fetched; a schema that has others, or
/// takes more than a bounded number of steps, is an error.
Result<void> check_against_schema(const json::value& schema, const json::value& value);

}  // namespace ondol
