#!/usr/bin/env python3
"""Many clients at once, well-behaved and not, against `ondol serve` with the sample model.

usage: load_test.py ONDOL SOURCE_DIR [REQUESTS CLIENTS]     (300 and 16)

Every tenth request is cancelled, every fiftieth is malformed, every hundredth is read slower than a person reads. The
others go to all API families, whole and streamed, some with schemas and tools. Checked: every answer is that of the
same request alone; what is wrong gets 4xx; nothing runs or waits afterwards; files and threads are as many as before;
and after the first thousand requests, resident memory grows no more. (Responses are asked for without `store`, which
keeps up to 2000 of them.) Writes its figures as it goes.
"""
import asyncio
import collections
import os
import pathlib
import random
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "sdk"))

from cases import SERVER_LACKS, clearest, is_held, make_cases, make_malformed, said  # noqa: E402
from client import Closed, Connection, request_bytes  # noqa: E402
from served import KEY, Server  # noqa: E402

ONDOL, SOURCE = sys.argv[1:3]
REQUESTS, CLIENTS = (int(text) for text in sys.argv[3:5] or (300, 16))
HEADERS = [f"Authorization: Bearer {KEY}"]
SLOW = (24, 0.2) if REQUESTS > 1000 else (24, 0.005)  # bytes and seconds
PATIENCE = 300  # seconds until an answer counts as lost
GROWTH = 0.05, 5  # of resident memory after the first thousand requests: a part, or MiB if that is more
SAMPLES = 10


