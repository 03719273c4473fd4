// The conformance suite's tools that ask the client something.
#pragma once

#include "agent/mcp/catalog.h"

namespace ondol::mcp {

void add_asking_tools(Catalog& catalog);

}  // namespace ondol::mcp
