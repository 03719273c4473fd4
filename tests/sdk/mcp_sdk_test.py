#!/usr/bin/env python3
"""The official Python SDK of the Model Context Protocol, both as a client of Ondol and as a server for Ondol's client.

Usage: mcp_sdk_test.py ONDOL SOURCE. Exit status 77: the SDK is not installed (./test sdk installs it)."""
import asyncio
import os
import subprocess
import sys
import tempfile
import textwrap

try:
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client
except ImportError as error:
    print(f"skipped: {error}; install it with: ./test sdk")
    sys.exit(77)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import served  # noqa: E402

PEER = textwrap.dedent("""
    import sys
    from mcp.server import MCPServer
    server = MCPServer("peer")

    @server.tool()
    def add(a: int, b: int) -> int:
        "Adds two numbers"
        return a + b

    @server.resource("peer://greeting")
    def greeting() -> str:
        return "hello"

    if sys.argv[1] == "stdio":
        server.run()
    else:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    """)


async def look_around(client, tools, resource):
    """Lists, calls and reads. Returns the revision."""
    listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert tools <= set(listed), (tools, set(listed))
    resources = [str(one.uri) for one in (await client.list_resources()).resources]
    assert any(uri.startswith(resource) for uri in resources), resources
    contents = (await client.read_resource(next(uri for uri in resources if uri.startswith(resource)))).contents
    assert contents[0].text, contents
    return client.protocol_version


async def use_documents(client):
    found = await client.call_tool("search", {"question": "How long is the warranty?"})
    assert not found.is_error and "twenty-four months" in found.content[0].text, found
    answer = await client.call_tool("ask", {"question": "How many months does the warranty of the lamp last?"})
    assert not answer.is_error and answer.structured_content["answer"], answer
    wrong = await client.call_tool("search", {"queston": "x"})
    assert wrong.is_error, wrong


def index(ondol, folder):
    with open(f"{folder}/terms.txt", "w", encoding="utf-8") as file:
        file.write("The warranty of the lamp lasts twenty-four months. It covers the bulb.\n\nThe arm has two joints.\n")
    store = f"{folder}/notes.db"
    subprocess.run([ondol, "index", f"{folder}/terms.txt", "--store", store], check=True, capture_output=True)
    return store


async def over_stdio(ondol, source, store):
    revisions = []
    for mode in ("auto", "legacy"):
        parameters = StdioServerParameters(command=ondol, args=[
            "mcp", "--store", f"notes={store}", "--model", f"{source}/examples/sample.gguf", "-t", "2"])
        async with Client(stdio_client(parameters), mode=mode) as client:
            revisions.append(await look_around(client, {"search", "ask", "generate"}, "ondol://collections/notes"))
            await use_documents(client)
            text = await client.call_tool("generate", {"prompt": "Once upon a time", "max_tokens": 4})
            assert not text.is_error, text
    assert revisions == ["2026-07-28", "2025-11-25"], revisions


async def over_http(ondol, source, store):
    server = served.Server(ondol, f"{source}/examples/sample.gguf", "--store", f"notes={store}", keys=False)
    try:
        revisions = []
        for mode in ("auto", "legacy"):
            async with Client(f"{server.url}/mcp", mode=mode) as client:
                revisions.append(await look_around(client, {"search", "ask", "generate"}, "ondol://"))
                await use_documents(client)
        assert revisions == ["2026-07-28", "2025-11-25"], revisions
    finally:
        server.stop()


def as_a_server(client_program, folder):
    """Ondol's client with a server of the SDK, over HTTP: lists, calls, reads."""
    import socket
    import time
    with open(f"{folder}/peer.py", "w", encoding="utf-8") as file:
        file.write(PEER)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    peer = subprocess.Popen([sys.executable, f"{folder}/peer.py", str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(1200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        said = subprocess.run([client_program, f"http://127.0.0.1:{port}/mcp"], capture_output=True, text=True, timeout=60)
        assert said.returncode == 0 and "10" in said.stdout, said
    finally:
        peer.kill()
        peer.wait()


def main():
    ondol, source = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        client_program = os.path.join(os.path.dirname(ondol), "tests", "mcp_conformance_client")
        if os.path.exists(client_program):
            as_a_server(client_program, folder)
        store = index(ondol, folder)
        asyncio.run(over_stdio(ondol, source, store))
        asyncio.run(over_http(ondol, source, store))
    print("the SDK and Ondol understand each other")


if __name__ == "__main__":
    main()
