"""Reads answers off an asyncio stream, strictly; and connects to the daemon, over TCP or unix."""

import asyncio
import re
import socket
import struct

STATUS = re.compile(rb"HTTP/1\.1 ([1-9]\d\d) [\t -~]*")
PATIENCE = 60  # seconds without an answer are a failure


class Wrong(Exception):
    """The daemon did not answer as it must."""


class Answer:
    def __init__(self, head):
        lines = head[:-4].split(b"\r\n")
        status = STATUS.fullmatch(lines[0])
        if not status:
            raise Wrong(f"bad status line {lines[0][:100]!r}")
        self.status, self.body, self.fields = int(status[1]), b"", {}
        for line in lines[1:]:
            name, colon, value = line.partition(b": ")
            if not colon:
                raise Wrong(f"bad field line {line[:100]!r}")
            self.fields[name.lower().decode()] = value.decode("latin-1")
        self.closes = self.fields.get("connection", "").lower() == "close"


async def _read_chunks(reader):
    body = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        if not re.fullmatch(rb"(0|[1-9a-f][0-9a-f]*)\r\n", line):
            raise Wrong(f"bad chunk size {line[:40]!r}")
        n = int(line, 16)
        chunk = await reader.readexactly(n + 2)
        if chunk[-2:] != b"\r\n":
            raise Wrong("a chunk without its end")
        if n == 0:
            return bytes(body)
        body += chunk[:-2]


async def read_answer(reader, method="GET"):
    return await asyncio.wait_for(_read_answer(reader, method), PATIENCE)


async def _read_answer(reader, method):
    answer = Answer(await reader.readuntil(b"\r\n\r\n"))
    if method == "HEAD" or answer.status < 200 or answer.status in (204, 304):
        return answer
    if answer.fields.get("transfer-encoding") == "chunked":
        answer.body = await _read_chunks(reader)
    elif "content-length" in answer.fields:
        answer.body = await reader.readexactly(int(answer.fields["content-length"]))
    else:
        answer.body = await reader.read()
        answer.closes = True
    return answer


class Place:
    """Where the daemon listens."""

    def __init__(self, port, path):
        self.port, self.path = port, path

    async def connect(self, unix=False, receive_buffer=None, limit=1 << 20):
        """`limit`: twice as many bytes are taken off the socket before somebody reads them."""
        if unix:
            return await asyncio.open_unix_connection(self.path, limit=limit)
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
            return await asyncio.open_connection(sock=sock, limit=limit)
        except OSError:
            sock.close()
            raise


def reset(writer):
    """Ends it with RST, on TCP."""
    sock = writer.get_extra_info("socket")
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
