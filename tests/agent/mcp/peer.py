#!/usr/bin/env python3
"""An MCP server for tests of the client: behaves as its argument says."""
import json
import os
import sys
import time

KIND = sys.argv[1]


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def result(request, value):
    say({"jsonrpc": "2.0", "id": request["id"], "result": value})


TOOL = {"name": "echo", "description": "Says it again",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}


def answer(request):
    method, params = request["method"], request.get("params", {})
    if KIND == "modern" and method == "server/discover":
        return result(request, {"resultType": "complete", "supportedVersions": ["2026-07-28"],
                                "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"})
    if KIND != "modern" and method == "initialize":
        return result(request, {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                                "serverInfo": {"name": "peer", "version": "1"}})
    if method == "tools/list":
        return result(request, {"tools": [TOOL]})
    if method != "tools/call":
        return say({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601, "message": "no such method"}})
    if KIND == "hangs":
        return time.sleep(60)
    if KIND == "dies":
        sys.stderr.write("the roof fell in\n")
        sys.stderr.flush()
        os._exit(3)
    if KIND == "babbles":
        while True:
            say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 100}})
    if KIND == "garbles":
        sys.stdout.write("Listening on port 8000 {]\n")
    if KIND == "asks" and "inputResponses" not in params:
        say({"jsonrpc": "2.0", "id": "q1", "method": "elicitation/create",
             "params": {"message": "Which?", "requestedSchema": {"type": "object", "properties": {
                 "which": {"type": "string"}, "n": {"type": "integer", "default": 7}}}}})
        said = json.loads(sys.stdin.readline())
        return result(request, {"content": [{"type": "text", "text": json.dumps(said["result"])}]})
    result(request, {"content": [{"type": "text", "text": params["arguments"]["text"]}]})


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message and "method" in message:
        answer(message)
