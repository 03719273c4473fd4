// JSON Schema (drafts 2020-12 and 7) as parts of a grammar.
#pragma once

#include "text/grammar/builder_state.h"

namespace ondol::grammar {

/// The part that matches the JSON texts that are valid under `schema`. Errors name the keyword and where it stands.
Result<int> add_json_schema(GrammarBuilder::State& builder, const json::value& schema,
                            const JsonSchemaOptions& options);

}  // namespace ondol::grammar
