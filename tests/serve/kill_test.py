#!/usr/bin/env python3
"""`ondol serve --cache-dir` killed at any moment, and started again.

usage: kill_test.py ONDOL SOURCE_DIR [MODEL.gguf]

Many times: texts that push each other out of memory, so that files are written all the time; kill -9; sometimes a
damaged file. Whatever is found afterwards, every answer is that of a server without a cache, the folder keeps its limit,
and what was not damaged is used again. With a model it measures instead: the time to the first token of a prompt of
about 2000 tokens whose beginning is warm, before and after kill -9; it must at most double.
"""
import asyncio
import json
import os
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "sdk"))

from cases import clear_tokens  # noqa: E402
from client import Closed, Connection, request_bytes  # noqa: E402
from served import KEY, Server  # noqa: E402

ONDOL, SOURCE = sys.argv[1:3]
SAMPLE = f"{SOURCE}/examples/sample.gguf"
ROUNDS = 16
LIMIT = 4 << 20
WORDS = "once upon a time there was king who had three sons and the lion went to river with his mother".split()


def files_of(folder):
    return [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]


async def ask(server, path, body):
    host, port = server.url.removeprefix("http://").split(":")
    connection = await Connection.open((host, int(port)))
    try:
        await connection.send(request_bytes(path, body, [f"Authorization: Bearer {KEY}"]))
        answer = await connection.answer()
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json()
    finally:
        connection.close()


class Prompts:
    """Of several hundred tokens each; in pairs that begin alike."""

    def __init__(self):
        source = random.Random(1)
        self.bodies = []
        for _ in range(6):
            beginning = " ".join(source.choices(WORDS, k=240))
            self.bodies += [{"prompt": f"{beginning} {' '.join(source.choices(WORDS, k=60))}", "temperature": 0}
                            for _ in range(2)]
        self.expected = []

    async def learn(self, server):
        for body in self.bodies:
            answer = await ask(server, "/v1/completions", {**body, "max_tokens": 8, "logprobs": 2})
            bests = [list(best.values()) for best in answer["choices"][0]["logprobs"]["top_logprobs"]]
            body["max_tokens"] = max(1, clear_tokens([best if len(best) > 1 else [0, 0] for best in bests]))
            answer = await ask(server, "/v1/completions", body)
            self.expected.append(answer["choices"][0]["text"])


