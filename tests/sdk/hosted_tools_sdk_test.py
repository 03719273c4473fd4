#!/usr/bin/env python3
"""Tools of the Responses API that the server runs itself (code_interpreter, mcp) with OpenAI's own Python client, and a
server of the official MCP SDK. Exit status 77: they are not installed, or no sandbox works here.

usage: hosted_tools_sdk_test.py ONDOL SOURCE_DIR
"""
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

try:
    import mcp  # noqa: F401
    import openai
except ImportError as error:
    print(f"skipped: {error}; install it with: ./test sdk")
    sys.exit(77)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import served  # noqa: E402

ONDOL, SOURCE = sys.argv[1:3]
PEER = textwrap.dedent("""
    import sys
    from typing import Literal
    from mcp.server import MCPServer
    server = MCPServer("peer")

    @server.tool()
    def color_of(thing: Literal["sky", "grass"]) -> str:
        "The color of a thing"
        return {"sky": "blue", "grass": "green"}[thing]

    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    """)
CALM = {"format": {"type": "json_schema", "name": "end", "schema": {"const": "The end."}}}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class HostedTools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.port = free_port()
        script = os.path.join(cls.folder.name, "peer.py")
        with open(script, "w") as file:
            file.write(PEER)
        cls.peer = subprocess.Popen([sys.executable, script, str(cls.port)], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", cls.port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        cls.server = served.Server(ONDOL, f"{SOURCE}/examples/sample.gguf", "--data-dir", cls.folder.name + "/data",
                                   "--code-interpreter", "--mcp-host", f"127.0.0.1:{cls.port}")
        cls.client = openai.OpenAI(base_url=cls.server.url + "/v1", api_key=served.KEY, max_retries=0, timeout=120)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.stop()
        cls.peer.kill()
        cls.peer.wait(60)
        cls.folder.cleanup()

    def fields(self, **more):
        return {"model": "sample", "input": "Go on.", "temperature": 0, "max_output_tokens": 400, "text": CALM, **more}

    def tool(self, **more):
        return {"type": "mcp", "server_label": "peer", "server_url": f"http://127.0.0.1:{self.port}/mcp",
                "headers": {"X-Key": "nobody-else-knows"}, **more}

    def forced(self, **more):
        return self.fields(tools=[self.tool(**more)], max_tool_calls=1,
                           tool_choice={"type": "mcp", "server_label": "peer", "name": "color_of"})

    def check_types(self, response):
        """Nothing that the API documents is missing or of another type."""
        type(response).model_validate(response.model_dump(by_alias=True))

    def test_mcp_call(self):
        response = self.client.responses.create(**self.forced(require_approval="never"))
        self.check_types(response)
        self.assertEqual([item.type for item in response.output], ["mcp_list_tools", "mcp_call", "message"])
        listed, call, _ = response.output
        self.assertEqual([tool.name for tool in listed.tools], ["color_of"])
        self.assertEqual((call.name, call.server_label, call.error, call.status),
                         ("color_of", "peer", None, "completed"))
        self.assertIn(call.output, ("blue", "green"))
        self.assertNotIn("nobody-else-knows", response.model_dump_json())

    def test_mcp_stream(self):
        with self.client.responses.stream(**self.forced(require_approval="never")) as stream:
            events = list(stream)
        types = [event.type for event in events]
        for wanted in ("mcp_list_tools.in_progress", "mcp_list_tools.completed", "mcp_call.in_progress",
                       "mcp_call_arguments.delta", "mcp_call_arguments.done", "mcp_call.completed"):
            self.assertIn("response." + wanted, types)
        done = next(event for event in events if event.type == "response.mcp_call_arguments.done")
        deltas = [event.delta for event in events if event.type == "response.mcp_call_arguments.delta"]
        self.assertEqual("".join(deltas), done.arguments)
        self.assertEqual(types[-1], "response.completed")

    def test_mcp_approval(self):
        asked = self.client.responses.create(**self.forced())
        self.check_types(asked)
        request = asked.output[-1]
        self.assertEqual(request.type, "mcp_approval_request")
        for approve, expected in ((False, ["message"]), (True, ["mcp_call", "message"])):
            response = self.client.responses.create(**self.fields(
                tools=[self.tool()], tool_choice="none", previous_response_id=asked.id,
                input=[{"type": "mcp_approval_response", "approval_request_id": request.id, "approve": approve}]))
            self.check_types(response)
            self.assertEqual([item.type for item in response.output], expected)
        self.assertEqual(response.output[0].approval_request_id, request.id)
        self.assertIn(response.output[0].output, ("blue", "green"))

    def test_mcp_elsewhere(self):
        with self.assertRaises(openai.PermissionDeniedError) as caught:
            self.client.responses.create(**self.fields(tools=[self.tool() | {"server_url": "https://example.org/"}]))
        self.assertIn("--mcp-host", str(caught.exception))

    def test_programs(self):
        file = self.client.files.create(file=("table.csv", b"a,b\n1,2\n"), purpose="assistants")
        tool = {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [file.id]}}
        try:
            response = self.client.responses.create(**self.fields(
                tools=[tool], tool_choice={"type": "code_interpreter"}, max_tool_calls=1,
                include=["code_interpreter_call.outputs"]))
        except openai.InternalServerError as error:
            if "sandbox" in str(error):
                self.skipTest(str(error))
            raise
        self.check_types(response)
        call = response.output[0]
        self.assertEqual(call.type, "code_interpreter_call")
        self.assertTrue(call.container_id.startswith("cntr_"))
        if call.status == "completed":  # what the sample model writes is no program, but it may be whole
            self.assertTrue(call.outputs[0].logs)
        again = self.client.responses.create(**self.fields(
            tools=[{"type": "code_interpreter", "container": call.container_id}], max_tool_calls=1,
            tool_choice={"type": "code_interpreter"}))
        self.assertEqual(again.output[0].container_id, call.container_id)
        with self.assertRaises(openai.NotFoundError):
            self.client.responses.create(**self.fields(
                tools=[{"type": "code_interpreter", "container": "cntr_none"}]))

    def test_containers(self):
        containers = self.client.containers
        kept = self.client.files.create(file=("table.csv", b"a,b\n"), purpose="assistants")
        made = containers.create(name="mine", file_ids=[kept.id], memory_limit="1g",
                                 expires_after={"anchor": "last_active_at", "minutes": 10})
        self.check_types(made)
        self.assertEqual((made.name, made.expires_after.minutes), ("mine", 10))
        self.assertIn(made.id, [one.id for one in containers.list(limit=1)])
        self.check_types(containers.retrieve(made.id))
        put = containers.files.create(made.id, file=("sums.csv", b"1,2\n"))
        self.check_types(put)
        self.assertEqual((put.path, put.bytes, put.source, put.container_id), ("sums.csv", 4, "user", made.id))
        again = containers.files.create(made.id, file_id=kept.id)
        self.assertEqual({file.id for file in containers.files.list(made.id, limit=1)}, {put.id, again.id})
        self.assertEqual(containers.files.retrieve(put.id, container_id=made.id).model_dump(), put.model_dump())
        self.assertEqual(containers.files.content.retrieve(put.id, container_id=made.id).read(), b"1,2\n")
        containers.files.delete(put.id, container_id=made.id)
        with self.assertRaises(openai.NotFoundError):
            containers.files.retrieve(put.id, container_id=made.id)
        containers.delete(made.id)
        with self.assertRaises(openai.NotFoundError):
            containers.retrieve(made.id)
        with self.assertRaises(openai.BadRequestError) as caught:
            containers.create(name="large", memory_limit="64g")
        self.assertEqual(caught.exception.param, "memory_limit")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
