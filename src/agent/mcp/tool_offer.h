// Ondol's own tools, offered over MCP. What lies beyond the owner's scope is not offered; what the policy asks about is
// asked of the person before the client (elicitation), and refused where the client cannot do that.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/mcp/catalog.h"
#include "agent/policy.h"
#include "agent/tool.h"

namespace ondol::mcp {

struct ToolOffer {
  std::vector<Tool*> tools;  // they, workspace and sandbox live longer than the server
  Workspace& workspace;
  Sandbox& sandbox;
  Policy policy;
};

/// Returns the names of what was offered.
std::vector<std::string> offer_tools(Catalog& catalog, const ToolOffer& offer);

}  // namespace ondol::mcp