class Killing:
    def __init__(self, folder):
        self.folder = folder
        self.random = random.Random(2)
        self.prompts = Prompts()
        self.answers = 0
        self.cached = 0
        self.damaged = 0

    def serve(self, errors):
        return Server(ONDOL, SAMPLE, "--ctx", "1024", "--cache-dir", self.folder, "--cache-size", str(LIMIT), "--log",
                      "text", errors=errors)

    async def answers_until(self, server, end):
        """One after the other. The server may die in between."""
        found = 0
        while time.monotonic() < end:
            i = self.random.randrange(len(self.prompts.bodies))
            try:
                answer = await ask(server, "/v1/completions", self.prompts.bodies[i])
            except (Closed, OSError, ValueError):
                return found
            text = answer["choices"][0]["text"]
            assert text == self.prompts.expected[i], f"expected {self.prompts.expected[i]!r}, got {text!r}"
            self.answers += 1
            found += answer["usage"].get("prompt_tokens_details", {}).get("cached_tokens", 0)
        return found

    async def kill_later(self, server, seconds):
        await asyncio.sleep(seconds)
        server.kill()

    def damage(self):
        """A file that loses its end, its beginning, everything, or a bit."""
        path = self.random.choice(files_of(self.folder))
        data = bytearray(path.read_bytes())
        how = self.random.randrange(4)
        if how == 0:
            data = data[:len(data) // 2]
        elif how == 1:
            data = data[len(data) // 2:]
        elif how == 2:
            data = b""
        elif data:
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        path.write_bytes(data)

    async def round(self, errors):
        server = self.serve(errors)
        seconds = 0.05 + self.random.random() * 0.6
        found, _ = await asyncio.gather(self.answers_until(server, time.monotonic() + 60),
                                        self.kill_later(server, seconds))
        size = sum(path.stat().st_size for path in files_of(self.folder) if path.suffix == ".kv")
        assert size <= LIMIT + (1 << 19), f"the folder holds {size} bytes"  # what was being written counts afterwards
        return found

    async def run(self, errors):
        server = Server(ONDOL, SAMPLE, "--ctx", "1024")
        try:
            await self.prompts.learn(server)
        finally:
            server.stop()
        for i in range(ROUNDS):
            if i % 2 == 1 and files_of(self.folder):
                self.damage()
            await self.round(errors)
        await self.last(errors)

    async def last(self, errors):
        """What is left is used, once the damaged is known; and an orderly end leaves a folder within its limit."""
        server = self.serve(errors)
        try:
            for file in files_of(self.folder)[::3]:
                file.write_bytes(file.read_bytes()[:-1] + b"?")
                self.damaged += 1
            for body, expected in zip(self.prompts.bodies, self.prompts.expected):
                answer = await ask(server, "/v1/completions", body)
                assert answer["choices"][0]["text"] == expected
        finally:
            server.stop()
        assert server.process.returncode == 0, server.process.returncode
        size = sum(path.stat().st_size for path in files_of(self.folder))
        assert 0 < size <= LIMIT, size
        assert not [path for path in files_of(self.folder) if path.suffix != ".kv"]
        server = self.serve(errors)
        try:
            for body in self.prompts.bodies:
                answer = await ask(server, "/v1/completions", body)
                self.cached += answer["usage"].get("prompt_tokens_details", {}).get("cached_tokens", 0)
        finally:
            server.kill()


def kill_often(folder):
    killing = Killing(folder + "/cache")
    with open(folder + "/errors", "w+", encoding="utf-8") as errors:
        asyncio.run(killing.run(errors))
        errors.seek(0)
        deleted = errors.read().count("deleted: ")
    assert killing.damaged > 0 and deleted > 0, (killing.damaged, deleted)
    assert killing.cached > 300, killing.cached
    print(f"killed {ROUNDS} times: {killing.answers} answers, none wrong; {deleted} damaged files noticed; "
          f"{killing.cached} tokens found in the end")


async def first_token_seconds(server, question):
    """From sending until the first text, and how many tokens came from the cache."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = await Connection.open((host, int(port)))
    story = "The keeper of the lighthouse wrote down every ship that passed, with its colours and the hour. " * 100
    body = {"prompt": f"{story}\n\nQuestion: {question}\nAnswer:", "temperature": 0, "max_tokens": 2, "stream": True,
            "stream_options": {"include_usage": True}}
    begin = time.monotonic()
    await connection.send(request_bytes("/v1/completions", body, [f"Authorization: Bearer {KEY}"]))
    seconds, usage = None, None
    while (line := await connection.line()) != b"data: [DONE]":
        if not line.startswith(b"data: "):
            continue
        event = json.loads(line[6:])
        usage = event.get("usage") or usage
        if seconds is None and any(choice["text"] for choice in event["choices"]):
            seconds = time.monotonic() - begin
    connection.close()
    return seconds, usage["prompt_tokens_details"]["cached_tokens"], usage["prompt_tokens"]


def measure(model, folder):
    def serve():
        server = Server(ONDOL, model, "--cache-dir", folder + "/cache", "--ctx", "4096")
        asyncio.run(ask(server, "/v1/completions", {"prompt": "Good morning, and welcome", "max_tokens": 2}))
        return server

    def times(server, questions):
        found = [asyncio.run(first_token_seconds(server, question)) for question in questions]
        return statistics.median(seconds for seconds, _, _ in found), found[-1]

    warm, restarted = [], []
    server = serve()
    cold, _ = times(server, ["Who wrote?"])
    times(server, ["What was seen?"])  # parts the prompt's beginning from its end
    for i in range(5):
        warm.append(times(server, [f"How many ships passed on day {i} of the month?" + " Say it." * j
                                   for j in range(3)])[0])
        if i == 0:
            time.sleep(12)  # idle: what is new is written
        server.kill()
        server = serve()
        seconds, last = times(server, [f"Which colours had the ship of day {i}?"])
        restarted.append(seconds)
        print(f"warm {warm[-1] * 1000:.0f} ms; after kill -9 {seconds * 1000:.0f} ms, {last[1]} of {last[2]} tokens "
              "from the disk")
    server.kill()
    ratio = statistics.median(restarted) / statistics.median(warm)
    print(f"cold {cold * 1000:.0f} ms, warm {statistics.median(warm) * 1000:.0f} ms, after kill -9 and restart "
          f"{statistics.median(restarted) * 1000:.0f} ms: {ratio:.2f} times the warm time")
    return ratio <= 2


def main():
    folder = tempfile.mkdtemp(prefix="ondol-kill-")
    try:
        if len(sys.argv) > 3:
            sys.exit(0 if measure(sys.argv[3], folder) else 1)
        kill_often(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
