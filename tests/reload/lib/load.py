"""Clients that ask without pause and check every answer; in processes of their own.

A Load shares with its processes which generations there may be: `done` is the one of which the
daemon has said that it is loaded, `begun` the one that is in the file. An answer must be one that
some generation between the `done` of when it was asked and the `begun` of when it came would give.
"""

import multiprocessing
import random
import select
import socket
import time
from collections import Counter, deque

from answers import Reader
from client import make_socket
from generation import ASKS, Ask
from text import Failure, show

FORK = multiprocessing.get_context("fork")
SILENCE = 10  # seconds without an answer are a failure
COMPLAINTS_MAX = 5


class Shared:
    """Written by the main process; a word each."""

    def __init__(self):
        self.done, self.begun = FORK.RawValue("Q", 0), FORK.RawValue("Q", 0)
        self.stopping = FORK.RawValue("b", 0)  # TERM is on its way
        self.enough = FORK.RawValue("b", 0)    # no more requests


class Connection:
    def __init__(self, load, listener, depth):
        self.load, self.listener, self.depth = load, listener, depth
        self.socket, self.asked = None, deque()
        self.retry = 0

    # Each of these may find the connection at its end.

    def connect(self):
        shared, self.reader = self.load.shared, Reader()
        self.since = shared.done.value
        self.asked.clear()
        self.got = 0  # answers
        self.last = False  # an answer said close
        try:
            self.socket = make_socket(self.load.generations.address(self.listener))
        except Failure as error:
            # A listening socket that is closed resets who has not been accepted.
            reset = "reset" in str(error)
            self.load.count["new" if reset else "refused"] += 1
            if self.listener in ("main", "side") and not shared.stopping.value and not (
                    reset and self.listener == "side"):
                self.load.complain(f"{self.listener}: {error}")
            if shared.stopping.value:
                self.load.connections.remove(self)
            self.retry = time.monotonic() + 0.01
            return
        self.load.poll.register(self.socket, select.POLLIN)
        self.load.by_fd[self.socket.fileno()] = self
        self.ask()

    def ask(self):
        """As many in one write as the depth says."""
        if self.load.shared.enough.value:
            return
        data = b""
        for _ in range(self.depth):
            ask = random.choice(ASKS) if self.listener == "main" else Ask(self.listener, "/", "x")
            self.asked.append((ask, self.load.shared.done.value))
            data += f"GET {ask.path} HTTP/1.1\r\nHost: {ask.host}\r\n\r\n".encode()
        self.begin = time.monotonic()
        try:
            if self.socket.send(data) != len(data):
                raise Failure("a request does not fit in the socket")
        except OSError:
            self.end("unsent")

    def readable(self):
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            self.end("reset")
            return
        if not data:
            self.end("closed")
            return
        self.reader.feed(data)
        while answer := self.reader.next():
            self.judge(answer)
        if not self.asked:
            self.load.slowest = max(self.load.slowest, time.monotonic() - self.begin)
            if not self.last:
                self.ask()

    def judge(self, answer):
        load = self.load
        if not self.asked or self.last:
            raise Failure(f"{self.listener}: an answer nobody asked for: {answer.status}")
        ask, since = self.asked.popleft()
        until = load.shared.begun.value
        load.count["answers"] += 1
        self.got += 1
        self.last = answer.closes
        if answer.closes:  # its listener is gone: the config that had it answers
            since = min(since, self.since)
        if not any(load.generations.right(answer, g, ask) for g in range(until, since - 1, -1)):
            load.complain(f"{ask}, asked at generation {since}, answered by {until}: "
                          f"{answer.status} {answer.fields} {show(answer.body, 30)}")

    def end(self, how):
        """The daemon closed. What was asked and not answered got nothing; half an answer, never."""
        load, shared = self.load, self.load.shared
        load.by_fd.pop(self.socket.fileno())
        load.poll.unregister(self.socket)
        self.socket.close()
        self.socket = None
        load.count["closed"] += 1
        # Owed behind an answer that said close: never begun. Otherwise the daemon closed before the
        # request came, or never accepted the connection.
        if self.asked and not self.last:
            load.count["late" if self.got else "new"] += 1
        if self.reader.partial():
            load.complain(f"{self.listener} {how} in the midst of an answer: "
                          f"{self.reader.partial()}")
        address = load.generations.listeners(self.since).get(self.listener)
        kept = all(load.generations.listeners(g).get(self.listener) == address
                   for g in range(self.since, shared.begun.value + 1))
        if kept and not shared.stopping.value:
            load.complain(f"{self.listener} {how} after {self.got} answers, "
                          f"{len(self.asked)} owed, although it stayed from generation "
                          f"{self.since} to {shared.begun.value}")
        self.connect()


class Load:
    """`wanted`: how many connections by listener. start() before any thread."""

    def __init__(self, generations, shared, wanted):
        self.generations, self.shared, self.wanted = generations, shared, wanted
        self.count, self.slowest, self.complaints = Counter(), 0.0, []
        self.poll, self.by_fd, self.connections = None, {}, []
        self.pipe = self.process = None

    def start(self):
        self.pipe, theirs = FORK.Pipe()
        self.process = FORK.Process(target=self._run, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def collect(self, seconds=30):
        """What became of it: (count, slowest, complaints)."""
        if not self.pipe.poll(seconds):
            self.process.kill()
            return Counter(), 0.0, ["a client process does not end"]
        result = self.pipe.recv()
        self.process.join(seconds)
        return result

    def kill(self):
        if self.process and self.process.is_alive():
            self.process.kill()
            self.process.join()

    def complain(self, text):
        self.count["complaints"] += 1
        if len(self.complaints) < COMPLAINTS_MAX:
            self.complaints.append(text)

    def _run(self, pipe):
        random.seed(1)
        self.poll = select.poll()
        for listener, n in self.wanted.items():
            for i in range(n):
                self.connections.append(Connection(self, listener, 1 + i % 3))
        try:
            self._ask()
        except (Failure, OSError, ValueError) as error:
            self.complain(f"{type(error).__name__}: {error}")
        pipe.send((self.count, self.slowest, self.complaints))

    def _ask(self):
        for connection in list(self.connections):
            connection.connect()
        last = time.monotonic()
        while self.connections and not self._over():
            for fd, _ in self.poll.poll(10):
                if fd in self.by_fd:
                    self.by_fd[fd].readable()
                    last = time.monotonic()
            now = time.monotonic()
            for connection in list(self.connections):
                if not connection.socket and now >= connection.retry:
                    connection.connect()
            if now - last > SILENCE:
                raise Failure(f"no answer for {SILENCE} s; owed: "
                              f"{sum(len(c.asked) for c in self.connections)}")

    def _over(self):
        """All answers are there, and there will be no more."""
        return self.shared.enough.value and not any(
            c.asked for c in self.connections if c.socket)
