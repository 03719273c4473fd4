"""HTTP/1.1 over a socket, for tests that have to misbehave: nothing is hidden, repeated or repaired."""
import asyncio
import json
import socket
import struct


class Closed(Exception):
    """The server closed the connection before the answer was whole."""


class Answer:
    def __init__(self, status, headers):
        self.status = status
        self.headers = headers
        self.body = b""

    def json(self):
        return json.loads(self.body)

    @property
    def keeps_connection(self):
        return self.headers.get("connection", "keep-alive") != "close"


class Connection:
    """One socket. `pace` is (bytes, seconds): reads at most so many bytes at a time, and waits after each."""

    def __init__(self, reader, writer, pace=None):
        self.reader = reader
        self.writer = writer
        self.pace = pace

    @classmethod
    async def open(cls, address, pace=None):
        sock = socket.socket()
        sock.setblocking(False)
        if pace:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        try:
            await asyncio.get_running_loop().sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        reader, writer = await asyncio.open_connection(sock=sock, limit=1 << (12 if pace else 20))
        return cls(reader, writer, pace)

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    def send_no_more(self):
        self.writer.write_eof()

    def close(self, abruptly=False):
        if abruptly:  # a reset instead of a farewell
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        self.writer.close()

    async def line(self):
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise Closed
        return line.rstrip(b"\r\n")

    async def pieces(self, n):
        """`n` bytes, in pieces as they come."""
        while n > 0:
            piece = await self.reader.read(min(n, self.pace[0] if self.pace else n))
            if not piece:
                raise Closed
            n -= len(piece)
            yield piece
            if self.pace:
                await asyncio.sleep(self.pace[1])

    async def head(self):
        version, status = (await self.line()).split(b" ", 2)[:2]
        assert version == b"HTTP/1.1", version
        headers = {}
        while line := await self.line():
            name, value = line.split(b":", 1)
            headers[name.decode().lower()] = value.strip().decode().lower()
        return Answer(int(status), headers)

    async def answer(self, on_bytes=None):
        """The whole answer. `on_bytes` is told how much of the body is there, and ends the reading with True."""
        answer = await self.head()
        if answer.headers.get("transfer-encoding") == "chunked":
            while size := int(await self.line(), 16):
                async for piece in self.pieces(size):
                    answer.body += piece
                    if on_bytes and on_bytes(len(answer.body)):
                        return answer
                assert await self.line() == b""
            assert await self.line() == b""
        else:
            async for piece in self.pieces(int(answer.headers.get("content-length", "0"))):
                answer.body += piece
                if on_bytes and on_bytes(len(answer.body)):
                    return answer
        return answer


def request_bytes(path, body, headers=(), method="POST", host="127.0.0.1"):
    """A request as it goes over the wire. `body`: bytes, or what becomes JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", *headers]
    if not any(line.lower().startswith(("content-length:", "transfer-encoding:")) for line in lines):
        lines.append(f"Content-Length: {len(data)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data
