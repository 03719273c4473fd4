#!/usr/bin/env python3
"""Anthropic's own Python client against `ondol serve` with the sample model. Exit status 77: it is not installed.

usage: anthropic_sdk_test.py ONDOL SOURCE_DIR
"""
import os
import sys
import tempfile
import typing
import unittest

from served import KEY, Server, write_thinking_sample

try:
    import anthropic
    import pydantic
except ImportError as error:
    print(f"skipped: {error}; install it with: ./test sdk")
    sys.exit(77)

ONDOL, SOURCE = sys.argv[1:3]
HELLO = [{"role": "user", "content": "What is the weather in Seoul?"}]
WEATHER = {"name": "get_weather", "description": "The weather of a city", "input_schema": {
    "type": "object", "properties": {"city": {"type": "string", "enum": ["Seoul", "Busan"]},
                                     "unit": {"type": "string", "enum": ["celsius", "kelvin"]}},
    "required": ["city", "unit"], "additionalProperties": False}}
# Goes on for long, whatever the model would rather say.
YES = {"format": {"type": "json_schema", "schema": {"enum": ["yes", "no"]}}}
ENDLESS = {"format": {"type": "json_schema", "schema": {"type": "array", "minItems": 200, "items": {"enum": ["a", "b"]}}}}


class Person(pydantic.BaseModel):
    name: typing.Literal["Mina", "Jun"]
    likes_tea: bool


class AnthropicSdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        thinking = os.path.join(cls.folder.name, "thinking.gguf")
        write_thinking_sample(SOURCE, thinking)
        cls.server = Server(ONDOL, f"{SOURCE}/examples/sample.gguf", thinking)
        cls.client = anthropic.Anthropic(base_url=cls.server.url, api_key=KEY, max_retries=0, timeout=120)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.stop()
        cls.folder.cleanup()

    def create(self, extra_body=None, **fields):
        fields = {"model": "sample", "messages": HELLO, "max_tokens": 16, **fields}
        return self.client.messages.create(**fields, extra_body={"temperature": 0, **(extra_body or {})})

    def check_call(self, block):
        self.assertEqual((block.type, block.name), ("tool_use", "get_weather"))
        self.assertRegex(block.id, "^toolu_")
        self.assertIn(block.input["city"], ("Seoul", "Busan"))
        self.assertIn(block.input["unit"], ("celsius", "kelvin"))

    def test_chat(self):
        answer = self.create(system="Be brief.", metadata={"user_id": "someone"})
        self.assertEqual((answer.type, answer.role, answer.model), ("message", "assistant", "sample"))
        self.assertEqual([block.type for block in answer.content], ["text"])
        self.assertIn(answer.stop_reason, ("end_turn", "max_tokens"))
        self.assertGreater(answer.usage.output_tokens, 0)
        self.assertRegex(answer._request_id, "^req_")

    def test_streaming(self):
        whole = self.create()
        with self.client.messages.stream(model="sample", messages=HELLO, max_tokens=16,
                                         extra_body={"temperature": 0}) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        self.assertEqual(text, whole.content[0].text)
        self.assertEqual(final.content[0].text, whole.content[0].text)
        self.assertEqual(final.stop_reason, whole.stop_reason)
        self.assertEqual(final.usage.output_tokens, whole.usage.output_tokens)

    def test_raw_events(self):
        kinds = [event.type for event in self.create(stream=True)]
        self.assertEqual(kinds[0], "message_start")
        self.assertEqual(kinds[-3:], ["content_block_stop", "message_delta", "message_stop"])

    def test_beta_client(self):
        answer = self.client.beta.messages.create(model="sample", messages=HELLO, max_tokens=4,
                                                  betas=["interleaved-thinking-2025-05-14"])
        self.assertEqual(answer.type, "message")

    def test_stop_sequence(self):
        whole = self.create().content[0].text
        word = whole[len(whole) // 2]
        answer = self.create(stop_sequences=["never said", word])
        self.assertEqual((answer.stop_reason, answer.stop_sequence), ("stop_sequence", word))

    def test_forced_tools(self):
        for choice in ({"type": "any", "disable_parallel_tool_use": True},
                       {"type": "tool", "name": "get_weather", "disable_parallel_tool_use": True}):
            answer = self.create(tools=[WEATHER], tool_choice=choice, max_tokens=200)
            self.assertEqual(answer.stop_reason, "tool_use")
            self.assertEqual(len(answer.content), 1)
            self.check_call(answer.content[0])

    def test_parallel_tools(self):
        seen = 0
        for seed in range(3):
            answer = self.create(tools=[WEATHER], tool_choice={"type": "any"}, max_tokens=100,
                                 extra_body={"temperature": 1, "seed": seed})
            calls = [block for block in answer.content if block.type == "tool_use"]
            complete = calls if answer.stop_reason == "tool_use" else calls[:-1]
            for block in complete:
                self.check_call(block)
            self.assertEqual(len({block.id for block in calls}), len(calls))
            seen += len(calls)
        self.assertGreaterEqual(seen, 3)

    def test_tool_in_a_stream_and_its_result(self):
        with self.client.messages.stream(model="sample", messages=HELLO, max_tokens=200, tools=[WEATHER],
                                         tool_choice={"type": "tool", "name": "get_weather",
                                                      "disable_parallel_tool_use": True}) as stream:
            final = stream.get_final_message()
        self.check_call(final.content[0])
        result = {"type": "tool_result", "tool_use_id": final.content[0].id,
                  "content": [{"type": "text", "text": "sunny"}]}
        after = self.create(tools=[WEATHER], tool_choice={"type": "none"}, messages=[
            *HELLO, {"role": "assistant", "content": final.content}, {"role": "user", "content": [result]}])
        self.assertNotEqual(after.stop_reason, "tool_use")

    def test_structured_output(self):
        answer = self.client.messages.parse(model="sample", messages=HELLO, max_tokens=200, output_format=Person)
        self.assertIsInstance(answer.parsed_output, Person)

    def test_thinking(self):
        answer = self.create(model="thinking", thinking={"type": "enabled", "budget_tokens": 7}, max_tokens=40,
                             output_config=YES)
        thinking, text = answer.content
        self.assertEqual((thinking.type, text.type), ("thinking", "text"))
        self.assertGreater(len(thinking.thinking), 0)
        self.assertGreater(len(thinking.signature), 20)
        after = self.create(model="thinking", max_tokens=4, messages=[
            *HELLO, {"role": "assistant", "content": answer.content}, {"role": "user", "content": "And?"}])
        self.assertEqual([block.type for block in after.content], ["text"])

    def test_thinking_in_a_stream(self):
        thinking = {"type": "enabled", "budget_tokens": 7}
        whole = self.create(model="thinking", thinking=thinking, max_tokens=40, output_config=YES)
        kinds = []
        with self.client.messages.stream(model="thinking", messages=HELLO, max_tokens=40, thinking=thinking,
                                         output_config=YES,
                                         extra_body={"temperature": 0}) as stream:
            for event in stream:
                if event.type == "content_block_delta" and event.delta.type not in kinds:
                    kinds.append(event.delta.type)
            final = stream.get_final_message()
        self.assertEqual(kinds, ["thinking_delta", "signature_delta", "text_delta"])
        self.assertEqual([block.to_dict().get("text") for block in final.content],
                         [block.to_dict().get("text") for block in whole.content])

    def test_count_tokens(self):
        counted = self.client.messages.count_tokens(model="sample", messages=HELLO, system="Be brief.")
        usage = self.create(system="Be brief.").usage
        self.assertEqual(counted.input_tokens, usage.input_tokens + usage.cache_read_input_tokens)
        with_tools = self.client.messages.count_tokens(model="sample", messages=HELLO, tools=[WEATHER])
        self.assertGreater(with_tools.input_tokens, counted.input_tokens)

    def test_models(self):
        models = list(self.client.models.list())
        self.assertEqual([model.id for model in models], ["sample", "thinking"])
        self.assertEqual(self.client.models.retrieve("sample").type, "model")
        with self.assertRaises(anthropic.NotFoundError):
            self.client.models.retrieve("nothing")

    def test_errors(self):
        with self.assertRaises(anthropic.NotFoundError) as caught:
            self.create(model="claude-none")
        self.assertEqual(caught.exception.body["error"]["type"], "not_found_error")
        self.assertRegex(caught.exception.request_id, "^req_")
        with self.assertRaises(anthropic.BadRequestError) as caught:
            self.create(messages=[{"role": "user", "content": "once upon a time " * 2000}], stream=True)
        self.assertIn("1024", str(caught.exception))
        image = {"type": "image", "source": {"type": "url", "url": "http://localhost/x.png"}}
        with self.assertRaises(anthropic.BadRequestError):
            self.create(messages=[{"role": "user", "content": [image]}])
        with self.assertRaises(anthropic.AuthenticationError):
            self.client.with_options(api_key="wrong").messages.create(model="sample", messages=HELLO, max_tokens=1)

    def test_a_client_that_leaves_cancels(self):
        before = self.server.metric("ondol_requests_cancelled_total")
        stream = self.create(stream=True, max_tokens=900, output_config=ENDLESS)
        next(iter(stream))
        stream.close()
        self.assertTrue(self.server.becomes_cancelled(before))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