class Load:
    def __init__(self, server):
        self.server = server
        host, port = server.url.removeprefix("http://").split(":")
        self.address = (host, int(port))
        self.cases, self.held = [], []
        self.wrong, self.halves = make_malformed(HEADERS)
        self.random = random.Random(1)
        self.kinds = collections.Counter()
        self.problems = []
        self.times = []
        self.memory = []
        self.next = 0

    def proc(self, what):
        return pathlib.Path(f"/proc/{self.server.process.pid}/{what}")

    def resident_mib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", self.proc("status").read_text())[1]) / 1024

    def files_and_threads(self):
        return len(os.listdir(self.proc("fd"))), len(os.listdir(self.proc("task")))

    async def alone(self):
        """Asks everything once, one after the other: what must be answered later. Streams must already agree."""
        async def ask(path, body):
            return (await self.ask_alone(request_bytes(path, body, HEADERS))).json()

        self.cases, self.held = make_cases(*await clearest(ask))
        for case in self.cases:
            for streams in (False, True):
                text = case.text(await self.ask_alone(case.bytes(streams, HEADERS)), streams)
                case.expected = case.expected or text
                assert text == case.expected, (case.path, case.body, streams, text, case.expected)

        for i in range(len(self.wrong) + len(self.halves)):
            connection = await Connection.open(self.address)
            await self.malformed(connection, 50 * i)
            connection.close()

    async def ask_alone(self, data):
        connection = await Connection.open(self.address)
        await connection.send(data)
        answer = await connection.answer()
        connection.close()
        assert answer.status == 200, (data, answer.status, answer.body)
        return answer

    def kind_of(self, i):
        if i % 10 == 3:
            return "cancelled"
        if i % 50 == 7:
            return "malformed"
        if i % 100 == 55:
            return "slow"
        return "whole" if i % 3 == 0 else "streamed"

    async def client(self):
        """One after the other, on a connection that is kept for some of them."""
        connection = None
        while self.next < REQUESTS:
            i = self.next
            self.next += 1
            kind = self.kind_of(i)
            self.kinds[kind] += 1
            begin = time.monotonic()
            try:
                async with asyncio.timeout(PATIENCE):
                    if connection is None or kind == "slow":
                        if connection:
                            connection.close()
                        connection = await Connection.open(self.address, SLOW if kind == "slow" else None)
                    is_kept = await getattr(self, kind)(connection, i)
            except (Closed, OSError, AssertionError, TimeoutError, ValueError, KeyError, IndexError) as error:
                self.problems.append(f"request {i} ({kind}): {type(error).__name__}: {error}")
                is_kept = False
            if kind in ("whole", "streamed"):
                self.times.append(time.monotonic() - begin)
            if connection and not (is_kept and self.random.random() < 0.9):
                connection.close()
                connection = None
            if i % (REQUESTS // SAMPLES) == 0 and i > 0:
                self.note(i)
        if connection:
            connection.close()

    def note(self, i):
        self.memory.append((i, self.resident_mib()))
        files, threads = self.files_and_threads()
        print(f"{i:6} requests: {self.memory[-1][1]:.1f} MiB resident, {files} files, {threads} threads", flush=True)

    async def whole(self, connection, i, streams=False):
        case = self.random.choice(self.held if i % 16 == 0 else self.cases)
        await connection.send(case.bytes(streams, HEADERS))
        answer = await connection.answer()
        assert answer.status == 200, (case.path, answer.status, answer.body)
        text = case.text(answer, streams)
        if case.expected is None:
            assert is_held(text), f"{case.path}: {text!r}"
        else:
            assert text == case.expected, f"{case.path}: expected {case.expected!r}, got {text!r}"
        return answer.keeps_connection

    async def streamed(self, connection, i):
        return await self.whole(connection, i, streams=True)

    async def slow(self, connection, i):
        await self.whole(connection, i, streams=True)
        return False

    async def cancelled(self, connection, i):
        """Texts that nobody has asked for before, left at any moment: while sent, while waited for, in a stream."""
        words = " ".join(f"{word}{i}" for word in self.random.choices(("river", "lion", "비", "market"), k=60))
        fields = {"messages": said(words), "max_tokens": 400, "stream": self.random.random() < 0.8}
        path = self.random.choice(("/v1/chat/completions", "/v1/messages", "/api/chat"))
        data = request_bytes(path, {"model": "sample", **fields}, HEADERS)
        when = self.random.random()
        if when < 0.1:
            await connection.send(data[:self.random.randrange(1, len(data))])
        else:
            await connection.send(data)
            if when < 0.4:
                await asyncio.sleep(self.random.random() * 0.3)
            else:
                enough = self.random.randrange(1, 3000)
                answer = await connection.answer(lambda n: n >= enough)
                assert answer.status == 200, (answer.status, answer.body)
        connection.close(abruptly=self.random.random() < 0.5)
        return False

    async def malformed(self, connection, i):
        n = i // 50 % (len(self.wrong) + len(self.halves))
        if n < len(self.wrong):
            name, data = self.wrong[n]
            await connection.send(data)
            answer = await connection.answer()
            is_refused = 400 <= answer.status < 500 or answer.status == SERVER_LACKS.get(name)
            assert is_refused, f"{name}: {answer.status} {answer.body[:300]}"
            return answer.keeps_connection
        name, data = self.halves[n - len(self.wrong)]
        await connection.send(data)
        connection.send_no_more()
        rest = await connection.reader.read()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 4"), f"{name}: {rest[:300]}"
        return False

    async def run(self):
        await self.alone()
        before = self.files_and_threads()
        print(f"{len(self.cases)} prompts alone: {self.resident_mib():.1f} MiB resident, {before[0]} files, "
              f"{before[1]} threads", flush=True)
        begin = time.monotonic()
        await asyncio.gather(*(self.client() for _ in range(CLIENTS)))
        seconds = time.monotonic() - begin
        after = await self.rest(before)
        self.note(REQUESTS)
        self.report(seconds, before, after)

    async def rest(self, before):
        """Files and threads, once the server has noticed that everybody has left."""
        for _ in range(100):
            after = self.files_and_threads()
            if after == before:
                break
            await asyncio.sleep(0.1)
        return after

    def report(self, seconds, before, after):
        for name in ("ondol_requests_running", "ondol_requests_waiting", "ondol_kv_pages_used"):
            if self.server.metric(name) != 0:
                self.problems.append(f"{name} is {self.server.metric(name)} at the end")
        if after != before:
            self.problems.append(f"files and threads: {before} before, {after} after")
        early = [mib for i, mib in self.memory if i >= 1000][:1]
        if early and self.memory[-1][1] > early[0] + max(early[0] * GROWTH[0], GROWTH[1]):
            self.problems.append(f"resident memory grew from {early[0]:.1f} to {self.memory[-1][1]:.1f} MiB")
        times = sorted(self.times) or [0]
        print(f"{REQUESTS} requests of {CLIENTS} clients in {seconds:.0f} s: {dict(self.kinds)}; "
              f"median {times[len(times) // 2]:.2f} s, slowest {times[-1]:.2f} s; "
              f"{self.server.metric('ondol_requests_cancelled_total'):.0f} cancelled while they ran")
        for problem in self.problems[:20]:
            print(f"error: {problem[:600]}")
        print(f"{len(self.problems)} problems")


def main():
    server = Server(ONDOL, f"{SOURCE}/examples/sample.gguf", "--ctx", "4096")
    load = Load(server)
    try:
        asyncio.run(load.run())
    finally:
        server.stop()
    if server.process.returncode != 0:
        load.problems.append(f"the server ended with {server.process.returncode}")
        print(f"error: {load.problems[-1]}")
    sys.exit(1 if load.problems else 0)


if __name__ == "__main__":
    main()
