"""A server under measurement: started on a free port of 127.0.0.1, in a folder of its own."""

import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CPUCLOCK_SCHED = 2  # with the process's number: clock_getcpuclockid(3)
UNITS_MS = {"us": 1e-3, "ms": 1, "s": 1e3, "m": 60e3}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def find(program):
    """Its path, or None if it is not installed."""
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")


def need(program):
    return find(program) or sys.exit(f"no {program}")


def pin(core):
    """The calling process on that one of the cores it may use."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})


def wrk(url, seconds, connections, core=1, extra=(), refusals=False):
    """The text wrk prints; ends the program if any request failed, unless `refusals` may be."""
    out = subprocess.run([need("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", *extra, url],
                         capture_output=True, text=True, check=True,
                         preexec_fn=lambda: pin(core)).stdout
    if not refusals and ("Socket errors" in out or "Non-2xx" in out):
        sys.exit(out)
    return out


def percentiles(out, *wanted):
    """Of the latency, in ms, as wrk printed them with --latency."""
    found = [re.search(rf"^ +{q}% +([\d.]+)(us|ms|s|m)$", out, re.M).groups() for q in wanted]
    return [float(value) * UNITS_MS[unit] for value, unit in found]


class WrkCounts:
    """What wrk counted: answers with 2xx, those with another status, connections that ended without an
    answer; and the seconds it took."""

    def __init__(self, out):
        number = r"(\d+)"
        self.refused = int(found[1]) if (found := re.search(rf"responses: {number}", out)) else 0
        requests, self.seconds = re.search(rf"{number} requests in ([\d.]+)s", out).groups()
        self.served, self.seconds = int(requests) - self.refused, float(self.seconds)
        errors = re.search(rf"connect {number}, read {number}, write {number}, timeout {number}", out)
        self.no_connect, read, write, self.late = map(int, errors.groups() if errors else "0000")
        self.ended = read + write
        self.served_rate = self.served / self.seconds


def lacks(command, template):
    """What the daemon says against a configuration: an option that it does not have."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(template.format(port=1, dir="/tmp"))
        file.flush()
        done = subprocess.run([command, "check", "-c", file.name], capture_output=True, text=True,
                              check=False)
    said = [line for line in done.stderr.splitlines() if "error: " in line]
    return said[0].split("error: ")[1] if done.returncode else None


class Daemon:
    """`command` + a file with `template`, in which {port} and {dir} are filled in. `core` None: on
    any. `prepare` is called with the folder first."""

    def __init__(self, name, template, command, core=0, descriptors=None, prepare=None):
        self.name, self.port = name, free_port()
        self.folder = tempfile.mkdtemp(prefix="muxd-bench.")
        if prepare:
            prepare(self.folder)
        conf = os.path.join(self.folder, "conf")
        with open(conf, "w") as f:
            f.write(template.format(port=self.port, dir=self.folder))

        def set_up():
            if core is not None:
                pin(core)
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.log = open(os.path.join(self.folder, "log"), "w+")
        self.process = subprocess.Popen([*command, conf], stderr=self.log, preexec_fn=set_up)
        self.pid = self.process.pid
        for _ in range(200):
            try:
                self.connect().close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{name} does not listen")

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port))

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def cpu_ns(self):
        """Of all threads that it had and has, user and kernel, as the scheduler counts."""
        return time.clock_gettime_ns(~self.pid << 3 | CPUCLOCK_SCHED)

    def cpu_ticks(self):
        """User and kernel, of all threads that it had and has; by what each clock tick found."""
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rsplit(") ", 1)[1].split()
        return int(fields[11]), int(fields[12])

    def cpu_ms(self):
        """Of all threads that it had and has, user and kernel; in ticks of 10 ms."""
        return sum(self.cpu_ticks()) * 1e3 / os.sysconf("SC_CLK_TCK")

    def _status_kib(self, name):
        with open(f"/proc/{self.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(name))

    def peak_kib(self):
        """The most memory it ever had resident."""
        return self._status_kib("VmHWM")

    def rss_kib(self):
        """What it has resident now."""
        return self._status_kib("VmRSS")

    def n_descriptors(self, kind=""):
        """Open ones whose kind, as /proc has it, begins so: "socket:", "/" for files."""
        n, folder = 0, f"/proc/{self.pid}/fd"
        for fd in os.listdir(folder):
            try:
                n += os.readlink(f"{folder}/{fd}").startswith(kind)
            except OSError:
                pass  # closed meanwhile
        return n

    def n_sockets(self):
        return self.n_descriptors("socket:")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait()
        self.log.seek(0)
        text = self.log.read()
        self.remove()
        return status, text

    def remove(self):
        shutil.rmtree(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
