"""A server under measurement: started on a free port of 127.0.0.1, in a folder of its own."""

import glob
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def need(program):
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") or sys.exit(f"no {program}")


def pin(core):
    """The calling process on that one of the cores it may use."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})


def wrk(url, seconds, connections, core=1, extra=()):
    """The text wrk prints; ends the program if any request failed."""
    out = subprocess.run([need("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", *extra, url],
                         capture_output=True, text=True, check=True,
                         preexec_fn=lambda: pin(core)).stdout
    if "Socket errors" in out or "Non-2xx" in out:
        sys.exit(out)
    return out


class Daemon:
    """`command` + a file with `template`, in which {port} and {dir} are filled in. `core` None: on
    any."""

    def __init__(self, name, template, command, core=0, descriptors=None):
        self.name, self.port = name, free_port()
        self.folder = tempfile.mkdtemp(prefix="muxd-bench.")
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
        """Of all its threads, user and kernel, as the scheduler counts."""
        total = 0
        for path in glob.glob(f"/proc/{self.pid}/task/*/schedstat"):
            with open(path) as f:
                total += int(f.read().split()[0])
        return total

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
