// The grammar of calls written as tags.
#pragma once

#include "text/chat_format/tagged_calls.h"

namespace ondol::chat_format {

Result<GrammarBuilder::Part> tagged_grammar(const TaggedCallStyle& style, CallGrammar& context);

}  // namespace ondol::chat_format
