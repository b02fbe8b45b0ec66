"""A slowfs (slowfs.c) that is mounted, and the mount namespace it needs."""

import os
import re
import select
import subprocess
import sys
import time

PATIENCE = 20
PERIOD = bytes(range(251))
CANNOT = 77
INSIDE = "MUXD_OWN_MOUNTS"


class CannotMount(Exception):
    pass


def own_mounts():
    """Starts this program again where it may mount unseen; returns there. Or raises CannotMount."""
    if INSIDE in os.environ:
        return
    command = ["unshare", "--mount", "--propagation", "private"]
    try:
        done = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise CannotMount(str(error)) from error
    if done.returncode:
        raise CannotMount(done.stderr.strip())
    os.environ[INSIDE] = "1"
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


def content(n, size):
    """Of the n-th file."""
    first = n % len(PERIOD)
    return (PERIOD * ((first + size) // len(PERIOD) + 1))[first:first + size]


class Slowfs:
    """With files f0, f1, ... of `size` bytes each, on a new directory. `options` as of slowfs."""

    def __init__(self, program, directory, n, size, options=()):
        os.mkdir(directory)
        self.size, self.text = size, ""
        self.process = subprocess.Popen(
            [program, *options, directory, *(f"f{i}={size}" for i in range(n))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        if not self._wait(lambda: "ready\n" in self.text):
            said = self.process.stderr.read().decode().strip()
            if self.process.wait(PATIENCE) == CANNOT:
                raise CannotMount(said)
            raise RuntimeError(f"slowfs ended: {said}")

    def _wait(self, condition, seconds=PATIENCE):
        """Whether that came about in time; false as soon as slowfs has ended."""
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return False
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                return False
            self.text += data.decode()
        return True

    def _say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def hold(self):
        self._say("hold")

    def release(self):
        self._say("release")

    def most_held(self):
        """Of how many files at once calls were kept so far, as known by now."""
        return max(map(int, re.findall(r"held (\d+)\n", self.text)), default=0)

    def wait_held(self, n, seconds=PATIENCE):
        """Until calls to n files are kept; false if that does not come about."""
        return self._wait(lambda: self.most_held() >= n, seconds)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()
        self.process.stderr.close()
