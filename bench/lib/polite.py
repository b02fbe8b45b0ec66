"""Clients of the mixed load that do as they should: each of their answers is checked byte for byte,
and none may fail, whatever others do and however often the configuration changes."""

import asyncio
import random
import zlib
from typing import NamedTuple

from answer import Wrong, read_answer

PERIOD = 65536


def pattern(n, period=bytes((i ^ i >> 8) & 0xff for i in range(PERIOD))):
    """What test_source and test_flood send."""
    return (period * (n // PERIOD + 1))[:n]


class Ask(NamedTuple):
    method: str
    path: str
    status: int
    body: bytes = None  # None: any
    fields: tuple = ()
    send: bytes = None
    chunk: int = 0      # size of chunks; 0: with Content-Length
    expect: bool = False
    host: str = "x"

    def head(self, close=False):
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {self.host}", *self.fields]
        if self.send is not None:
            lines.append("Transfer-Encoding: chunked" if self.chunk
                         else f"Content-Length: {len(self.send)}")
        lines += ["Expect: 100-continue"] * self.expect + ["Connection: close"] * close
        return "\r\n".join(lines + ["", ""]).encode()

    def content(self):
        if self.send is None or not self.chunk:
            return self.send or b""
        pieces = (self.send[i:i + self.chunk] for i in range(0, len(self.send), self.chunk))
        return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"

    def judge(self, answer):
        if answer.status != self.status or (self.body is not None and answer.body != self.body):
            raise Wrong(f"{self.method} {self.path}: {answer.status}, {len(answer.body)} bytes, "
                        f"expected {self.status} with {len(self.body or b'')}; {answer.fields}")


SMALL, MEDIUM, LARGE = b"small\n", pattern(100_000)[::-1], pattern(4 << 20)
BIG = b"0123456789" * 900

GETS = [
    Ask("GET", "/text", 200, b"hello\n"), Ask("GET", "/text", 200, b"hello\n"),
    Ask("GET", "/big", 200, BIG), Ask("HEAD", "/big", 200, b""),
    Ask("GET", "/files/small", 200, SMALL), Ask("GET", "/files/medium", 200, MEDIUM),
    Ask("HEAD", "/files/medium", 200, b""),
    Ask("GET", "/files/medium", 206, MEDIUM[500:1500], ("Range: bytes=500-1499",)),
    Ask("GET", "/files/medium", 206, MEDIUM[-7:], ("Range: bytes=-7",)),
    Ask("GET", "/files/medium", 416, None, ("Range: bytes=100000-",)),
    Ask("GET", "/files/none", 404, None, ("Accept: text/html",)),
    Ask("GET", "/pooled/small", 200, SMALL), Ask("GET", "/pooled/medium", 200, MEDIUM),
    Ask("GET", "/sleep", 200, None), Ask("GET", "/later", 200, b"later\n"),
    Ask("GET", "/flood", 200, pattern(300 << 10)), Ask("GET", "/source", 200, pattern(100 << 10)),
    Ask("GET", "/describe", 200, None, ("Accept: application/json",)),
    Ask("GET", "/nowhere", 404, None, ("Accept: application/json",)),
    Ask("GET", "/fail", 500, None), Ask("GET", "/old/x?y", 308, None),
    Ask("GET", "/", 200, b"other\n", host="other.test"), Ask("POST", "/text", 200, b"hello\n", send=b""),
]


def tally(send):
    return b"%d %08x\n" % (len(send), zlib.crc32(send))


def uploads():
    for send in (b"abc", MEDIUM, LARGE[:600_000]):
        for chunk in (0, 5000):
            for path in ("/echo", "/worker/echo"):
                yield Ask("POST", path, 200, send, (), send, chunk)
            for path in ("/slurp", "/worker/slurp"):
                yield Ask("POST", path, 200, tally(send), (), send, chunk)
                yield Ask("POST", path, 200, tally(send), (), send, chunk, True)
    yield Ask("POST", "/text", 200, b"hello\n", (), b"ignored" * 999)


UPLOADS = list(uploads())
DOWNLOADS = [Ask("GET", "/files/large", 200, LARGE), Ask("GET", "/pooled/large", 200, LARGE),
             Ask("GET", "/files/large", 206, LARGE[1 << 20:], ("Range: bytes=1048576-",))]


class Polite:
    def __init__(self, place, count, enough):
        self.place, self.count, self.enough = place, count, enough

    async def _exchange(self, reader, writer, ask, close=False):
        writer.write(ask.head(close))
        if ask.expect:
            if (interim := await read_answer(reader)).status != 100:
                raise Wrong(f"{ask.path}: 100 expected: {interim.status}")
        writer.write(ask.content())
        _, answer = await asyncio.gather(writer.drain(), read_answer(reader, ask.method))
        ask.judge(answer)
        self.count["answers"] += 1
        if close and not answer.closes:
            raise Wrong(f"{ask.path}: the last answer does not say so")
        return answer

    async def kept(self, unix, asks, pause):
        """One request after the other on a connection, and then the next connection."""
        reader, writer = await self.place.connect(unix)
        for _ in range(random.randint(1, 60)):
            answer = await self._exchange(reader, writer, random.choice(asks))
            if answer.closes or self.enough():
                break
            await asyncio.sleep(random.random() * pause)
        writer.close()

    async def closing(self, unix, asks, pause):
        reader, writer = await self.place.connect(unix)
        await self._exchange(reader, writer, random.choice(asks), True)
        if await reader.read(1):
            raise Wrong("more than an answer")
        writer.close()
        await asyncio.sleep(random.random() * pause)

    async def pipelined(self, unix, asks, pause):
        reader, writer = await self.place.connect(unix)
        for _ in range(5):
            some = random.choices([a for a in asks if a.status < 400], k=random.randint(2, 12))
            writer.write(b"".join(ask.head() + ask.content() for ask in some))
            for ask in some:
                ask.judge(await read_answer(reader, ask.method))
                self.count["answers"] += 1
            await asyncio.sleep(random.random() * pause)
        writer.close()

    async def repeat(self, kind, *arguments):
        while not self.enough():
            try:
                await kind(*arguments)
                self.count[f"{kind.__name__} connections"] += 1
            except (Wrong, OSError, EOFError, ValueError, asyncio.TimeoutError,
                    asyncio.LimitOverrunError) as error:
                self.count.complain(f"{kind.__name__}{' over unix' * arguments[0]}: "
                                    f"{type(error).__name__}: {error}")

    def tasks(self):
        for i in range(16):
            yield self.repeat(self.kept, i % 3 == 0, GETS + UPLOADS[:8], 0.1)
        for i in range(6):
            yield self.repeat(self.closing, i % 3 == 0, GETS + UPLOADS, 0.2)
            yield self.repeat(self.pipelined, i % 3 == 0, GETS, 0.3)
        for i in range(3):
            yield self.repeat(self.kept, i == 0, UPLOADS, 0.3)
            yield self.repeat(self.kept, i == 0, DOWNLOADS, 2)
