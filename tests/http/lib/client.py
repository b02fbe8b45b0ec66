"""The client's side: connections that are waited on together, and a strict reader of responses.

Nothing here blocks: a Poller waits for one condition and meanwhile flushes what any connection
still has to send, collects the daemon's output, and reads from the one connection that is asked.
So a connection nobody reads from stays unread, and its peer gets blocked when its buffers are full.
"""

import re
import select
import socket
import struct
import time
import zlib

from text import Failure, show

FINAL_WITHOUT_BODY = (204, 304)
_STATUS = re.compile(rb"HTTP/1\.1 ([1-9]\d\d) ([\t -~]*)")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*")
_DATE = re.compile(rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|"
                   rb"Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT")


class Cut(Failure):
    """The connection ended where more had to come."""


class Poller:
    """Waits for a condition while all sources make progress."""

    def __init__(self, patience):
        self.patience = patience  # seconds until a wait has failed
        self.clients = {}
        self.output = None  # the daemon's, see daemon.py
        self.states = None  # what it tells the service manager

    def wait(self, condition, what, client=None, seconds=None):
        """True once condition() holds; without `seconds` a failure when it never does."""
        end = time.monotonic() + (self.patience if seconds is None else seconds)
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                if seconds is None:
                    raise Failure(f"waited {self.patience:g} s for {what}")
                return False
            self._turn(client, left)
        return True

    def _turn(self, reader, timeout):
        poll, by_fd = select.poll(), {}
        for client in self.clients.values():
            events = client.wants(client is reader)
            if events:
                poll.register(client.socket, events)
                by_fd[client.socket.fileno()] = client
        for source in (self.output, self.states):
            if source and not source.ended:
                poll.register(source.fd, select.POLLIN)
                by_fd[source.fd] = source
        for fd, events in poll.poll(timeout * 1000):
            by_fd[fd].ready(events, reader)


def make_socket(address, receive_buffer=None):
    if address.startswith("unix:"):
        kind, target = socket.AF_UNIX, address[5:].replace("@", "\0", 1)
    else:
        host, port = address.rsplit(":", 1)
        kind = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        target = (host.strip("[]").replace("*", "127.0.0.1"), int(port))
    sock = socket.socket(kind, socket.SOCK_STREAM)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        sock.connect(target)
    except OSError as error:
        sock.close()
        raise Failure(f"connect {address}: {error.strerror}") from None
    sock.setblocking(False)
    return sock


