"""Clients of the mixed load that do as they should not: what is malformed must be refused, and the
rest is for the daemon to survive."""

import asyncio
import random

from answer import PATIENCE, Wrong, read_answer, reset
from polite import DOWNLOADS, GETS, MEDIUM, UPLOADS

G = b"GET /text HTTP/1.1\r\nHost: x\r\n"
P = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
# Each is refused, and the connection ends.
BROKEN = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\0" * 100 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET /text\r\n\r\n", b"GET /text HTTP/1.1\r\n\r\n",
    b"GET  /text HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /text HTTP/3.0\r\nHost: x\r\n\r\n",
    b"GET http://[::1/ HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /a\x01b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    G + b"Host: y\r\n\r\n", G + b"Bad Name: x\r\n\r\n", G + b"X : y\r\n\r\n", G + b" folded\r\n\r\n",
    G + b"X: a\rb\r\n\r\n", G + b"X: a\0b\r\n\r\n", G + b": x\r\n\r\n",
    G + b"X: " + b"v" * 70000 + b"\r\n\r\n", G + b"X: y\r\n" * 200 + b"\r\n",
    P + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    P + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", P + b"Content-Length: +3\r\n\r\nabc",
    P + b"Content-Length: 3, 4\r\n\r\nabcd", P + b"Content-Length: -1\r\n\r\n",
    P + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    P + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    P + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", P + b"Transfer-Encoding: chunked\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", P + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    P + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    P + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    P + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
    P + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n",
    P + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc",
]


class Rude:
    def __init__(self, place, count, enough):
        self.place, self.count, self.enough = place, count, enough

    async def broken(self, unix):
        reader, writer = await self.place.connect(unix)
        shape = random.choice(BROKEN)
        before = random.choice((0, 0, 3))
        writer.write(GETS[0].head() * before + shape)
        for _ in range(before):
            GETS[0].judge(await read_answer(reader))
        answer = await read_answer(reader)
        if not 400 <= answer.status < 600 or not answer.closes or await reader.read(1):
            raise Wrong(f"{answer.status} to {shape[:120]!r}")
        self.count["refused"] += 1
        writer.close()

    async def aborted(self, unix):
        """Leaves at any moment: in a request, in an answer, between."""
        reader, writer = await self.place.connect(unix)
        ask = random.choice(GETS + UPLOADS + DOWNLOADS)
        data = ask.head() + ask.content()
        if random.random() < 0.5:
            data = data[:random.randrange(len(data))]
        writer.write(data)
        for _ in range(random.randrange(4)):
            try:
                await asyncio.wait_for(reader.read(random.choice((1, 1000, 100000))), 0.05)
            except asyncio.TimeoutError:
                pass
        reset(writer)

    async def cut(self, unix):
        """Ends what it sends in the midst of a request, and still reads."""
        reader, writer = await self.place.connect(unix)
        ask = random.choice(UPLOADS)
        data = ask.head() + ask.content()
        writer.write(data[:random.randrange(len(data))])
        writer.write_eof()
        while await reader.read(1 << 16):
            pass
        writer.close()

    async def slow_sender(self, unix):
        reader, writer = await self.place.connect(unix)
        ask = random.choice((GETS[0], UPLOADS[1]))
        data = ask.head() + ask.content()
        at = 0 if random.random() < 0.5 else max(0, len(data) - 200)
        writer.write(data[:at])
        while not reader.at_eof() and at < len(data) and not self.enough():
            writer.write(data[at:at + 1])
            at += 1
            await asyncio.sleep(random.choice((0.05, 0.3, 1)))
            if writer.is_closing():
                break
        writer.close()

    async def slow_reader(self, unix):
        reader, writer = await self.place.connect(unix, None if unix else 4096, 64)
        writer.write(b"".join(ask.head() for ask in random.choices(DOWNLOADS, k=3)))
        for _ in range(random.randrange(60)):
            await asyncio.sleep(random.choice((0.1, 0.5)))
            if self.enough() or not await reader.read(64):
                break
        reset(writer)

    async def idle(self, unix):
        _, writer = await self.place.connect(unix)
        await asyncio.sleep(random.random() * 10)
        writer.close()

    async def repeat(self, kind, unix, pause):
        while not self.enough():
            try:
                await asyncio.wait_for(kind(unix), PATIENCE)
                self.count[f"{kind.__name__} connections"] += 1
            except (Wrong, asyncio.TimeoutError) as error:
                self.count.complain(f"{kind.__name__}: {type(error).__name__}: {error}")
            except (OSError, EOFError) as error:  # the daemon may cut them off, but for `broken`
                if kind == self.broken:
                    self.count["broken without an answer"] += 1
                else:
                    self.count[f"{kind.__name__} cut off"] += 1
            await asyncio.sleep(random.random() * pause)

    def tasks(self):
        for i, (kind, n, pause) in enumerate((
                (self.broken, 3, 0.1), (self.aborted, 6, 0.1), (self.cut, 3, 0.1),
                (self.slow_sender, 8, 0.1), (self.slow_reader, 6, 0.1), (self.idle, 6, 1))):
            for j in range(n):
                yield self.repeat(kind, (i + j) % 3 == 0, pause)
