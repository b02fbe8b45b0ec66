"""The daemon under test: starting it, waiting until it is ready, its output, its end."""

import os
import re
import select
import signal
import socket
import subprocess
import time

from text import Failure

# Never right, whatever a scenario expects.
_ALARM = re.compile(r"panic:|Sanitizer|runtime error:|ERROR SUMMARY: [1-9]|definitely lost: [1-9]")
# Lines that need not be expected: the log at level info, and valgrind's own.
_CHATTER = re.compile(r"muxd: (?!warning: |error: )|==\d+==|test: |\s*$")
_BALANCE = re.compile(r"test: total (\S+) started (\d+) finished (\d+)")

VALGRIND = ["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99",
            "--track-fds=no", "--"]


class Output:
    """What the daemon wrote to standard output and error, by line, as it comes."""

    def __init__(self, fd):
        os.set_blocking(fd, False)
        self.fd, self.ended, self.partial = fd, False, b""
        self.lines, self.expected = [], set()
        self.ignored = []  # expressions

    def ready(self, _events, _reader):
        try:
            data = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return
        self.ended = not data
        *lines, self.partial = (self.partial + data).split(b"\n")
        if self.ended and self.partial:
            lines.append(self.partial)
        self.lines += [line.decode("utf-8", "replace") for line in lines]

    def take(self, expression):
        """Takes the first line not yet taken that matches; returns it, or None."""
        for i, line in enumerate(self.lines):
            if i not in self.expected and re.search(expression, line):
                self.expected.add(i)
                return line
        return None

    def complaints(self):
        return [line for i, line in enumerate(self.lines) if _ALARM.search(line)
                or not (i in self.expected or _CHATTER.match(line)
                        or any(re.search(e, line) for e in self.ignored))]

    def unbalanced(self):
        found = (_BALANCE.match(line) for line in self.lines)
        return [m[0] for m in found if m and m[2] != m[3]]


class Daemon:
    def __init__(self, command, poller, directory, environment, inherited):
        self.poller = poller
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(f"{directory}/notify")
        notify.setblocking(False)
        self.notify, self.states = notify, []
        self.process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, pass_fds=inherited,
            env={**environment, "NOTIFY_SOCKET": f"{directory}/notify"})
        self.output = poller.output = Output(self.process.stdout.fileno())

    def await_ready(self):
        end = time.monotonic() + self.poller.patience
        while not self.ready_seen():
            left = end - time.monotonic()
            if left <= 0:
                raise Failure("the daemon did not say READY=1")
            fds = select.select([self.notify, self.output.fd], [], [], left)[0]
            if self.output.fd in fds:
                self.output.ready(None, None)
                if self.output.ended:
                    raise Failure(f"the daemon ended at start, status {self.wait()}")

    def ready_seen(self):
        try:
            while True:
                self.states.append(self.notify.recv(4096).decode())
        except BlockingIOError:
            return any("READY=1" in state.split("\n") for state in self.states)

    def signal(self, name):
        self.process.send_signal(getattr(signal, f"SIG{name}"))

    def wait(self):
        """The exit status (negative: of a signal), once the output has ended."""
        self.poller.wait(lambda: self.output.ended, "the daemon to end")
        return self.process.wait(self.poller.patience)

    def running(self):
        return self.process.poll() is None

    def kill(self):
        if self.running():
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.notify.close()
