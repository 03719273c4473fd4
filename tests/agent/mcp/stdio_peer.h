// A whole MCP server over standard input and output, in Python without anything beside it. Its one tool evaluates what
// it is told, so that tests see what such a server can do.
#pragma once

namespace ondol::mcp {

inline constexpr const char* kStdioPeer = R"(
import json, sys
def say(m, r): print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}), flush=True)
schema = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m: continue
    if m["method"] == "initialize":
        say(m, {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}})
    elif m["method"] == "tools/list":
        say(m, {"tools": [{"name": "do", "description": "Evaluates an expression", "inputSchema": schema,
                           "annotations": {"readOnlyHint": True}}]})
    elif m["method"] == "tools/call":
        try: text = str(eval(m["params"]["arguments"]["code"]))
        except Exception as error: text = "error: " + type(error).__name__
        say(m, {"content": [{"type": "text", "text": text}]})
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
)";

}  // namespace ondol::mcp
