"""Exchanges that take as long as they are told: slow clients, each a thread."""

import os
import select
import socket
import threading
import time
import zlib

from answers import Reader
from client import make_socket
from text import Failure, difference, pattern

SMALL_BUFFER = 64 << 10  # so that the daemon has to hold what is not read
TURN = 0.02


def chunked(data, size):
    pieces = [data[i:i + size] for i in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def post(path, body):
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            + chunked(body, 5000))


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


class Exchange(threading.Thread):
    """Sends `request` and reads the answer evenly over `seconds`, or waits that long; what comes
    must be `expected`. When `last` is set the same connection asks for "/"."""

    last = threading.Event()  # of all: no reload comes after this

    def __init__(self, name, address, request, expected, seconds):
        super().__init__(name=name, daemon=True)
        self.address, self.request, self.expected = address, request, expected
        self.seconds, self.failure, self.took, self.after = seconds, None, 0.0, None

    def run(self):
        try:
            self._exchange()
        except (Failure, OSError, ValueError) as error:
            self.failure = f"{type(error).__name__}: {error}"

    def _exchange(self):
        sock = make_socket(self.address, SMALL_BUFFER)
        sock.setblocking(False)
        begin, reader = time.monotonic(), Reader()
        sent = received = 0
        last, answer = begin, None
        while not answer:
            now = time.monotonic()
            part = min(1.0, (now - begin) / self.seconds)
            may_send = max(1000, int(len(self.request) * part)) - sent
            may_read = int((len(self.expected) + 1000) * part) - received if part < 1 else 1 << 18
            may_send = min(may_send, len(self.request) - sent)
            r, w, _ = select.select([sock] if may_read > 0 else [], [sock] if may_send > 0 else [],
                                    [], TURN)
            if not r or part < 1:
                time.sleep(TURN / 4)  # even, not in bits
            if w:
                sent += sock.send(self.request[sent:sent + may_send])
                last = now
            if r:
                data = sock.recv(min(may_read, 1 << 18))
                if not data:
                    raise Failure(f"closed after {received} bytes; {reader.partial()}")
                received, last = received + len(data), now
                reader.feed(data)
                answer = reader.next()
            if now - last > self.seconds + 20:
                raise Failure(f"stands still; {sent} bytes sent, {received} received")
        self.took = time.monotonic() - begin
        if answer.status != 200 or answer.body != self.expected:
            raise Failure(f"{answer.status}, " + difference(self.expected, answer.body))
        self.last.wait()
        sock.setblocking(True)
        sock.settimeout(20)
        sock.sendall(get("/"))
        while not self.after:
            data = sock.recv(1 << 16)
            if not data:
                raise Failure("closed after its answer")
            reader.feed(data)
            self.after = reader.next()
        sock.close()


ROUTES = [
    'files: { match = "/long/files/"; files: { root = "www"; } }',
    'pool-files: { match = "/long/pool/"; run = "pool"; files: { root = "www"; } }',
    'flood: { match = "/long/flood"; run = "pool"; pool = "jobs"; test_flood: { bytes = "%d"; } }',
    'echo: { match = "/long/echo"; echo: { mode = "body"; } }',
    'slurp: { match = "/long/slurp"; test_slurp: { } }',
    'pool-slurp: { match = "/long/pool-slurp"; run = "pool"; test_slurp: { } }',
    'block: { match = "/long/block"; pool = "jobs"; test_block: { fifo = "gate"; } }',
    'later: { match = "/long/later"; test_later: { fifo = "gate"; } }',
    'sleep: { match = "/long/sleep"; pool = "jobs"; test_sleep: { time = "%dms"; } }',
]


def routes(size, seconds):
    values = {"flood": size, "sleep": int(seconds * 1000)}
    return [r % values[r.split(":")[0]] if r.split(":")[0] in values else r for r in ROUTES]


def prepare(folder, size):
    os.mkdir(f"{folder}/www")
    with open(f"{folder}/www/big", "wb") as file:
        file.write(pattern(size))
    os.mkfifo(f"{folder}/gate")


def exchanges(address, size, seconds):
    """One of each kind, to be started."""
    data = pattern(size)
    small = data[:size // 4]
    told = f"{len(small)} {zlib.crc32(small):08x}\n".encode()
    kinds = [
        ("download of a file", get("/long/files/big"), data),
        ("download of a file, from the pool", get("/long/pool/big"), data),
        ("download a pool job writes", get("/long/flood"), data),
        ("chunked upload, echoed", post("/long/echo", small), small),
        ("chunked upload, counted", post("/long/slurp", small), told),
        ("chunked upload to a pool job", post("/long/pool-slurp", small), told),
        ("pool job that blocks", get("/long/block"), b"released\n"),
        ("request another thread answers", get("/long/later"), b"later\n"),
        ("pool job that sleeps", get("/long/sleep"), b"slept\n"),
    ]
    return [Exchange(name, address, request, expected, seconds)
            for name, request, expected in kinds]