class Client:
    def __init__(self, name, poller, address, receive_buffer=None):
        self.name, self.poller = name, poller
        self.socket = make_socket(address, receive_buffer)
        self.out = memoryview(b"")
        self.input = bytearray()
        self.target = None  # while pulling: the length of input at which to stop
        self.eof = False
        self.reset = False
        self.cut = None  # False: to be told when the peer is gone, although nobody reads
        poller.clients[name] = self

    # ---- for the Poller

    def wants(self, reading):
        events = select.POLLOUT if self.out else 0
        if reading and not self.eof:
            events |= select.POLLIN
        if self.cut is False:
            events |= select.POLLRDHUP
        return events

    def ready(self, events, reader):
        if events & (select.POLLOUT | select.POLLERR | select.POLLHUP) and self.out:
            self._flush()
        if events & (select.POLLRDHUP | select.POLLHUP | select.POLLERR):
            self.cut = True
        if reader is self:
            self._read(1 << 16 if self.target is None else self.target - len(self.input))

    def _flush(self):
        try:
            self.out = self.out[self.socket.send(self.out):]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self.out = memoryview(b"")  # the peer wants no more; what it said is still to be read

    def _read(self, n):
        try:
            data = self.socket.recv(n)
        except BlockingIOError:
            return
        except ConnectionResetError:
            self.eof = self.reset = True
            return
        self.eof = not data
        self.input += data

    # ---- sending

    def send(self, data):
        self.out = memoryview(bytes(self.out) + data) if self.out else memoryview(data)
        self._flush()

    def sent(self):
        self.poller.wait(lambda: not self.out, f"{self.name} to send all it has")

    def shutdown(self):
        self.sent()
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # already reset

    def close(self):
        self.socket.close()
        self.poller.clients.pop(self.name, None)

    def abort(self):
        """RST instead of FIN (on TCP)."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    # ---- receiving

    def _until(self, condition, what):
        self.poller.wait(lambda: condition() or self.eof, what, self)

    def pull(self, n):
        """Reads n bytes and not one more into the buffer, where an expectation will find them."""
        self.target = len(self.input) + n
        self._until(lambda: len(self.input) >= self.target, f"{n} bytes on {self.name}")
        missing, self.target = self.target - len(self.input), None
        if missing:
            raise Failure(f"{self.name} {self._how_ended()} {missing} bytes before {n} had come")

    def take(self, n, what):
        self._until(lambda: len(self.input) >= n, what)
        if len(self.input) < n:
            raise Cut(f"{self.name} {self._how_ended()} while waiting for {what}; "
                      f"received: {show(bytes(self.input)) or 'nothing'}")
        data = bytes(self.input[:n])
        del self.input[:n]
        return data

    def take_until(self, mark, what):
        at = -1

        def found():
            nonlocal at
            at = self.input.find(mark)
            return at >= 0
        self._until(found, what)
        if at < 0:
            return self.take(len(self.input) + 1, what)  # tells how it ended
        return self.take(at + len(mark), what)

    def take_all(self):
        self._until(lambda: False, f"{self.name} to be closed")
        return self.take(len(self.input), "the end")

    def _how_ended(self):
        return "was reset" if self.reset else "was closed"

    def expect_end(self, by_reset=None):
        """The peer closes without another byte; by_reset None: either way."""
        self._until(lambda: self.input, f"{self.name} to be closed")
        if self.input:
            raise Failure(f"{self.name}: expected the end, received: {show(bytes(self.input))}")
        if by_reset is not None and by_reset != self.reset:
            raise Failure(f"{self.name} {self._how_ended()}")

    def expect_cut(self):
        """The peer closes, whatever is still to be read."""
        self.cut = self.cut or False
        self.poller.wait(lambda: self.cut, f"{self.name} to be cut off")

    def expect_silence(self, seconds):
        self.poller.wait(lambda: self.input or self.eof, "", self, seconds)
        if self.input:
            raise Failure(f"{self.name}: expected silence, received: {show(bytes(self.input))}")
        if self.eof:
            raise Failure(f"{self.name}: expected silence, but it {self._how_ended()}")


class Response:
    """One response, read strictly: anything a careful client might stumble over is a failure."""

    def __init__(self, client, method="GET", truncated=False):
        self.head = client.take_until(b"\r\n\r\n", "a response head")
        lines = self.head[:-4].split(b"\r\n")
        status = _STATUS.fullmatch(lines[0])
        if not status:
            raise Failure(f"bad status line: {show(lines[0])}")
        self.status, self.reason = int(status[1]), status[2].decode()
        self.fields = []
        for line in lines[1:]:
            field = _FIELD.fullmatch(line)
            if not field:
                raise Failure(f"bad field line: {show(line)}")
            self.fields.append((field[1].decode(), field[2].decode("latin-1")))
        self.framing = self._framing(method)
        self.truncated = False
        try:
            self.body = self._read_body(client)
        except Failure:
            if not truncated or not client.eof:
                raise
            self.truncated = True
            self.body = bytes(client.input)
            client.input.clear()
        if truncated and not self.truncated:
            raise Failure(f"the response is whole, expected a truncated one:\n{self.text()}")

    def values(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def text(self):
        return show(self.head) + "\n" + show(self.body)

    def decoded(self):
        """The body without its content coding, gzip."""
        if self.values("Content-Encoding") != ["gzip"]:
            raise Failure(f"the body is not gzip:\n{show(self.head)}")
        decoder = zlib.decompressobj(wbits=31)
        try:
            body = decoder.decompress(self.body)
        except zlib.error as error:
            raise Failure(f"bad gzip: {error}\n{self.text()}") from error
        if not decoder.eof or decoder.unused_data:
            raise Failure(f"the gzip does not end with the body:\n{self.text()}")
        return body

    def _framing(self, method):
        lengths, codings = self.values("Content-Length"), self.values("Transfer-Encoding")
        if self.status < 200:
            if lengths or codings:
                raise Failure(f"an interim response with framing fields:\n{show(self.head)}")
            return "none"
        dates = self.values("Date")
        if len(dates) != 1 or not _DATE.fullmatch(dates[0].encode()):
            raise Failure(f"one well-formed Date expected:\n{show(self.head)}")
        if len(lengths) + len(codings) > 1 or (lengths and not lengths[0].isdigit()) \
                or codings not in ([], ["chunked"]):
            raise Failure(f"ambiguous framing:\n{show(self.head)}")
        if self.status == 204 and (lengths or codings):
            raise Failure(f"204 with framing fields:\n{show(self.head)}")
        if method == "HEAD" or self.status in FINAL_WITHOUT_BODY:
            return "none"
        return "chunked" if codings else "length" if lengths else "close"

    def _read_body(self, client):
        if self.framing == "none":
            return b""
        if self.framing == "length":
            n = int(self.values("Content-Length")[0])
            return client.take(n, f"a body of {n} bytes")
        if self.framing == "close":
            body = client.take_all()
            if client.reset:
                raise Cut("the body is ended by a reset")
            return body
        body = bytearray()
        while True:
            line = client.take_until(b"\r\n", "a chunk size")
            if not re.fullmatch(rb"(0|[1-9a-f][0-9a-f]*)\r\n", line):
                raise Failure(f"bad chunk size: {show(line)}")
            n = int(line, 16)
            chunk = client.take(n + 2, f"a chunk of {n} bytes")
            if chunk[n:] != b"\r\n":
                raise Failure(f"a chunk of {n} bytes is not followed by CRLF but {show(chunk[n:])}")
            if n == 0:
                return bytes(body)
            body += chunk[:n]
