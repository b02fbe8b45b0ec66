"""The daemon under test, its config file and its log."""

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

from text import Failure

PATIENCE = 30
RELOAD_MAX = 10  # seconds until the log must tell its outcome, whatever it is
OUTCOME = r"reloaded |reload failed|reload refused"


class Muxd:
    """Started with `config`, a text or a function of the folder; in a folder of its own."""

    def __init__(self, program, config, prefix=()):
        self.folder = tempfile.mkdtemp(prefix="muxd-reload-")
        os.chmod(self.folder, 0o755)
        self.conf = os.path.join(self.folder, "muxd.conf")
        self.program, self.prefix = os.path.abspath(program), list(prefix)
        if prefix:  # another user, who may have no way to where it was built
            self.program = shutil.copy(self.program, self.folder)
        self.lines, self.seen, self.rest, self.ended = [], 0, b"", False
        self.write(config(self.folder) if callable(config) else config)
        self.process = subprocess.Popen(
            [*self.prefix, self.program, "-c", self.conf], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        os.set_blocking(self.process.stderr.fileno(), False)
        self.wait("serving: ")

    def write(self, text):
        """When no load runs. A new file, never one renamed over another: for that ext4 waits until
        the data are on the disk, which may be busy."""
        if os.path.isdir(self.conf):
            os.rmdir(self.conf)
        elif os.path.lexists(self.conf):
            os.unlink(self.conf)
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(text)

    def read_log(self, seconds=0):
        """What there is of it, or comes in that time."""
        if self.ended or not select.select([self.process.stderr], [], [], seconds)[0]:
            return
        data = os.read(self.process.stderr.fileno(), 1 << 16)
        self.ended = not data
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.lines += [line.decode("utf-8", "replace") for line in lines]

    def wait(self, expression, seconds=PATIENCE):
        """The next line that matches; those before it count as seen."""
        end = time.monotonic() + seconds
        while True:
            for i in range(self.seen, len(self.lines)):
                if re.search(expression, self.lines[i]):
                    self.seen = i + 1
                    return self.lines[i]
            left = end - time.monotonic()
            if left <= 0 or self.ended:
                raise Failure(f"no line in the log that matches {expression}; the last ones:\n"
                              + "\n".join(self.lines[-20:]))
            self.read_log(left)

    def reload(self):
        """The line that tells the outcome, the lines before it, and the seconds it took."""
        self.read_log()
        first, begin = len(self.lines), time.monotonic()
        self.process.send_signal(signal.SIGHUP)
        line = self.wait(OUTCOME, RELOAD_MAX)
        took = time.monotonic() - begin
        return line, self.lines[first:self.seen - 1], took

    def check(self):
        """What `muxd check` says: the first line of each message."""
        done = subprocess.run([*self.prefix, self.program, "check", "-c", self.conf],
                              cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        return re.findall(r"^\S.*?: (?:error|warning): .*$", done.stderr, re.M)

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def stop(self, seconds=PATIENCE):
        """TERM; the status. The log is complete then."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_end(seconds)

    def wait_end(self, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not self.ended and time.monotonic() < end:
            self.read_log(end - time.monotonic())
        return self.process.wait(max(0.1, end - time.monotonic()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        shutil.rmtree(self.folder)
