#!/usr/bin/env python3
"""Ollama's own Python client against `ondol serve` with the sample model. Exit status 77: it is not installed.

usage: ollama_sdk_test.py ONDOL SOURCE_DIR
"""
import os
import sys
import tempfile
import typing
import unittest

from served import Server, write_thinking_sample

try:
    import ollama
    import pydantic
except ImportError as error:
    print(f"skipped: {error}; install it with: ./test sdk")
    sys.exit(77)

ONDOL, SOURCE = sys.argv[1:3]
HELLO = [{"role": "user", "content": "Hello"}]
# Goes on for long, whatever the model would rather say.
ENDLESS = {"type": "array", "minItems": 200, "items": {"enum": ["a", "b"]}}
CERTAIN = {"temperature": 0, "num_predict": 16}


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: Its name.
    """
    return f"sunny in {city}"


class Person(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    name: typing.Literal["Mina", "Jun"]
    likes_tea: bool


class OllamaSdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        thinking = os.path.join(cls.folder.name, "thinking.gguf")
        write_thinking_sample(SOURCE, thinking)
        cls.server = Server(ONDOL, f"{SOURCE}/examples/sample.gguf", thinking, keys=False)
        cls.client = ollama.Client(host=cls.server.url, timeout=120)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.folder.cleanup()

    def test_chat(self):
        answer = self.client.chat("sample", HELLO, options=CERTAIN, keep_alive="5m")
        self.assertTrue(answer.done)
        self.assertIn(answer.done_reason, ("stop", "length"))
        self.assertEqual(answer.message.role, "assistant")
        self.assertGreater(answer.eval_count, 0)
        self.assertGreater(answer.total_duration, 0)

    def test_streaming(self):
        whole = self.client.chat("sample", HELLO, options=CERTAIN)
        parts = list(self.client.chat("sample", HELLO, options=CERTAIN, stream=True))
        self.assertEqual("".join(part.message.content for part in parts), whole.message.content)
        self.assertEqual([part.done for part in parts], [False] * (len(parts) - 1) + [True])
        self.assertEqual(parts[-1].eval_count, whole.eval_count)

    def test_tools_and_results(self):
        call = {"function": {"name": "get_weather", "arguments": {"city": "Seoul"}}}
        answer = self.client.chat("sample", [*HELLO, {"role": "assistant", "content": "", "tool_calls": [call]},
                                             {"role": "tool", "content": "sunny", "tool_name": "get_weather"}],
                                  tools=[get_weather], options=CERTAIN)
        self.assertTrue(answer.done)

    def test_structured_output(self):
        answer = self.client.chat("sample", HELLO, format=Person.model_json_schema(), options={"num_predict": 200})
        Person.model_validate_json(answer.message.content)

    def test_thinking(self):
        options = {**CERTAIN, "num_predict": 8}
        parts = list(self.client.chat("thinking", HELLO, think=True, options=options, stream=True))
        self.assertGreater(len("".join(part.message.thinking or "" for part in parts)), 0)
        quiet = self.client.chat("thinking", HELLO, think=False, options=options)
        self.assertFalse(quiet.message.thinking)
        self.assertTrue(quiet.message.content)
        with self.assertRaises(ollama.ResponseError):
            self.client.chat("sample", HELLO, think=True)

    def test_generate(self):
        answer = self.client.generate("sample", "Once upon a time", options=CERTAIN, system="Be brief.")
        raw = self.client.generate("sample", "Once upon a time", options=CERTAIN, raw=True)
        self.assertLess(raw.prompt_eval_count, answer.prompt_eval_count)
        parts = self.client.generate("sample", "Once upon a time", options=CERTAIN, raw=True, stream=True)
        self.assertEqual("".join(part.response for part in parts), raw.response)
        self.assertEqual(self.client.generate("sample").done_reason, "load")

    def test_log_probabilities(self):
        answer = self.client.generate("sample", "Hello", options=CERTAIN, logprobs=True, top_logprobs=2)
        self.assertEqual(len(answer.logprobs[0].top_logprobs), 2)

    def test_embeddings(self):
        answer = self.client.embed("sample", ["a cat", "a dog"])
        self.assertEqual(len(answer.embeddings), 2)
        self.assertAlmostEqual(sum(x * x for x in answer.embeddings[0]), 1, places=3)
        self.assertEqual(list(self.client.embeddings("sample", "a cat").embedding), list(answer.embeddings[0]))

    def test_models(self):
        self.assertEqual([model.model for model in self.client.list().models], ["sample", "thinking"])
        self.client.generate("sample")
        self.assertIn("sample", [model.model for model in self.client.ps().models])
        shown = self.client.show("thinking")
        self.assertEqual(shown.capabilities, ["completion", "thinking"])
        self.assertEqual(shown.modelinfo["llama.context_length"], 1024)
        self.assertEqual(shown.details.format, "gguf")

    def test_errors(self):
        with self.assertRaises(ollama.ResponseError) as caught:
            self.client.chat("nothing", HELLO)
        self.assertEqual(caught.exception.status_code, 404)
        with self.assertRaises(ollama.ResponseError) as caught:
            list(self.client.chat("sample", HELLO, options={"num_ctx": 100000}, stream=True))
        self.assertEqual(caught.exception.status_code, 400)
        self.assertIn("1024", caught.exception.error)
        for refused in (lambda: self.client.copy("sample", "other"), lambda: self.client.delete("sample"),
                        lambda: self.client.pull("org/nothing"), lambda: list(self.client.pull("org/x", stream=True))):
            with self.assertRaises(ollama.ResponseError):
                refused()

    def test_a_client_that_leaves_cancels(self):
        before = self.server.metric("ondol_requests_cancelled_total")
        stream = self.client.chat("sample", HELLO, stream=True, format=ENDLESS)
        next(stream)
        stream.close()
        self.assertTrue(self.server.becomes_cancelled(before))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
