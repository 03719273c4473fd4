#!/usr/bin/env python3
"""The Responses API of OpenAI's own Python client against `ondol serve` with the sample model. Exit status 77: the
client is not installed.

usage: responses_sdk_test.py ONDOL SOURCE_DIR
"""
import json
import os
import re
import subprocess
import sys
import time
import unittest

try:
    import openai
    import pydantic
except ImportError as error:
    print(f"skipped: {error}; install it with: ./test sdk")
    sys.exit(77)

ONDOL, SOURCE = sys.argv[1:3]
KEYS = ("one-key", "other-key")


class Server:
    """`ondol serve` on a free port, with two keys."""

    def __init__(self):
        environment = {**os.environ, "ONDOL_HOME": "/nonexistent", "HF_HUB_CACHE": "/nonexistent",
                       "OLLAMA_MODELS": "/nonexistent", "LC_ALL": "C.UTF-8"}
        keys = [word for i, key in enumerate(KEYS) for word in ("--api-key", f"tester{i}={key}")]
        self.process = subprocess.Popen(
            [ONDOL, "serve", f"{SOURCE}/examples/sample.gguf", "--port", "0", "-t", "2", *keys],
            stdout=subprocess.PIPE, text=True, env=environment)
        self.url = re.search(r"http://[\w.]+:\d+", self.process.stdout.readline())[0]

    def client(self, key=KEYS[0]):
        return openai.OpenAI(base_url=self.url + "/v1", api_key=key, max_retries=0, timeout=120)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()


class Person(pydantic.BaseModel):
    name: str = pydantic.Field(max_length=12)
    age: int = pydantic.Field(ge=0, le=150)


WEATHER = {"type": "function", "name": "get_weather", "description": "The weather of a city", "strict": True,
           "parameters": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Seoul", "Busan"]}},
                          "required": ["city"], "additionalProperties": False}}


class ResponsesSdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.client = cls.server.client()

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.stop()

    def create(self, **fields):
        fields = {"model": "sample", "input": "Hello", "temperature": 0, "max_output_tokens": 16, **fields}
        return self.client.responses.create(**fields)

    def test_create_and_retrieve(self):
        response = self.create(metadata={"a": "b"})
        self.assertIn(response.status, ("completed", "incomplete"))
        self.assertEqual(response.output[0].content[0].text, response.output_text)
        self.assertEqual(response.usage.total_tokens, response.usage.input_tokens + response.usage.output_tokens)
        self.assertEqual(response.metadata, {"a": "b"})
        # As the client's own types have it: nothing that the API documents is missing or of another type.
        type(response).model_validate(response.model_dump())
        again = self.client.responses.retrieve(response.id)
        self.assertEqual(again.model_dump(), response.model_dump())
        items = self.client.responses.input_items.list(response.id)
        self.assertEqual(items.data[0].content[0].text, "Hello")
        self.client.responses.delete(response.id)
        with self.assertRaises(openai.NotFoundError):
            self.client.responses.retrieve(response.id)

    def test_stream_accumulates_the_same(self):
        whole = self.create()
        with self.client.responses.stream(model="sample", input="Hello", temperature=0, max_output_tokens=16) as stream:
            events = list(stream)
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        self.assertEqual(text, whole.output_text)
        self.assertEqual(events[0].type, "response.created")
        self.assertEqual(events[-1].type, f"response.{whole.status}")
        self.assertEqual(events[-1].response.output_text, whole.output_text)
        again = list(self.client.responses.retrieve(events[0].response.id, stream=True, starting_after=1))
        self.assertEqual([e.sequence_number for e in again], list(range(2, len(again) + 2)))
        self.assertEqual(again[-1].response.output_text, whole.output_text)

    def test_conversation(self):
        first = self.create(input="Once upon a time")
        second = self.create(input="Go on", previous_response_id=first.id)
        resent = self.create(input=[{"role": "user", "content": "Once upon a time"},
                                    *[item.model_dump() for item in first.output], {"role": "user", "content": "Go on"}])
        self.assertEqual(second.usage.input_tokens, resent.usage.input_tokens)
        self.assertEqual(second.output_text, resent.output_text)
        with self.assertRaises(openai.BadRequestError) as caught:
            self.create(previous_response_id="resp_unknown")
        self.assertEqual(caught.exception.param, "previous_response_id")

    def test_background_and_cancel(self):
        response = self.create(background=True)
        for _ in range(600):
            if response.status not in ("queued", "in_progress"):
                break
            time.sleep(0.1)
            response = self.client.responses.retrieve(response.id)
        self.assertIn(response.status, ("completed", "incomplete"))
        long = self.create(background=True, max_output_tokens=100000, extra_body={"ignore_eos": True})
        self.assertEqual(self.client.responses.cancel(long.id).status, "cancelled")
        self.assertEqual(self.client.responses.retrieve(long.id).status, "cancelled")

    def test_required_tool_and_its_result(self):
        response = self.create(tools=[WEATHER, {"type": "web_search"}], tool_choice="required",
                               parallel_tool_calls=False, max_output_tokens=100)
        call = response.output[-1]
        self.assertEqual((call.type, call.name), ("function_call", "get_weather"))
        self.assertIn(json.loads(call.arguments)["city"], ("Seoul", "Busan"))
        answer = self.create(previous_response_id=response.id, tools=[WEATHER], tool_choice="none",
                             input=[{"type": "function_call_output", "call_id": call.call_id, "output": "Sunny"}])
        self.assertEqual(answer.output[0].type, "message")

    def test_tool_in_a_stream(self):
        with self.client.responses.stream(model="sample", input="Hello", tools=[WEATHER], max_output_tokens=100,
                                          parallel_tool_calls=False,
                                          tool_choice={"type": "function", "name": "get_weather"}) as stream:
            events = list(stream)
        done = next(e for e in events if e.type == "response.function_call_arguments.done")
        deltas = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
        self.assertEqual("".join(deltas), done.arguments)
        self.assertIn(json.loads(done.arguments)["city"], ("Seoul", "Busan"))

    def test_custom_tool(self):
        tool = {"type": "custom", "name": "write",
                "format": {"type": "grammar", "syntax": "regex", "definition": "on|off"}}
        response = self.create(tools=[tool], tool_choice={"type": "custom", "name": "write"}, max_output_tokens=100)
        call = response.output[-1]
        self.assertEqual(call.type, "custom_tool_call")
        self.assertIn(call.input, ("on", "off"))

    def test_parse(self):
        response = self.client.responses.parse(model="sample", input="Who?", text_format=Person, max_output_tokens=120)
        self.assertIsInstance(response.output_parsed, Person)

    def test_errors(self):
        with self.assertRaises(openai.NotFoundError):
            self.create(model="gpt-4o")
        with self.assertRaises(openai.BadRequestError):
            self.create(input=[{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}])
        with self.assertRaises(openai.BadRequestError):
            self.create(tools=[{"type": "web_search"}])

    def test_others_do_not_see_it(self):
        response = self.create()
        with self.server.client(KEYS[1]) as other, self.assertRaises(openai.NotFoundError):
            other.responses.retrieve(response.id)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
