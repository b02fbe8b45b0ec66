"""The daemon under test: starting it, waiting until it is ready, its output, its end."""

import os
import re
import signal
import socket
import subprocess

from text import Failure

# Never right, whatever a scenario expects.
_ALARM = re.compile(r"panic:|Sanitizer|runtime error:|ERROR SUMMARY: [1-9]|definitely lost: [1-9]")
# Lines that need not be expected: the log at level info, and valgrind's own.
_CHATTER = re.compile(r"muxd: (?!(?:.*?: )?(?:warning|error): )|==\d+==|test: |\s*$")
_BALANCE = re.compile(r"test: total (\S+) started (\d+) finished (\d+)")

VALGRIND = ["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99",
            "--track-fds=no", "--read-inline-info=no",  # which takes a fifth of a short run
            "--"]


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


class States:
    """What the daemon told the service manager: one text a datagram. Somebody has to read them: the
    kernel keeps few, then the daemon would wait."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)
        self.fd, self.ended, self.seen = self.socket.fileno(), False, []
        self.at = 0  # where find() looks first

    def ready(self, _events, _reader):
        try:
            self.seen.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            pass

    def find(self, expression):
        """A line in the datagram it found last or a later one."""
        for i, state in enumerate(self.seen[self.at:], self.at):
            if re.search(expression, state, re.M):
                self.at = i
                return True
        return False


class Daemon:
    def __init__(self, command, poller, directory, environment, inherited):
        self.poller = poller
        self.states = poller.states = States(f"{directory}/notify")
        self.process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, pass_fds=inherited,
            env={**environment, "NOTIFY_SOCKET": f"{directory}/notify"})
        self.output = poller.output = Output(self.process.stdout.fileno())

    def await_ready(self):
        self.poller.wait(lambda: self.states.find("^READY=1$") or self.output.ended, "READY=1")
        if self.output.ended:
            raise Failure(f"the daemon ended at start, status {self.wait()}")

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
        self.states.socket.close()
