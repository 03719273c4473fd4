#!/usr/bin/env python3
"""OpenAI's own Python client against `ondol serve` with the sample model. Exit status 77: the client is not installed.

usage: openai_sdk_test.py ONDOL SOURCE_DIR
"""
import base64
import json
import os
import re
import struct
import subprocess
import sys
import time
import unittest
import urllib.request

try:
    import openai
    import pydantic
except ImportError as error:
    print(f"skipped: {error}; install it with: ./test sdk")
    sys.exit(77)

ONDOL, SOURCE = sys.argv[1:3]
KEY = "test-key"


class Server:
    """`ondol serve` on a free port."""

    def __init__(self):
        environment = {**os.environ, "ONDOL_HOME": "/nonexistent", "HF_HUB_CACHE": "/nonexistent",
                       "OLLAMA_MODELS": "/nonexistent", "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(
            [ONDOL, "serve", f"{SOURCE}/examples/sample.gguf", "--port", "0", "--api-key", f"tester={KEY}", "-t", "2"],
            stdout=subprocess.PIPE, text=True, env=environment)
        line = self.process.stdout.readline()
        self.url = re.search(r"http://[\w.]+:\d+", line)[0]

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()


class Person(pydantic.BaseModel):
    name: str = pydantic.Field(max_length=12)
    age: int = pydantic.Field(ge=0, le=150)
    likes_tea: bool


WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a city", "strict": True,
    "parameters": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Seoul", "Busan"]},
                                                    "days": {"type": "integer", "minimum": 1, "maximum": 7}},
                   "required": ["city", "days"], "additionalProperties": False}}}
HELLO = [{"role": "user", "content": "Hello"}]


class OpenAiSdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.client = openai.OpenAI(base_url=cls.server.url + "/v1", api_key=KEY, max_retries=0, timeout=120)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.stop()

    def create(self, **fields):
        fields = {"model": "sample", "messages": HELLO, "temperature": 0, "max_tokens": 16, **fields}
        return self.client.chat.completions.create(**fields)

    def check_call(self, call):
        self.assertEqual(call.type, "function")
        self.assertEqual(call.function.name, "get_weather")
        arguments = json.loads(call.function.arguments)
        self.assertIn(arguments["city"], ("Seoul", "Busan"))
        self.assertIn(arguments["days"], range(1, 8))
        self.assertEqual(set(arguments), {"city", "days"})

    def test_chat(self):
        answer = self.create()
        self.assertEqual((answer.object, answer.model), ("chat.completion", "sample"))
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertIn(answer.choices[0].finish_reason, ("stop", "length"))
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
        self.assertIsInstance(answer.usage.prompt_tokens_details.cached_tokens, int)
        self.assertEqual(answer.usage.completion_tokens_details.reasoning_tokens, 0)

    def test_streaming(self):
        whole = self.create().choices[0]
        chunks = list(self.create(stream=True, stream_options={"include_usage": True}))
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        self.assertEqual(text, whole.message.content)
        self.assertEqual([c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason],
                         [whole.finish_reason])
        self.assertEqual(chunks[-1].choices, [])
        self.assertGreater(chunks[-1].usage.completion_tokens, 0)

    def test_stream_helper_accumulates_the_same(self):
        with self.client.chat.completions.stream(model="sample", messages=HELLO, temperature=0, max_tokens=16) as stream:
            for _ in stream:
                pass
            final = stream.get_final_completion()
        self.assertEqual(final.choices[0].message.content, self.create().choices[0].message.content)

    def test_required_tool(self):
        answer = self.create(tools=[WEATHER], tool_choice="required", parallel_tool_calls=False, max_tokens=200)
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        self.assertEqual(len(answer.choices[0].message.tool_calls), 1)
        self.check_call(answer.choices[0].message.tool_calls[0])

    def test_named_tool_in_a_stream(self):
        other = {"type": "function", "function": {"name": "other", "parameters": {"type": "object", "properties": {}}}}
        with self.client.chat.completions.stream(
                model="sample", messages=HELLO, tools=[other, WEATHER], max_tokens=200, parallel_tool_calls=False,
                tool_choice={"type": "function", "function": {"name": "get_weather"}}) as stream:
            for _ in stream:
                pass
            final = stream.get_final_completion()
        self.assertEqual(final.choices[0].finish_reason, "tool_calls")
        self.check_call(final.choices[0].message.tool_calls[0])

    def test_parallel_tools_and_their_results(self):
        answer = self.create(tools=[WEATHER], tool_choice="required", parallel_tool_calls=True, max_tokens=300,
                             temperature=1, seed=3)
        calls = answer.choices[0].message.tool_calls
        self.assertGreaterEqual(len(calls), 1)
        self.assertEqual(len({call.id for call in calls}), len(calls))
        if answer.choices[0].finish_reason == "tool_calls":
            for call in calls:
                self.check_call(call)
        results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
        again = self.create(messages=[*HELLO, answer.choices[0].message, *results], tools=[WEATHER], tool_choice="none")
        self.assertIsNone(again.choices[0].message.tool_calls)

    def test_structured_output(self):
        for seed in (1, 2, 3):
            answer = self.client.chat.completions.parse(model="sample", messages=HELLO, response_format=Person,
                                                        max_tokens=300, temperature=1, seed=seed)
            self.assertIsInstance(answer.choices[0].message.parsed, Person)

    def test_json_object(self):
        answer = self.create(response_format={"type": "json_object"}, max_tokens=400, temperature=1, seed=5)
        if answer.choices[0].finish_reason == "stop":
            self.assertIsInstance(json.loads(answer.choices[0].message.content), dict)

    def test_logprobs(self):
        answer = self.create(logprobs=True, top_logprobs=2, max_tokens=4)
        content = answer.choices[0].logprobs.content
        self.assertEqual(b"".join(bytes(t.bytes) for t in content).decode(), answer.choices[0].message.content)
        for token in content:
            self.assertEqual(len(token.top_logprobs), 2)
            self.assertLessEqual(token.logprob, 0)

    def test_embeddings(self):
        # The client asks for base64 by itself and decodes it.
        plain = self.client.embeddings.create(model="sample", input=["a cat", "a dog"])
        self.assertEqual([entry.index for entry in plain.data], [0, 1])
        vector = plain.data[0].embedding
        self.assertAlmostEqual(sum(x * x for x in vector), 1, places=4)
        raw = self.client.embeddings.create(model="sample", input="a cat", encoding_format="base64")
        decoded = struct.unpack(f"<{len(vector)}f", base64.b64decode(raw.data[0].embedding))
        for a, b in zip(vector, decoded):
            self.assertAlmostEqual(a, b, places=5)
        short = self.client.embeddings.create(model="sample", input="a cat", dimensions=8).data[0].embedding
        self.assertEqual(len(short), 8)
        self.assertAlmostEqual(sum(x * x for x in short), 1, places=4)

    def test_token_ids_are_no_texts(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.embeddings.create(model="sample", input=[[1, 2, 3]])
        self.assertIn("check_embedding_ctx_length=False", str(caught.exception))

    def test_completions(self):
        answer = self.client.completions.create(model="sample", prompt="Once upon a time", max_tokens=8, temperature=0,
                                                echo=True)
        self.assertTrue(answer.choices[0].text.startswith("Once upon a time"))
        pieces = [chunk.choices[0].text for chunk in self.client.completions.create(
            model="sample", prompt="Once upon a time", max_tokens=8, temperature=0, stream=True)]
        self.assertEqual("Once upon a time" + "".join(pieces), answer.choices[0].text)
        two = self.client.completions.create(model="sample", prompt=["One", "Two"], max_tokens=3, n=2, logprobs=2)
        self.assertEqual([choice.index for choice in two.choices], [0, 1, 2, 3])
        self.assertEqual(len(two.choices[0].logprobs.tokens), len(two.choices[0].logprobs.token_logprobs))

    def test_models(self):
        self.assertEqual([model.id for model in self.client.models.list()], ["sample"])
        model = self.client.models.retrieve("sample")
        self.assertEqual(model.object, "model")
        self.assertEqual(model.ondol["state"], "loaded")
        self.assertTrue(model.ondol["fits"])

    def test_errors(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.create(model="gpt-4o")
        self.assertEqual((caught.exception.code, caught.exception.param), ("model_not_found", "model"))
        self.assertTrue(caught.exception.request_id)
        with self.assertRaises(openai.BadRequestError) as caught:
            self.create(temperature="hot")
        self.assertEqual(caught.exception.param, "temperature")
        with self.assertRaises(openai.BadRequestError) as caught:
            self.create(messages=[{"role": "user", "content": "once upon a time " * 2000}])
        self.assertEqual(caught.exception.code, "context_length_exceeded")
        with self.assertRaises(openai.AuthenticationError):
            self.client.with_options(api_key="wrong").models.list()

    def metric(self, name):
        request = urllib.request.Request(self.server.url + "/metrics", headers={"Authorization": f"Bearer {KEY}"})
        with urllib.request.urlopen(request) as answer:
            return float(re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", answer.read().decode(), re.M)[1])

    def test_a_client_that_leaves_cancels(self):
        before = self.metric("ondol_requests_cancelled_total")
        stream = self.create(stream=True, max_tokens=900, extra_body={"ignore_eos": True})
        next(iter(stream))
        stream.close()
        for _ in range(200):
            if self.metric("ondol_requests_cancelled_total") > before:
                break
            time.sleep(0.05)
        self.assertGreater(self.metric("ondol_requests_cancelled_total"), before)
        self.assertEqual(self.metric("ondol_requests_running"), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
