"""Reads answers off a byte stream as they come, strictly."""

import re

from client import make_socket
from text import Failure, show

_STATUS = re.compile(rb"HTTP/1\.1 (\d\d\d) [ -~]*")


class Answer:
    def __init__(self, head):
        lines = bytes(head).split(b"\r\n")
        status = _STATUS.fullmatch(lines[0])
        if not status:
            raise Failure(f"bad status line: {show(lines[0])}")
        self.status, self.body = int(status[1]), b""
        self.fields = {}
        for line in lines[1:]:
            name, colon, value = line.partition(b": ")
            if not colon or name.lower() in self.fields:
                raise Failure(f"bad field line: {show(line)}")
            self.fields[name.lower().decode()] = value.decode()
        self.closes = self.fields.get("connection") == "close"


class Reader:
    """feed() it what was received; next() gives the answers that are whole, in order."""

    def __init__(self):
        self.buffer = bytearray()
        self.answer = None   # whose body is to come
        self.chunks = None   # its body so far, if it is chunked

    def feed(self, data):
        self.buffer += data

    def partial(self):
        """What there is of an answer that is not whole, for a human; or None."""
        if self.answer:
            return f"{self.answer.status} with a body cut after {len(self.buffer)} bytes"
        return show(bytes(self.buffer)) if self.buffer else None

    def next(self):
        if not self.answer:
            at = self.buffer.find(b"\r\n\r\n")
            if at < 0:
                return None
            self.answer = Answer(self.buffer[:at])
            del self.buffer[:at + 4]
            self.chunks = bytearray() if "transfer-encoding" in self.answer.fields else None
        if not self._body():
            return None
        answer, self.answer = self.answer, None
        return answer

    def _body(self):
        if self.chunks is None:
            n = int(self.answer.fields.get("content-length", "-1"))
            if n < 0:
                raise Failure(f"an answer without length: {self.answer.fields}")
            if len(self.buffer) < n:
                return False
            self.answer.body = self._take(n)
            return True
        while True:
            end = self.buffer.find(b"\r\n")
            if end < 0:
                return False
            n = int(self.buffer[:end], 16)
            if len(self.buffer) < end + n + 4:
                return False
            chunk = self._take(end + n + 4)
            if chunk[-2:] != b"\r\n":
                raise Failure(f"a chunk is followed by {show(chunk[-2:])}")
            self.chunks += chunk[end + 2:-2]
            if n == 0:
                self.answer.body = bytes(self.chunks)
                return True

    def _take(self, n):
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data


class Asker:
    """One connection that asks for "/", time and again."""

    def __init__(self, address):
        self.socket, self.reader = make_socket(address), Reader()
        self.socket.setblocking(True)
        self.socket.settimeout(20)

    def ask(self):
        """Status and body."""
        self.socket.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while not (answer := self.reader.next()):
            data = self.socket.recv(1 << 16)
            if not data:
                raise Failure("closed instead of an answer")
            self.reader.feed(data)
        return f"{answer.status} {answer.body.decode()}"

    def close(self):
        self.socket.close()
